"""Scripts in memory."""

from __future__ import annotations

from typing import final

from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    Script,
    ScriptRepository,
)
from pipeline_store.repository import check_key


@final
class MemoryScriptRepository(MemoryRepository[Script, int], ScriptRepository):
    """Scripts in memory."""

    collection = "scripts"

    def for_run(self, run_id: int) -> list[Script]:
        """See `ScriptRepository.for_run`."""
        check_key("run_id", run_id)
        found = self._where(lambda script: script.pipeline_run_id == run_id)
        return sorted(found, key=lambda script: (script.generated_at, script.id))

    def newest_for(self, run_id: int) -> Script | None:
        """See `ScriptRepository.newest_for`."""
        return next(reversed(self.for_run(run_id)), None)
