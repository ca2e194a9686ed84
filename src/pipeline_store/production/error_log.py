"""What went wrong, where, and whether somebody has seen to it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pipeline_store.entity import entity
from pipeline_store.fields import identity, instant, integer, key_text, reference, text
from pipeline_store.repository import Repository


@entity
class ErrorLog:
    """One error, of a run or of no run."""

    id: int = identity()
    pipeline_run_id: int | None = reference("pipeline_runs", default=None)
    module: str = key_text()
    error_type: str = text()
    error_message: str = text()
    stack_trace: str | None = text(default=None)
    occurred_at: datetime = instant(default=None, now_by_default=True)
    #: 1: somebody has seen to it.
    resolved: int = integer(default=0, most=1)


class ErrorLogRepository(Repository[ErrorLog, int], Protocol):
    """All errors."""

    def recent(
        self, limit: int = 20, module: str | None = None, unresolved_only: bool = False
    ) -> list[ErrorLog]:
        """Return up to `limit` errors (1 to 10,000), newest first (by `occurred_at`, then id)."""
        ...

    def resolve(self, error_id: int) -> ErrorLog:
        """Mark the error as seen to.

        Raises:
            NotFound: there is no such error.
        """
        ...

    def count_unresolved(self) -> int:
        """Return how many errors nobody has seen to."""
        ...
