"""What every in-memory repository does, over a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar
from uuid import UUID

from pipeline_store import values
from pipeline_store.entity import key_type
from pipeline_store.errors import Conflict
from pipeline_store.memory.tables import KINDS, key_field
from pipeline_store.repository import (
    check_key,
    check_kind,
    check_limit,
    fill_from_clock,
    nothing_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline_store.clock import Clock
    from pipeline_store.memory.session import MemorySession

Entity = TypeVar("Entity")
Key = TypeVar("Key", int, str, UUID)


class MemoryRepository(Generic[Entity, Key]):
    """A collection kept in a dictionary. Subclasses name the collection."""

    collection: ClassVar[str]

    def __init__(self, session: MemorySession, now: Clock) -> None:
        self._session = session
        self._now = now

    def add(self, entity: Entity) -> Entity:
        """See `pipeline_store.repository.Repository.add`."""
        return self.add_many([entity])[0]

    def add_many(self, entities: Iterable[Entity]) -> list[Entity]:
        """See `pipeline_store.repository.Repository.add_many`."""
        values.check_several("entities", entities)
        wanted = list(entities)
        for entity in wanted:
            check_kind(KINDS[self.collection], entity)
        for entity in wanted:
            fill_from_clock(entity, self._now)
        if wanted:
            self._session.flush()
        for entity in wanted:
            self._session.add(self.collection, entity)
        if wanted:
            self._session.flush()
        return wanted

    def get(self, key: Key) -> Entity:
        """See `pipeline_store.repository.Repository.get`."""
        entity = self.find(key)
        if entity is None:
            raise nothing_at(self.collection, key)
        return entity

    def find(self, key: Key) -> Entity | None:
        """See `pipeline_store.repository.Repository.find`."""
        check_key(key_field(KINDS[self.collection]), key, self._key_type)
        found: Entity | None = self._session.find(self.collection, key)
        return found

    def remove(self, entity: Entity) -> None:
        """See `pipeline_store.repository.Repository.remove`."""
        check_kind(KINDS[self.collection], entity)
        self._session.remove(self.collection, entity)

    def count(self) -> int:
        """See `pipeline_store.repository.Repository.count`."""
        return len(self._looked_at())

    def page(self, after: Key | None = None, limit: int = 100) -> list[Entity]:
        """See `pipeline_store.repository.Repository.page`."""
        check_limit(limit)
        if after is not None:
            check_key("after", after, self._key_type)
        name = key_field(KINDS[self.collection])
        behind = self._where(lambda entity: after is None or getattr(entity, name) > after)
        return behind[:limit]

    @property
    def _key_type(self) -> type[object]:
        return key_type(KINDS[self.collection])

    def _upsert(self, rows: Sequence[Entity]) -> Sequence[Entity]:
        """Do what `_insert` does with rows that are changed where others make them first."""
        self._session.upserted += rows
        return self._insert(rows)

    def _insert(self, rows: Sequence[Entity]) -> Sequence[Entity]:
        """Write rows that the caller did not make as objects: after a rollback they are gone."""
        self._session.flush()
        for row in rows:
            fill_from_clock(row, self._now)
            self._session.add(self.collection, row, as_row=True)
        return rows

    def _where(self, condition: Callable[[Entity], bool]) -> list[Entity]:
        return self._session.select(self.collection, condition)

    def _looked_at(self) -> list[Entity]:
        """Return all objects by key, to be counted: none is taken into the unit of work."""
        found: list[Entity] = self._session.looked_at(self.collection)
        return found

    def _refuse_if_others_commit(self, condition: Callable[[Entity], bool], why: str) -> None:
        """Have the commit raise `Conflict` when others have committed such a row since it was read.

        For what only a lock keeps from happening twice in a database, where others would wait.
        """

        def check() -> None:
            if self._session.is_there_by_others(self.collection, condition):
                raise Conflict(f"{self.collection}: {why}")

        self._session.guards.append(check)
