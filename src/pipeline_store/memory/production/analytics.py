"""Readings in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from pipeline_store import values
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    Analytics,
    AnalyticsRepository,
)
from pipeline_store.production.snapshot_columns import checked_columns

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pipeline_store.production import Snapshot


@final
class MemoryAnalyticsRepository(MemoryRepository[Analytics, int], AnalyticsRepository):
    """Readings in memory."""

    collection = "analytics"

    def record_many(self, snapshots: Iterable[Snapshot]) -> int:
        """See `AnalyticsRepository.record_many`."""
        self._session.check_writable()
        values.check_several("snapshots", snapshots)
        columns = checked_columns(list(snapshots), self._now)
        rows = _rows(columns)
        self._insert(rows)
        return len(rows)

    def record_new(self, snapshots: Iterable[Snapshot]) -> int:
        """See `AnalyticsRepository.record_new`."""
        self._session.check_writable()
        values.check_several("snapshots", snapshots)
        wanted: dict[tuple[str, datetime], Analytics] = {}
        for row in _rows(checked_columns(list(snapshots), self._now)):
            wanted.setdefault(_place(row), row)
        stored = {_place(row) for row in self._where(lambda row: _place(row) in wanted)}
        new = [row for place, row in wanted.items() if place not in stored]
        self._insert(new)
        places = set(map(_place, new))
        self._refuse_if_others_commit(
            lambda row: _place(row) in places, "somebody else recorded the same readings"
        )
        return len(new)

    def latest_for(self, video_ids: Iterable[str]) -> dict[str, Analytics]:
        """See `AnalyticsRepository.latest_for`."""
        values.check_several("video_ids", video_ids)
        wanted = list(video_ids)
        for video_id in wanted:
            values.check_text("video_id", video_id)
        chosen = set(wanted)
        found = self._where(lambda row: row.youtube_video_id in chosen)
        by_time = sorted(found, key=lambda row: (row.measured_at, row.id))
        return {row.youtube_video_id: row for row in by_time}

    def series(
        self, video_id: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[Analytics]:
        """See `AnalyticsRepository.series`."""
        values.check_text("video_id", video_id)
        start = values.EARLIEST if since is None else values.as_instant("since", since)
        end = values.LATEST if until is None else values.as_instant("until", until)
        found = self._where(
            lambda row: row.youtube_video_id == video_id and start <= row.measured_at < end
        )
        return sorted(found, key=lambda row: (row.measured_at, row.id))


def _place(row: Analytics) -> tuple[str, datetime]:
    return row.youtube_video_id, row.measured_at


def _rows(columns: dict[str, list[Any]]) -> list[Analytics]:
    by_row = zip(*columns.values(), strict=True)
    return [Analytics(**dict(zip(columns, row, strict=True))) for row in by_row]
