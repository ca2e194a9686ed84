"""Readings of channels in memory."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, final
from uuid import UUID

from pipeline_store import values
from pipeline_store.channels import ChannelStatistics, ChannelStatisticsRepository
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.repository import check_kind, fill_from_clock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@final
class MemoryChannelStatisticsRepository(
    MemoryRepository[ChannelStatistics, UUID], ChannelStatisticsRepository
):
    """Readings in memory."""

    collection = "channel_statistics"

    def record_new(self, readings: Iterable[ChannelStatistics]) -> int:
        """See `ChannelStatisticsRepository.record_new`."""
        self._session.check_writable()
        values.check_several("readings", readings)
        wanted = list(readings)
        for reading in wanted:
            check_kind(ChannelStatistics, reading)
        for reading in wanted:
            fill_from_clock(reading, self._now)
        known = {(row.channel_id, row.timestamp) for row in self._where(lambda _: True)}
        new: dict[tuple[UUID, datetime], ChannelStatistics] = {}
        for reading in wanted:
            new.setdefault((reading.channel_id, reading.timestamp), reading)
        return len(self.add_many([new[key] for key in new if key not in known]))

    def latest_for(self, channel_ids: Iterable[UUID]) -> dict[UUID, ChannelStatistics]:
        """See `ChannelStatisticsRepository.latest_for`."""
        values.check_several("channel_ids", channel_ids)
        wanted: set[UUID] = set()
        for channel_id in channel_ids:
            values.check_uuid("channel_id", channel_id)
            wanted.add(channel_id)
        found = self._where(lambda row: row.channel_id in wanted)
        return {row.channel_id: row for row in sorted(found, key=attrgetter("timestamp", "id"))}

    def series(
        self, channel_id: UUID, since: datetime | None = None, until: datetime | None = None
    ) -> list[ChannelStatistics]:
        """See `ChannelStatisticsRepository.series`."""
        values.check_uuid("channel_id", channel_id)
        start = None if since is None else values.as_instant("since", since)
        end = None if until is None else values.as_instant("until", until)
        found = self._where(
            lambda row: (
                row.channel_id == channel_id
                and (start is None or row.timestamp >= start)
                and (end is None or row.timestamp < end)
            )
        )
        return sorted(found, key=attrgetter("timestamp", "id"))
