"""What an in-memory store would hold if a unit of work committed now, and the rules of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_store.entity import fields_of
from pipeline_store.errors import AlreadyExists, InUse, NotFound
from pipeline_store.fields import ON_DELETE, REFERS_TO
from pipeline_store.memory.tables import KINDS, UNIQUE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline_store.memory.known_objects import KnownObjects, Place
    from pipeline_store.memory.tables import Tables


class View:
    """The committed rows, with the changes of one unit of work laid over them."""

    def __init__(self, tables: Tables, known: KnownObjects) -> None:
        """Look at what these hold at the time of each call."""
        self._tables = tables
        self._known = known

    def keys(self, collection: str, condition: Callable[[Any], bool]) -> list[Any]:
        """Return the keys of the objects that meet the condition, in order."""
        return sorted(self._keys(collection, condition))

    def keys_with(self, collection: str, name: str, value: object) -> set[Any]:
        """Return the keys of the objects whose field holds the value."""
        return self._keys(collection, lambda row: bool(_held(row)[name] == value))

    def _keys(self, collection: str, condition: Callable[[Any], bool]) -> set[Any]:
        with self._tables.lock:
            rows = list(self._tables.rows[collection].items())
        keys = {key for key, row in rows if condition(row)}
        # Of an object that was only read, the present row counts, which others may have changed.
        for place, written in self._known.checked.items():
            if place[0] == collection and self._known.is_own(place):
                (keys.add if condition(written) else keys.discard)(place[1])
        return keys - {key for owner, key in self._known.removed if owner == collection}

    def values(self, collection: str) -> list[Any]:
        """Return the objects, those of the unit of work and committed rows, by key."""
        with self._tables.lock:
            found = dict(self._tables.rows[collection])
        for (owner, key), entity in self._known.objects.items():
            # What others have removed since it was read is not there any more.
            if owner == collection and (key in found or self._known.is_own((owner, key))):
                found[key] = entity
        gone = {key for owner, key in self._known.removed if owner == collection}
        return [found[key] for key in sorted(found.keys() - gone)]

    def is_there(self, place: Place) -> bool:
        """Whether there is an object with this key."""
        if place in self._known.removed:
            return False
        added_here = id(self._known.objects.get(place)) in self._known.added
        return added_here or place[1] in self._tables.rows[place[0]]

    def check(self, entity: Any, place: Place) -> None:
        """Refuse an object that holds a value that another one holds, or refers to none.

        In this order, which is that of databases.

        Raises:
            AlreadyExists: another one holds a value that must be unique.
            NotFound: it refers to an object that is not there.
        """
        for names in UNIQUE_NAMES[place[0]]:
            self._check_unique(place, names, entity)
        for field in fields_of(entity.__class__):
            self._check_reference(place[0], field.name, field.metadata, entity)

    def refuse_referred_to(self, place: Place) -> None:
        """Refuse the removal of an object that others refer to.

        Raises:
            InUse: naming them.
        """
        for other, field, _ in referring_to(place[0]):
            if self.keys_with(other, field, place[1]):
                raise InUse(f"{place[0]} {place[1]} is still referred to by {other}")

    def _check_reference(
        self, collection: str, name: str, metadata: Mapping[Any, Any], entity: Any
    ) -> None:
        parent = metadata.get(REFERS_TO)
        key = _held(entity)[name]
        if parent is not None and key is not None and not self.is_there((parent, key)):
            raise NotFound(f"{collection}: {name} refers to {parent} {key}, which is not there")

    def _check_unique(self, place: Place, names: tuple[str, ...], entity: Any) -> None:
        collection, key = place
        value = _held(entity)[names[0]]
        # To a database, an empty value equals no other.
        if value is None:
            return
        with self._tables.lock:
            committed = set(self._tables.unique.keys(collection, names, entity))
        written = self._known.checked.unique.keys(collection, names, entity)
        holders = {each for each in committed if not self._known.is_own((collection, each))}
        holders |= {each for each in written if self._known.is_own((collection, each))}
        if any((collection, each) not in self._known.removed for each in holders - {key}):
            raise AlreadyExists(f"{collection}: {names[0]} {value!r} is there already")


def _held(entity: object) -> dict[str, Any]:
    # Past SQLAlchemy, which may have mapped the class.
    return entity.__dict__


def referring_to(collection: str) -> Iterator[tuple[str, str, str]]:
    """Yield the collections that refer to this one, the field, and what a removal does to them."""
    for other, kind in KINDS.items():
        for field in fields_of(kind):
            if field.metadata.get(REFERS_TO) == collection:
                yield other, field.name, field.metadata.get(ON_DELETE, "refuse")
