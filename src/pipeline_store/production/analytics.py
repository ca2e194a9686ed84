"""How an uploaded or discovered video does: one snapshot per reading."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from pipeline_store import values
from pipeline_store.entity import entity
from pipeline_store.fields import identity, instant, integer, key_text, number
from pipeline_store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@entity
class Analytics:
    """One reading of a video's numbers at one instant; what is hidden or unknown is None."""

    id: int = identity()
    youtube_video_id: str = key_text()
    measured_at: datetime = instant(default=None, now_by_default=True)
    view_count: int | None = integer(default=None)
    like_count: int | None = integer(default=None)
    comment_count: int | None = integer(default=None)
    average_view_duration_seconds: float | None = number(default=None)
    #: 0 to 1.
    click_through_rate: float | None = number(default=None, most=1.0)
    #: Negative when more people left than came.
    subscriber_gain: int | None = integer(default=None, least=-values.LARGEST_COUNT)
    estimated_revenue_usd: float | None = number(default=None, least=float("-inf"))


Snapshot: TypeAlias = "Analytics | Mapping[str, Any]"
"""A reading, as an object or as a mapping of its field names."""


def check_video_id(youtube_video_id: str) -> None:
    """Refuse an id of an upload that no reading can have, so that its numbers could never be kept.

    An empty one is what an uploader returns that failed, and an upload is not taken back.

    Raises:
        InvalidValue: it is empty, too long, or no text.
    """
    name, longest = "youtube_video_id", values.LONGEST_KEY
    values.check_text(name, youtube_video_id, longest=longest, empty=False)


class AnalyticsRepository(Repository[Analytics, int], Protocol):
    """All readings, a time series per video."""

    def record_many(self, snapshots: Iterable[Snapshot]) -> int:
        """Append readings, without giving their keys back, and return how many.

        The fast way in: checked like the fields of `Analytics`, written in bulk, in constant memory
        when fed a generator. A mapping may leave out any field but `youtube_video_id`.

        Raises:
            InvalidValue: a reading cannot be stored, an unknown field is named; the unit of work
                holds none of this call's readings.
        """
        ...

    def record_new(self, snapshots: Iterable[Snapshot]) -> int:
        """Append those readings whose video and instant no stored reading has; return how many.

        Of several readings for one video and instant the first is kept. Two processes that record
        the same readings at once store them once.
        """
        ...

    def latest_for(self, video_ids: Iterable[str]) -> dict[str, Analytics]:
        """Return each video's reading with the latest `measured_at`, by video, where there is one.

        Its cost grows with the number of videos asked for, not with the number of readings.
        """
        ...

    def series(
        self, video_id: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[Analytics]:
        """Return the video's readings from `since` up to but not at `until`, oldest first."""
        ...
