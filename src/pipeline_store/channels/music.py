"""A piece of music that can be laid under a video."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from pipeline_store.entity import entity
from pipeline_store.fields import (
    EMPTY_OBJECT,
    flag,
    instant,
    integer,
    json_object,
    key_text,
    number,
    text,
    uuid_identity,
)
from pipeline_store.repository import Repository


@entity
class Music:
    """One piece, and how often it was used."""

    id: UUID = uuid_identity()
    name: str = text(empty=False)
    artist: str | None = text(default=None)
    spotify_track_id: str | None = key_text(default=None, unique=True)
    file_path: str | None = text(default=None)
    duration_seconds: float | None = number(default=None)
    metadata: Mapping[str, Any] = json_object(default=EMPTY_OBJECT)
    usage_count: int = integer(default=0)
    is_active: bool = flag(default=True)
    created_at: datetime = instant(default=None, now_by_default=True)
    updated_at: datetime = instant(default=None, now_by_default=True, now_on_change=True)


class MusicRepository(Repository[Music, UUID], Protocol):
    """All pieces of music."""

    def by_spotify_track_id(self, spotify_track_id: str) -> Music | None:
        """Return the piece with that id on Spotify, or None."""
        ...

    def least_used(self, limit: int = 1) -> list[Music]:
        """Return the active pieces that were used least, the oldest first among equals.

        `limit` is 1 to 10,000.
        """
        ...

    def record_use(self, music_id: UUID) -> Music:
        """Count one more use; two workers that do so at once are both counted.

        Raises:
            NotFound: there is no such piece.
        """
        ...
