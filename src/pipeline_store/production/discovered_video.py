"""A viral video that was discovered, and may be cut into clips."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipeline_store.entity import change, entity
from pipeline_store.fields import choice, identity, instant, integer, key_text, number, text
from pipeline_store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable


class Processed(IntEnum):
    """What became of a discovered video."""

    PENDING = 0
    USED = 1
    SKIPPED = 2
    REJECTED = 3


class ContentIdRisk(StrEnum):
    """How likely YouTube's Content ID is to claim the material."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNKNOWN = "unknown"


@entity
class DiscoveredVideo:
    """One YouTube video, discovered once; its numbers are those of the latest reading.

    Counts that YouTube hides or does not give are None, which is not 0.
    """

    id: int = identity()
    #: YouTube's id of the video.
    video_id: str = key_text(unique=True)
    title: str = text()
    channel_name: str = text()
    channel_id: str = text()
    url: str = text()
    category_id: int | None = integer(default=None)
    duration_seconds: int | None = integer(default=None)
    view_count: int | None = integer(default=None)
    like_count: int | None = integer(default=None)
    comment_count: int | None = integer(default=None)
    #: Views per hour at discovery.
    view_velocity: float | None = number(default=None)
    #: 0 to 1.
    viral_score: float | None = number(default=None, most=1.0)
    niche: str = key_text()
    discovery_source: str | None = text(default=None)
    discovered_at: datetime = instant(default=None, now_by_default=True)
    processed: Processed = choice(Processed, default=Processed.PENDING)
    content_id_risk: ContentIdRisk = choice(ContentIdRisk, default=ContentIdRisk.UNKNOWN)


REFRESHED_TEXTS = ("title", "channel_name", "channel_id", "url")
"""What a later reading replaces unless it is empty there."""

REFRESHED_NUMBERS = (
    "category_id",
    "duration_seconds",
    "view_count",
    "like_count",
    "comment_count",
    "view_velocity",
    "viral_score",
)
"""What a later reading replaces unless it is unknown there: the last known value stays."""


def take_over(stored: DiscoveredVideo, reading: DiscoveredVideo) -> None:
    """Refresh a stored video with a later reading of it."""
    texts = {name: getattr(reading, name) for name in REFRESHED_TEXTS}
    numbers = {name: getattr(reading, name) for name in REFRESHED_NUMBERS}
    given = {name: text for name, text in texts.items() if text != ""}
    known = {name: number for name, number in numbers.items() if number is not None}
    change(stored, **given, **known)


class Recorded(NamedTuple):
    """How many of the videos given to `record_many` were new, and how many were known."""

    made: int
    refreshed: int


class DiscoveredVideoRepository(Repository[DiscoveredVideo, int], Protocol):
    """All discovered videos."""

    def record(self, video: DiscoveredVideo) -> DiscoveredVideo:
        """Store the video, or refresh the stored one that has the same `video_id`.

        A refresh takes over the title, the channel, the url and the numbers, where the new reading
        has them; niche, source, time of discovery, risk and the `processed` mark stay. Returns the
        stored object. Two processes that record one video at once make one row.
        """
        ...

    def record_many(self, videos: Iterable[DiscoveredVideo]) -> Recorded:
        """Do what `record` does for many videos, in few statements; a later one wins."""
        ...

    def by_video_id(self, video_id: str) -> DiscoveredVideo | None:
        """Return the video with YouTube's id `video_id`, or None."""
        ...

    def by_video_ids(self, video_ids: Iterable[str]) -> dict[str, DiscoveredVideo]:
        """Return those of the videos that are known, by YouTube's id."""
        ...

    def pending(self, niche: str, limit: int | None = None) -> list[DiscoveredVideo]:
        """Return the niche's videos that nothing was done with yet, first discovered first."""
        ...

    def count_pending(self, niche: str) -> int:
        """Return how many videos `pending` would return."""
        ...

    def mark(self, video_id: str, processed: Processed) -> DiscoveredVideo:
        """Set what became of the video with YouTube's id `video_id`.

        Raises:
            NotFound: no such video was discovered.
        """
        ...

    def niches(self) -> list[str]:
        """Return the niches that videos were discovered for, in alphabetical order."""
        ...
