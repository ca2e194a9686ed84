"""Errors in memory."""

from __future__ import annotations

from typing import final

from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    ErrorLog,
    ErrorLogRepository,
)
from pipeline_store.repository import check_key, check_limit


@final
class MemoryErrorLogRepository(MemoryRepository[ErrorLog, int], ErrorLogRepository):
    """Errors in memory."""

    collection = "errors"

    def recent(
        self, limit: int = 20, module: str | None = None, unresolved_only: bool = False
    ) -> list[ErrorLog]:
        """See `ErrorLogRepository.recent`."""
        check_limit(limit)
        if module is not None:
            check_key("module", module, str)
        found = self._where(
            lambda error: (
                module in (None, error.module) and (error.resolved == 0 or not unresolved_only)
            )
        )
        newest = sorted(found, key=lambda error: (error.occurred_at, error.id), reverse=True)
        return newest[:limit]

    def resolve(self, error_id: int) -> ErrorLog:
        """See `ErrorLogRepository.resolve`."""
        error = self.get(error_id)
        self._session.check_writable()
        error.resolved = 1
        return error

    def count_unresolved(self) -> int:
        """See `ErrorLogRepository.count_unresolved`."""
        return sum(error.resolved == 0 for error in self._looked_at())
