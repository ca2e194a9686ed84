"""What is known of videos before a reading is taken, so that an older one overwrites nothing newer.

A count is that of the newest reading which tells it, whatever the order in which readings come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from pipeline_store.production.discovered_video import REFRESHED_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pipeline_store.importers.reading import VideoReading
    from pipeline_store.production import Analytics, DiscoveredVideo
    from pipeline_store.unit_of_work import UnitOfWork

COUNTS: Final = ("view_count", "like_count", "comment_count")
OTHER_NUMBERS: Final = ("category_id", "duration_seconds")


@attrs.frozen
class ToldCount:
    """The last known value of a count, and when it was read."""

    value: int
    at: datetime


@attrs.define
class KnownVideo:
    """What the store and the readings taken so far say of one video."""

    is_stored: bool = False
    #: When its newest snapshot was taken.
    newest: datetime | None = None
    counts: dict[str, ToldCount] = attrs.field(factory=dict[str, ToldCount])
    #: The facts besides counts that no reading has told yet.
    untold: set[str] = attrs.field(factory=lambda: {*REFRESHED_TEXTS, *OTHER_NUMBERS})

    def is_newest(self, reading: VideoReading) -> bool:
        """Whether no snapshot is as new; a reading without an instant counts as new."""
        time = reading.measured_at
        return time is None or self.newest is None or time > self.newest

    def is_older(self, reading: VideoReading) -> bool:
        """Whether there is a newer snapshot."""
        time = reading.measured_at
        return time is not None and self.newest is not None and time < self.newest

    def news_in(self, reading: VideoReading) -> dict[str, int]:
        """Return those counts that no reading as new has told."""
        return {
            name: value
            for name, value in _counts_of(reading)
            if self._is_news(name, reading.measured_at)
        }

    def counts_with(self, reading: VideoReading) -> dict[str, int]:
        """Return the last known counts, those of `reading` included."""
        told = {name: count.value for name, count in self.counts.items()}
        return told | self.news_in(reading)

    def note(self, reading: VideoReading, stored: Iterable[str]) -> None:
        """Take in what a reading tells of the numbers, and which facts of it were `stored`."""
        self.untold.difference_update(stored)
        self.is_stored = self.is_stored or bool(stored)
        time = reading.measured_at
        if time is None or not reading.has_counts:
            return
        for name, value in self.news_in(reading).items():
            self.counts[name] = ToldCount(value, time)
        if self.is_newest(reading):
            self.newest = time

    def _is_news(self, name: str, time: datetime | None) -> bool:
        told = self.counts.get(name)
        return time is None or told is None or time > told.at


def known_videos(uow: UnitOfWork, readings: Iterable[VideoReading]) -> dict[str, KnownVideo]:
    """Return what the store knows of the videos that `readings` are about."""
    by_video: dict[str, list[VideoReading]] = {}
    for reading in readings:
        by_video.setdefault(reading.video_id, []).append(reading)
    stored = uow.discovered_videos.by_video_ids(by_video)
    newest = uow.analytics.latest_for(by_video)
    known: dict[str, KnownVideo] = {}
    for video_id, its_readings in by_video.items():
        known[video_id] = one = _as_stored(stored.get(video_id))
        if video_id in newest:
            snapshots = _telling(uow, newest[video_id], its_readings, one)
            one.newest = newest[video_id].measured_at
            one.counts = _last_told(snapshots)
    return known


def _as_stored(video: DiscoveredVideo | None) -> KnownVideo:
    if video is None:
        return KnownVideo()
    untold = {name for name in REFRESHED_TEXTS if getattr(video, name) == ""}
    untold |= {name for name in OTHER_NUMBERS if getattr(video, name) is None}
    return KnownVideo(is_stored=True, untold=untold)


def _telling(
    uow: UnitOfWork, newest: Analytics, readings: list[VideoReading], video: KnownVideo
) -> list[Analytics]:
    """Return the stored snapshots that say which of the video's counts are news, oldest first."""
    if all(getattr(newest, name) is not None for name in COUNTS):
        return [newest]
    if not video.is_stored:
        return uow.analytics.series(newest.youtube_video_id)
    times = [one.measured_at for one in readings if one.measured_at is not None]
    oldest = min(times, default=newest.measured_at)
    if oldest >= newest.measured_at:
        return [newest]
    # An older reading may be the newest that tells a count; only snapshots since then decide it.
    return uow.analytics.series(newest.youtube_video_id, since=oldest)


def _last_told(snapshots: Iterable[Analytics]) -> dict[str, ToldCount]:
    return {
        name: ToldCount(value, snapshot.measured_at)
        for snapshot in snapshots
        for name, value in _counts_of(snapshot)
    }


def _counts_of(holder: VideoReading | Analytics) -> list[tuple[str, int]]:
    counts = [(name, getattr(holder, name)) for name in COUNTS]
    return [(name, value) for name, value in counts if value is not None]
