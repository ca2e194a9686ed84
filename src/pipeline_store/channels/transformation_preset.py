"""A named set of parameters by which videos are transformed."""

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
    json_object,
    key_text,
    text,
    uuid_identity,
)
from pipeline_store.repository import Repository


@entity
class TransformationPreset:
    """Parameters under a name. What refers to it goes on without when it is removed."""

    id: UUID = uuid_identity()
    name: str = key_text(unique=True)
    description: str | None = text(default=None)
    parameters: Mapping[str, Any] = json_object(default=EMPTY_OBJECT)
    is_default: bool = flag(default=False)
    is_active: bool = flag(default=True)
    created_at: datetime = instant(default=None, now_by_default=True)
    updated_at: datetime = instant(default=None, now_by_default=True, now_on_change=True)


class TransformationPresetRepository(Repository[TransformationPreset, UUID], Protocol):
    """All presets."""

    def by_name(self, name: str) -> TransformationPreset | None:
        """Return the preset of that name, or None."""
        ...

    def active(self) -> list[TransformationPreset]:
        """Return the active presets by name."""
        ...

    def default(self) -> TransformationPreset | None:
        """Return the active preset that is the default, the first by name of several, or None."""
        ...

    def make_default(self, preset_id: UUID) -> TransformationPreset:
        """Make this preset the default, in place of any other.

        Raises:
            NotFound: there is no such preset.
        """
        ...
