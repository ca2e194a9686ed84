"""How the channels stand."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    JobStatus,
    ProcessingJob,
    Video,
    VideoStatus,
)
from pipeline_store.errors import NotFound
from pipeline_store.services import pauses
from pipeline_store.services.channels_overview import channel_status, channels_status
from tests.unit.services.conftest import NOON

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork

LEASE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


@pytest.fixture
def channel(uow: UnitOfWork) -> Channel:
    """A channel."""
    return uow.channels.add(Channel(channel_id="nature1", name="Nature"))


def test_an_empty_store_has_no_channels(uow: UnitOfWork) -> None:
    """There is nothing to tell, and that is no error."""
    assert channels_status(uow) == []


def test_a_new_channel_has_nothing(uow: UnitOfWork, channel: Channel) -> None:
    """No videos, no jobs, and nobody knows who watches."""
    [status] = channels_status(uow)
    assert status.channel is channel
    assert (status.videos_by_status, status.jobs_by_status) == ({}, {})
    assert (status.jobs_waiting, status.jobs_processing, status.jobs_failed) == (0, 0, 0)
    assert (status.is_paused, status.state, status.latest_statistics) == (False, "active", None)


def test_channels_are_told_by_name_with_their_state(uow: UnitOfWork) -> None:
    """Capital letters first; one that is not active is that, paused or not."""
    for name in ("b", "a", "B", "c"):
        uow.channels.add(Channel(channel_id=name, name=name, is_active=name != "c"))
    pauses.pause_channel(uow, "a")
    pauses.pause_channel(uow, "c")
    found = [(each.channel.channel_id, each.state, each.is_paused) for each in channels_status(uow)]
    assert found == [
        ("B", "active", False),
        ("a", "paused", True),
        ("b", "active", False),
        ("c", "inactive", True),
    ]


def test_videos_and_jobs_are_those_of_the_channel(uow: UnitOfWork, channel: Channel) -> None:
    """By status, in the order of their way."""
    other = uow.channels.add(Channel(channel_id="other", name="Other"))
    for number, (of, status) in enumerate(
        [(channel, "published"), (channel, "pending"), (channel, "published"), (other, "failed")]
    ):
        uow.videos.add(
            Video(
                channel_id=of.id,
                source_url=str(number),
                source_title="",
                source_platform="x",
                publication_status=status,
            )
        )
    for of, priority in ((channel, 9), (channel, 8), (channel, 7), (channel, 6), (other, 0)):
        uow.jobs.add(ProcessingJob(channel_id=of.id, job_type="scrape", priority=priority))
    first, second, _third = uow.jobs.claim_batch("w", 3, LEASE)
    uow.jobs.fail(first, "broken", permanent=True)
    uow.jobs.fail(second, "later")
    its, others = channels_status(uow)
    assert list(its.videos_by_status.items()) == [
        (VideoStatus.PENDING, 1),
        (VideoStatus.PUBLISHED, 2),
    ]
    assert its.jobs_by_status == {
        JobStatus.QUEUED: 1,
        JobStatus.PROCESSING: 1,
        JobStatus.FAILED: 1,
        JobStatus.RETRYING: 1,
    }
    assert (its.jobs_waiting, its.jobs_processing, its.jobs_failed) == (2, 1, 1)
    assert others.videos_by_status == {VideoStatus.FAILED: 1}
    assert (others.jobs_waiting, others.jobs_processing, others.jobs_failed) == (1, 0, 0)


def test_the_latest_reading_counts(uow: UnitOfWork, channel: Channel) -> None:
    """Not the last one that was stored; what it hides is unknown, whatever an older one told."""
    for time, subscribers in ((NOON, None), (NOON - SECOND, 2**40)):
        reading = ChannelStatistics(channel_id=channel.id, timestamp=time)
        reading.subscriber_count = subscribers
        uow.channel_statistics.add(reading)
    latest = channel_status(uow, "nature1").latest_statistics
    assert latest is not None
    assert (latest.timestamp, latest.subscriber_count) == (NOON, None)


def test_a_channel_that_is_not_there(uow: UnitOfWork) -> None:
    """It is an error, not an empty answer."""
    with pytest.raises(NotFound, match="no channel 'nature9'"):
        channel_status(uow, "nature9")
