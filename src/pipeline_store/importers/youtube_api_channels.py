"""Responses of YouTube's Data API that list channels, alone or among those that list videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from pipeline_store.importers import fields
from pipeline_store.importers.fields import UnreadableValueError
from pipeline_store.importers.reading import Place, Refusal
from pipeline_store.importers.youtube_api_items import (
    CategoryItems,
    items_of,
    part_of,
    read_responses,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pipeline_store.importers.reading import Ignored
    from pipeline_store.importers.youtube_api_items import VideoItem

_CHANNEL: Final = "youtube#channel"
_CHANNEL_LIST: Final = "youtube#channelListResponse"


@attrs.frozen(kw_only=True)
class ChannelCounts:
    """What the part `statistics` says of a channel; None is hidden, and never 0."""

    subscriber_count: int | None
    view_count: int | None
    video_count: int | None

    @property
    def are_hidden(self) -> bool:
        """Whether nothing is told."""
        return self.subscriber_count is self.view_count is self.video_count is None


@attrs.frozen(kw_only=True)
class ChannelItem:
    """One channel in a response: those parts of it that were asked for."""

    place: Place
    channel_id: str
    read_at: datetime | None
    title: str
    counts: ChannelCounts | None


def read_channels_and_videos(
    path: str, said: datetime | None
) -> Iterator[ChannelItem | VideoItem | CategoryItems | Refusal | Ignored]:
    """Yield what a file holds, in its order.

    Args:
        path: one response or a list of them, each bare or as `{recorded_at, response}`.
        said: when the numbers were read, for responses that do not say.

    Raises:
        InputFileRefused: no file, damaged data, or nothing like a response of the API.
    """
    position = 0
    for response, read_at in read_responses(path, said):
        channels = _channels_in(response)
        if channels is not None:
            for channel in channels:
                position += 1
                yield _item(channel, read_at, Place(position, "item"))
            continue
        for item in items_of(path, response, read_at, position):
            position += len(item.titles) if isinstance(item, CategoryItems) else 1
            yield item


def _channels_in(response: Mapping[str, object]) -> list[object] | None:
    """Return the channels of a response that lists some, or is one; else None."""
    kind = response.get("kind")
    if kind == _CHANNEL:
        return [response]
    items = fields.json_list(response.get("items")) or []
    # An answer without any has no `items` at all.
    if kind == _CHANNEL_LIST or (kind is None and any(map(_is_channel, items))):
        return items
    return None


def _is_channel(item: object) -> bool:
    resource = fields.json_object(item)
    return resource is not None and resource.get("kind") == _CHANNEL


def _item(item: object, read_at: datetime | None, place: Place) -> ChannelItem | Refusal:
    resource = fields.json_object(item)
    if resource is None or resource.get("kind", _CHANNEL) != _CHANNEL:
        return Refusal(
            place, "not a channel", fields.shown(item if resource is None else resource.get("kind"))
        )
    try:
        return _channel(resource, read_at, place)
    except UnreadableValueError as problem:
        return Refusal(place, problem.reason, problem.value)


def _channel(resource: Mapping[str, object], read_at: datetime | None, place: Place) -> ChannelItem:
    channel_id = resource.get("id")
    if not isinstance(channel_id, str) or not fields.is_channel_id(channel_id):
        raise UnreadableValueError(f"channel id {fields.NOT_A_CHANNEL_ID}", channel_id)
    snippet = part_of(resource, "snippet") or {}
    statistics = part_of(resource, "statistics")
    return ChannelItem(
        place=place,
        channel_id=channel_id,
        read_at=read_at,
        title=fields.text("title", snippet.get("title")),
        counts=None if statistics is None else _counts(statistics),
    )


def _counts(statistics: Mapping[str, object]) -> ChannelCounts:
    hidden = statistics.get("hiddenSubscriberCount", False)
    if not isinstance(hidden, bool):
        raise UnreadableValueError("hiddenSubscriberCount is not true or false", hidden)
    # Some responses say 0 for a number that they hide.
    subscribers = None if hidden else statistics.get("subscriberCount")
    return ChannelCounts(
        subscriber_count=fields.whole_number_either_way("subscriberCount", subscribers),
        view_count=fields.whole_number_either_way("viewCount", statistics.get("viewCount")),
        video_count=fields.whole_number_either_way("videoCount", statistics.get("videoCount")),
    )
