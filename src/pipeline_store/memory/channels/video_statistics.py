"""Readings of videos in memory."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, final
from uuid import UUID

from pipeline_store import values
from pipeline_store.channels import VideoStatistics, VideoStatisticsRepository
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.repository import check_kind, fill_from_clock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@final
class MemoryVideoStatisticsRepository(
    MemoryRepository[VideoStatistics, UUID], VideoStatisticsRepository
):
    """Readings in memory."""

    collection = "video_statistics"

    def record_new(self, readings: Iterable[VideoStatistics]) -> int:
        """See `VideoStatisticsRepository.record_new`."""
        self._session.check_writable()
        values.check_several("readings", readings)
        wanted = list(readings)
        for reading in wanted:
            check_kind(VideoStatistics, reading)
        for reading in wanted:
            fill_from_clock(reading, self._now)
        known = {(row.video_id, row.timestamp) for row in self._where(lambda _: True)}
        new: dict[tuple[UUID, datetime], VideoStatistics] = {}
        for reading in wanted:
            new.setdefault((reading.video_id, reading.timestamp), reading)
        return len(self.add_many([new[key] for key in new if key not in known]))

    def latest_for(self, video_ids: Iterable[UUID]) -> dict[UUID, VideoStatistics]:
        """See `VideoStatisticsRepository.latest_for`."""
        values.check_several("video_ids", video_ids)
        wanted: set[UUID] = set()
        for video_id in video_ids:
            values.check_uuid("video_id", video_id)
            wanted.add(video_id)
        found = self._where(lambda row: row.video_id in wanted)
        return {row.video_id: row for row in sorted(found, key=attrgetter("timestamp", "id"))}

    def series(
        self, video_id: UUID, since: datetime | None = None, until: datetime | None = None
    ) -> list[VideoStatistics]:
        """See `VideoStatisticsRepository.series`."""
        values.check_uuid("video_id", video_id)
        start = None if since is None else values.as_instant("since", since)
        end = None if until is None else values.as_instant("until", until)
        found = self._where(
            lambda row: (
                row.video_id == video_id
                and (start is None or row.timestamp >= start)
                and (end is None or row.timestamp < end)
            )
        )
        return sorted(found, key=attrgetter("timestamp", "id"))
