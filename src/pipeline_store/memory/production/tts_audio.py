"""Spoken audio in memory."""

from __future__ import annotations

from typing import final

from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    TTSAudio,
    TTSAudioRepository,
)
from pipeline_store.repository import check_key


@final
class MemoryTTSAudioRepository(MemoryRepository[TTSAudio, int], TTSAudioRepository):
    """Spoken audio in memory."""

    collection = "tts_audio"

    def for_run(self, run_id: int) -> list[TTSAudio]:
        """See `TTSAudioRepository.for_run`."""
        check_key("run_id", run_id)
        found = self._where(lambda audio: audio.pipeline_run_id == run_id)
        return sorted(found, key=lambda audio: (audio.generated_at, audio.id))
