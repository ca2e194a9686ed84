"""Responses of YouTube's Data API, joined by video over all files of one import."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import attrs

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import fields
from pipeline_store.importers.reading import Ignored, Place, Refusal, VideoReading
from pipeline_store.importers.summary import FileSummary
from pipeline_store.importers.youtube_api_items import CategoryItems, VideoItem, read_items
from pipeline_store.values import as_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline_store.importers.summary import Account

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen(kw_only=True)
class JoinedReading:
    """A reading and the files that its halves came from, as positions in `ApiReadings.files`."""

    reading: VideoReading
    described_by: int | None
    """The file whose snippet describes the video: there it counts as new or refreshed."""

    measured_by: int | None
    """The file whose statistics these are: there they count as a snapshot."""

    @property
    def counts_in(self) -> tuple[int, int]:
        """The files in which the video and its numbers count: with one half only, the same."""
        halves = [half for half in (self.described_by, self.measured_by) if half is not None]
        return halves[0], halves[-1]


@attrs.frozen(kw_only=True)
class ApiReadings:
    """What all files of one import say together."""

    files: tuple[FileSummary, ...]
    """One account per file, in the order given; what was stored is still to be counted."""

    readings: tuple[JoinedReading, ...]
    category_titles: dict[int, str]
    """Titles from responses that list categories."""


@attrs.frozen
class SourcedItem:
    """An item, and which file it stands in, as a position among the files of one import."""

    file: int
    item: VideoItem


def read_youtube_api_files(
    paths: Sequence[str], *, measured_at: datetime | None = None
) -> ApiReadings:
    """Read all files of one import, which are held in memory together.

    A file that cannot be read is not raised but told in its summary: the others still count.

    Args:
        paths: `videos.list` and `videoCategories.list` responses, plain or gzip.
        measured_at: when they were recorded, for those that do not say; else the Unix seconds in
            a file's name are taken, else its numbers have no instant.

    Raises:
        InvalidValue: `measured_at` lies outside 1970 to 2200.
    """
    if measured_at is not None:
        measured_at = as_instant("measured_at", measured_at)
    files = [FileSummary(path=path) for path in paths]
    found: list[SourcedItem] = []
    titles: dict[int, str] = {}
    for number, summary in enumerate(files):
        said = measured_at or fields.instant_in_file_name(summary.path)
        try:
            items = list(read_items(summary.path, said))
        except InputFileRefused as refused:
            summary.problem = refused.reason
            continue
        for item in items:
            match item:
                case VideoItem():
                    summary.rows += 1
                    found.append(SourcedItem(number, item))
                case CategoryItems():
                    titles.update(item.titles)
                    _note_categories(summary, len(item.titles))
                case Refusal() | Ignored():
                    summary.note(item)
    return ApiReadings(
        files=tuple(files),
        readings=tuple(joined_by_video(found, files)),
        category_titles=titles,
    )


def _note_categories(summary: FileSummary, how_many: int) -> None:
    for number in range(summary.rows + 1, summary.rows + how_many + 1):
        summary.note(Ignored(Place(number, "item"), "a category, whose title serves for niches"))


def joined_by_video(
    found: Iterable[SourcedItem], files: Sequence[Account]
) -> Iterator[JoinedReading]:
    """Yield the readings of each video; items that come to nothing are told in `files`."""
    by_video: dict[str, list[SourcedItem]] = {}
    for source in found:
        by_video.setdefault(source.item.video_id, []).append(source)
    for sources in by_video.values():
        yield from _joined_video(sources, files)


def _joined_video(sources: list[SourcedItem], files: Sequence[Account]) -> Iterator[JoinedReading]:
    """Yield one reading per item with numbers; each takes its own other parts, else the newest.

    Two calls hours apart give two snapshots of a video, so numbers are never merged.
    """
    described = _newest([source for source in sources if source.item.description is not None])
    detailed = _newest([source for source in sources if source.item.has_details])
    counted = [source for source in sources if source.item.counts is not None]
    lends_its_snippet = any(source.item.description is None for source in counted)
    for source in sources:
        item = source.item
        if item.counts is not None or item.description is not None:
            if item.counts is None and source is described and lends_its_snippet:
                continue  # Its snippet is part of another item's reading.
            yield _reading(
                source,
                described=source if item.description is not None else described,
                detailed=source if item.has_details else detailed,
            )
        elif described is None and not counted:
            reason = "a length or times alone: no file of this import describes the video"
            files[source.file].ignored.append(Ignored(item.place, reason))


def _newest(sources: list[SourcedItem]) -> SourcedItem | None:
    # Of equals the last: max() would keep the first.
    return max(reversed(sources), key=lambda one: one.item.read_at or _LONG_AGO, default=None)


def _reading(
    source: SourcedItem, described: SourcedItem | None, detailed: SourcedItem | None
) -> JoinedReading:
    item = source.item
    counts = item.counts
    description = None if described is None else described.item.description
    reading = VideoReading(
        place=item.place,
        video_id=item.video_id,
        measured_at=item.read_at,
        describes_video=description is not None,
        title="" if description is None else description.title,
        channel_name="" if description is None else description.channel_name,
        channel_id="" if description is None else description.channel_id,
        category_id=None if description is None else description.category_id,
        published_at=None if description is None else description.published_at,
        duration_seconds=None if detailed is None else detailed.item.duration_seconds,
        view_count=None if counts is None else counts.view_count,
        like_count=None if counts is None else counts.like_count,
        comment_count=None if counts is None else counts.comment_count,
    )
    return JoinedReading(
        reading=reading,
        described_by=None if described is None else described.file,
        measured_by=None if counts is None else source.file,
    )
