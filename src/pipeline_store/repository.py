"""What every collection of the unit of work can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from uuid import UUID

from pipeline_store import values
from pipeline_store.entity import fields_of
from pipeline_store.errors import InvalidValue, NotFound
from pipeline_store.fields import NOW_BY_DEFAULT, NOW_ON_CHANGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline_store.clock import Clock

Entity = TypeVar("Entity")
Key_contra = TypeVar("Key_contra", contravariant=True)
Session = TypeVar("Session", bound="WritingSession")


class Repository(Protocol[Entity, Key_contra]):
    """A collection of domain objects, found by their key.

    An object belongs to the unit of work that it was added to or read from; changes made to its
    attributes are written when that unit of work commits.
    """

    def add(self, entity: Entity) -> Entity:
        """Store a new object and return it with its key.

        An object that an earlier unit of work of the same store had read or added may be added
        again, to have its changes written here.

        Raises:
            AlreadyExists: a unique value is taken.
            NotFound: an object that it refers to does not exist.
            Conflict: the object was read earlier, and somebody changed or removed it since.
        """
        ...

    def add_many(self, entities: Iterable[Entity]) -> list[Entity]:
        """Store new objects and return them with their keys, in order; errors as for `add`."""
        ...

    def get(self, key: Key_contra) -> Entity:
        """Return the object with this key.

        Raises:
            NotFound: there is none.
        """
        ...

    def find(self, key: Key_contra) -> Entity | None:
        """Return the object with this key, or None."""
        ...

    def remove(self, entity: Entity) -> None:
        """Delete the object.

        Raises:
            InUse: other objects refer to it.
            NotFound: it was never stored.
            Conflict: somebody changed or removed it since it was read.
        """
        ...

    def count(self) -> int:
        """Return how many objects there are."""
        ...

    def page(self, after: Key_contra | None = None, limit: int = 100) -> list[Entity]:
        """Return up to `limit` objects (1 to 10,000) in key order, those behind the key `after`."""
        ...


class WritingSession(Protocol):
    """What repositories that share their steps need of the session of any store."""

    def check_writable(self) -> None:
        """Refuse a write in a unit of work that is read-only, or that is over."""
        ...

    def flush(self) -> None:
        """Write what was changed so far."""
        ...

    def lock(self, name: str) -> None:
        """Wait for other units of work that hold this lock, where units of work wait."""
        ...


LONGEST_PAGE: Final = 10_000


def check_limit(limit: object) -> None:
    """Refuse a page size that is not 1 to 10,000."""
    values.check_integer("limit", limit, least=1, most=LONGEST_PAGE)


def check_key(name: str, key: object, kind: type[object] = int) -> None:
    """Refuse a key that no row can have whose keys are of that kind: int, str or UUID."""
    if kind is str:
        values.check_text(name, key)
    elif kind is UUID:
        values.check_uuid(name, key)
    else:
        values.check_integer(name, key, least=-values.LARGEST_COUNT)


def nothing_at(collection: str, key: object) -> NotFound:
    """Return the error of a key that no row has, with the key spelled as people type it."""
    return NotFound(
        f"{collection}: nothing has the key {key if isinstance(key, UUID) else repr(key)}"
    )


def check_kind(kind: type[object], entity: object) -> None:
    """Refuse an object of another class than the collection holds."""
    if not isinstance(entity, kind):
        raise InvalidValue(f"{kind.__name__} expected, found {type(entity).__name__}")


def fill_from_clock(entity: object, now: Clock) -> None:
    """Set the empty times that a store fills in when an object is added."""
    _set_times(entity, now, NOW_BY_DEFAULT, only_empty=True)


def touch(entity: object, now: Clock) -> None:
    """Set the times that a store sets whenever an object was changed."""
    _set_times(entity, now, NOW_ON_CHANGE, only_empty=False)


def _set_times(entity: object, now: Clock, kind: str, *, only_empty: bool) -> None:
    names = [
        field.name
        for field in fields_of(type(entity))
        if field.metadata.get(kind) and (not only_empty or getattr(entity, field.name) is None)
    ]
    if names:
        # One instant for all of them: an object is not older than its last change when it is new.
        instant = now()
        for name in names:
            setattr(entity, name, instant)
