"""The table, the mapping and the repository of spoken audio."""

from __future__ import annotations

from typing import final

import sqlalchemy as sa

from pipeline_store.clock import utc_now as system_clock
from pipeline_store.production import TTSAudio, TTSAudioRepository
from pipeline_store.repository import check_key
from pipeline_store.sql.columns import (
    Instant,
    RowKey,
    chronological,
    map_class,
    metadata,
    utc_now,
)
from pipeline_store.sql.repository import SqlRepository

tts_audio = sa.Table(
    "tts_audio",
    metadata,
    sa.Column("id", RowKey, primary_key=True, autoincrement=True),
    sa.Column("pipeline_run_id", RowKey, sa.ForeignKey("pipeline_runs.id"), nullable=False),
    sa.Column("engine_used", sa.Text, nullable=False),
    sa.Column("voice_profile", sa.Text),
    sa.Column("audio_file_path", sa.Text),
    sa.Column("duration_seconds", sa.Float),
    sa.Column("generated_at", Instant, default=system_clock, server_default=utc_now()),
    sqlite_autoincrement=True,
)
map_class(TTSAudio, tts_audio)


@final
class SqlTTSAudioRepository(SqlRepository[TTSAudio, int], TTSAudioRepository):
    """Audio in the table tts_audio."""

    kind = TTSAudio
    table = tts_audio

    def for_run(self, run_id: int) -> list[TTSAudio]:
        """See `TTSAudioRepository.for_run`."""
        check_key("run_id", run_id)
        c = tts_audio.c
        return self._all(
            sa.select(TTSAudio)
            .where(c.pipeline_run_id == run_id)
            .order_by(chronological(c.generated_at).nulls_first(), c.id)
        )
