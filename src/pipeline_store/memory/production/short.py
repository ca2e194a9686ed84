"""Shorts in memory."""

from __future__ import annotations

from typing import final

from pipeline_store import values
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    Short,
    ShortRepository,
    ShortStatus,
)
from pipeline_store.repository import check_key


@final
class MemoryShortRepository(MemoryRepository[Short, int], ShortRepository):
    """Shorts in memory."""

    collection = "shorts"

    def for_run(self, run_id: int) -> list[Short]:
        """See `ShortRepository.for_run`."""
        check_key("run_id", run_id)
        return self._where(lambda short: short.pipeline_run_id == run_id)

    def in_status(self, status: ShortStatus) -> list[Short]:
        """See `ShortRepository.in_status`."""
        wanted = values.as_member("status", ShortStatus, status)
        return self._where(lambda short: short.status == wanted)
