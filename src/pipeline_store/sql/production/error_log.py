"""The table, the mapping and the repository of errors."""

from __future__ import annotations

from typing import final

import sqlalchemy as sa

from pipeline_store.clock import utc_now as system_clock
from pipeline_store.production import ErrorLog, ErrorLogRepository
from pipeline_store.repository import check_key, check_limit
from pipeline_store.sql.columns import (
    Instant,
    RowKey,
    chronological,
    map_class,
    metadata,
    utc_now,
)
from pipeline_store.sql.repository import SqlRepository

error_log = sa.Table(
    "error_log",
    metadata,
    sa.Column("id", RowKey, primary_key=True, autoincrement=True),
    sa.Column("pipeline_run_id", RowKey, sa.ForeignKey("pipeline_runs.id")),
    sa.Column("module", sa.Text, nullable=False),
    sa.Column("error_type", sa.Text, nullable=False),
    sa.Column("error_message", sa.Text, nullable=False),
    sa.Column("stack_trace", sa.Text),
    sa.Column("occurred_at", Instant, default=system_clock, server_default=utc_now()),
    sa.Column("resolved", sa.BigInteger, server_default="0"),
    sa.Index("idx_error_log_module", "module", "occurred_at"),
    sqlite_autoincrement=True,
)
map_class(ErrorLog, error_log)


@final
class SqlErrorLogRepository(SqlRepository[ErrorLog, int], ErrorLogRepository):
    """Errors in the table error_log."""

    kind = ErrorLog
    table = error_log

    def recent(
        self, limit: int = 20, module: str | None = None, unresolved_only: bool = False
    ) -> list[ErrorLog]:
        """See `ErrorLogRepository.recent`."""
        check_limit(limit)
        c = error_log.c
        statement = sa.select(ErrorLog)
        if module is not None:
            check_key("module", module, str)
            statement = statement.where(c.module == module)
        if unresolved_only:
            statement = statement.where(c.resolved == 0)
        newest_first = (chronological(c.occurred_at).desc().nulls_last(), c.id.desc())
        return self._all(statement.order_by(*newest_first).limit(limit))

    def resolve(self, error_id: int) -> ErrorLog:
        """See `ErrorLogRepository.resolve`."""
        error = self.get(error_id)
        self._session.check_writable()
        error.resolved = 1
        return error

    def count_unresolved(self) -> int:
        """See `ErrorLogRepository.count_unresolved`."""
        counted = sa.select(sa.func.count()).where(error_log.c.resolved == 0)
        return self._session.scalar(counted) or 0
