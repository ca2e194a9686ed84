"""Runs in memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, final

from pipeline_store import values
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    PipelineRun,
    PipelineRunRepository,
    RunStatus,
)
from pipeline_store.production.pipeline_run import check_same_cycle
from pipeline_store.repository import check_key, check_kind

if TYPE_CHECKING:
    from datetime import datetime


@final
class MemoryPipelineRunRepository(MemoryRepository[PipelineRun, int], PipelineRunRepository):
    """Runs in memory."""

    collection = "pipeline_runs"

    def for_cycle(self, niche: str, cycle_start: datetime, cycle_end: datetime) -> PipelineRun:
        """See `PipelineRunRepository.for_cycle`."""
        wanted = PipelineRun(niche=niche, cycle_start=cycle_start, cycle_end=cycle_end)
        found = self._of_cycle(wanted)
        if not found:
            made = self.add(wanted)
            self._refuse_if_others_commit(
                lambda run: _cycle(run) == _cycle(made),
                f"the cycle of {niche} was started by somebody else",
            )
            return made
        check_same_cycle(found[0], wanted)
        return found[0]

    def check_unchanged(self, run: PipelineRun) -> None:
        """See `PipelineRunRepository.check_unchanged`."""
        self._session.check_writable()
        check_kind(PipelineRun, run)
        check_key("run", run.id)
        self.add(run)
        self._session.keep_unchanged(self.collection, run)

    def in_status(self, status: RunStatus) -> list[PipelineRun]:
        """See `PipelineRunRepository.in_status`."""
        wanted = values.as_member("status", RunStatus, status)
        return self._where(lambda run: run.status == wanted)

    def niches(self) -> list[str]:
        """See `PipelineRunRepository.niches`."""
        return sorted({run.niche for run in self._looked_at()})

    def latest_for(self, niche: str) -> PipelineRun | None:
        """See `PipelineRunRepository.latest_for`."""
        values.check_text("niche", niche)
        runs = self._where(lambda run: run.niche == niche)
        return max(runs, key=lambda run: (run.cycle_start, run.id), default=None)

    def last_upload_for(self, niche: str) -> PipelineRun | None:
        """See `PipelineRunRepository.last_upload_for`."""
        values.check_text("niche", niche)
        runs = self._where(lambda run: run.niche == niche and run.status == RunStatus.UPLOADED)
        return max(
            runs, key=lambda run: (run.completed_at or values.EARLIEST, run.id), default=None
        )

    def count_by_status(self, niche: str | None = None) -> dict[str, int]:
        """See `PipelineRunRepository.count_by_status`."""
        if niche is not None:
            values.check_text("niche", niche)
        runs = self._looked_at()
        return dict(Counter(str(run.status) for run in runs if niche in (None, run.niche)))

    def _of_cycle(self, wanted: PipelineRun) -> list[PipelineRun]:
        return self._where(lambda run: _cycle(run) == _cycle(wanted))


def _cycle(run: PipelineRun) -> tuple[str, datetime]:
    return run.niche, run.cycle_start
