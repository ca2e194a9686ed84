"""What is spoken in a run's video."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pipeline_store.entity import entity
from pipeline_store.fields import identity, instant, integer, number, reference, text
from pipeline_store.repository import Repository


@entity
class Script:
    """One version of a run's script; the newest one counts."""

    id: int = identity()
    pipeline_run_id: int = reference("pipeline_runs")
    opening_text: str | None = text(default=None)
    closing_text: str | None = text(default=None)
    #: The whole script as JSON text.
    full_script_json: str | None = text(default=None, json=True)
    total_char_count: int | None = integer(default=None)
    estimated_duration_seconds: float | None = number(default=None)
    llm_model_used: str | None = text(default=None)
    generated_at: datetime = instant(default=None, now_by_default=True)


class ScriptRepository(Repository[Script, int], Protocol):
    """All scripts."""

    def for_run(self, run_id: int) -> list[Script]:
        """Return the run's scripts, oldest first (by `generated_at`, then id)."""
        ...

    def newest_for(self, run_id: int) -> Script | None:
        """Return the script that counts: the last of `for_run`, or None."""
        ...
