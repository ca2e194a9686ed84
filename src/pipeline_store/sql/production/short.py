"""The table, the mapping and the repository of shorts."""

from __future__ import annotations

from typing import final

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.production import Short, ShortRepository, ShortStatus
from pipeline_store.repository import check_key
from pipeline_store.sql.columns import Instant, OpenChoice, RowKey, map_class, metadata
from pipeline_store.sql.repository import SqlRepository

shorts = sa.Table(
    "shorts",
    metadata,
    sa.Column("id", RowKey, primary_key=True, autoincrement=True),
    sa.Column("pipeline_run_id", RowKey, sa.ForeignKey("pipeline_runs.id"), nullable=False),
    sa.Column("clip_id", RowKey, sa.ForeignKey("clips.id")),
    sa.Column("file_path", sa.Text),
    sa.Column("duration_seconds", sa.Float),
    sa.Column("title", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("youtube_video_id", sa.Text),
    sa.Column("youtube_url", sa.Text),
    sa.Column("status", OpenChoice(ShortStatus), server_default="pending"),
    sa.Column("uploaded_at", Instant),
    sqlite_autoincrement=True,
)
map_class(Short, shorts)


@final
class SqlShortRepository(SqlRepository[Short, int], ShortRepository):
    """Shorts in the table shorts."""

    kind = Short
    table = shorts

    def for_run(self, run_id: int) -> list[Short]:
        """See `ShortRepository.for_run`."""
        check_key("run_id", run_id)
        c = shorts.c
        return self._all(sa.select(Short).where(c.pipeline_run_id == run_id).order_by(c.id))

    def in_status(self, status: ShortStatus) -> list[Short]:
        """See `ShortRepository.in_status`."""
        wanted = values.as_member("status", ShortStatus, status)
        c = shorts.c
        return self._all(sa.select(Short).where(c.status == wanted).order_by(c.id))
