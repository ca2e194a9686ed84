"""What every repository does, over a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.entity import key_type
from pipeline_store.errors import NotFound
from pipeline_store.repository import (
    check_key,
    check_kind,
    check_limit,
    fill_from_clock,
    nothing_at,
)
from pipeline_store.sql.columns import by_code_point

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline_store.clock import Clock
    from pipeline_store.sql.session import GuardedSession

Entity = TypeVar("Entity")
Key = TypeVar("Key", int, str, UUID)

ROWS_PER_FLUSH = 1_000


class SqlRepository(Generic[Entity, Key]):
    """A collection kept in one table. Subclasses name the class and the table."""

    kind: ClassVar[type[Any]]
    table: ClassVar[sa.Table]

    def __init__(self, session: GuardedSession, now: Clock) -> None:
        """Read and write through `session`; take times from `now`."""
        self._session = session
        self._now = now

    def add(self, entity: Entity) -> Entity:
        """See `pipeline_store.repository.Repository.add`."""
        return self.add_many([entity])[0]

    def add_many(self, entities: Iterable[Entity]) -> list[Entity]:
        """See `pipeline_store.repository.Repository.add_many`."""
        values.check_several("entities", entities)
        added = list(entities)
        for entity in added:
            check_kind(self.kind, entity)
        for batch in batches(added, ROWS_PER_FLUSH):
            self._add(batch)
        return added

    def get(self, key: Key) -> Entity:
        """See `pipeline_store.repository.Repository.get`."""
        entity = self.find(key)
        if entity is None:
            raise nothing_at(self.table.name, key)
        return entity

    def find(self, key: Key) -> Entity | None:
        """See `pipeline_store.repository.Repository.find`."""
        check_key(self._key.name, key, key_type(self.kind))
        found: Entity | None = self._session.find(self.kind, key)
        return found

    def remove(self, entity: Entity) -> None:
        """See `pipeline_store.repository.Repository.remove`."""
        check_kind(self.kind, entity)
        self._session.remove(entity, self._name(entity))

    def count(self) -> int:
        """See `pipeline_store.repository.Repository.count`."""
        return self._session.scalar(sa.select(sa.func.count()).select_from(self.table)) or 0

    def page(self, after: Key | None = None, limit: int = 100) -> list[Entity]:
        """See `pipeline_store.repository.Repository.page`."""
        check_limit(limit)
        key = by_code_point(self._key) if key_type(self.kind) is str else self._key
        statement = sa.select(self.kind).order_by(key).limit(limit)
        if after is not None:
            check_key("after", after, key_type(self.kind))
            statement = statement.where(key > after)
        return self._all(statement)

    @property
    def _key(self) -> sa.Column[Any]:
        (key,) = self.table.primary_key
        return key

    def _first(self, statement: sa.Select[Any]) -> Entity | None:
        found: Entity | None = self._session.scalar(statement)
        return found

    def _all(self, statement: sa.Select[Any]) -> list[Entity]:
        return list(self._session.scalars(statement))

    def _add(self, entities: Sequence[Entity]) -> None:
        for entity in entities:
            fill_from_clock(entity, self._now)
        if len(entities) > 1:
            self._session.add(entities, self.table.name)
            return
        try:
            self._session.add(entities, self._name(entities[0]))
        except NotFound as error:
            # SQLite does not say which.
            raise NotFound(f"{error}: {self._references(entities[0])}") from None

    def _references(self, entity: Entity) -> str:
        held = {
            column.name: getattr(entity, column.name)
            for column in self.table.columns
            if column.foreign_keys
        }
        return " or ".join(f"{name} {key}" for name, key in held.items() if key is not None)

    def _name(self, entity: Entity) -> str:
        identity = getattr(entity, self._key.name)
        return f"{self.table.name} {'(new)' if identity is None else identity}"


def batches(items: Iterable[Entity], size: int) -> Iterator[list[Entity]]:
    """Yield the items in lists of up to `size`."""
    batch: list[Entity] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
