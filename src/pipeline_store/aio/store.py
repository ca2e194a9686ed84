"""The awaited unit of work and store: the same names, over a synchronous store and a bridge."""

from __future__ import annotations

from functools import cached_property
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Literal,
    ParamSpec,
    Self,
    TypeVar,
    final,
    overload,
)

from pipeline_store.aio.channels import (
    AsyncChannelRepository,
    AsyncChannelStatisticsRepository,
    AsyncConfigurationChangeRepository,
    AsyncMusicRepository,
    AsyncProcessingJobRepository,
    AsyncSystemConfigurationRepository,
    AsyncTransformationPresetRepository,
    AsyncVideoRepository,
    AsyncVideoStatisticsRepository,
)
from pipeline_store.aio.lifting import Lifted, awaits
from pipeline_store.aio.production import (
    AsyncAnalyticsRepository,
    AsyncClipRepository,
    AsyncConfigOverrideRepository,
    AsyncDiscoveredVideoRepository,
    AsyncErrorLogRepository,
    AsyncPipelineRunRepository,
    AsyncReviewLogRepository,
    AsyncScriptRepository,
    AsyncShortRepository,
    AsyncTTSAudioRepository,
)
from pipeline_store.aio.tasks import (
    AsyncQuotaRepository,
    AsyncTaskRepository,
    AsyncTaskTransitionRepository,
    AsyncUploadRepository,
)
from pipeline_store.aio.turns import InTurn
from pipeline_store.aio.wakeups import AsyncWakeups
from pipeline_store.awaited import is_awaited
from pipeline_store.errors import InvalidValue
from pipeline_store.tasks import MOST_ATTEMPTS
from pipeline_store.unit_of_work import Store, UnitOfWork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta
    from types import TracebackType

    from pipeline_store.aio.lifting import Bridge
    from pipeline_store.channels import JobType, ProcessingJob
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task, TaskStatus

P = ParamSpec("P")
T = TypeVar("T")
AnyLifted = TypeVar("AnyLifted", bound=Lifted[Any])


def _refuse_awaited(service: object) -> None:
    if is_awaited(service):
        raise InvalidValue(
            "service: a synchronous function expected, found one that is awaited; call it yourself,"
            " with an awaited unit of work"
        )


class _Collection(cached_property[AnyLifted]):
    """The awaited face of the synchronous collection of the same name."""

    def __init__(self, kind: type[AnyLifted]) -> None:
        def make(unit_of_work: AsyncUnitOfWork) -> AnyLifted:
            collection = getattr(unit_of_work.counterpart, self.attrname or "")
            return kind(collection, unit_of_work.bridge)

        super().__init__(make)


