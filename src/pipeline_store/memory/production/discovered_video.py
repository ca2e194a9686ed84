"""Discovered videos in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from pipeline_store import values
from pipeline_store.entity import copy_as_new
from pipeline_store.errors import NotFound
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    DiscoveredVideo,
    DiscoveredVideoRepository,
    Processed,
    Recorded,
)
from pipeline_store.production.discovered_video import take_over
from pipeline_store.repository import check_kind

if TYPE_CHECKING:
    from collections.abc import Iterable


@final
class MemoryDiscoveredVideoRepository(
    MemoryRepository[DiscoveredVideo, int], DiscoveredVideoRepository
):
    """Discovered videos in memory."""

    collection = "discovered_videos"

    def record(self, video: DiscoveredVideo) -> DiscoveredVideo:
        """See `DiscoveredVideoRepository.record`."""
        self.record_many([video])
        return self.by_video_ids([video.video_id])[video.video_id]

    def record_many(self, videos: Iterable[DiscoveredVideo]) -> Recorded:
        """See `DiscoveredVideoRepository.record_many`."""
        self._session.check_writable()
        values.check_several("videos", videos)
        given = list(videos)
        for video in given:
            check_kind(DiscoveredVideo, video)
        known = self.by_video_ids(video.video_id for video in given)
        for video in known.values():
            self._session.reread(self.collection, video)
        new: dict[str, DiscoveredVideo] = {}
        # The order in which the databases write them, and thus give them their keys.
        for video in sorted(given, key=lambda video: video.video_id):
            stored = known.get(video.video_id) or new.get(video.video_id)
            if stored is None:
                new[video.video_id] = copy_as_new(video)
            else:
                take_over(stored, video)
        self._upsert(list(new.values()))
        return Recorded(len(new), len(given) - len(new))

    def by_video_id(self, video_id: str) -> DiscoveredVideo | None:
        """See `DiscoveredVideoRepository.by_video_id`."""
        return self.by_video_ids([video_id]).get(video_id)

    def by_video_ids(self, video_ids: Iterable[str]) -> dict[str, DiscoveredVideo]:
        """See `DiscoveredVideoRepository.by_video_ids`."""
        values.check_several("video_ids", video_ids)
        wanted = list(video_ids)
        for video_id in wanted:
            values.check_text("video_id", video_id)
        chosen = set(wanted)
        return {v.video_id: v for v in self._where(lambda video: video.video_id in chosen)}

    def pending(self, niche: str, limit: int | None = None) -> list[DiscoveredVideo]:
        """See `DiscoveredVideoRepository.pending`."""
        values.check_text("niche", niche)
        if limit is not None:
            values.check_integer("limit", limit, least=1)
        found = self._where(lambda video: _is_pending(video, niche))
        return sorted(found, key=lambda video: (video.discovered_at, video.id))[:limit]

    def count_pending(self, niche: str) -> int:
        """See `DiscoveredVideoRepository.count_pending`."""
        values.check_text("niche", niche)
        return sum(_is_pending(video, niche) for video in self._looked_at())

    def mark(self, video_id: str, processed: Processed) -> DiscoveredVideo:
        """See `DiscoveredVideoRepository.mark`."""
        video = self.by_video_id(video_id)
        if video is None:
            raise NotFound(f"discovered_videos: {video_id!r} was not discovered")
        self._session.check_writable()
        video.processed = processed
        return video

    def niches(self) -> list[str]:
        """See `DiscoveredVideoRepository.niches`."""
        return sorted({video.niche for video in self._looked_at()})


def _is_pending(video: DiscoveredVideo, niche: str) -> bool:
    return video.niche == niche and video.processed == Processed.PENDING
