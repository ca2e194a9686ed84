"""Clips in memory."""

from __future__ import annotations

from typing import final

from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    Clip,
    ClipRepository,
    skipped_ranks,
)
from pipeline_store.repository import check_key


@final
class MemoryClipRepository(MemoryRepository[Clip, int], ClipRepository):
    """Clips in memory."""

    collection = "clips"

    def for_run(self, run_id: int, skipped: bool = True) -> list[Clip]:
        """See `ClipRepository.for_run`."""
        check_key("run_id", run_id)
        found = self._where(lambda clip: clip.pipeline_run_id == run_id)
        left_out: frozenset[int] = frozenset()
        if not skipped:
            left_out = skipped_ranks(
                self._session.select("reviews", lambda review: review.pipeline_run_id == run_id)
            )
        kept = [clip for clip in found if clip.rank_position not in left_out]
        return sorted(kept, key=lambda clip: (clip.rank_position, clip.id))
