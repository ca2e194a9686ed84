"""The table, the mapping and the repository of readings of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store.channels import ChannelStatistics, ChannelStatisticsRepository
from pipeline_store.sql.channels.readings import Readings
from pipeline_store.sql.columns import map_class, metadata
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import time_now, uuid_key, uuid_reference

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

channel_statistics = sa.Table(
    "channel_statistics",
    metadata,
    uuid_key(),
    uuid_reference("channel_id", "channels", ondelete="CASCADE"),
    time_now("timestamp"),
    sa.Column("subscriber_count", sa.BigInteger),
    sa.Column("view_count", sa.BigInteger),
    sa.Column("video_count", sa.BigInteger),
    sa.Index("ix_channel_statistics_series", "channel_id", "timestamp", "id"),
)
map_class(ChannelStatistics, channel_statistics)


@final
class SqlChannelStatisticsRepository(
    SqlRepository[ChannelStatistics, UUID], ChannelStatisticsRepository
):
    """Readings in the table channel_statistics."""

    kind = ChannelStatistics
    table = channel_statistics

    def record_new(self, readings: Iterable[ChannelStatistics]) -> int:
        """See `ChannelStatisticsRepository.record_new`."""
        new = self._readings.new_ones(readings, self._now)
        return len(self.add_many(new))

    def latest_for(self, channel_ids: Iterable[UUID]) -> dict[UUID, ChannelStatistics]:
        """See `ChannelStatisticsRepository.latest_for`."""
        found = self._readings.latest("channel_ids", channel_ids)
        return {reading.channel_id: reading for reading in found}

    def series(
        self, channel_id: UUID, since: datetime | None = None, until: datetime | None = None
    ) -> list[ChannelStatistics]:
        """See `ChannelStatisticsRepository.series`."""
        return self._all(self._readings.series("channel_id", channel_id, since, until))

    @property
    def _readings(self) -> Readings[ChannelStatistics]:
        c = channel_statistics.c
        return Readings(self._session, ChannelStatistics, c.id, c.channel_id, c.timestamp)
