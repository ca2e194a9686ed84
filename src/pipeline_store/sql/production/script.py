"""The table, the mapping and the repository of scripts."""

from __future__ import annotations

from typing import final

import sqlalchemy as sa

from pipeline_store.clock import utc_now as system_clock
from pipeline_store.production import Script, ScriptRepository
from pipeline_store.repository import check_key
from pipeline_store.sql.columns import (
    Instant,
    RowKey,
    chronological,
    map_class,
    metadata,
    utc_now,
)
from pipeline_store.sql.repository import SqlRepository

scripts = sa.Table(
    "scripts",
    metadata,
    sa.Column("id", RowKey, primary_key=True, autoincrement=True),
    sa.Column("pipeline_run_id", RowKey, sa.ForeignKey("pipeline_runs.id"), nullable=False),
    sa.Column("opening_text", sa.Text),
    sa.Column("closing_text", sa.Text),
    sa.Column("full_script_json", sa.Text),
    sa.Column("total_char_count", sa.BigInteger),
    sa.Column("estimated_duration_seconds", sa.Float),
    sa.Column("llm_model_used", sa.Text),
    sa.Column("generated_at", Instant, default=system_clock, server_default=utc_now()),
    sqlite_autoincrement=True,
)
map_class(Script, scripts)


@final
class SqlScriptRepository(SqlRepository[Script, int], ScriptRepository):
    """Scripts in the table scripts."""

    kind = Script
    table = scripts

    def for_run(self, run_id: int) -> list[Script]:
        """See `ScriptRepository.for_run`."""
        check_key("run_id", run_id)
        c = scripts.c
        return self._all(
            sa.select(Script)
            .where(c.pipeline_run_id == run_id)
            .order_by(chronological(c.generated_at).nulls_first(), c.id)
        )

    def newest_for(self, run_id: int) -> Script | None:
        """See `ScriptRepository.newest_for`."""
        return next(reversed(self.for_run(run_id)), None)
