"""Overrides in memory."""

from __future__ import annotations

from typing import final

from pipeline_store.entity import change
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    ConfigOverride,
    ConfigOverrideRepository,
)
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.repository import check_key


@final
class MemoryConfigOverrideRepository(
    MemoryRepository[ConfigOverride, str], ConfigOverrideRepository
):
    """Overrides in memory."""

    collection = "config_overrides"

    def set(self, key: str, value: str, updated_by: str = SYSTEM) -> ConfigOverride:
        """See `ConfigOverrideRepository.set`."""
        self._session.check_writable()
        wanted = ConfigOverride(key=key, value=value, updated_at=self._now(), updated_by=updated_by)
        found = self.find(key)
        if found is None:
            return self._upsert([wanted])[0]
        self._session.reread(self.collection, found)
        change(found, value=value, updated_at=wanted.updated_at, updated_by=updated_by)
        return found

    def unset(self, key: str) -> bool:
        """See `ConfigOverrideRepository.unset`."""
        found = self.find(key)
        if found is not None:
            self.remove(found)
        return found is not None

    def value(self, key: str) -> str | None:
        """See `ConfigOverrideRepository.value`."""
        found = self.find(key)
        return None if found is None else found.value

    def starting_with(self, prefix: str) -> list[ConfigOverride]:
        """See `ConfigOverrideRepository.starting_with`."""
        check_key("prefix", prefix, str)
        return self._where(lambda override: override.key.startswith(prefix))