@final
class AsyncUnitOfWork(Lifted[UnitOfWork]):
    """`pipeline_store.UnitOfWork`, awaited: `async with store.unit_of_work() as uow`.

    It is one transaction: what several tasks call on it at once is done one after the other.
    """

    discovered_videos = _Collection(AsyncDiscoveredVideoRepository)
    pipeline_runs = _Collection(AsyncPipelineRunRepository)
    clips = _Collection(AsyncClipRepository)
    scripts = _Collection(AsyncScriptRepository)
    tts_audio = _Collection(AsyncTTSAudioRepository)
    shorts = _Collection(AsyncShortRepository)
    analytics = _Collection(AsyncAnalyticsRepository)
    reviews = _Collection(AsyncReviewLogRepository)
    config_overrides = _Collection(AsyncConfigOverrideRepository)
    errors = _Collection(AsyncErrorLogRepository)
    channels = _Collection(AsyncChannelRepository)
    videos = _Collection(AsyncVideoRepository)
    jobs = _Collection(AsyncProcessingJobRepository)
    presets = _Collection(AsyncTransformationPresetRepository)
    music = _Collection(AsyncMusicRepository)
    channel_statistics = _Collection(AsyncChannelStatisticsRepository)
    video_statistics = _Collection(AsyncVideoStatisticsRepository)
    system_configuration = _Collection(AsyncSystemConfigurationRepository)
    configuration_changes = _Collection(AsyncConfigurationChangeRepository)
    tasks = _Collection(AsyncTaskRepository)
    task_transitions = _Collection(AsyncTaskTransitionRepository)
    quotas = _Collection(AsyncQuotaRepository)
    uploads = _Collection(AsyncUploadRepository)

    def __init__(self, counterpart: UnitOfWork, bridge: Bridge) -> None:
        """Await the calls of `counterpart` over `bridge`, one at a time."""
        self._in_turn = InTurn(bridge)
        super().__init__(counterpart, self._in_turn)

    async def commit(self) -> None:
        """See `pipeline_store.UnitOfWork.commit`."""
        await self.bridge(self.counterpart.commit)

    async def rollback(self) -> None:
        """See `pipeline_store.UnitOfWork.rollback`."""
        await self.bridge(self.counterpart.rollback)

    def now(self) -> datetime:
        """See `pipeline_store.UnitOfWork.now`; nothing to await."""
        return self.counterpart.now()

    async def run(
        self,
        service: Callable[Concatenate[UnitOfWork, P], T],
        /,
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """Call a synchronous service with this unit of work, inside one await, without a commit.

        Raises:
            InvalidValue: the service is awaited itself.
        """
        _refuse_awaited(service)
        return await self.bridge(service, self.counterpart, *arguments, **named)

    async def __aenter__(self) -> Self:
        await self.bridge(self.counterpart.__enter__)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._in_turn.call_at_last(self.counterpart.__exit__, kind, error, trace)


@final
class AsyncStore(Lifted[Store]):
    """`pipeline_store.Store`, awaited."""

    def unit_of_work(self, *, read_only: bool = False) -> AsyncUnitOfWork:
        """See `pipeline_store.Store.unit_of_work`; entering it is awaited."""
        return AsyncUnitOfWork(self.counterpart.unit_of_work(read_only=read_only), self.bridge)

    async def run(
        self,
        service: Callable[Concatenate[UnitOfWork, P], T],
        /,
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """Call a synchronous service with a unit of work of its own, inside one await.

        Committed when the service returns, rolled back when it raises.

        Raises:
            InvalidValue: the service is awaited itself.
        """
        _refuse_awaited(service)

        def whole() -> T:
            with self.counterpart.unit_of_work() as unit_of_work:
                result = service(unit_of_work, *arguments, **named)
                unit_of_work.commit()
                return result

        return await self.bridge(whole)

    @overload
    async def claim_next(
        self,
        worker: str,
        *,
        lease: timedelta,
        queue: Literal["jobs"] = "jobs",
        job_types: Iterable[JobType] | None = None,
    ) -> Claim[ProcessingJob] | None: ...

    @overload
    async def claim_next(
        self,
        worker: str,
        *,
        lease: timedelta,
        queue: Literal["tasks"],
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> Claim[Task] | None: ...

    async def claim_next(
        self,
        worker: str,
        *,
        lease: timedelta,
        queue: Literal["jobs", "tasks"] = "jobs",
        job_types: Iterable[JobType] | None = None,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> Claim[ProcessingJob] | Claim[Task] | None:
        """See `pipeline_store.Store.claim_next`."""
        of_tasks: Any = {"stages": stages, "most_attempts": most_attempts, "ageing": ageing}
        options: Any = {"job_types": job_types, **of_tasks}
        claim: Any = self.counterpart.claim_next
        return await self.bridge(claim, worker, lease=lease, queue=queue, **options)

    @overload
    async def claim_batch(
        self,
        worker: str,
        n: int,
        *,
        lease: timedelta,
        queue: Literal["jobs"] = "jobs",
        job_types: Iterable[JobType] | None = None,
    ) -> list[Claim[ProcessingJob]]: ...

    @overload
    async def claim_batch(
        self,
        worker: str,
        n: int,
        *,
        lease: timedelta,
        queue: Literal["tasks"],
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> list[Claim[Task]]: ...

    async def claim_batch(
        self,
        worker: str,
        n: int,
        *,
        lease: timedelta,
        queue: Literal["jobs", "tasks"] = "jobs",
        job_types: Iterable[JobType] | None = None,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> list[Claim[ProcessingJob]] | list[Claim[Task]]:
        """See `pipeline_store.Store.claim_batch`."""
        of_tasks: Any = {"stages": stages, "most_attempts": most_attempts, "ageing": ageing}
        options: Any = {"job_types": job_types, **of_tasks}
        claim: Any = self.counterpart.claim_batch
        return await self.bridge(claim, worker, n, lease=lease, queue=queue, **options)

    def wakeups(self) -> AsyncWakeups:
        """See `pipeline_store.Store.wakeups`; entering and waiting are awaited."""
        return AsyncWakeups(self.counterpart.wakeups(), self.bridge)

    enqueue = awaits(Store.enqueue)
    complete = awaits(Store.complete)
    complete_many = awaits(Store.complete_many)
    complete_and_claim_next = awaits(Store.complete_and_claim_next)
    complete_and_claim_batch = awaits(Store.complete_and_claim_batch)
    upgrade = awaits(Store.upgrade)
    downgrade = awaits(Store.downgrade)
    current = awaits(Store.current)
    close = awaits(Store.close)

    async def __aenter__(self) -> Self:
        """Do nothing: the first unit of work connects."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self.close()
