"""Readings that look like those of a channel: 10,000 videos, measured in turn."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VIDEOS = 10_000
START = datetime(2025, 1, 1, tzinfo=UTC)
FIELDS = (
    "youtube_video_id",
    "measured_at",
    "view_count",
    "like_count",
    "comment_count",
    "average_view_duration_seconds",
    "click_through_rate",
    "subscriber_gain",
    "estimated_revenue_usd",
)


def video_id(number: int) -> str:
    """Eleven characters, as PostgreSQL's `substr(md5(number::text), 1, 11)` gives them too."""
    return md5(str(number).encode(), usedforsecurity=False).hexdigest()[:11]


def readings(count: int) -> Iterator[dict[str, Any]]:
    """The same readings at every call; some numbers are hidden, and some only in the API."""
    chance = random.Random(20250101)  # noqa: S311 - nothing secret
    ids = [video_id(number) for number in range(VIDEOS)]
    for number in range(count):
        views = chance.randrange(10_000_000)
        microsecond = timedelta(seconds=number * 7, microseconds=chance.randrange(1_000_000))
        yield {
            "youtube_video_id": ids[number % VIDEOS],
            "measured_at": START + microsecond,
            "view_count": views,
            "like_count": None if number % 3 == 0 else views // 25,
            "comment_count": views // 400,
            "average_view_duration_seconds": chance.random() * 600,
            "click_through_rate": None if number % 5 == 0 else chance.random(),
            "subscriber_gain": chance.randrange(-50, 500),
            "estimated_revenue_usd": None if number % 2 else views * 0.0021,
        }
