"""Readings of channels in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from pipeline_store.channels import ChannelStatistics, ChannelStatisticsRepository
from pipeline_store.memory.channels.readings import MemoryReadings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID


@final
class MemoryChannelStatisticsRepository(
    MemoryReadings[ChannelStatistics], ChannelStatisticsRepository
):
    """Readings in memory."""

    collection = "channel_statistics"
    owner = "channel_id"

    def record_new(self, readings: Iterable[ChannelStatistics]) -> int:
        """See `ChannelStatisticsRepository.record_new`."""
        return self._record_new(readings)

    def latest_for(self, channel_ids: Iterable[UUID]) -> dict[UUID, ChannelStatistics]:
        """See `ChannelStatisticsRepository.latest_for`."""
        return {row.channel_id: row for row in self._latest("channel_ids", channel_ids)}

    def series(
        self, channel_id: UUID, since: datetime | None = None, until: datetime | None = None
    ) -> list[ChannelStatistics]:
        """See `ChannelStatisticsRepository.series`."""
        return self._series("channel_id", channel_id, since, until)
