"""Readings of videos in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from pipeline_store.channels import VideoStatistics, VideoStatisticsRepository
from pipeline_store.memory.channels.readings import MemoryReadings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID


@final
class MemoryVideoStatisticsRepository(MemoryReadings[VideoStatistics], VideoStatisticsRepository):
    """Readings in memory."""

    collection = "video_statistics"
    owner = "video_id"

    def record_new(self, readings: Iterable[VideoStatistics]) -> int:
        """See `VideoStatisticsRepository.record_new`."""
        return self._record_new(readings)

    def latest_for(self, video_ids: Iterable[UUID]) -> dict[UUID, VideoStatistics]:
        """See `VideoStatisticsRepository.latest_for`."""
        return {row.video_id: row for row in self._latest("video_ids", video_ids)}

    def series(
        self, video_id: UUID, since: datetime | None = None, until: datetime | None = None
    ) -> list[VideoStatistics]:
        """See `VideoStatisticsRepository.series`."""
        return self._series("video_id", video_id, since, until)
