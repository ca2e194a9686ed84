"""Settings of the system in memory."""

from __future__ import annotations

from typing import Any, final

from pipeline_store.channels import SystemConfiguration, SystemConfigurationRepository
from pipeline_store.entity import change
from pipeline_store.memory.repository import MemoryRepository


@final
class MemorySystemConfigurationRepository(
    MemoryRepository[SystemConfiguration, str], SystemConfigurationRepository
):
    """Settings in memory."""

    collection = "system_configuration"

    def set(
        self, key: str, value: Any, description: str | None = None, encrypted: bool = False
    ) -> SystemConfiguration:
        """See `SystemConfigurationRepository.set`."""
        self._session.check_writable()
        wanted = SystemConfiguration(
            key=key, value=value, description=description, encrypted=encrypted
        )
        found = self.find(key)
        if found is None:
            return self._upsert([wanted])[0]
        self._session.reread(self.collection, found)
        described = found.description if description is None else description
        change(found, value=value, description=described, encrypted=encrypted)
        self._session.flush()
        return found

    def unset(self, key: str) -> bool:
        """See `SystemConfigurationRepository.unset`."""
        found = self.find(key)
        if found is not None:
            self.remove(found)
        return found is not None

    def all(self) -> list[SystemConfiguration]:
        """See `SystemConfigurationRepository.all`."""
        return self._where(lambda _: True)
