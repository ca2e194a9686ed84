"""A store in memory, for tests: the same promises, no database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, final

from pipeline_store.clock import checked, utc_now
from pipeline_store.memory.channels import (
    MemoryChannelRepository,
    MemoryChannelStatisticsRepository,
    MemoryConfigurationChangeRepository,
    MemoryMusicRepository,
    MemoryProcessingJobRepository,
    MemorySystemConfigurationRepository,
    MemoryTransformationPresetRepository,
    MemoryVideoRepository,
    MemoryVideoStatisticsRepository,
)
from pipeline_store.memory.production import (
    MemoryAnalyticsRepository,
    MemoryClipRepository,
    MemoryConfigOverrideRepository,
    MemoryDiscoveredVideoRepository,
    MemoryErrorLogRepository,
    MemoryPipelineRunRepository,
    MemoryReviewLogRepository,
    MemoryScriptRepository,
    MemoryShortRepository,
    MemoryTTSAudioRepository,
)
from pipeline_store.memory.session import MemorySession
from pipeline_store.memory.tables import Tables
from pipeline_store.memory.tasks import (
    MemoryQuotaRepository,
    MemoryTaskRepository,
    MemoryTaskTransitionRepository,
    MemoryUploadRepository,
)
from pipeline_store.memory.wakeups import MemoryWakeups
from pipeline_store.short_way import ShortWay
from pipeline_store.unit_of_work import Store, UnitOfWork

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime
    from types import TracebackType

    from pipeline_store.clock import Clock
    from pipeline_store.short_way import Queues


@final
class MemoryUnitOfWork(UnitOfWork):
    """The collections over dictionaries."""

    def __init__(self, session: MemorySession, clock: Clock) -> None:
        """Work over `session`; take the time from `clock`."""
        self.session = session
        self._clock = clock
        self.discovered_videos = MemoryDiscoveredVideoRepository(session, clock)
        self.pipeline_runs = MemoryPipelineRunRepository(session, clock)
        self.clips = MemoryClipRepository(session, clock)
        self.scripts = MemoryScriptRepository(session, clock)
        self.tts_audio = MemoryTTSAudioRepository(session, clock)
        self.shorts = MemoryShortRepository(session, clock)
        self.analytics = MemoryAnalyticsRepository(session, clock)
        self.reviews = MemoryReviewLogRepository(session, clock)
        self.config_overrides = MemoryConfigOverrideRepository(session, clock)
        self.errors = MemoryErrorLogRepository(session, clock)
        self.tasks = MemoryTaskRepository(session, clock)
        self.task_transitions = MemoryTaskTransitionRepository(session, clock)
        self.quotas = MemoryQuotaRepository(session, clock)
        self.uploads = MemoryUploadRepository(session, clock)
        self.channels = MemoryChannelRepository(session, clock)
        self.videos = MemoryVideoRepository(session, clock)
        self.jobs = MemoryProcessingJobRepository(session, clock)
        self.presets = MemoryTransformationPresetRepository(session, clock)
        self.music = MemoryMusicRepository(session, clock)
        self.channel_statistics = MemoryChannelStatisticsRepository(session, clock)
        self.video_statistics = MemoryVideoStatisticsRepository(session, clock)
        self.system_configuration = MemorySystemConfigurationRepository(session, clock)
        self.configuration_changes = MemoryConfigurationChangeRepository(session, clock)

    def commit(self) -> None:
        """See `pipeline_store.unit_of_work.UnitOfWork.commit`."""
        self.session.commit()

    def rollback(self) -> None:
        """See `pipeline_store.unit_of_work.UnitOfWork.rollback`."""
        self.session.rollback()

    def now(self) -> datetime:
        """See `pipeline_store.unit_of_work.UnitOfWork.now`."""
        return self._clock()

    def __enter__(self) -> Self:
        self.session.entered = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget what was not committed."""
        self.session.close()


@final
class MemoryStore(ShortWay, Store):
    """Objects in this process, gone when it ends.

    What it does not promise: it does not wait for other units of work, so what would wait on a
    database is a `Conflict` here; keys may be given in another order than on a database when
    threads add at once.
    """

    def __init__(self, *, clock: Clock = utc_now) -> None:
        """Start empty."""
        self._tables = Tables()
        self._clock = checked(clock)

    def unit_of_work(self, *, read_only: bool = False) -> MemoryUnitOfWork:
        """See `pipeline_store.unit_of_work.Store.unit_of_work`."""
        return MemoryUnitOfWork(
            MemorySession(self._tables, self._clock, read_only=read_only), self._clock
        )

    def wakeups(self) -> MemoryWakeups:
        """See `pipeline_store.unit_of_work.Store.wakeups`."""
        return MemoryWakeups(self._tables)

    @contextmanager
    def _queues(self) -> Generator[Queues]:
        """Work alone, and keep what was done even when some of it was refused."""
        with self._tables.lock, self.unit_of_work() as uow:
            try:
                yield uow
            finally:
                uow.commit()

    def upgrade(self) -> None:
        """Do nothing: there is no schema."""

    def downgrade(self, revision: str) -> None:
        """Remove everything when `revision` is "base"."""
        if revision == "base":
            self._tables = Tables()

    def current(self) -> str | None:
        """Return None: there is no schema."""
        return None

    def close(self) -> None:
        """Do nothing: there is no connection."""
