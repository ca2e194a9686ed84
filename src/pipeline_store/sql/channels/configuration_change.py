"""The table, the mapping and the repository of the journal of settings."""

from __future__ import annotations

from typing import final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store.channels import (
    ConfigurationChange,
    ConfigurationChangeRepository,
    ConfigurationLayer,
)
from pipeline_store.repository import check_key, check_limit
from pipeline_store.sql.columns import JsonValue, OpenChoice, map_class, metadata
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import PlainUuid, time_now, uuid_key

configuration_changes = sa.Table(
    "configuration_changes",
    metadata,
    uuid_key(),
    time_now("changed_at"),
    sa.Column("changed_by", sa.Text, nullable=False, server_default="system"),
    sa.Column("layer", OpenChoice(ConfigurationLayer), nullable=False),
    sa.Column("channel_id", PlainUuid),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("old_value", JsonValue),
    sa.Column("new_value", JsonValue),
    sa.Index("ix_configuration_changes_key", "key", "changed_at", "id"),
    sa.Index("ix_configuration_changes_changed_at", "changed_at", "id"),
)
map_class(ConfigurationChange, configuration_changes)


@final
class SqlConfigurationChangeRepository(
    SqlRepository[ConfigurationChange, UUID], ConfigurationChangeRepository
):
    """The journal in the table configuration_changes."""

    kind = ConfigurationChange
    table = configuration_changes

    def recent(self, key: str | None = None, limit: int = 50) -> list[ConfigurationChange]:
        """See `ConfigurationChangeRepository.recent`."""
        check_limit(limit)
        c = configuration_changes.c
        newest = sa.select(ConfigurationChange).order_by(c.changed_at.desc(), c.id.desc())
        if key is not None:
            check_key("key", key, str)
            newest = newest.where(c.key == key)
        return self._all(newest.limit(limit))
