"""A unit of work over one SQLAlchemy session."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self, final

from pipeline_store.clock import checked, utc_now
from pipeline_store.sql.channels import (
    SqlChannelRepository,
    SqlChannelStatisticsRepository,
    SqlConfigurationChangeRepository,
    SqlMusicRepository,
    SqlProcessingJobRepository,
    SqlSystemConfigurationRepository,
    SqlTransformationPresetRepository,
    SqlVideoRepository,
    SqlVideoStatisticsRepository,
)
from pipeline_store.sql.failures import unless_interrupted
from pipeline_store.sql.guest import GuestSession
from pipeline_store.sql.production import (
    SqlAnalyticsRepository,
    SqlClipRepository,
    SqlConfigOverrideRepository,
    SqlDiscoveredVideoRepository,
    SqlErrorLogRepository,
    SqlPipelineRunRepository,
    SqlReviewLogRepository,
    SqlScriptRepository,
    SqlShortRepository,
    SqlTTSAudioRepository,
)
from pipeline_store.sql.tasks import (
    SqlQuotaRepository,
    SqlTaskRepository,
    SqlTaskTransitionRepository,
    SqlUploadRepository,
)
from pipeline_store.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType

    from sqlalchemy.orm import Session

    from pipeline_store.clock import Clock
    from pipeline_store.sql.session import GuardedSession


@final
class SqlUnitOfWork(UnitOfWork):
    """The collections over one transaction of SQLite or PostgreSQL."""

    def __init__(
        self,
        session: GuardedSession,
        clock: Clock,
        check_schema: Callable[[], None] | None = None,
    ) -> None:
        """Work over `session`; `check_schema` runs when the unit of work is entered."""
        self.session = session
        self._clock = clock
        self.discovered_videos = SqlDiscoveredVideoRepository(session, clock)
        self.pipeline_runs = SqlPipelineRunRepository(session, clock)
        self.clips = SqlClipRepository(session, clock)
        self.scripts = SqlScriptRepository(session, clock)
        self.tts_audio = SqlTTSAudioRepository(session, clock)
        self.shorts = SqlShortRepository(session, clock)
        self.analytics = SqlAnalyticsRepository(session, clock)
        self.reviews = SqlReviewLogRepository(session, clock)
        self.config_overrides = SqlConfigOverrideRepository(session, clock)
        self.errors = SqlErrorLogRepository(session, clock)
        self.channels = SqlChannelRepository(session, clock)
        self.videos = SqlVideoRepository(session, clock)
        self.jobs = SqlProcessingJobRepository(session, clock)
        self.presets = SqlTransformationPresetRepository(session, clock)
        self.music = SqlMusicRepository(session, clock)
        self.channel_statistics = SqlChannelStatisticsRepository(session, clock)
        self.video_statistics = SqlVideoStatisticsRepository(session, clock)
        self.system_configuration = SqlSystemConfigurationRepository(session, clock)
        self.configuration_changes = SqlConfigurationChangeRepository(session, clock)
        self.tasks = SqlTaskRepository(session, clock)
        self.task_transitions = SqlTaskTransitionRepository(session, clock)
        self.quotas = SqlQuotaRepository(session, clock)
        self.uploads = SqlUploadRepository(session, clock)
        self._check_schema = check_schema

    @classmethod
    def over(cls, session: Session, *, clock: Clock = utc_now) -> Self:
        """Work inside the transaction of the caller's own session, which is never committed here.

        `commit()` only writes to the session; leaving without it undoes what was done since the
        unit of work was entered, by a savepoint, and leaves the caller's earlier work alone.
        """
        now = checked(clock)
        return cls(GuestSession(session, now), now)

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
        """Check the schema; the transaction starts with the first statement."""
        if self._check_schema is not None:
            self._check_schema()
        self.session.enter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Undo what was not committed, and give the connection back."""
        try:
            with unless_interrupted(error):
                self.session.rollback()
        finally:
            # The interruption may have come while it was undone.
            with unless_interrupted(sys.exception() or error):
                self.session.close()
