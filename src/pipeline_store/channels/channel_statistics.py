"""What a channel's counters showed at one instant."""

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
class ChannelStatistics:
    """One reading of a channel. Totals may fall; a counter that is hidden is None and never 0."""

    id: UUID = uuid_identity()
    channel_id: UUID = uuid_reference("channels", on_delete="cascade")
    #: When it was read; the store's present instant when left out.
    timestamp: datetime = instant(default=None, now_by_default=True)
    #: Hidden by many channels: None, not 0.
    subscriber_count: int | None = integer(default=None)
    view_count: int | None = integer(default=None)
    video_count: int | None = integer(default=None)


class ChannelStatisticsRepository(Repository[ChannelStatistics, UUID], Protocol):
    """All readings of channels."""

    def record_new(self, readings: Iterable[ChannelStatistics]) -> int:
        """Store the readings that are new and return how many were.

        One of the same channel and instant as a stored or an earlier one is left out.

        Raises:
            NotFound: one is of a channel that does not exist; nothing was written.
        """
        ...

    def latest_for(self, channel_ids: Iterable[UUID]) -> dict[UUID, ChannelStatistics]:
        """Return the latest reading of each channel; those without any are left out."""
        ...

    def series(
        self, channel_id: UUID, since: datetime | None = None, until: datetime | None = None
    ) -> list[ChannelStatistics]:
        """Return readings from `since`, included, to `until`, excluded, oldest first."""
        ...
