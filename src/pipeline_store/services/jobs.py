"""What an operator asks of the queue of jobs: adding, listing, and when a job's turn comes."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import frozen

from pipeline_store.channels import JobStatus, JobType, ProcessingJob
from pipeline_store.channels.processing_job import WAITING, pause_key, wait_after
from pipeline_store.errors import NotFound
from pipeline_store.pauses import PAUSED
from pipeline_store.repository import check_limit
from pipeline_store.services.lookup import channel_named
from pipeline_store.values import check_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline_store.channels import Channel, JobStatistics, Video
    from pipeline_store.unit_of_work import UnitOfWork

LISTED_FIRST: Final = (
    JobStatus.PROCESSING,
    JobStatus.QUEUED,
    JobStatus.RETRYING,
    JobStatus.FAILED,
    JobStatus.COMPLETED,
)
"""The statuses as a list of all jobs has them: what is going on, what comes, what is over."""


@frozen(kw_only=True)
class JobOutlook:
    """When a job's turn comes if nobody says anything about it before.

    Times are those of the clock that judges leases; what is over is told by the store's.
    """

    #: From when on it can be claimed, long past for one that only waits its turn; None when it
    #: never can without somebody's word.
    claimable_at: datetime | None
    #: Whether its type, or the whole queue, is paused: it is not claimed before that ends.
    is_paused: bool
    #: Whether it is still processing though its lease has ended: the next claim takes it away.
    lease_has_ended: bool


def queue_job(
    uow: UnitOfWork,
    channel_id: str,
    job_type: JobType,
    video: str | None = None,
    *,
    priority: int = 0,
    max_attempts: int = 3,
) -> ProcessingJob:
    """Add a job for a channel, named by its `channel_id`.

    The video, which only scraping goes without, is named by its key, its source or its id on
    YouTube.

    Raises:
        NotFound: there is no such channel, or it has no such video.
        InvalidValue: the type needs a video, or a number is out of bounds.
    """
    channel = channel_named(uow, channel_id)
    video_id = None if video is None else _video_of(uow, channel, video).id
    job = ProcessingJob(
        channel_id=channel.id,
        video_id=video_id,
        job_type=job_type,
        priority=priority,
        max_attempts=max_attempts,
    )
    return uow.jobs.add(job)


def listed_jobs(
    uow: UnitOfWork,
    status: JobStatus | None = None,
    job_type: JobType | None = None,
    limit: int = 20,
) -> list[ProcessingJob]:
    """Return up to `limit` jobs, 1 to 10,000, those being worked on first.

    Those of one status are in the order in which they are handed out.
    """
    check_limit(limit)
    statuses = LISTED_FIRST if status is None else (status,)

    def each() -> Iterator[ProcessingJob]:
        for one in statuses:
            yield from uow.jobs.in_status(one, limit, job_type)

    return list(islice(each(), limit))


def outlook(uow: UnitOfWork, job: ProcessingJob) -> JobOutlook:
    """Return when a job's turn comes."""
    keys = (pause_key(None), pause_key(job.job_type))
    return JobOutlook(
        claimable_at=_claimable_at(job),
        is_paused=any(uow.config_overrides.value(key) == PAUSED for key in keys),
        lease_has_ended=job.status == JobStatus.PROCESSING
        and job.due_at is not None
        and job.due_at <= uow.now(),
    )


def statistics_by_type(uow: UnitOfWork) -> dict[JobType, JobStatistics]:
    """Return how each type of job is doing."""
    return {job_type: uow.jobs.statistics(job_type) for job_type in JobType}


def _claimable_at(job: ProcessingJob) -> datetime | None:
    if job.status in WAITING:
        return job.due_at or job.queued_at
    if job.status != JobStatus.PROCESSING or job.due_at is None:
        return None
    if job.attempts >= job.max_attempts:
        return None
    return job.due_at + wait_after(job.attempts)


def _video_of(uow: UnitOfWork, channel: Channel, named: str) -> Video:
    check_text("video", named)
    key = _key_in(named)
    found = [
        None if key is None else uow.videos.find(key),
        uow.videos.by_source_url(channel.id, named),
        uow.videos.by_youtube_video_id(named),
    ]
    for video in found:
        if video is not None and video.channel_id == channel.id:
            return video
    raise NotFound(
        f"channel {channel.channel_id} has no video {named!r}; a video is named by its key, its "
        "source or its id on YouTube"
    )


def _key_in(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
