"""The day by which YouTube counts: it begins at midnight in California, daylight saving included.

Python asks the system for the rules of time zones, and where that has none, the package `tzdata`.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

_NAME = "America/Los_Angeles"


@cache
def pacific() -> ZoneInfo:
    """Return the time zone."""
    return ZoneInfo(_NAME)


def day_turns_at(now: datetime) -> datetime:
    """Return the end of the Pacific day that an instant belongs to, in UTC.

    A day is 23 or 25 hours long when the clocks change on it.
    """
    # Queues ask for every claim, and the answer is the same for a whole hour.
    return _day_turns_at(now.astimezone(UTC).replace(minute=0, second=0, microsecond=0))


@lru_cache
def _day_turns_at(hour: datetime) -> datetime:
    following = hour.astimezone(pacific()).date() + timedelta(days=1)
    return datetime.combine(following, time(), pacific()).astimezone(UTC)
