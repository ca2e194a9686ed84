"""The table, the mapping and the repository of channels."""

from __future__ import annotations

from typing import final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store.channels import Channel, ChannelRepository
from pipeline_store.repository import check_key
from pipeline_store.sql.columns import Instant, JsonValue, by_code_point, map_class, metadata
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import json_object, time_now, uuid_key, uuid_reference

channels = sa.Table(
    "channels",
    metadata,
    uuid_key(),
    sa.Column("channel_id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("youtube_channel_id", sa.Text, unique=True),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("max_concurrent", sa.BigInteger, nullable=False, server_default="2"),
    sa.Column("credentials", JsonValue),
    json_object("settings"),
    json_object("schedule"),
    json_object("filters"),
    json_object("metadata"),
    sa.Column("quota_project", sa.Text),
    uuid_reference(
        "default_preset_id", "transformation_presets", nullable=True, ondelete="SET NULL"
    ),
    sa.Column("last_publication_at", Instant),
    time_now("created_at"),
    time_now("updated_at"),
    sa.Index("ix_channels_default_preset_id", "default_preset_id"),
)
map_class(Channel, channels)


@final
class SqlChannelRepository(SqlRepository[Channel, UUID], ChannelRepository):
    """Channels in the table channels."""

    kind = Channel
    table = channels

    def by_channel_id(self, channel_id: str) -> Channel | None:
        """See `ChannelRepository.by_channel_id`."""
        check_key("channel_id", channel_id, str)
        return self._first(sa.select(Channel).where(channels.c.channel_id == channel_id))

    def by_youtube_channel_id(self, youtube_channel_id: str) -> Channel | None:
        """See `ChannelRepository.by_youtube_channel_id`."""
        check_key("youtube_channel_id", youtube_channel_id, str)
        same = channels.c.youtube_channel_id == youtube_channel_id
        return self._first(sa.select(Channel).where(same))

    def active(self) -> list[Channel]:
        """See `ChannelRepository.active`."""
        active = sa.select(Channel).where(channels.c.is_active)
        return self._all(active.order_by(by_code_point(channels.c.channel_id)))
