"""A setting of the whole system."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from pipeline_store.entity import entity
from pipeline_store.fields import flag, instant, json_any, key_text, text
from pipeline_store.repository import Repository


@entity
class SystemConfiguration:
    """One key and its value, any JSON.

    What an encrypted one holds is sealed text; see `pipeline_store.services.configuration`.
    """

    key: str = key_text(is_key=True)
    value: Any = json_any()
    description: str | None = text(default=None)
    encrypted: bool = flag(default=False)
    created_at: datetime = instant(default=None, now_by_default=True)
    updated_at: datetime = instant(default=None, now_by_default=True, now_on_change=True)


class SystemConfigurationRepository(Repository[SystemConfiguration, str], Protocol):
    """All settings, keyed by text."""

    def set(
        self, key: str, value: Any, description: str | None = None, encrypted: bool = False
    ) -> SystemConfiguration:
        """Store the value, new or in place of the old one; the last of two writers wins.

        A description that is left out stays what it was.
        """
        ...

    def unset(self, key: str) -> bool:
        """Remove the key and return whether it was there."""
        ...

    def all(self) -> list[SystemConfiguration]:
        """Return every setting by key."""
        ...
