"""What a video's counters showed at one instant."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from pipeline_store.entity import entity
from pipeline_store.fields import instant, integer, uuid_identity, uuid_reference
from pipeline_store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable


@entity
class VideoStatistics:
    """One reading of a video. Totals may fall; a counter that is hidden is None and never 0."""

    id: UUID = uuid_identity()
    video_id: UUID = uuid_reference("videos", on_delete="cascade")
    #: When it was read; the store's present instant when left out.
    timestamp: datetime = instant(default=None, now_by_default=True)
    view_count: int | None = integer(default=None)
    #: Hidden by some videos: None, not 0.
    like_count: int | None = integer(default=None)
    comment_count: int | None = integer(default=None)


class VideoStatisticsRepository(Repository[VideoStatistics, UUID], Protocol):
    """All readings of videos."""

    def record_new(self, readings: Iterable[VideoStatistics]) -> int:
        """Store the readings that are new and return how many were.

        One of the same video and instant as a stored or an earlier one is left out.

        Raises:
            NotFound: one is of a video that does not exist; nothing was written.
        """
        ...

    def latest_for(self, video_ids: Iterable[UUID]) -> dict[UUID, VideoStatistics]:
        """Return the latest reading of each video; those without any are left out."""
        ...

    def series(
        self, video_id: UUID, since: datetime | None = None, until: datetime | None = None
    ) -> list[VideoStatistics]:
        """Return readings from `since`, included, to `until`, excluded, oldest first."""
        ...
