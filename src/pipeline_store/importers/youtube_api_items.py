"""Responses of YouTube's Data API: from one file to the items in it, before any are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import fields
from pipeline_store.importers.categories import CATEGORY_LIST, category_titles
from pipeline_store.importers.fields import UnreadableValueError
from pipeline_store.importers.json_files import read_json
from pipeline_store.importers.reading import Ignored, Place, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_VIDEO: Final = "youtube#video"
_VIDEO_LIST: Final = "youtube#videoListResponse"
_REPORT: Final = "youtubeAnalytics#resultTable"


@attrs.frozen(kw_only=True)
class Description:
    """What the part `snippet` says of a video."""

    title: str
    channel_name: str
    channel_id: str
    category_id: int | None
    published_at: datetime | None


@attrs.frozen(kw_only=True)
class Counts:
    """What the part `statistics` says of a video; a hidden counter is absent there, None here."""

    view_count: int | None
    like_count: int | None
    comment_count: int | None


@attrs.frozen(kw_only=True)
class VideoItem:
    """One item of a response: those parts of a video that were asked for."""

    place: Place
    video_id: str
    read_at: datetime | None
    description: Description | None
    has_details: bool
    duration_seconds: int | None
    counts: Counts | None


@attrs.frozen
class CategoryItems:
    """The titles of a region's categories, by number."""

    titles: Mapping[int, str]


def read_items(
    path: str, said: datetime | None
) -> Iterator[VideoItem | CategoryItems | Refusal | Ignored]:
    """Yield what a file holds, in its order.

    Args:
        path: one response or a list of them, each bare or as `{recorded_at, response}`.
        said: when the numbers were read, for responses that do not say.

    Raises:
        InputFileRefused: no file, damaged data, or nothing like a response of the API.
    """
    position = 0
    for response, read_at in read_responses(path, said):
        for item in items_of(path, response, read_at, position):
            position += len(item.titles) if isinstance(item, CategoryItems) else 1
            yield item


def read_responses(
    path: str, said: datetime | None
) -> Iterator[tuple[Mapping[str, object], datetime | None]]:
    """Yield the responses in a file, each with when its numbers were read; see `read_items`."""
    document = read_json(path)
    listed = fields.json_list(document)
    for element in [document] if listed is None else listed:
        response = fields.json_object(element)
        read_at = said
        if response is not None and "response" in response:
            read_at = _recorded_at(path, response) or said
            response = fields.json_object(response["response"])
        if response is None:
            raise InputFileRefused(path, "not a response of YouTube's API")
        yield response, read_at


def _recorded_at(path: str, recording: Mapping[str, object]) -> datetime | None:
    try:
        return fields.mailed_instant("recorded_at", recording.get("recorded_at"))
    except UnreadableValueError as problem:
        raise InputFileRefused(path, f"{problem.reason} ({problem.value})") from None


def items_of(
    path: str, response: Mapping[str, object], read_at: datetime | None, before: int
) -> Iterator[VideoItem | CategoryItems | Refusal | Ignored]:
    """Yield what one response holds, behind the `before` items of earlier ones in its file."""
    kind = response.get("kind")
    items = fields.json_list(response.get("items"))
    if kind == CATEGORY_LIST:
        yield CategoryItems(category_titles(path, response))
    elif kind == _REPORT:
        yield Refusal(
            Place(before + 1, "item"), "an analytics report, not a video's running totals"
        )
    elif kind == _VIDEO:
        yield _item(response, read_at, Place(before + 1, "item"))
    elif items is not None and (kind in (_VIDEO_LIST, None) or any(map(_is_video, items))):
        for position, item in enumerate(items, start=before + 1):
            yield _item(item, read_at, Place(position, "item"))
    else:
        raise InputFileRefused(path, _why_not(response))


def _is_video(item: object) -> bool:
    resource = fields.json_object(item)
    return resource is not None and resource.get("kind") == _VIDEO


def _why_not(response: Mapping[str, object]) -> str:
    error = fields.json_object(response.get("error"))
    if error is not None:
        code, message = fields.shown(error.get("code")), fields.shown(error.get("message"))
        return f"the API answered with an error: {code} {message}"
    if "id" in response and "kind" not in response:
        return "not a response of YouTube's API; if yt-dlp wrote it: use `import yt-dlp`"
    return f"no list of videos ({_VIDEO_LIST}) but {fields.shown(response.get('kind'))}"


def _item(item: object, read_at: datetime | None, place: Place) -> VideoItem | Refusal | Ignored:
    resource = fields.json_object(item)
    if resource is None or resource.get("kind", _VIDEO) != _VIDEO:
        return Refusal(
            place, "not a video", fields.shown(item if resource is None else resource.get("kind"))
        )
    try:
        return _video(resource, read_at, place)
    except UnreadableValueError as problem:
        return Refusal(place, problem.reason, problem.value)


def _video(
    resource: Mapping[str, object], read_at: datetime | None, place: Place
) -> VideoItem | Ignored:
    video_id = fields.video_id(resource.get("id"))
    snippet = part_of(resource, "snippet")
    details = part_of(resource, "contentDetails")
    statistics = part_of(resource, "statistics")
    if snippet is None and details is None and statistics is None:
        return Ignored(place, "none of the parts snippet, contentDetails and statistics")
    duration = None if details is None else details.get("duration")
    return VideoItem(
        place=place,
        video_id=video_id,
        read_at=read_at,
        description=None if snippet is None else _description(snippet),
        has_details=details is not None,
        duration_seconds=fields.period_seconds("duration", duration),
        counts=None if statistics is None else _counts(statistics),
    )


def part_of(resource: Mapping[str, object], name: str) -> Mapping[str, object] | None:
    """Return one of the parts of a resource, if it was asked for."""
    given = resource.get(name)
    part = fields.json_object(given)
    if given is not None and part is None:
        raise UnreadableValueError(f"{name} is not an object", given)
    return part


def _description(snippet: Mapping[str, object]) -> Description | None:
    # Some calls give a snippet of times only; that describes no video.
    if snippet.get("title") is None:
        return None
    return Description(
        title=fields.text("title", snippet.get("title")),
        channel_name=fields.text("channelTitle", snippet.get("channelTitle")),
        channel_id=fields.text("channelId", snippet.get("channelId")),
        category_id=fields.whole_number_either_way("categoryId", snippet.get("categoryId")),
        published_at=fields.written_instant("publishedAt", snippet.get("publishedAt")),
    )


def _counts(statistics: Mapping[str, object]) -> Counts:
    return Counts(
        view_count=fields.whole_number_either_way("viewCount", statistics.get("viewCount")),
        like_count=fields.whole_number_either_way("likeCount", statistics.get("likeCount")),
        comment_count=fields.whole_number_either_way(
            "commentCount", statistics.get("commentCount")
        ),
    )
