"""How many videos and jobs each channel has, by status, and jobs of one status and type."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store.channels import Channel, JobStatus, JobType, ProcessingJob, Video, VideoStatus
from pipeline_store.errors import InvalidValue

if TYPE_CHECKING:
    from uuid import UUID

    from pipeline_store import Store, UnitOfWork

LEASE = timedelta(minutes=5)


@pytest.fixture
def channels(store: Store) -> list[UUID]:
    """The keys of three channels, the last of which stays without anything."""
    with store.unit_of_work() as uow:
        added = uow.channels.add_many(Channel(channel_id=name, name=name) for name in "abc")
        uow.commit()
    return [channel.id for channel in added]


def add_video(uow: UnitOfWork, channel_id: UUID, **statuses: str) -> None:
    """A video of its own source."""
    source = f"https://example.org/{uow.videos.count()}"
    video = Video(channel_id=channel_id, source_url=source, source_title="", source_platform="x")
    for name, status in statuses.items():
        setattr(video, f"{name}_status", status)
    uow.videos.add(video)


def test_nothing_is_counted_where_there_is_nothing(store: Store) -> None:
    """A channel without videos or jobs is left out."""
    with store.unit_of_work() as uow:
        uow.channels.add(Channel(channel_id="a", name="A"))
        assert (uow.videos.count_by_status(), uow.jobs.count_by_channel()) == ({}, {})


def test_videos_are_counted_by_their_whole_status(store: Store, channels: list[UUID]) -> None:
    """Different ways to the same status are added up; what is not committed yet counts."""
    first, second, _ = channels
    with store.unit_of_work() as uow:
        add_video(uow, first)
        add_video(uow, first, download="failed")
        add_video(uow, first, publication="failed", transformation="transformed")
        add_video(uow, second, download="downloaded", transformation="processing")
        uow.commit()
        add_video(uow, second, publication="published")
        assert uow.videos.count_by_status() == {
            first: {VideoStatus.PENDING: 1, VideoStatus.FAILED: 2},
            second: {VideoStatus.PROCESSING: 1, VideoStatus.PUBLISHED: 1},
        }
        uow.rollback()
        counts = uow.videos.count_by_status()
    assert counts[second] == {VideoStatus.PROCESSING: 1}
    assert {type(status) for each in counts.values() for status in each} == {VideoStatus}


def test_jobs_are_counted_by_channel_and_status(store: Store, channels: list[UUID]) -> None:
    """Each status by itself."""
    first, second, _ = channels
    with store.unit_of_work() as uow:
        for channel_id, priority in ((first, 3), (first, 2), (first, 1), (second, 0)):
            job = ProcessingJob(channel_id=channel_id, job_type="scrape", priority=priority)
            uow.jobs.add(job)
        done = uow.jobs.claim_next("w", LEASE)
        failed = uow.jobs.claim_next("w", LEASE)
        assert done is not None
        assert failed is not None
        uow.jobs.complete(done)
        uow.jobs.fail(failed, "broken", permanent=True)
        assert uow.jobs.count_by_channel() == {
            first: {JobStatus.COMPLETED: 1, JobStatus.FAILED: 1, JobStatus.QUEUED: 1},
            second: {JobStatus.QUEUED: 1},
        }


def test_jobs_of_a_status_and_type(store: Store, channels: list[UUID]) -> None:
    """The limit counts those of the type, in the order in which they are handed out."""
    with store.unit_of_work() as uow:
        add_video(uow, channels[0])
        [video] = uow.videos.page()
        for priority in range(5):
            for job_type, video_id in (("scrape", None), ("download", video.id)):
                job = ProcessingJob(
                    channel_id=channels[0],
                    video_id=video_id,
                    job_type=job_type,
                    priority=priority,
                )
                uow.jobs.add(job)
        found = uow.jobs.in_status(JobStatus.QUEUED, 3, JobType.DOWNLOAD)
        assert [(job.job_type, job.priority) for job in found] == [
            (JobType.DOWNLOAD, 4),
            (JobType.DOWNLOAD, 3),
            (JobType.DOWNLOAD, 2),
        ]
        assert len(uow.jobs.in_status(JobStatus.QUEUED)) == 10
        assert uow.jobs.in_status(JobStatus.FAILED, job_type=JobType.DOWNLOAD) == []
        with pytest.raises(InvalidValue, match="job_types: one of"):
            uow.jobs.in_status(JobStatus.QUEUED, job_type="paint")  # type: ignore[arg-type]
