"""Videos of channels in memory."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, final
from uuid import UUID

from pipeline_store import values
from pipeline_store.channels import PublicationStatus, Video, VideoRepository
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.repository import check_key, check_limit

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store.channels import VideoStatus


@final
class MemoryVideoRepository(MemoryRepository[Video, UUID], VideoRepository):
    """Videos in memory."""

    collection = "videos"

    def by_source_url(self, channel_id: UUID, source_url: str) -> Video | None:
        """See `VideoRepository.by_source_url`."""
        values.check_uuid("channel_id", channel_id)
        check_key("source_url", source_url, str)
        found = self._where(
            lambda each: each.channel_id == channel_id and each.source_url == source_url
        )
        return next(iter(found), None)

    def by_youtube_video_id(self, youtube_video_id: str) -> Video | None:
        """See `VideoRepository.by_youtube_video_id`."""
        check_key("youtube_video_id", youtube_video_id, str)
        found = self._where(lambda each: each.youtube_video_id == youtube_video_id)
        return found[-1] if found else None

    def for_channel(self, channel_id: UUID, limit: int = 100) -> list[Video]:
        """See `VideoRepository.for_channel`."""
        values.check_uuid("channel_id", channel_id)
        check_limit(limit)
        return self._where(lambda each: each.channel_id == channel_id)[: -limit - 1 : -1]

    def count_by_status(self) -> dict[UUID, dict[VideoStatus, int]]:
        """See `VideoRepository.count_by_status`."""
        found: dict[UUID, Counter[VideoStatus]] = {}
        for video in self._looked_at():
            found.setdefault(video.channel_id, Counter())[video.status] += 1
        return {channel_id: dict(counts) for channel_id, counts in found.items()}

    def due_for_publication(self, until: datetime, limit: int = 100) -> list[Video]:
        """See `VideoRepository.due_for_publication`."""
        instant = values.as_instant("until", until)
        check_limit(limit)
        due = self._where(
            lambda each: (
                each.publication_status == PublicationStatus.SCHEDULED
                and each.scheduled_publication_at is not None
                and each.scheduled_publication_at <= instant
            )
        )
        return sorted(due, key=attrgetter("scheduled_publication_at", "id"))[:limit]
