"""An entry in the journal of changed settings."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from pipeline_store.entity import entity
from pipeline_store.fields import (
    choice,
    instant,
    json_any,
    key_text,
    text,
    uuid_identity,
    uuid_reference,
)
from pipeline_store.repository import Repository


class ConfigurationLayer(StrEnum):
    """Which of the layers in the database was changed."""

    CHANNEL = "channel"
    OVERRIDE = "override"
    SYSTEM = "system"


@entity
class ConfigurationChange:
    """Who changed a setting, when, from what and to what.

    A value that was not there before, or is no more, is None; a secret one is never kept here.
    """

    id: UUID = uuid_identity()
    changed_at: datetime = instant(default=None, now_by_default=True)
    changed_by: str = text(default="system")
    layer: ConfigurationLayer = choice(ConfigurationLayer)
    #: The channel whose setting it is; kept when the channel is removed.
    channel_id: UUID | None = uuid_reference(None, default=None)
    key: str = key_text()
    old_value: Any = json_any(default=None)
    new_value: Any = json_any(default=None)


class ConfigurationChangeRepository(Repository[ConfigurationChange, UUID], Protocol):
    """The journal of settings."""

    def recent(self, key: str | None = None, limit: int = 50) -> list[ConfigurationChange]:
        """Return the newest changes, newest first, of one key if named; `limit` is 1 to 10,000."""
        ...
