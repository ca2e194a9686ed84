"""A channel that is fed with videos."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from pipeline_store.entity import entity
from pipeline_store.fields import (
    EMPTY_OBJECT,
    flag,
    instant,
    integer,
    json_object,
    key_text,
    text,
    uuid_identity,
    uuid_reference,
)
from pipeline_store.repository import Repository

MOST_CONCURRENT: Final = 10


@entity
class Channel:
    """Where videos are published, and how it is set up.

    `credentials` holds encrypted entries only; see `pipeline_store.services.credentials`.
    """

    id: UUID = uuid_identity()
    #: The name by which programs know it, such as "nature1".
    channel_id: str = key_text(unique=True)
    name: str = text(empty=False)
    youtube_channel_id: str | None = key_text(default=None, unique=True)
    #: A channel that is not active gets no new work; its rows stay.
    is_active: bool = flag(default=True)
    #: Tasks that may be worked on at the same time.
    max_concurrent: int = integer(default=2, least=1, most=MOST_CONCURRENT)
    credentials: Mapping[str, Any] | None = json_object(default=None)
    settings: Mapping[str, Any] = json_object(default=EMPTY_OBJECT)
    schedule: Mapping[str, Any] = json_object(default=EMPTY_OBJECT)
    filters: Mapping[str, Any] = json_object(default=EMPTY_OBJECT)
    metadata: Mapping[str, Any] = json_object(default=EMPTY_OBJECT)
    #: The API project whose quota its uploads use.
    quota_project: str | None = key_text(default=None)
    default_preset_id: UUID | None = uuid_reference("presets", default=None, on_delete="clear")
    last_publication_at: datetime | None = instant(default=None)
    created_at: datetime = instant(default=None, now_by_default=True)
    updated_at: datetime = instant(default=None, now_by_default=True, now_on_change=True)


class ChannelRepository(Repository[Channel, UUID], Protocol):
    """All channels. One that still has videos, jobs or tasks is not removed but deactivated."""

    def by_channel_id(self, channel_id: str) -> Channel | None:
        """Return the channel of that name, or None."""
        ...

    def by_youtube_channel_id(self, youtube_channel_id: str) -> Channel | None:
        """Return the channel with that id on YouTube, or None."""
        ...

    def active(self) -> list[Channel]:
        """Return the active channels by name (`channel_id`)."""
        ...
