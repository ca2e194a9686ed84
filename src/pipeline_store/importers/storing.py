"""What becomes of readings in a store: videos made or refreshed, snapshots added once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from pipeline_store.errors import Conflict, InvalidValue, StoreBusy
from pipeline_store.importers.known_videos import COUNTS, known_videos
from pipeline_store.importers.reading import Refusal, VideoReading
from pipeline_store.production import DiscoveredVideo
from pipeline_store.production.discovered_video import REFRESHED_TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline_store.importers.known_videos import KnownVideo
    from pipeline_store.importers.niches import NicheRules
    from pipeline_store.importers.summary import Counted, FileSummary
    from pipeline_store.unit_of_work import UnitOfWork

READINGS_PER_UNIT_OF_WORK: Final = 500
ATTEMPTS: Final = 5
SECONDS_PER_HOUR: Final = 3600

_NO_TEXTS: Final[dict[str, Any]] = dict.fromkeys(REFRESHED_TEXTS, "")

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
        if not batch:
            return
        for attempt in range(1, ATTEMPTS + 1):
            one = _Batch(self._niches, self._source)
            try:
                with self._new_unit_of_work() as uow:
                    one.store(uow, batch)
                    uow.commit()
            except (Conflict, StoreBusy):
                if attempt == ATTEMPTS:
                    raise
            else:
                one.add_to_accounts()
                return


class _Batch:
    """One try at one batch; its accounts count only once it is committed."""

    def __init__(self, niches: NicheRules, source: str) -> None:
        self._niches = niches
        self._source = source
        self._videos: list[DiscoveredVideo] = []
        self._snapshots: dict[FileSummary, list[dict[str, Any]]] = {}
        self._counts: Counter[tuple[FileSummary, Counted]] = Counter()
        self._refusals: list[tuple[FileSummary, Refusal]] = []

    def store(self, uow: UnitOfWork, batch: Sequence[Sourced]) -> None:
        _wait_for_other_imports(uow)
        known = known_videos(uow, [sourced.reading for sourced in batch])
        for sourced in batch:
            try:
                self._take(sourced, known[sourced.reading.video_id])
            except InvalidValue as error:
                self._refuse(sourced, str(error))
        uow.discovered_videos.record_many(self._videos)
        for file, snapshots in self._snapshots.items():
            added = uow.analytics.record_new(snapshots)
            self._counts[file, "snapshots"] += added
            self._counts[file, "repeated"] += len(snapshots) - added

    def add_to_accounts(self) -> None:
        for (file, counted), count in self._counts.items():
            file.add(counted, count)
        for file, refusal in self._refusals:
            file.refused.append(refusal)

    def _take(self, sourced: Sourced, known: KnownVideo) -> None:
        reading = sourced.reading
        facts = self._facts_to_store(reading, known)
        fate = _fate(reading, known)
        if facts:
            self._videos.append(self._video(reading, facts))
        if fate is not None:
            self._counts[sourced.described_in, fate] += 1
        if reading.has_counts:
            self._take_snapshot(sourced)
        known.note(reading, facts)

    def _take_snapshot(self, sourced: Sourced) -> None:
        if sourced.reading.measured_at is None:
            self._counts[sourced.measured_in, "without_instant"] += 1
        else:
            of_file = self._snapshots.setdefault(sourced.measured_in, [])
            of_file.append(_snapshot(sourced.reading))

    def _refuse(self, sourced: Sourced, reason: str) -> None:
        reading = sourced.reading
        refusal = Refusal(reading.place, reason, reading.video_id)
        self._refusals.append((sourced.described_in, refusal))

    def _facts_to_store(self, reading: VideoReading, known: KnownVideo) -> dict[str, Any]:
        """Return what the video gets from the reading; nothing when there is no video to be had."""
        facts = self._facts(reading)
        if not known.is_stored:
            if not reading.describes_video:
                return {}
            return facts | self._facts_of_discovery(reading) | known.counts_with(reading)
        if not known.is_newest(reading):
            facts = {name: fact for name, fact in facts.items() if name in known.untold}
        return facts | known.news_in(reading)

    def _facts(self, reading: VideoReading) -> dict[str, Any]:
        """Return what the reading tells besides counts."""
        facts = {
            "title": reading.title,
            "channel_name": reading.channel_name,
            "channel_id": reading.channel_id,
            "url": reading.url,
            "category_id": self._niches.category_id_of(reading),
            "duration_seconds": reading.duration_seconds,
        }
        return {name: fact for name, fact in facts.items() if fact not in {"", None}}

    def _facts_of_discovery(self, reading: VideoReading) -> dict[str, Any]:
        """Return what stays as it was when the video was discovered."""
        return {
            "view_velocity": _views_per_hour(reading),
            "discovery_source": self._source,
            "discovered_at": reading.measured_at,
        }

    def _video(self, reading: VideoReading, facts: dict[str, Any]) -> DiscoveredVideo:
        return DiscoveredVideo(
            video_id=reading.video_id,
            niche=self._niches.niche_for(reading),
            **_NO_TEXTS | facts,
        )


def _wait_for_other_imports(uow: UnitOfWork) -> None:
    """Make sure that what is read from here on stays true until the commit.

    Whoever records new snapshots, be it none, waits for others who do. Without this, an import that
    had seen no newer reading could overwrite the one that another import stored meanwhile.
    """
    uow.analytics.record_new(())


def _fate(reading: VideoReading, known: KnownVideo) -> Counted | None:
    if not known.is_stored and reading.describes_video:
        return "new"
    if known.is_older(reading):
        return "older"
    return "refreshed" if known.is_stored and known.is_newest(reading) else None


def _views_per_hour(reading: VideoReading) -> float | None:
    if reading.view_count is None or reading.published_at is None or reading.measured_at is None:
        return None
    seconds = (reading.measured_at - reading.published_at).total_seconds()
    return reading.view_count * SECONDS_PER_HOUR / seconds if seconds > 0 else None


def _snapshot(reading: VideoReading) -> dict[str, Any]:
    counts = {name: getattr(reading, name) for name in COUNTS}
    return {
        "youtube_video_id": reading.video_id,
        "measured_at": reading.measured_at,
        **counts,
    }
