"""How the channels stand: what is paused, what waits, what went online, who watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from pipeline_store.channels import JobStatus, VideoStatus
from pipeline_store.channels.processing_job import WAITING
from pipeline_store.services.lookup import everything
from pipeline_store.services.pauses import paused_channels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_store.channels import Channel, ChannelStatistics
    from pipeline_store.unit_of_work import UnitOfWork


@frozen(kw_only=True)
class ChannelStatus:
    """How one channel stands."""

    channel: Channel
    is_paused: bool
    #: Those statuses alone that some video is in.
    videos_by_status: Mapping[VideoStatus, int]
    #: Queued, or waiting for their next attempt.
    jobs_waiting: int
    jobs_processing: int
    #: For good, until somebody retries them.
    jobs_failed: int
    #: The latest reading, if there is one.
    latest_statistics: ChannelStatistics | None

    @property
    def state(self) -> str:
        """What its work is like: inactive, paused or active."""
        if not self.channel.is_active:
            return "inactive"
        return "paused" if self.is_paused else "active"


def channels_status(uow: UnitOfWork) -> list[ChannelStatus]:
    """Return how every channel stands, in alphabetical order of their names."""
    channels = sorted(everything(uow.channels), key=lambda channel: channel.channel_id)
    paused = set(paused_channels(uow))
    videos = uow.videos.count_by_status()
    jobs = uow.jobs.count_by_channel()
    latest = uow.channel_statistics.latest_for([channel.id for channel in channels])
    return [
        _status(
            channel,
            is_paused=channel.channel_id in paused,
            videos=videos.get(channel.id, {}),
            jobs=jobs.get(channel.id, {}),
            latest=latest.get(channel.id),
        )
        for channel in channels
    ]


def _status(
    channel: Channel,
    *,
    is_paused: bool,
    videos: Mapping[VideoStatus, int],
    jobs: Mapping[JobStatus, int],
    latest: ChannelStatistics | None,
) -> ChannelStatus:
    return ChannelStatus(
        channel=channel,
        is_paused=is_paused,
        videos_by_status={status: videos[status] for status in VideoStatus if status in videos},
        jobs_waiting=sum(jobs.get(status, 0) for status in WAITING),
        jobs_processing=jobs.get(JobStatus.PROCESSING, 0),
        jobs_failed=jobs.get(JobStatus.FAILED, 0),
        latest_statistics=latest,
    )
