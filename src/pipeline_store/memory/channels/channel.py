"""Channels in memory."""

from __future__ import annotations

from typing import final
from uuid import UUID

from pipeline_store.channels import Channel, ChannelRepository
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.repository import check_key


@final
class MemoryChannelRepository(MemoryRepository[Channel, UUID], ChannelRepository):
    """Channels in memory."""

    collection = "channels"

    def by_channel_id(self, channel_id: str) -> Channel | None:
        """See `ChannelRepository.by_channel_id`."""
        check_key("channel_id", channel_id, str)
        return next(iter(self._where(lambda each: each.channel_id == channel_id)), None)

    def by_youtube_channel_id(self, youtube_channel_id: str) -> Channel | None:
        """See `ChannelRepository.by_youtube_channel_id`."""
        check_key("youtube_channel_id", youtube_channel_id, str)
        found = self._where(lambda each: each.youtube_channel_id == youtube_channel_id)
        return next(iter(found), None)

    def active(self) -> list[Channel]:
        """See `ChannelRepository.active`."""
        return sorted(self._where(lambda each: each.is_active), key=lambda each: each.channel_id)
