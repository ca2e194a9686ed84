"""The table, the mapping and the repository of channels' videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.channels import (
    DownloadStatus,
    PublicationStatus,
    TransformationStatus,
    Video,
    VideoRepository,
)
from pipeline_store.channels.video import status_of
from pipeline_store.repository import check_key, check_limit
from pipeline_store.sql.columns import Instant, JsonValue, OpenChoice, map_class, metadata
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import json_object, time_now, uuid_key, uuid_reference

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store.channels import VideoStatus

videos = sa.Table(
    "videos",
    metadata,
    uuid_key(),
    uuid_reference("channel_id", "channels"),
    sa.Column("source_url", sa.Text, nullable=False),
    sa.Column("source_title", sa.Text, nullable=False),
    sa.Column("source_creator", sa.Text),
    sa.Column("source_platform", sa.Text, nullable=False),
    sa.Column(
        "download_status", OpenChoice(DownloadStatus), nullable=False, server_default="pending"
    ),
    sa.Column(
        "transformation_status",
        OpenChoice(TransformationStatus),
        nullable=False,
        server_default="pending",
    ),
    sa.Column(
        "publication_status",
        OpenChoice(PublicationStatus),
        nullable=False,
        server_default="pending",
    ),
    sa.Column("scheduled_publication_at", Instant),
    sa.Column("published_at", Instant),
    sa.Column("youtube_video_id", sa.Text),
    uuid_reference("music_id", "music", nullable=True, ondelete="SET NULL"),
    uuid_reference("preset_id", "transformation_presets", nullable=True, ondelete="SET NULL"),
    json_object("metadata"),
    sa.Column("processing_history", JsonValue, nullable=False, server_default="[]"),
    time_now("created_at"),
    time_now("updated_at"),
    sa.UniqueConstraint("channel_id", "source_url", name="uq_videos_channel_id_source_url"),
    sa.Index("ix_videos_newest", "channel_id", "id"),
    sa.Index("ix_videos_scheduled", "publication_status", "scheduled_publication_at", "id"),
    sa.Index("ix_videos_youtube_video_id", "youtube_video_id", "id"),
    sa.Index("ix_videos_music_id", "music_id"),
    sa.Index("ix_videos_preset_id", "preset_id"),
)
map_class(Video, videos)


@final
class SqlVideoRepository(SqlRepository[Video, UUID], VideoRepository):
    """Videos in the table videos."""

    kind = Video
    table = videos

    def by_source_url(self, channel_id: UUID, source_url: str) -> Video | None:
        """See `VideoRepository.by_source_url`."""
        values.check_uuid("channel_id", channel_id)
        check_key("source_url", source_url, str)
        c = videos.c
        same = sa.and_(c.channel_id == channel_id, c.source_url == source_url)
        return self._first(sa.select(Video).where(same))

    def by_youtube_video_id(self, youtube_video_id: str) -> Video | None:
        """See `VideoRepository.by_youtube_video_id`."""
        check_key("youtube_video_id", youtube_video_id, str)
        c = videos.c
        same = sa.select(Video).where(c.youtube_video_id == youtube_video_id)
        return self._first(same.order_by(c.id.desc()).limit(1))

    def for_channel(self, channel_id: UUID, limit: int = 100) -> list[Video]:
        """See `VideoRepository.for_channel`."""
        values.check_uuid("channel_id", channel_id)
        check_limit(limit)
        c = videos.c
        own = sa.select(Video).where(c.channel_id == channel_id)
        return self._all(own.order_by(c.id.desc()).limit(limit))

    def count_by_status(self) -> dict[UUID, dict[VideoStatus, int]]:
        """See `VideoRepository.count_by_status`."""
        c = videos.c
        stages = (c.publication_status, c.transformation_status, c.download_status)
        grouped = sa.select(c.channel_id, *stages, sa.func.count()).group_by(c.channel_id, *stages)
        found: dict[UUID, dict[VideoStatus, int]] = {}
        for channel_id, *its_stages, count in self._session.execute(grouped):
            counts = found.setdefault(channel_id, {})
            status = status_of(*its_stages)
            counts[status] = counts.get(status, 0) + count
        return found

    def due_for_publication(self, until: datetime, limit: int = 100) -> list[Video]:
        """See `VideoRepository.due_for_publication`."""
        instant = values.as_instant("until", until)
        check_limit(limit)
        c = videos.c
        due = sa.select(Video).where(
            c.publication_status == PublicationStatus.SCHEDULED,
            c.scheduled_publication_at <= instant,
        )
        return self._all(due.order_by(c.scheduled_publication_at, c.id).limit(limit))
