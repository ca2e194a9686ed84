"""The table, the mapping and the repository of clips."""

from __future__ import annotations

from typing import final

import sqlalchemy as sa

from pipeline_store.production import (
    Clip,
    ClipRepository,
    ContentIdRisk,
    ExtractionMethod,
    ReviewAction,
    ReviewLog,
    skipped_ranks,
)
from pipeline_store.repository import check_key
from pipeline_store.sql.columns import OpenChoice, RowKey, map_class, metadata
from pipeline_store.sql.production.review_log import review_log
from pipeline_store.sql.repository import SqlRepository

clips = sa.Table(
    "clips",
    metadata,
    sa.Column("id", RowKey, primary_key=True, autoincrement=True),
    sa.Column("pipeline_run_id", RowKey, sa.ForeignKey("pipeline_runs.id"), nullable=False),
    sa.Column("discovered_video_id", RowKey, sa.ForeignKey("discovered_videos.id"), nullable=False),
    sa.Column("rank_position", sa.BigInteger, nullable=False),
    sa.Column("start_time_seconds", sa.Float, nullable=False),
    sa.Column("end_time_seconds", sa.Float, nullable=False),
    sa.Column("clip_duration_seconds", sa.Float, nullable=False),
    sa.Column("extraction_method", OpenChoice(ExtractionMethod)),
    sa.Column("clip_file_path", sa.Text),
    sa.Column("content_id_risk", OpenChoice(ContentIdRisk), server_default="unknown"),
    sa.Index("idx_clips_pipeline", "pipeline_run_id"),
    sqlite_autoincrement=True,
)
map_class(Clip, clips)


@final
class SqlClipRepository(SqlRepository[Clip, int], ClipRepository):
    """Clips in the table clips."""

    kind = Clip
    table = clips

    def for_run(self, run_id: int, skipped: bool = True) -> list[Clip]:
        """See `ClipRepository.for_run`."""
        check_key("run_id", run_id)
        c = clips.c
        found = self._all(
            sa.select(Clip).where(c.pipeline_run_id == run_id).order_by(c.rank_position, c.id)
        )
        if skipped:
            return found
        skips = sa.select(ReviewLog).where(
            review_log.c.pipeline_run_id == run_id, review_log.c.action == ReviewAction.SKIP
        )
        left_out = skipped_ranks(self._session.scalars(skips))
        return [clip for clip in found if clip.rank_position not in left_out]
