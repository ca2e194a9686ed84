"""Music in memory."""

from __future__ import annotations

from operator import attrgetter
from typing import final
from uuid import UUID

from pipeline_store.channels import Music, MusicRepository
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.repository import check_key, check_limit


@final
class MemoryMusicRepository(MemoryRepository[Music, UUID], MusicRepository):
    """Music in memory."""

    collection = "music"

    def by_spotify_track_id(self, spotify_track_id: str) -> Music | None:
        """See `MusicRepository.by_spotify_track_id`."""
        check_key("spotify_track_id", spotify_track_id, str)
        found = self._where(lambda each: each.spotify_track_id == spotify_track_id)
        return next(iter(found), None)

    def least_used(self, limit: int = 1) -> list[Music]:
        """See `MusicRepository.least_used`."""
        check_limit(limit)
        active = self._where(lambda each: each.is_active)
        return sorted(active, key=attrgetter("usage_count", "id"))[:limit]

    def record_use(self, music_id: UUID) -> Music:
        """See `MusicRepository.record_use`."""
        self._session.check_writable()
        piece = self.get(music_id)
        self._session.reread(self.collection, piece)
        piece.usage_count += 1
        self._session.flush()
        return piece
