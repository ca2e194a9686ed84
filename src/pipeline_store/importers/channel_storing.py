"""What becomes of statistics in a store: readings added once, channels and videos made if asked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs

from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    PublicationStatus,
    Video,
    VideoStatistics,
)
from pipeline_store.errors import AlreadyExists, Conflict, StoreBusy
from pipeline_store.importers import fields
from pipeline_store.importers.reading import Ignored, Refusal
from pipeline_store.importers.statistics_account import Unknown
from pipeline_store.importers.storing import ATTEMPTS, READINGS_PER_UNIT_OF_WORK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_store.importers.reading import Place, VideoReading
    from pipeline_store.importers.statistics_account import StatisticsAccount
    from pipeline_store.importers.storing import NewUnitOfWork
    from pipeline_store.importers.youtube_api_channels import ChannelItem
    from pipeline_store.unit_of_work import UnitOfWork

PLATFORM: Final = "youtube"

NO_CHANNEL: Final = "no channel with this YouTube id; --create adds it"
NO_VIDEO: Final = "no video with this YouTube id; --create adds it"
NO_SNIPPET: Final = "no video with this YouTube id, and no snippet here to create it from"
NOTHING_TOLD: Final = "known already, and no number of it is told"
NO_CHANNEL_ID: Final = f"channelId {fields.NOT_A_CHANNEL_ID}"
NAME_TAKEN: Final = (
    "a channel of that name has another YouTube id, or none: see `channel set --youtube-id`"
)
MADE_MEANWHILE: Final = "another import has made it since it was looked for"
SOURCE_TAKEN: Final = "its channel has another video from that source"


@attrs.frozen
class SourcedChannel:
    """A channel, and the account of the file that it stands in."""

    item: ChannelItem
    account: StatisticsAccount


@attrs.frozen
class SourcedVideo:
    """A reading, and the accounts of the files in which its halves count."""

    reading: VideoReading
    #: Where the video counts as new.
    described_in: StatisticsAccount
    #: Where it stands, and its numbers count.
    measured_in: StatisticsAccount


class StatisticsStorer:
    """Stores statistics batch by batch, each in a unit of work of its own, safe to repeat."""

    def __init__(self, new_unit_of_work: NewUnitOfWork, *, create: bool) -> None:
        self._new_unit_of_work = new_unit_of_work
        self._create = create

    def store(self, found: Sequence[SourcedChannel] | Sequence[SourcedVideo]) -> None:
        """Store what was found and add to the files' accounts what became of it.

        Raises:
            Conflict, StoreBusy: others were in the way each of several times.
        """
        for start in range(0, len(found), READINGS_PER_UNIT_OF_WORK):
            self._store_batch(found[start : start + READINGS_PER_UNIT_OF_WORK])

    def _store_batch(self, batch: Sequence[SourcedChannel | SourcedVideo]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._new_unit_of_work() as uow:
                    one = _Batch(uow, create=self._create)
                    one.store(batch)
                    uow.commit()
            except (AlreadyExists, Conflict, StoreBusy):
                # Another import may have made the same channel: the next attempt finds it.
                if attempt == ATTEMPTS:
                    raise
            else:
                one.add_to_accounts()
                return


@attrs.define
class _Notes:
    """What one try says of one file."""

    counts: Counter[str] = attrs.field(factory=Counter[str])
    unknown: list[Unknown] = attrs.field(factory=list[Unknown])
    refused: list[Refusal] = attrs.field(factory=list[Refusal])
    ignored: list[Ignored] = attrs.field(factory=list[Ignored])


class _Batch:
    """One try at one batch; its notes count only once it is committed."""

    def __init__(self, uow: UnitOfWork, *, create: bool) -> None:
        self._uow = uow
        self._create = create
        self._notes: dict[StatisticsAccount, _Notes] = {}
        self._of_channels: dict[StatisticsAccount, list[ChannelStatistics]] = {}
        self._of_videos: dict[StatisticsAccount, list[VideoStatistics]] = {}

    def store(self, batch: Sequence[SourcedChannel | SourcedVideo]) -> None:
        for each in batch:
            if isinstance(each, SourcedChannel):
                self._take_channel(each.item, each.account)
            else:
                self._take_video(each)
        for account, its_channels in self._of_channels.items():
            added = self._uow.channel_statistics.record_new(its_channels)
            self._count_readings(account, added, len(its_channels))
        for account, its_videos in self._of_videos.items():
            added = self._uow.video_statistics.record_new(its_videos)
            self._count_readings(account, added, len(its_videos))

    def add_to_accounts(self) -> None:
        for account, notes in self._notes.items():
            for counted, count in notes.counts.items():
                account.add(counted, count)
            account.unknown += notes.unknown
            account.refused += notes.refused
            account.ignored += notes.ignored

    def _of(self, account: StatisticsAccount) -> _Notes:
        return self._notes.setdefault(account, _Notes())

    def _count_readings(self, account: StatisticsAccount, added: int, given: int) -> None:
        counts = self._of(account).counts
        counts["readings"] += added
        counts["repeated"] += given - added

    def _take_channel(self, item: ChannelItem, account: StatisticsAccount) -> None:
        channel = self._uow.channels.by_youtube_channel_id(item.channel_id)
        is_new = channel is None
        if channel is None:
            channel = self._new_channel(item.channel_id, item.title, item.place, account, account)
        if channel is None:
            return
        counts = item.counts
        if counts is None or counts.are_hidden or item.read_at is None:
            if not is_new:
                self._of(account).ignored.append(Ignored(item.place, NOTHING_TOLD))
            return
        reading = ChannelStatistics(
            channel_id=channel.id, timestamp=item.read_at, **attrs.asdict(counts)
        )
        self._of_channels.setdefault(account, []).append(reading)

    def _take_video(self, sourced: SourcedVideo) -> None:
        reading = sourced.reading
        video = self._uow.videos.by_youtube_video_id(reading.video_id)
        is_new = video is None
        if video is None:
            video = self._new_video(sourced)
        if video is None:
            return
        if not reading.has_counts or reading.measured_at is None:
            if not is_new:
                ignored = Ignored(reading.place, NOTHING_TOLD)
                self._of(sourced.measured_in).ignored.append(ignored)
            return
        statistics = VideoStatistics(
            video_id=video.id,
            timestamp=reading.measured_at,
            view_count=reading.view_count,
            like_count=reading.like_count,
            comment_count=reading.comment_count,
        )
        self._of_videos.setdefault(sourced.measured_in, []).append(statistics)

    def _new_channel(
        self,
        youtube_id: str,
        title: str,
        place: Place,
        stands_in: StatisticsAccount,
        described_in: StatisticsAccount,
    ) -> Channel | None:
        notes = self._of(stands_in)
        if not self._create:
            unknown = Unknown(place, "channel", youtube_id, NO_CHANNEL)
            if all(each.youtube_id != youtube_id for each in notes.unknown):
                notes.unknown.append(unknown)
            return None
        namesake = self._uow.channels.by_channel_id(youtube_id)
        if namesake is not None:
            if namesake.youtube_channel_id == youtube_id:
                raise Conflict(f"channel {youtube_id}: {MADE_MEANWHILE}")
            notes.refused.append(Refusal(place, NAME_TAKEN, youtube_id))
            return None
        self._of(described_in).counts["new_channels"] += 1
        return self._uow.channels.add(
            Channel(channel_id=youtube_id, youtube_channel_id=youtube_id, name=title or youtube_id)
        )

    def _channel_of(self, sourced: SourcedVideo) -> Channel | None:
        """Return the channel that a video is on, a new one if need be and may be."""
        reading, account = sourced.reading, sourced.measured_in
        channel = self._uow.channels.by_youtube_channel_id(reading.channel_id)
        if channel is not None:
            return channel
        if not fields.is_channel_id(reading.channel_id):
            refusal = Refusal(reading.place, NO_CHANNEL_ID, fields.shown(reading.channel_id))
            self._of(account).refused.append(refusal)
            return None
        return self._new_channel(
            reading.channel_id, reading.channel_name, reading.place, account, sourced.described_in
        )

    def _new_video(self, sourced: SourcedVideo) -> Video | None:
        reading, account = sourced.reading, sourced.measured_in
        if not reading.describes_video:
            self._leave_video(reading, account, NO_SNIPPET)
            return None
        channel = self._channel_of(sourced)
        if not self._create:
            self._leave_video(reading, account, NO_VIDEO)
            return None
        if channel is None:
            return None
        namesake = self._uow.videos.by_source_url(channel.id, reading.url)
        if namesake is not None:
            if namesake.youtube_video_id == reading.video_id:
                raise Conflict(f"video {reading.video_id}: {MADE_MEANWHILE}")
            refusal = Refusal(reading.place, SOURCE_TAKEN, reading.video_id)
            self._of(account).refused.append(refusal)
            return None
        self._of(sourced.described_in).counts["new_videos"] += 1
        return self._uow.videos.add(
            Video(
                channel_id=channel.id,
                source_url=reading.url,
                source_title=reading.title,
                source_creator=reading.channel_name or None,
                source_platform=PLATFORM,
                # It is online: nobody shall fetch it and publish it once more.
                publication_status=PublicationStatus.PUBLISHED,
                published_at=reading.published_at,
                youtube_video_id=reading.video_id,
            )
        )

    def _leave_video(self, reading: VideoReading, account: StatisticsAccount, why: str) -> None:
        self._of(account).unknown.append(Unknown(reading.place, "video", reading.video_id, why))
