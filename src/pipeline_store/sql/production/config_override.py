"""The table, the mapping and the repository of config overrides."""

from __future__ import annotations

from typing import final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pipeline_store.clock import utc_now as system_clock
from pipeline_store.production import ConfigOverride, ConfigOverrideRepository
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.repository import check_key
from pipeline_store.sql import pauses
from pipeline_store.sql.columns import Instant, by_code_point, map_class, metadata, utc_now
from pipeline_store.sql.repository import SqlRepository

config_overrides = sa.Table(
    "config_overrides",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("updated_at", Instant, default=system_clock, server_default=utc_now()),
    sa.Column("updated_by", sa.Text, server_default=SYSTEM),
)
map_class(ConfigOverride, config_overrides)
pauses.listen()


@final
class SqlConfigOverrideRepository(SqlRepository[ConfigOverride, str], ConfigOverrideRepository):
    """Overrides in the table config_overrides."""

    kind = ConfigOverride
    table = config_overrides

    def set(self, key: str, value: str, updated_by: str = SYSTEM) -> ConfigOverride:
        """See `ConfigOverrideRepository.set`."""
        self._session.check_writable()
        wanted = ConfigOverride(key=key, value=value, updated_at=self._now(), updated_by=updated_by)
        dialect = sqlite if self._session.dialect == "sqlite" else postgresql
        row = {
            "value": wanted.value,
            "updated_at": wanted.updated_at,
            "updated_by": wanted.updated_by,
        }
        self._session.execute(
            dialect.insert(config_overrides)
            .values(key=wanted.key, **row)
            .on_conflict_do_update(index_elements=["key"], set_=row)
        )
        resuming = pauses.resuming(wanted.key)
        if resuming is not None:
            self._session.execute(*resuming)
        stored = sa.select(ConfigOverride).where(config_overrides.c.key == key)
        return self._session.refresh(ConfigOverride, stored, lambda each: each.key == key)[0]

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
        c = config_overrides.c
        # LIKE folds case on SQLite; comparing the first characters does not, on either database.
        same = sa.func.substr(c.key, 1, len(prefix)) == prefix
        return self._all(sa.select(ConfigOverride).where(same).order_by(by_code_point(c.key)))
