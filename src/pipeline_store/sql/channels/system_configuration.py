"""The table, the mapping and the repository of the system's settings."""

from __future__ import annotations

from typing import Any, final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pipeline_store.channels import SystemConfiguration, SystemConfigurationRepository
from pipeline_store.sql.columns import JsonValue, by_code_point, map_class, metadata
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import time_now

system_configuration = sa.Table(
    "system_configuration",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", JsonValue(none_as_null=False), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("encrypted", sa.Boolean, nullable=False, server_default=sa.false()),
    time_now("created_at"),
    time_now("updated_at"),
)
map_class(SystemConfiguration, system_configuration)


@final
class SqlSystemConfigurationRepository(
    SqlRepository[SystemConfiguration, str], SystemConfigurationRepository
):
    """Settings in the table system_configuration."""

    kind = SystemConfiguration
    table = system_configuration

    def set(
        self, key: str, value: Any, description: str | None = None, encrypted: bool = False
    ) -> SystemConfiguration:
        """See `SystemConfigurationRepository.set`."""
        self._session.check_writable()
        wanted = SystemConfiguration(
            key=key, value=value, description=description, encrypted=encrypted
        )
        now = self._now()
        dialect = sqlite if self._session.dialect == "sqlite" else postgresql
        changed = {"value": wanted.value, "encrypted": wanted.encrypted, "updated_at": now}
        if description is not None:
            changed["description"] = description
        self._session.execute(
            dialect.insert(system_configuration)
            .values(key=wanted.key, created_at=now, **changed)
            .on_conflict_do_update(index_elements=["key"], set_=changed)
        )
        stored = sa.select(SystemConfiguration).where(system_configuration.c.key == key)
        return self._session.refresh(SystemConfiguration, stored, lambda each: each.key == key)[0]

    def unset(self, key: str) -> bool:
        """See `SystemConfigurationRepository.unset`."""
        found = self.find(key)
        if found is not None:
            self.remove(found)
        return found is not None

    def all(self) -> list[SystemConfiguration]:
        """See `SystemConfigurationRepository.all`."""
        by_key = by_code_point(system_configuration.c.key)
        return self._all(sa.select(SystemConfiguration).order_by(by_key))
