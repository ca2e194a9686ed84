"""The table, the mapping and the repository of music."""

from __future__ import annotations

from typing import final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store.channels import Music, MusicRepository
from pipeline_store.repository import check_key, check_limit, nothing_at
from pipeline_store.sql.columns import map_class, metadata
from pipeline_store.sql.known_objects import with_keys
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import json_object, time_now, uuid_key

music = sa.Table(
    "music",
    metadata,
    uuid_key(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("artist", sa.Text),
    sa.Column("spotify_track_id", sa.Text, unique=True),
    sa.Column("file_path", sa.Text),
    sa.Column("duration_seconds", sa.Float),
    json_object("metadata"),
    sa.Column("usage_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    time_now("created_at"),
    time_now("updated_at"),
    sa.Index("ix_music_usage", "is_active", "usage_count", "id"),
)
map_class(Music, music)


@final
class SqlMusicRepository(SqlRepository[Music, UUID], MusicRepository):
    """Music in the table music."""

    kind = Music
    table = music

    def by_spotify_track_id(self, spotify_track_id: str) -> Music | None:
        """See `MusicRepository.by_spotify_track_id`."""
        check_key("spotify_track_id", spotify_track_id, str)
        return self._first(sa.select(Music).where(music.c.spotify_track_id == spotify_track_id))

    def least_used(self, limit: int = 1) -> list[Music]:
        """See `MusicRepository.least_used`."""
        check_limit(limit)
        c = music.c
        active = sa.select(Music).where(c.is_active)
        return self._all(active.order_by(c.usage_count, c.id).limit(limit))

    def record_use(self, music_id: UUID) -> Music:
        """See `MusicRepository.record_use`."""
        self._session.check_writable()
        check_key("music_id", music_id, UUID)
        c = music.c
        counted = (
            sa.update(music)
            .where(c.id == music_id)
            .values(usage_count=c.usage_count + 1, updated_at=self._now())
        )
        self._session.execute(counted)
        stored = sa.select(Music).where(c.id == music_id)
        found = self._session.refresh(Music, stored, with_keys([music_id]))
        if not found:
            raise nothing_at(music.name, music_id)
        return found[0]
