"""The table, the mapping and the repository of presets."""

from __future__ import annotations

from typing import final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store.channels import TransformationPreset, TransformationPresetRepository
from pipeline_store.repository import check_key
from pipeline_store.sql.columns import by_code_point, map_class, metadata
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import json_object, time_now, uuid_key

transformation_presets = sa.Table(
    "transformation_presets",
    metadata,
    uuid_key(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("description", sa.Text),
    json_object("parameters"),
    sa.Column("is_default", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    time_now("created_at"),
    time_now("updated_at"),
)
map_class(TransformationPreset, transformation_presets)


@final
class SqlTransformationPresetRepository(
    SqlRepository[TransformationPreset, UUID], TransformationPresetRepository
):
    """Presets in the table transformation_presets."""

    kind = TransformationPreset
    table = transformation_presets

    def by_name(self, name: str) -> TransformationPreset | None:
        """See `TransformationPresetRepository.by_name`."""
        check_key("name", name, str)
        named = transformation_presets.c.name == name
        return self._first(sa.select(TransformationPreset).where(named))

    def active(self) -> list[TransformationPreset]:
        """See `TransformationPresetRepository.active`."""
        return self._all(self._active())

    def default(self) -> TransformationPreset | None:
        """See `TransformationPresetRepository.default`."""
        return self._first(self._active().where(transformation_presets.c.is_default).limit(1))

    def make_default(self, preset_id: UUID) -> TransformationPreset:
        """See `TransformationPresetRepository.make_default`."""
        self._session.check_writable()
        # Or two that do so at once would each leave a default.
        self._session.lock("transformation_presets.make_default")
        wanted = self.get(preset_id)
        is_default = sa.select(TransformationPreset).where(transformation_presets.c.is_default)
        for other in self._all(is_default):
            other.is_default = other is wanted
        wanted.is_default = True
        self._session.flush()
        return wanted

    def _active(self) -> sa.Select[TransformationPreset]:
        c = transformation_presets.c
        return sa.select(TransformationPreset).where(c.is_active).order_by(by_code_point(c.name))
