"""A piece of work on a video, and the queue that workers take it from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

import attrs

from pipeline_store import values
from pipeline_store.entity import entity
from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.fields import (
    choice,
    instant,
    integer,
    json_object,
    key_text,
    text,
    uuid_identity,
    uuid_reference,
)
from pipeline_store.pauses import JOBS_PAUSED, PAUSED
from pipeline_store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline_store.claim import Claim

MOST_URGENT: Final = 10
MOST_ATTEMPTS: Final = 32
FIRST_WAIT: Final = timedelta(seconds=1)


class JobType(StrEnum):
    """What is to be done."""

    SCRAPE = "scrape"
    DOWNLOAD = "download"
    TRANSFORM = "transform"
    PUBLISH = "publish"


class JobStatus(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    RETRYING = "retrying"


WAITING: Final = (JobStatus.QUEUED, JobStatus.RETRYING)
"""The statuses in which a job can be claimed once nothing makes it wait."""

ENDED: Final = (JobStatus.COMPLETED, JobStatus.FAILED)


def wait_after(attempts: int) -> timedelta:
    """Return how long a job waits after that many failed attempts: 1 s x 2^(attempts - 1)."""
    doubled: int = 2 ** max(attempts - 1, 0)
    return FIRST_WAIT * doubled


def _check_video(job_type: JobType, video_id: UUID | None) -> None:
    if video_id is None and job_type != JobType.SCRAPE:
        raise InvalidValue(f"video_id: a {job_type} job needs a video")


def _change_video(job: ProcessingJob, wanted: UUID | None) -> None:
    _check_video(job.job_type, wanted)


def _change_type(job: ProcessingJob, wanted: JobType) -> None:
    _check_video(wanted, job.video_id)


@entity
class ProcessingJob:
    """One piece of work. Claiming, finishing and failing it are calls of the repository."""

    id: UUID = uuid_identity()
    #: None for scraping only, which finds videos.
    video_id: UUID | None = uuid_reference(
        "videos", default=None, on_delete="cascade", on_move=_change_video
    )
    channel_id: UUID = uuid_reference("channels")
    job_type: JobType = choice(JobType, on_move=_change_type)
    status: JobStatus = choice(JobStatus, default=JobStatus.QUEUED)
    #: 10 is urgent; of equals, the one queued first is done first.
    priority: int = integer(default=0, most=MOST_URGENT)
    #: Claims since it was queued, or retried by hand.
    attempts: int = integer(default=0)
    max_attempts: int = integer(default=3, least=1, most=MOST_ATTEMPTS)
    error_message: str | None = text(default=None)
    error_details: Mapping[str, Any] | None = json_object(default=None)
    queued_at: datetime = instant(default=None, now_by_default=True)
    #: The latest claim.
    started_at: datetime | None = instant(default=None)
    completed_at: datetime | None = instant(default=None)
    github_workflow_run_id: str | None = text(default=None)
    #: Who holds it while it is processing.
    worker: str | None = key_text(default=None)
    #: Grows with every claim; a write with an older one is refused.
    lease_token: int = integer(default=0)
    #: While processing, when the lease ends; while retrying, until when it waits; else None.
    due_at: datetime | None = instant(default=None)
    created_at: datetime = instant(default=None, now_by_default=True)
    updated_at: datetime = instant(default=None, now_by_default=True, now_on_change=True)

    def __attrs_post_init__(self) -> None:
        """Refuse work on no video, but for scraping."""
        _check_video(self.job_type, self.video_id)

    def queue_again(self, now: datetime) -> None:
        """Put a failed job, or one that waits for its next attempt, back with a new count.

        Raises:
            IllegalTransition: it is queued, processing or completed.
        """
        if self.status not in (JobStatus.FAILED, JobStatus.RETRYING):
            raise IllegalTransition(
                f"job {self.id}", self.status, JobStatus.QUEUED, _moves_from(self.status)
            )
        self.status = JobStatus.QUEUED
        self.attempts = 0
        self.queued_at = now
        self.started_at = self.completed_at = self.due_at = self.worker = None
        self.error_message = self.error_details = None


def _moves_from(status: JobStatus) -> list[str]:
    moves: dict[JobStatus, list[str]] = {
        JobStatus.QUEUED: [JobStatus.PROCESSING],
        JobStatus.PROCESSING: [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.RETRYING],
    }
    return moves.get(status, [])


@attrs.frozen(kw_only=True)
class JobStatistics:
    """How the queue, or one type of job, is doing."""

    #: Every status, also those that no job is in.
    counts: Mapping[JobStatus, int]
    #: Completed jobs among those completed or failed for good, 0 to 1; None without any.
    success_rate: float | None
    #: From being queued to the latest claim, of all jobs that were claimed; to the millisecond.
    mean_wait: timedelta | None
    #: From the latest claim to the end, of completed jobs; to the millisecond.
    mean_run: timedelta | None


def statistics_of(
    counts: Mapping[JobStatus, int], mean_wait: timedelta | None, mean_run: timedelta | None
) -> JobStatistics:
    """Return the statistics from counts by status and mean times."""
    ended = sum(counts.get(status, 0) for status in ENDED)
    return JobStatistics(
        counts={status: counts.get(status, 0) for status in JobStatus},
        success_rate=counts.get(JobStatus.COMPLETED, 0) / ended if ended else None,
        mean_wait=mean_wait,
        mean_run=mean_run,
    )


def mean_of(microseconds: int, number: int) -> timedelta | None:
    """Return the mean of so many times, to the millisecond, or None without any.

    In whole numbers, so that every store rounds alike.
    """
    if number == 0:
        return None
    return timedelta(milliseconds=round(Fraction(microseconds, number * 1_000)))


def checked_types(job_types: Any) -> tuple[JobType, ...]:
    """Return the types to claim, all of them for None, in one order.

    Raises:
        InvalidValue: none is named, or one is unknown.
    """
    if job_types is None:
        return tuple(JobType)
    values.check_several("job_types", job_types)
    wanted = {values.as_member("job_types", JobType, each) for each in job_types}
    if not wanted:
        raise InvalidValue("job_types: at least one expected, or None for all")
    return tuple(each for each in JobType if each in wanted)


def pause_key(job_type: Any) -> str:
    """Return the key in `config_overrides` that pauses one type of job, or all for None.

    Raises:
        InvalidValue: there is no such type.
    """
    if job_type is None:
        return JOBS_PAUSED
    return f"{JOBS_PAUSED}.{values.as_member('job_type', JobType, job_type).value}"


def paused_of(overrides: Iterable[tuple[str, str]]) -> list[str]:
    """Return what the keys and values under `JOBS_PAUSED` pause, the whole queue first."""
    pausing = {key for key, value in overrides if value == PAUSED}
    whole = ["*"] if JOBS_PAUSED in pausing else []
    return whole + [each.value for each in JobType if pause_key(each) in pausing]


class ProcessingJobRepository(Repository[ProcessingJob, UUID], Protocol):
    """All jobs, and the queue of those to be done.

    A claim is a lease: when it ends without a word of the worker, the job comes back by itself.
    Leases and waits are judged by the clock of the database server, on SQLite and in memory by that
    of the store. Nothing is claimed while the queue, or the type of job, is paused.
    """

    def claim_next(
        self, worker: str, lease: timedelta, job_types: Iterable[JobType] | None = None
    ) -> Claim[ProcessingJob] | None:
        """Take the most urgent job, the oldest of equals, or return None.

        Its `attempts` rises by one. The lease is 1 millisecond to 7 days.
        """
        ...

    def claim_batch(
        self, worker: str, n: int, lease: timedelta, job_types: Iterable[JobType] | None = None
    ) -> list[Claim[ProcessingJob]]:
        """Take up to `n` jobs, 1 to 1,000, as `claim_next` would one after the other."""
        ...

    def heartbeat(self, claim: Claim[ProcessingJob], lease: timedelta) -> Claim[ProcessingJob]:
        """Let the lease end that much from now, and return the claim with its new end.

        Raises:
            LeaseLost: it has ended, or somebody else has the job.
        """
        ...

    def complete(self, claim: Claim[ProcessingJob]) -> None:
        """Record that the job is done.

        In the unit of work that also writes the job's effect, both happen or neither.

        Raises:
            LeaseLost: the lease has ended, or somebody else has the job; nothing was changed.
        """
        ...

    def complete_many(self, claims: Iterable[Claim[ProcessingJob]]) -> None:
        """Record that these jobs, up to 1,000, are done.

        Raises:
            LeaseLost: naming the jobs whose lease has ended; the others are recorded.
        """
        ...

    def fail(
        self,
        claim: Claim[ProcessingJob],
        message: str,
        details: Mapping[str, Any] | None = None,
        permanent: bool = False,
    ) -> None:
        """Record that the attempt failed.

        With attempts left the job waits 1 s x 2^(attempts - 1) and can be claimed again; without,
        or when `permanent`, it has failed until somebody retries it.

        Raises:
            LeaseLost: the lease has ended, or somebody else has the job; nothing was changed.
        """
        ...

    def release(self, claim: Claim[ProcessingJob]) -> None:
        """Give the job back as if it had not been claimed: the attempt does not count.

        Raises:
            LeaseLost: the lease has ended, or somebody else has the job; nothing was changed.
        """
        ...

    def retry(self, job_id: UUID) -> ProcessingJob:
        """Queue a failed job again, or one that waits for its next attempt, with a new count.

        Raises:
            NotFound: there is no such job.
            IllegalTransition: it is queued, processing or completed.
        """
        ...

    def pause(self, job_type: JobType | None = None, by: str = "system") -> None:
        """Hand out no more jobs, or none of one type; those being worked on go on."""
        ...

    def resume(self, job_type: JobType | None = None) -> bool:
        """End that pause and return whether there was one."""
        ...

    def paused(self) -> list[str]:
        """Return what is paused: "*" for the whole queue, and types of jobs."""
        ...

    def in_status(
        self, status: JobStatus, limit: int = 100, job_type: JobType | None = None
    ) -> list[ProcessingJob]:
        """Return the jobs in that status, all or of one type, in the order they are handed out.

        `limit` is 1 to 10,000.
        """
        ...

    def count_by_channel(self) -> dict[UUID, dict[JobStatus, int]]:
        """Return how many jobs each channel has in each status, by `Channel.id`.

        Channels and statuses without any are left out.
        """
        ...

    def statistics(self, job_type: JobType | None = None) -> JobStatistics:
        """Return counts by status, success rate and mean times, of all jobs or of one type."""
        ...
