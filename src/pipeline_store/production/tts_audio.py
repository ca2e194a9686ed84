"""A run's script, spoken."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pipeline_store.entity import entity
from pipeline_store.fields import identity, instant, number, reference, text
from pipeline_store.repository import Repository


@entity
class TTSAudio:
    """One audio file made by a text-to-speech engine."""

    id: int = identity()
    pipeline_run_id: int = reference("pipeline_runs")
    engine_used: str = text()
    voice_profile: str | None = text(default=None)
    audio_file_path: str | None = text(default=None)
    duration_seconds: float | None = number(default=None)
    generated_at: datetime = instant(default=None, now_by_default=True)


class TTSAudioRepository(Repository[TTSAudio, int], Protocol):
    """All spoken audio."""

    def for_run(self, run_id: int) -> list[TTSAudio]:
        """Return the run's audio, oldest first (by `generated_at`, then id)."""
        ...
