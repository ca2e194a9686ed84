"""Presets in memory."""

from __future__ import annotations

from typing import final
from uuid import UUID

from pipeline_store.channels import TransformationPreset, TransformationPresetRepository
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.repository import check_key


@final
class MemoryTransformationPresetRepository(
    MemoryRepository[TransformationPreset, UUID], TransformationPresetRepository
):
    """Presets in memory."""

    collection = "presets"

    def by_name(self, name: str) -> TransformationPreset | None:
        """See `TransformationPresetRepository.by_name`."""
        check_key("name", name, str)
        return next(iter(self._where(lambda each: each.name == name)), None)

    def active(self) -> list[TransformationPreset]:
        """See `TransformationPresetRepository.active`."""
        return sorted(self._where(lambda each: each.is_active), key=lambda each: each.name)

    def default(self) -> TransformationPreset | None:
        """See `TransformationPresetRepository.default`."""
        return next((each for each in self.active() if each.is_default), None)

    def make_default(self, preset_id: UUID) -> TransformationPreset:
        """See `TransformationPresetRepository.make_default`."""
        self._session.check_writable()
        wanted = self.get(preset_id)
        for other in self._where(lambda each: each.is_default):
            other.is_default = other is wanted
        wanted.is_default = True
        self._refuse_if_others_commit(
            lambda other: other.is_default, "somebody else made another the default"
        )
        self._session.flush()
        return wanted
