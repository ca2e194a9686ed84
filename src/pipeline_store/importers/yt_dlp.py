"""Info JSON of yt-dlp and youtube-dl: a video, a playlist of them, or one video per line."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import fields
from pipeline_store.importers.fields import UnreadableValueError
from pipeline_store.importers.json_files import JsonDocument, JsonLine, json_records
from pipeline_store.importers.reading import Ignored, Outcome, Place, Refusal, VideoReading
from pipeline_store.values import LONGEST_KEY, as_instant

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from datetime import datetime

_PLAYLISTS: Final = ("playlist", "multi_video")


def read_yt_dlp_file(path: str, *, measured_at: datetime | None = None) -> Generator[Outcome]:
    """Yield what becomes of each video in a dump.

    Args:
        path: what `--write-info-json`, `--dump-json` or `--dump-single-json` wrote, plain or gzip.
        measured_at: when the dump was made, for those that do not say; else the Unix seconds in
            the file's name are taken, else the readings have no instant.

    Raises:
        InputFileRefused: no file, damaged data, not JSON, or no dump of yt-dlp.
        InvalidValue: `measured_at` lies outside 1970 to 2200.
    """
    if measured_at is None:
        said = fields.instant_in_file_name(path)
    else:
        said = as_instant("measured_at", measured_at)
    with closing(json_records(path)) as records:
        for record in records:
            match record:
                case Refusal():
                    yield record
                case JsonLine(place, value):
                    for video, epoch in _videos(value):
                        yield _outcome(place, video, epoch, said)
                case JsonDocument(value):
                    _refuse_other_documents(path, value)
                    for number, (video, epoch) in enumerate(_videos(value), start=1):
                        yield _outcome(Place(number, "item"), video, epoch, said)


def _refuse_other_documents(path: str, value: object) -> None:
    if fields.json_list(value) is not None:
        return
    dump = fields.json_object(value)
    if dump is None or ("id" not in dump and "entries" not in dump):
        kind = dump.get("kind") if dump is not None else None
        is_response = isinstance(kind, str) and kind.startswith("youtube")
        cure = " but a response of YouTube's API: use `import youtube-api`" if is_response else ""
        raise InputFileRefused(path, f"not an info JSON of yt-dlp{cure}")


def _videos(value: object) -> Iterator[tuple[object, object]]:
    """Yield each video with the instant of the playlist it stands in, however deep it stands."""
    waiting: list[tuple[object, object]] = [(value, None)]
    while waiting:
        current, inherited = waiting.pop()
        dump = fields.json_object(current)
        if dump is not None:
            if dump.get("epoch") is not None:
                inherited = dump["epoch"]
            entries = fields.json_list(dump.get("entries"))
        else:
            entries = fields.json_list(current)
        if entries is None:
            yield current, inherited
        else:
            waiting.extend((entry, inherited) for entry in reversed(entries))


def _outcome(place: Place, video: object, epoch: object, said: datetime | None) -> Outcome:
    if video is None:
        return Refusal(place, "an empty entry: yt-dlp could not read this video")
    dump = fields.json_object(video)
    if dump is None:
        return Refusal(place, "not a video", fields.shown(video))
    if dump.get("_type") in _PLAYLISTS:
        return Ignored(place, "a playlist without its videos")
    try:
        return _reading(place, dump, epoch, said)
    except UnreadableValueError as problem:
        return Refusal(place, problem.reason, problem.value)


def _reading(
    place: Place, dump: Mapping[str, object], epoch: object, said: datetime | None
) -> VideoReading:
    site = dump.get("extractor_key") or dump.get("ie_key")
    if site is not None and not str(site).lower().startswith("youtube"):
        raise UnreadableValueError("not a video of YouTube", site)
    video_id = fields.video_id(dump.get("id"))
    uploader_id = fields.text("uploader_id", dump.get("uploader_id"))
    channel_id = fields.text("channel_id", dump.get("channel_id"))
    if not channel_id and fields.is_channel_id(uploader_id):
        # Older versions have the channel's id here, newer ones its @handle.
        channel_id = uploader_id
    return VideoReading(
        place=place,
        video_id=video_id,
        measured_at=fields.unix_instant("epoch", epoch) or said,
        describes_video=dump.get("title") is not None,
        title=fields.text("title", dump.get("title")),
        channel_name=fields.text("channel", dump.get("channel"))
        or fields.text("uploader", dump.get("uploader")),
        channel_id=channel_id,
        category_name=_category(dump),
        duration_seconds=fields.seconds("duration", dump.get("duration")),
        # The day is a last resort: it may be off by hours.
        published_at=fields.unix_instant("timestamp", dump.get("timestamp"))
        or fields.compact_day("upload_date", dump.get("upload_date")),
        view_count=fields.whole_number("view_count", dump.get("view_count")),
        like_count=fields.whole_number("like_count", dump.get("like_count")),
        comment_count=fields.whole_number("comment_count", dump.get("comment_count")),
    )


def _category(dump: Mapping[str, object]) -> str | None:
    given = dump.get("categories")
    names = fields.json_list(given)
    if given is not None and names is None:
        raise UnreadableValueError("categories is not a list", given)
    name = names[0] if names else None
    return fields.text("category", name, longest=LONGEST_KEY) or None
