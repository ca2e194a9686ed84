"""What services depend on: the named collections, and when their changes count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, overload

from pipeline_store.channels import (
    ChannelRepository,
    ChannelStatisticsRepository,
    ConfigurationChangeRepository,
    MusicRepository,
    ProcessingJob,
    ProcessingJobRepository,
    SystemConfigurationRepository,
    TransformationPresetRepository,
    VideoRepository,
    VideoStatisticsRepository,
)
from pipeline_store.production import (
    AnalyticsRepository,
    ClipRepository,
    ConfigOverrideRepository,
    DiscoveredVideoRepository,
    ErrorLogRepository,
    PipelineRunRepository,
    ReviewLogRepository,
    ScriptRepository,
    ShortRepository,
    TTSAudioRepository,
)
from pipeline_store.tasks import (
    MOST_ATTEMPTS,
    QuotaRepository,
    Task,
    TaskRepository,
    TaskTransitionRepository,
    UploadRepository,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta
    from types import TracebackType
    from typing import Self

    from pipeline_store.channels import JobType
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import TaskStatus
    from pipeline_store.wakeups import Wakeups

Item = TypeVar("Item", ProcessingJob, Task)


class Collections(Protocol):
    """The collections of a unit of work, by name."""

    discovered_videos: DiscoveredVideoRepository
    pipeline_runs: PipelineRunRepository
    clips: ClipRepository
    scripts: ScriptRepository
    tts_audio: TTSAudioRepository
    shorts: ShortRepository
    analytics: AnalyticsRepository
    reviews: ReviewLogRepository
    config_overrides: ConfigOverrideRepository
    errors: ErrorLogRepository

    channels: ChannelRepository
    videos: VideoRepository
    jobs: ProcessingJobRepository
    presets: TransformationPresetRepository
    music: MusicRepository
    channel_statistics: ChannelStatisticsRepository
    video_statistics: VideoStatisticsRepository
    system_configuration: SystemConfigurationRepository
    configuration_changes: ConfigurationChangeRepository

    tasks: TaskRepository
    task_transitions: TaskTransitionRepository
    quotas: QuotaRepository
    uploads: UploadRepository


class UnitOfWork(Collections, Protocol):
    """A group of changes that happen together or not at all.

    A context manager: leaving it without `commit()` rolls back. An error that the database raised
    undoes the whole unit of work; further calls raise `RolledBack` until `rollback()`.

    All threads may share the store. In a unit of work they share one transaction, and take turns.
    """

    def commit(self) -> None:
        """Make the changes permanent and visible to others; the unit of work can go on after.

        Raises:
            Conflict: somebody else changed one of the objects first; nothing was written.
            CommitUnknown: the connection was lost before the database answered.
        """
        ...

    def rollback(self) -> None:
        """Undo the changes since the start or the last commit.

        Objects that were added are new again; objects that were read keep their values, belong to
        no unit of work any more and should be read again.
        """
        ...

    def now(self) -> datetime:
        """Return the present instant by the store's clock, aware, in UTC."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Store(Protocol):
    """Where objects are kept. Making one touches nothing; the first unit of work connects.

    A context manager: leaving it closes it, as `close()` does.
    """

    def unit_of_work(self, *, read_only: bool = False) -> UnitOfWork:
        """Return a new unit of work.

        One that is `read_only` takes no write lock and refuses writes with `ReadOnly`.

        Raises:
            SchemaOutOfDate: the database is not at the revision that this package needs.
        """
        ...

    def enqueue(self, tasks: Iterable[Task]) -> int:
        """Store new tasks in a unit of work of their own, and return how many.

        All of them or none; see `TaskRepository.enqueue`.
        """
        ...

    @overload
    def claim_next(
        self,
        worker: str,
        *,
        lease: timedelta,
        queue: Literal["jobs"] = "jobs",
        job_types: Iterable[JobType] | None = None,
    ) -> Claim[ProcessingJob] | None: ...

    @overload
    def claim_next(
        self,
        worker: str,
        *,
        lease: timedelta,
        queue: Literal["tasks"],
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> Claim[Task] | None: ...

    def claim_next(
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
        """Take the next job, or task, without a unit of work, by a call that commits itself.

        See `ProcessingJobRepository.claim_next` and `TaskRepository.claim_next`; this is the
        worker's short way. `job_types` is for jobs; `stages`, `most_attempts` and `ageing` are for
        tasks.
        """
        ...

    @overload
    def claim_batch(
        self,
        worker: str,
        n: int,
        *,
        lease: timedelta,
        queue: Literal["jobs"] = "jobs",
        job_types: Iterable[JobType] | None = None,
    ) -> list[Claim[ProcessingJob]]: ...

    @overload
    def claim_batch(
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

    def claim_batch(
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
        """Do so for up to `n` jobs or tasks; see `claim_batch` of their repositories."""
        ...

    def complete(self, claim: Claim[ProcessingJob] | Claim[Task]) -> None:
        """Record that the job is done, or move the task on, without a unit of work.

        See `ProcessingJobRepository.complete` and `TaskRepository.complete`, which in a unit of
        work go together with the effect.
        """
        ...

    def complete_many(self, claims: Iterable[Claim[ProcessingJob]] | Iterable[Claim[Task]]) -> None:
        """Do so for several jobs, or for several tasks; see their repositories."""
        ...

    def complete_and_claim_next(
        self,
        claim: Claim[Item],
        *,
        lease: timedelta,
        job_types: Iterable[JobType] | None = None,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> Claim[Item] | None:
        """Complete a job, or a task, and take the next one for the same worker, in one call.

        For tasks both are one commit, and on PostgreSQL one round trip. A claim that is lost raises
        `LeaseLost` as `complete` does, and nothing is taken. The rest is as in `claim_next`.
        """
        ...

    def complete_and_claim_batch(
        self,
        claims: Iterable[Claim[Item]],
        n: int,
        *,
        lease: timedelta,
        job_types: Iterable[JobType] | None = None,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> list[Claim[Item]]:
        """Do so for several claims of one worker, and take up to `n`.

        Where some are lost the others are completed all the same, as by `complete_many`.
        """
        ...

    def wakeups(self) -> Wakeups:
        """Return hints that there may be a task to claim; entering it begins to notice them.

        On PostgreSQL they come with the commits of others, over a connection of its own beside the
        pool; on SQLite a look at the file tells within a quarter of a second whether it was
        written; in memory every commit is one.
        """
        ...

    def upgrade(self) -> None:
        """Create what is missing in the database, or bring it to the newest revision."""
        ...

    def downgrade(self, revision: str) -> None:
        """Take the schema back to `revision`; "base" removes every table of this package."""
        ...

    def current(self) -> str | None:
        """Return the revision the database is at, or None when it has none."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...

    def __enter__(self) -> Self:
        """Do nothing: the first unit of work connects."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self.close()
