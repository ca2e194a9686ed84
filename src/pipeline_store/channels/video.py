"""A video on its way from a source to a channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from pipeline_store import json_value
from pipeline_store.entity import entity
from pipeline_store.errors import InvalidValue
from pipeline_store.fields import (
    EMPTY_LIST,
    EMPTY_OBJECT,
    choice,
    instant,
    json_list,
    json_object,
    key_text,
    text,
    uuid_identity,
    uuid_reference,
)
from pipeline_store.repository import Repository

LONGEST_URL: Final = 600
"""Characters of a source URL: part of a unique index, whose entries PostgreSQL limits."""


class DownloadStatus(StrEnum):
    """How far the download is."""

    PENDING = "pending"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    FAILED = "failed"


class TransformationStatus(StrEnum):
    """How far the transformation is."""

    PENDING = "pending"
    PROCESSING = "processing"
    TRANSFORMED = "transformed"
    FAILED = "failed"


class PublicationStatus(StrEnum):
    """How far the publication is."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    FAILED = "failed"


class VideoStatus(StrEnum):
    """Where a video is on its whole way, derived from its three statuses."""

    PENDING = "pending"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    PROCESSING = "processing"
    TRANSFORMED = "transformed"
    SCHEDULED = "scheduled"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    FAILED = "failed"


def status_of(
    publication: PublicationStatus, transformation: TransformationStatus, download: DownloadStatus
) -> VideoStatus:
    """Return where a video is on its whole way; see `Video.status`."""
    stages = [VideoStatus(stage.value) for stage in (publication, transformation, download)]
    if VideoStatus.FAILED in stages:
        return VideoStatus.FAILED
    begun = (stage for stage in stages if stage != VideoStatus.PENDING)
    return next(begun, VideoStatus.PENDING)


def _only_longer(video: Video, wanted: Sequence[Any]) -> None:
    before = video.processing_history
    if not json_value.same(list(wanted[: len(before)]), list(before)):
        raise InvalidValue("processing_history: steps are only added, see record_step()")


@entity
class Video:
    """One video of a channel, from its source to its publication."""

    id: UUID = uuid_identity()
    channel_id: UUID = uuid_reference("channels")
    #: Where it comes from; a channel has it once.
    source_url: str = key_text(unique_with=("channel_id",), longest=LONGEST_URL)
    source_title: str = text()
    source_creator: str | None = text(default=None)
    source_platform: str = text()
    download_status: DownloadStatus = choice(DownloadStatus, default=DownloadStatus.PENDING)
    transformation_status: TransformationStatus = choice(
        TransformationStatus, default=TransformationStatus.PENDING
    )
    publication_status: PublicationStatus = choice(
        PublicationStatus, default=PublicationStatus.PENDING
    )
    scheduled_publication_at: datetime | None = instant(default=None)
    published_at: datetime | None = instant(default=None)
    youtube_video_id: str | None = key_text(default=None)
    music_id: UUID | None = uuid_reference("music", default=None, on_delete="clear")
    preset_id: UUID | None = uuid_reference("presets", default=None, on_delete="clear")
    metadata: Mapping[str, Any] = json_object(default=EMPTY_OBJECT)
    #: What was done to it, oldest first; only ever added to.
    processing_history: Sequence[Any] = json_list(default=EMPTY_LIST, on_move=_only_longer)
    created_at: datetime = instant(default=None, now_by_default=True)
    updated_at: datetime = instant(default=None, now_by_default=True, now_on_change=True)

    @property
    def status(self) -> VideoStatus:
        """Failed when any of the three is, else the furthest of them that has begun."""
        return status_of(self.publication_status, self.transformation_status, self.download_status)

    def record_step(self, step: Mapping[str, Any]) -> None:
        """Add a step, any JSON object, to the end of the processing history.

        Raises:
            InvalidValue: it is no JSON object.
        """
        self.processing_history = [*self.processing_history, json_value.as_object("step", step)]


class VideoRepository(Repository[Video, UUID], Protocol):
    """All videos. Removing one removes its jobs and statistics."""

    def by_source_url(self, channel_id: UUID, source_url: str) -> Video | None:
        """Return the channel's video from that source, or None."""
        ...

    def by_youtube_video_id(self, youtube_video_id: str) -> Video | None:
        """Return the video with that id on YouTube, the newest of several, or None."""
        ...

    def for_channel(self, channel_id: UUID, limit: int = 100) -> list[Video]:
        """Return the channel's newest videos, newest first; `limit` is 1 to 10,000."""
        ...

    def count_by_status(self) -> dict[UUID, dict[VideoStatus, int]]:
        """Return how many videos each channel has in each status, by `Channel.id`.

        Channels and statuses without any are left out.
        """
        ...

    def due_for_publication(self, until: datetime, limit: int = 100) -> list[Video]:
        """Return the videos scheduled for `until` or earlier, the longest due first.

        `limit` is 1 to 10,000.
        """
        ...
