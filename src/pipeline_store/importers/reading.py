"""What a file says about videos: a reading, or why there is none for a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from datetime import datetime


@attrs.frozen
class Place:
    """Where in its file something stands, counted from 1."""

    number: int
    kind: Literal["line", "item"] = "line"

    def __str__(self) -> str:
        """Say it as a person would: "line 12"."""
        return f"{self.kind} {self.number}"


@attrs.frozen(kw_only=True)
class VideoReading:
    """One video's facts at one instant, in the units of the store.

    None is unknown: hidden, switched off or not given. It is never the same as 0.
    """

    place: Place
    video_id: str
    measured_at: datetime | None
    """When the numbers were read, in UTC; without it there is no snapshot to make."""

    describes_video: bool = True
    """False when there are numbers only: too little to discover a video that is not known yet."""

    title: str = ""
    channel_name: str = ""
    channel_id: str = ""
    category_id: int | None = None
    category_name: str | None = None
    """The title of the category, from sources that give no number."""

    duration_seconds: int | None = None
    published_at: datetime | None = None
    view_count: int | None = None
    like_count: int | None = None
    comment_count: int | None = None

    @property
    def url(self) -> str:
        """The page on which the video is watched."""
        return f"https://www.youtube.com/watch?v={self.video_id}"

    @property
    def has_counts(self) -> bool:
        """Whether any counter is known: a snapshot of nothing but unknowns says nothing."""
        counts = (self.view_count, self.like_count, self.comment_count)
        return any(count is not None for count in counts)


@attrs.frozen
class Refusal:
    """A row that was not taken because it is damaged."""

    place: Place
    reason: str
    """The same words for the same defect, so that refusals can be counted by reason."""

    value: str | None = None
    """What was found, made safe to print."""


@attrs.frozen
class Ignored:
    """A row that is sound but holds nothing that the store keeps."""

    place: Place
    reason: str


Outcome: TypeAlias = VideoReading | Refusal | Ignored
"""What becomes of one row. Every row of a file has exactly one."""
