"""The objects that a unit of work in memory has, and the rows that they were read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from pipeline_store.entity import key_type
from pipeline_store.memory.tables import UNIQUE_NAMES, copy_of, key_field, same_values
from pipeline_store.memory.unique_values import WrittenRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store.memory.tables import Tables

    Place = tuple[str, Any]
    """A collection, and a key in it."""


@final
class KnownObjects:
    """What was read, added, changed and removed since the start or the last commit.

    An object is handed out as a copy of its committed row and is the same object throughout the
    unit of work; no other open one may have it.
    """

    def __init__(self, tables: Tables) -> None:
        """Know objects of these tables."""
        self._tables = tables
        self.objects: dict[Place, Any] = {}
        #: The committed rows as they were; None for what is new.
        self.rows_read: dict[Place, Any] = {}
        #: Copies of objects as they were when they were last checked.
        self.checked = WrittenRows(UNIQUE_NAMES)
        self.removed: dict[Place, Any] = {}
        #: Removed objects whose key a new object has taken since.
        self.replaced: list[Any] = []
        self.added: dict[int, Any] = {}
        #: Those of them that stand for rows written in bulk.
        self.rows_made: list[Any] = []

    def own(self, place: Place, entity: Any, row: Any) -> None:
        """Have the object, which stands for a committed row or, with None, is new."""
        self.objects[place] = entity
        self.rows_read[place] = row
        self._tables.owners[entity] = self

    def own_new(self, place: Place, entity: Any, *, as_row: bool) -> None:
        """Have an object that was checked, perhaps in the place of one that was removed."""
        row_before = None
        if place in self.removed:
            self.replaced.append(self.removed.pop(place))
            row_before = self.rows_read[place]
        self.own(place, entity, row_before)
        self.checked.put(place, copy_of(entity))
        self.added[id(entity)] = entity
        if as_row:
            self.rows_made.append(entity)

    def is_own(self, place: Place) -> bool:
        """Whether what the unit of work has written there counts, and not the committed row."""
        return place in self.checked and self.checked[place] is not self.rows_read[place]

    def is_elsewhere(self, entity: Any) -> bool:
        """Whether another open unit of work has the object."""
        return self._tables.owners.get(entity, self) is not self

    def is_gone(self, entity: Any) -> bool:
        """Whether the object was removed, here or before."""
        return entity in self._tables.removed or any(gone is entity for gone in self._gone())

    def written(self, place: Place) -> Any:
        """Return the object as it was when it was last checked, or read."""
        return self.checked.get(place, self.rows_read[place])

    def unchecked(self) -> list[Place]:
        """Return where objects were changed since they were last checked, in order."""
        return sorted(
            place
            for place, entity in self.objects.items()
            if not same_values(entity, self.written(place))
        )

    def changed(self) -> dict[Place, Any]:
        """Return the objects that are new or are not as they were read."""
        return {
            place: entity
            for place, entity in self.objects.items()
            if id(entity) in self.added or not same_values(entity, self.rows_read[place])
        }

    def remove(self, place: Place, entity: Any) -> None:
        """Have the object no more but as one that was removed."""
        del self.objects[place]
        self.checked.drop(place)
        self.removed[place] = entity

    def publish(self, changed: dict[Place, Any]) -> None:
        """Commit these objects and the removals, and begin anew with what is known."""
        tables = self._tables
        for (collection, key), entity in changed.items():
            row = copy_of(entity)
            tables.put(collection, key, row)
            self.rows_read[collection, key] = tables.origins[entity] = row
            self.checked.put((collection, key), row)
        for collection, key in self.removed:
            tables.drop(collection, key)
        for entity in self._gone():
            tables.removed.add(entity)
            tables.owners.pop(entity, None)
        for forgotten in (self.removed, self.replaced, self.added, self.rows_made):
            forgotten.clear()

    def forget(self) -> None:
        """Have nothing; objects keep their values, those that were added are new again."""
        tables = self._tables
        for entity in [*self.objects.values(), *self._gone()]:
            tables.owners.pop(entity, None)
        tables.removed.update(self.rows_made)
        for entity in self.added.values():
            given = key_type(entity.__class__) is not str
            if given and entity not in tables.removed:
                object.__setattr__(entity, key_field(entity.__class__), None)
        for forgotten in (
            self.objects,
            self.rows_read,
            self.checked,
            self.removed,
            self.replaced,
            self.added,
            self.rows_made,
        ):
            forgotten.clear()

    def _gone(self) -> Iterator[Any]:
        yield from self.removed.values()
        yield from self.replaced
