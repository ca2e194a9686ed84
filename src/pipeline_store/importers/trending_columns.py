"""The columns of trending lists: each fact has gone by several names over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pipeline_store.errors import InputFileRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

Fact: TypeAlias = Literal[
    "video_id",
    "day",
    "title",
    "channel_name",
    "channel_id",
    "category_id",
    "published_at",
    "view_count",
    "like_count",
    "comment_count",
    "comments_disabled",
    "ratings_disabled",
    "description",
]

NAMES: Final[Mapping[Fact, tuple[str, ...]]] = {
    "video_id": ("video_id",),
    "day": ("trending_date", "date"),
    "title": ("title",),
    "channel_name": ("channel_title", "channelTitle"),
    "channel_id": ("channel_id", "channelId"),
    "category_id": ("category_id", "categoryId"),
    "published_at": ("publish_time", "publishedAt"),
    "view_count": ("views", "view_count"),
    "like_count": ("likes",),
    "comment_count": ("comment_count", "comment_total"),
    "comments_disabled": ("comments_disabled",),
    "ratings_disabled": ("ratings_disabled",),
    "description": ("description",),
}
"""What each fact is called in the five known layouts; none uses one name for two facts."""

NEEDED: Final[tuple[Fact, ...]] = (
    "video_id",
    "day",
    "title",
    "category_id",
    "view_count",
    "like_count",
    "comment_count",
)
"""What even the barest layout has."""


def locate_columns(path: str, header: list[str]) -> Mapping[Fact, int]:
    """Return where in a row each fact stands; a fact that the layout lacks is left out.

    Raises:
        InputFileRefused: a needed column is missing, or two columns give the same fact.
    """
    located: dict[Fact, int] = {}
    for fact, names in NAMES.items():
        positions = [position for position, name in enumerate(header) if name in names]
        if len(positions) > 1:
            found = ", ".join(header[position] for position in positions)
            raise InputFileRefused(path, f"more than one column for the same fact: {found}")
        if positions:
            located[fact] = positions[0]
    missing = [" or ".join(NAMES[fact]) for fact in NEEDED if fact not in located]
    if missing:
        raise InputFileRefused(path, f"not a trending list; missing columns: {', '.join(missing)}")
    return located
