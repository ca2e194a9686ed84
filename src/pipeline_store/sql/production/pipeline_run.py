"""The table, the mapping and the repository of pipeline runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.production import PipelineRun, PipelineRunRepository, RunStatus
from pipeline_store.production.pipeline_run import check_same_cycle
from pipeline_store.repository import check_key, check_kind
from pipeline_store.sql.columns import (
    Instant,
    OpenChoice,
    RowKey,
    chronological,
    map_class,
    metadata,
    same_instant,
)
from pipeline_store.sql.repository import SqlRepository

if TYPE_CHECKING:
    from datetime import datetime

pipeline_runs = sa.Table(
    "pipeline_runs",
    metadata,
    sa.Column("id", RowKey, primary_key=True, autoincrement=True),
    sa.Column("niche", sa.Text, nullable=False),
    sa.Column("cycle_start", Instant, nullable=False),
    sa.Column("cycle_end", Instant, nullable=False),
    sa.Column("status", OpenChoice(RunStatus), server_default="pending"),
    sa.Column("started_at", Instant),
    sa.Column("completed_at", Instant),
    sa.Column("video_file_path", sa.Text),
    sa.Column("video_duration_seconds", sa.Float),
    sa.Column("video_file_size_bytes", sa.BigInteger),
    sa.Column("youtube_video_id", sa.Text),
    sa.Column("youtube_url", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("retry_count", sa.BigInteger, server_default="0"),
    sa.Index("idx_pipeline_runs_status", "status"),
    sa.Index("idx_pipeline_runs_niche", "niche", "cycle_start"),
    sqlite_autoincrement=True,
)
map_class(PipelineRun, pipeline_runs)


@final
class SqlPipelineRunRepository(SqlRepository[PipelineRun, int], PipelineRunRepository):
    """Runs in the table pipeline_runs."""

    kind = PipelineRun
    table = pipeline_runs

    def for_cycle(self, niche: str, cycle_start: datetime, cycle_end: datetime) -> PipelineRun:
        """See `PipelineRunRepository.for_cycle`."""
        wanted = PipelineRun(niche=niche, cycle_start=cycle_start, cycle_end=cycle_end)
        found = self._of_cycle(wanted)
        if found is None and not self._session.read_only:
            # The table may have no unique index, so askers of one cycle wait for each other.
            self._session.lock(f"pipeline_runs {niche} {wanted.cycle_start.isoformat()}")
            found = self._of_cycle(wanted)
        if found is None:
            return self.add(wanted)
        check_same_cycle(found, wanted)
        return found

    def check_unchanged(self, run: PipelineRun) -> None:
        """See `PipelineRunRepository.check_unchanged`."""
        self._session.check_writable()
        check_kind(PipelineRun, run)
        check_key("run", run.id)
        self.add(run)
        self._session.check_unchanged([run])

    def in_status(self, status: RunStatus) -> list[PipelineRun]:
        """See `PipelineRunRepository.in_status`."""
        wanted = values.as_member("status", RunStatus, status)
        c = pipeline_runs.c
        return self._all(sa.select(PipelineRun).where(c.status == wanted).order_by(c.id))

    def niches(self) -> list[str]:
        """See `PipelineRunRepository.niches`."""
        return sorted(self._session.scalars(sa.select(pipeline_runs.c.niche).distinct()))

    def latest_for(self, niche: str) -> PipelineRun | None:
        """See `PipelineRunRepository.latest_for`."""
        c = pipeline_runs.c
        return self._last(niche, sa.true(), c.cycle_start)

    def last_upload_for(self, niche: str) -> PipelineRun | None:
        """See `PipelineRunRepository.last_upload_for`."""
        c = pipeline_runs.c
        return self._last(niche, c.status == RunStatus.UPLOADED, c.completed_at)

    def count_by_status(self, niche: str | None = None) -> dict[str, int]:
        """See `PipelineRunRepository.count_by_status`."""
        c = pipeline_runs.c
        statement = sa.select(c.status, sa.func.count()).group_by(c.status)
        if niche is not None:
            values.check_text("niche", niche)
            statement = statement.where(c.niche == niche)
        return {str(row[0]): row[1] for row in self._session.execute(statement)}

    def _of_cycle(self, wanted: PipelineRun) -> PipelineRun | None:
        c = pipeline_runs.c
        starts_then = same_instant(c.cycle_start, wanted.cycle_start, self._session.dialect)
        statement = (
            sa.select(PipelineRun)
            .where(c.niche == wanted.niche, starts_then)
            .order_by(c.id)
            .limit(1)
        )
        return self._session.scalar(statement)

    def _last(
        self, niche: str, condition: sa.ColumnElement[bool], time: sa.ColumnElement[datetime]
    ) -> PipelineRun | None:
        values.check_text("niche", niche)
        c = pipeline_runs.c
        statement = (
            sa.select(PipelineRun)
            .where(c.niche == niche, condition)
            .order_by(chronological(time).desc().nulls_last(), c.id.desc())
            .limit(1)
        )
        return self._session.scalar(statement)
