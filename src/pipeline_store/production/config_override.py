"""A setting that was changed while the pipeline runs."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from pipeline_store.entity import entity
from pipeline_store.fields import instant, key_text, text
from pipeline_store.repository import Repository

SYSTEM: Final = "system"


@entity
class ConfigOverride:
    """One key and its value, as text."""

    key: str = key_text(is_key=True)
    value: str = text()
    updated_at: datetime = instant(default=None, now_by_default=True)
    updated_by: str = text(default=SYSTEM)


class ConfigOverrideRepository(Repository[ConfigOverride, str], Protocol):
    """All overrides, keyed by text."""

    def set(self, key: str, value: str, updated_by: str = SYSTEM) -> ConfigOverride:
        """Store the value, new or in place of the old one; the last of two writers wins."""
        ...

    def unset(self, key: str) -> bool:
        """Remove the key and return whether it was there."""
        ...

    def value(self, key: str) -> str | None:
        """Return the key's value, or None."""
        ...

    def starting_with(self, prefix: str) -> list[ConfigOverride]:
        """Return the overrides whose key starts with `prefix`, taken literally, by key."""
        ...
