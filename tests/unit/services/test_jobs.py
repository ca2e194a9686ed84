"""What an operator asks of the queue of jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store.channels import Channel, JobStatus, JobType, ProcessingJob, Video
from pipeline_store.errors import InvalidValue, NotFound
from pipeline_store.services import jobs
from tests.unit.services.conftest import NOON

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork
    from pipeline_store.claim import Claim
    from tests.unit.services.conftest import SetClock

LEASE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def channel(uow: UnitOfWork) -> Channel:
    """A channel."""
    return uow.channels.add(Channel(channel_id="nature1", name="Nature"))


@pytest.fixture
def video(uow: UnitOfWork, channel: Channel) -> Video:
    """A video of the channel."""
    video = Video(
        channel_id=channel.id,
        source_url="https://example.org/v",
        source_title="V",
        source_platform="x",
        youtube_video_id="abcdefghijk",
    )
    return uow.videos.add(video)


def claim(uow: UnitOfWork) -> Claim[ProcessingJob]:
    claimed = uow.jobs.claim_next("w1", LEASE)
    assert claimed is not None
    return claimed


def test_a_job_is_queued(uow: UnitOfWork, channel: Channel) -> None:
    """With what was asked for."""
    job = jobs.queue_job(uow, "nature1", JobType.SCRAPE, priority=7, max_attempts=1)
    assert (job.channel_id, job.video_id, job.status) == (channel.id, None, JobStatus.QUEUED)
    assert (job.priority, job.max_attempts) == (7, 1)
    assert uow.jobs.get(job.id) is job


def test_a_video_is_named_in_three_ways(uow: UnitOfWork, video: Video) -> None:
    """Its key, its source, its id on YouTube."""
    for named in (str(video.id), video.id.hex, "https://example.org/v", "abcdefghijk"):
        job = jobs.queue_job(uow, "nature1", JobType.DOWNLOAD, named)
        assert job.video_id == video.id


def test_a_job_needs_a_channel_and_its_video(uow: UnitOfWork, video: Video) -> None:
    """A video of another channel is none of this one; only scraping needs none."""
    uow.channels.add(Channel(channel_id="nature2", name="Nature"))
    with pytest.raises(NotFound, match="no channel 'nature'; did you mean nature"):
        jobs.queue_job(uow, "nature", JobType.SCRAPE)
    for named in (str(video.id), "abcdefghijk", "https://example.org/v"):
        with pytest.raises(NotFound, match="channel nature2 has no video"):
            jobs.queue_job(uow, "nature2", JobType.DOWNLOAD, named)
    with pytest.raises(InvalidValue, match="a download job needs a video"):
        jobs.queue_job(uow, "nature1", JobType.DOWNLOAD)
    assert uow.jobs.count() == 0


def test_jobs_are_listed_from_what_is_going_on(uow: UnitOfWork, video: Video) -> None:
    """In work, queued by their turn, retrying, failed, completed; up to the limit."""
    for priority in range(6):
        jobs.queue_job(uow, "nature1", JobType.SCRAPE, priority=priority)
    jobs.queue_job(uow, "nature1", JobType.PUBLISH, str(video.id))
    uow.jobs.complete(claim(uow))
    uow.jobs.fail(claim(uow), "broken", permanent=True)
    uow.jobs.fail(claim(uow), "later")
    claim(uow)
    listed = [(job.status.value, job.priority) for job in jobs.listed_jobs(uow)]
    assert listed == [
        ("processing", 2),
        ("queued", 1),
        ("queued", 0),
        ("queued", 0),
        ("retrying", 3),
        ("failed", 4),
        ("completed", 5),
    ]
    assert [job.priority for job in jobs.listed_jobs(uow, limit=2)] == [2, 1]
    assert [job.priority for job in jobs.listed_jobs(uow, JobStatus.FAILED)] == [4]
    [published] = jobs.listed_jobs(uow, job_type=JobType.PUBLISH)
    assert published.video_id == video.id
    assert jobs.listed_jobs(uow, JobStatus.FAILED, JobType.PUBLISH) == []
    with pytest.raises(InvalidValue, match="limit"):
        jobs.listed_jobs(uow, limit=0)


def test_the_turn_of_a_job_on_its_way(uow: UnitOfWork, clock: SetClock) -> None:
    """Queued: since then. In work: a wait after its lease. Retrying: when its wait is over."""
    job = jobs.queue_job(uow, "nature1", JobType.SCRAPE, max_attempts=3)
    assert jobs.outlook(uow, job) == jobs.JobOutlook(
        claimable_at=NOON, is_paused=False, lease_has_ended=False
    )
    claim(uow)
    assert jobs.outlook(uow, job).claimable_at == NOON + LEASE + SECOND
    clock.let_pass(LEASE)
    ended = jobs.outlook(uow, job)
    assert (ended.claimable_at, ended.lease_has_ended) == (NOON + LEASE + SECOND, True)
    assert uow.jobs.claim_next("w2", LEASE) is None
    clock.let_pass(SECOND)
    uow.jobs.fail(claim(uow), "broken")
    waiting = jobs.outlook(uow, job)
    assert waiting.claimable_at == clock.time + 2 * SECOND
    assert not waiting.lease_has_ended


def test_the_prediction_is_what_happens(uow: UnitOfWork, clock: SetClock) -> None:
    """A job whose worker is never heard of is claimed at the said instant, and not before."""
    job = jobs.queue_job(uow, "nature1", JobType.SCRAPE, max_attempts=3)
    claim(uow)
    for _ in range(2):
        at = jobs.outlook(uow, job).claimable_at
        assert at is not None
        clock.time = at - timedelta(microseconds=1)
        assert uow.jobs.claim_next("w2", LEASE) is None
        assert jobs.outlook(uow, job).claimable_at == at
        clock.time = at
        assert claim(uow).item is job
    assert jobs.outlook(uow, job).claimable_at is None
    clock.let_pass(timedelta(days=1))
    assert uow.jobs.claim_next("w2", LEASE) is None


def test_jobs_that_have_no_turn(uow: UnitOfWork) -> None:
    """Completed, failed, or on the last attempt: nothing happens without somebody's word."""
    for _ in range(3):
        jobs.queue_job(uow, "nature1", JobType.SCRAPE, max_attempts=1)
    done, failed, last = uow.jobs.claim_batch("w1", 3, LEASE)
    uow.jobs.complete(done)
    uow.jobs.fail(failed, "broken")
    for each in (done, failed, last):
        assert jobs.outlook(uow, each.item).claimable_at is None


def test_a_pause_is_told(uow: UnitOfWork) -> None:
    """Of its type or of all, not of another type."""
    job = jobs.queue_job(uow, "nature1", JobType.SCRAPE)
    uow.jobs.pause(JobType.DOWNLOAD)
    assert not jobs.outlook(uow, job).is_paused
    uow.jobs.pause(JobType.SCRAPE)
    assert jobs.outlook(uow, job).is_paused
    uow.jobs.resume(JobType.SCRAPE)
    uow.jobs.pause()
    assert jobs.outlook(uow, job).is_paused


def test_statistics_of_every_type(uow: UnitOfWork) -> None:
    """Types without jobs too."""
    jobs.queue_job(uow, "nature1", JobType.SCRAPE)
    found = jobs.statistics_by_type(uow)
    assert list(found) == list(JobType)
    assert found[JobType.SCRAPE].counts[JobStatus.QUEUED] == 1
    assert sum(found[JobType.PUBLISH].counts.values()) == 0
