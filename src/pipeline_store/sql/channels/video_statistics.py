"""The table, the mapping and the repository of readings of videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store.channels import VideoStatistics, VideoStatisticsRepository
from pipeline_store.sql.channels.readings import Readings
from pipeline_store.sql.columns import map_class, metadata
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import time_now, uuid_key, uuid_reference

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

video_statistics = sa.Table(
    "video_statistics",
    metadata,
    uuid_key(),
    uuid_reference("video_id", "videos", ondelete="CASCADE"),
    time_now("timestamp"),
    sa.Column("view_count", sa.BigInteger),
    sa.Column("like_count", sa.BigInteger),
    sa.Column("comment_count", sa.BigInteger),
    sa.Index("ix_video_statistics_series", "video_id", "timestamp", "id"),
)
map_class(VideoStatistics, video_statistics)


@final
class SqlVideoStatisticsRepository(SqlRepository[VideoStatistics, UUID], VideoStatisticsRepository):
    """Readings in the table video_statistics."""

    kind = VideoStatistics
    table = video_statistics

    def record_new(self, readings: Iterable[VideoStatistics]) -> int:
        """See `VideoStatisticsRepository.record_new`."""
        new = self._readings.new_ones(readings, self._now)
        return len(self.add_many(new))

    def latest_for(self, video_ids: Iterable[UUID]) -> dict[UUID, VideoStatistics]:
        """See `VideoStatisticsRepository.latest_for`."""
        found = self._readings.latest("video_ids", video_ids)
        return {reading.video_id: reading for reading in found}

    def series(
        self, video_id: UUID, since: datetime | None = None, until: datetime | None = None
    ) -> list[VideoStatistics]:
        """See `VideoStatisticsRepository.series`."""
        return self._all(self._readings.series("video_id", video_id, since, until))

    @property
    def _readings(self) -> Readings[VideoStatistics]:
        c = video_statistics.c
        return Readings(self._session, VideoStatistics, c.id, c.video_id, c.timestamp)
