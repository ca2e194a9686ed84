"""How the channels stand: what is paused, what waits, what went online, who watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from pipeline_store.channels import JobStatus, VideoStatus
from pipeline_store.channels.processing_job import WAITING
from pipeline_store.services.lookup import channel_named, everything
from pipeline_store.services.pauses import paused_channels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_store.channels import Channel, ChannelStatistics
    from pipeline_store.unit_of_work import UnitOfWork

Status = TypeVar("Status", JobStatus, VideoStatus)


@frozen(kw_only=True)
class ChannelStatus:
    """How one channel stands."""

    channel: Channel
    is_paused: bool
    #: Those statuses alone that some video is in.
    videos_by_status: Mapping[VideoStatus, int]
    #: Those statuses alone that some job is in.
    jobs_by_status: Mapping[JobStatus, int]
    #: The latest reading, if there is one.
    latest_statistics: ChannelStatistics | None

    @property
    def jobs_waiting(self) -> int:
        """Jobs that are queued, or wait for their next attempt."""
        return sum(self.jobs_by_status.get(status, 0) for status in WAITING)

    @property
    def jobs_processing(self) -> int:
        """Jobs that somebody has claimed."""
        return self.jobs_by_status.get(JobStatus.PROCESSING, 0)

    @property
    def jobs_failed(self) -> int:
        """Jobs that have failed, until somebody retries them."""
        return self.jobs_by_status.get(JobStatus.FAILED, 0)

    @property
    def state(self) -> str:
        """What its work is like: inactive, paused or active."""
        if not self.channel.is_active:
            return "inactive"
        return "paused" if self.is_paused else "active"


def channels_status(uow: UnitOfWork) -> list[ChannelStatus]:
    """Return how every channel stands, in alphabetical order of their names."""
    channels = sorted(everything(uow.channels), key=lambda channel: channel.channel_id)
    return _status_of(uow, channels)


def channel_status(uow: UnitOfWork, channel_id: str) -> ChannelStatus:
    """Return how the channel of that name stands.

    Raises:
        NotFound: there is no such channel.
    """
    [status] = _status_of(uow, [channel_named(uow, channel_id)])
    return status


def _status_of(uow: UnitOfWork, channels: list[Channel]) -> list[ChannelStatus]:
    paused = set(paused_channels(uow))
    videos = uow.videos.count_by_status()
    jobs = uow.jobs.count_by_channel()
    latest = uow.channel_statistics.latest_for([channel.id for channel in channels])
    return [
        ChannelStatus(
            channel=channel,
            is_paused=channel.channel_id in paused,
            videos_by_status=_in_order(VideoStatus, videos.get(channel.id, {})),
            jobs_by_status=_in_order(JobStatus, jobs.get(channel.id, {})),
            latest_statistics=latest.get(channel.id),
        )
        for channel in channels
    ]


def _in_order(statuses: Iterable[Status], counts: Mapping[Status, int]) -> dict[Status, int]:
    return {status: counts[status] for status in statuses if status in counts}
