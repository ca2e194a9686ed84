"""The journal of settings in memory."""

from __future__ import annotations

from operator import attrgetter
from typing import final
from uuid import UUID

from pipeline_store.channels import ConfigurationChange, ConfigurationChangeRepository
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.repository import check_key, check_limit


@final
class MemoryConfigurationChangeRepository(
    MemoryRepository[ConfigurationChange, UUID], ConfigurationChangeRepository
):
    """The journal in memory."""

    collection = "configuration_changes"

    def recent(self, key: str | None = None, limit: int = 50) -> list[ConfigurationChange]:
        """See `ConfigurationChangeRepository.recent`."""
        if key is not None:
            check_key("key", key, str)
        check_limit(limit)
        found = self._where(lambda each: key is None or each.key == key)
        return sorted(found, key=attrgetter("changed_at", "id"), reverse=True)[:limit]
