"""What becomes of readings in a store: videos made or refreshed, snapshots added once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from pipeline_store.errors import Conflict, InvalidValue, StoreBusy
from pipeline_store.importers.reading import Refusal, VideoReading
from pipeline_store.production import DiscoveredVideo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pipeline_store.importers.niches import NicheRules
    from pipeline_store.importers.summary import FileSummary
    from pipeline_store.production import Analytics
    from pipeline_store.unit_of_work import UnitOfWork

READINGS_PER_UNIT_OF_WORK: Final = 500
ATTEMPTS: Final = 5
SECONDS_PER_HOUR: Final = 3600

NewUnitOfWork: TypeAlias = "Callable[[], UnitOfWork]"


@attrs.frozen(kw_only=True)
class Sourced:
    """A reading, and the accounts of the files in which it counts."""

    reading: VideoReading
    #: Where the video counts as new or refreshed.
    described_in: FileSummary
    #: Where its numbers count as a snapshot.
    measured_in: FileSummary


class ReadingStorer:
    """Stores readings batch by batch, each in a unit of work of its own that is safe to repeat."""

    def __init__(self, new_unit_of_work: NewUnitOfWork, niches: NicheRules, source: str) -> None:
        self._new_unit_of_work = new_unit_of_work
        self._niches = niches
        self._source = source

    def store(self, batch: Sequence[Sourced]) -> None:
        """Store the readings and add to their files' accounts what became of them.

        Raises:
            Conflict, StoreBusy: others were in the way each of several times.
        """
        for attempt in range(ATTEMPTS):
            one = _Batch(self._niches, self._source)
            try:
                with self._new_unit_of_work() as uow:
                    one.store(uow, batch)
                    uow.commit()
            except (Conflict, StoreBusy):
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                one.add_to_accounts()
                return


class _Batch:
    """One try at one batch; its account counts only once it is committed."""

    def __init__(self, niches: NicheRules, source: str) -> None:
        self._niches = niches
        self._source = source
        self._counts: Counter[tuple[int, str]] = Counter()
        self._files: dict[int, FileSummary] = {}
        self._refusals: list[tuple[FileSummary, Refusal]] = []

    def store(self, uow: UnitOfWork, batch: Sequence[Sourced]) -> None:
        ids = {sourced.reading.video_id for sourced in batch}
        newest = uow.analytics.latest_for(ids)
        times = {video_id: snapshot.measured_at for video_id, snapshot in newest.items()}
        known = set(uow.discovered_videos.by_video_ids(ids))
        videos: list[DiscoveredVideo] = []
        snapshots: dict[int, list[dict[str, Any]]] = {}
        for sourced in batch:
            reading = sourced.reading
            self._files[id(sourced.described_in)] = sourced.described_in
            self._files[id(sourced.measured_in)] = sourced.measured_in
            video_id, time = reading.video_id, reading.measured_at
            last = times.get(video_id)
            is_newest = time is None or last is None or time > last
            is_new = video_id not in known and reading.describes_video
            if is_new or (is_newest and video_id in known):
                try:
                    video = self._video(reading, newest.get(video_id) if not is_newest else None)
                except InvalidValue as error:
                    refusal = Refusal(reading.place, str(error), video_id)
                    self._refusals.append((sourced.described_in, refusal))
                    continue
                if not is_new:
                    video.view_velocity = None
                videos.append(video)
                known.add(video_id)
                self._count(sourced.described_in, "new" if is_new else "refreshed")
            elif time is not None and last is not None and time < last:
                self._count(sourced.described_in, "older")
            if not reading.has_counts:
                continue
            if time is None:
                self._count(sourced.measured_in, "without_instant")
                continue
            snapshots.setdefault(id(sourced.measured_in), []).append(_snapshot(reading, time))
            if is_newest:
                times[video_id] = time
        uow.discovered_videos.record_many(videos)
        for file, rows in snapshots.items():
            added = uow.analytics.record_new(rows)
            self._counts[file, "snapshots"] += added
            self._counts[file, "repeated"] += len(rows) - added

    def add_to_accounts(self) -> None:
        for (file, name), count in self._counts.items():
            summary = self._files[file]
            setattr(summary, name, getattr(summary, name) + count)
        for summary, refusal in self._refusals:
            summary.refused.append(refusal)

    def _count(self, summary: FileSummary, name: str) -> None:
        self._counts[id(summary), name] += 1

    def _video(self, reading: VideoReading, newer: Analytics | None) -> DiscoveredVideo:
        """Return the video as the reading tells it, with the numbers of a newer snapshot."""
        numbers = reading if newer is None else newer
        return DiscoveredVideo(
            video_id=reading.video_id,
            title=reading.title,
            channel_name=reading.channel_name,
            channel_id=reading.channel_id,
            url=reading.url,
            category_id=self._niches.category_id_of(reading),
            duration_seconds=reading.duration_seconds,
            view_count=numbers.view_count,
            like_count=numbers.like_count,
            comment_count=numbers.comment_count,
            view_velocity=_views_per_hour(reading),
            niche=self._niches.niche_for(reading),
            discovery_source=self._source,
            discovered_at=reading.measured_at,
        )


def _views_per_hour(reading: VideoReading) -> float | None:
    if reading.view_count is None or reading.published_at is None or reading.measured_at is None:
        return None
    seconds = (reading.measured_at - reading.published_at).total_seconds()
    return reading.view_count * SECONDS_PER_HOUR / seconds if seconds > 0 else None


def _snapshot(reading: VideoReading, time: datetime) -> dict[str, Any]:
    return {
        "youtube_video_id": reading.video_id,
        "measured_at": time,
        "view_count": reading.view_count,
        "like_count": reading.like_count,
        "comment_count": reading.comment_count,
    }
