"""The objects that a unit of work over a session has, and what undoing it gives back to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, final

from sqlalchemy.orm import Session, make_transient

from pipeline_store.sql.changes import forget_key, give_key, restore, values_held, values_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")


def with_keys(keys: Iterable[Any]) -> Callable[[Any], bool]:
    """Return what tells whether an object has one of these keys."""
    wanted = frozenset(keys)
    return lambda entity: entity.id in wanted


@final
class KnownObjects:
    """What was read, added and changed since the start or the last commit."""

    def __init__(self, session: Session) -> None:
        """Know the objects of `session`."""
        self._session = session
        self._added: list[Any] = []
        #: What objects held when they were read, for those that were written since.
        self._read: dict[Any, Mapping[str, Any]] = {}
        #: What those held when the transaction was undone.
        self._held: dict[Any, Mapping[str, Any]] = {}
        #: Everything that was read: the session alone would forget what nobody holds, and read it
        #: anew, so that a change made from the first reading would pass for one made from the last.
        self._seen: list[object] = []

    def of(self, kind: type[T]) -> list[T]:
        """Return the objects of that class."""
        return [each for each in self._session.identity_map.values() if isinstance(each, kind)]

    def add(self, entity: object) -> None:
        """Give a new object its key, to be taken away again when it is undone."""
        self._added.append(entity)
        give_key(entity)

    def keep(self, _session: Session, entity: object) -> None:
        """Remember what the session has read."""
        self._seen.append(entity)

    def will_write(self, entity: object) -> None:
        """Keep what an object held when it was read, before its row is written."""
        self._read.setdefault(entity, values_read(entity))

    def was_refreshed(self, entity: object, held: Mapping[str, Any]) -> None:
        """Keep what an object held before a statement of this transaction changed its row."""
        self._read.setdefault(entity, held)

    def let_go(self, session: Session) -> None:
        """Take the objects out before the rollback of the session takes their values from them."""
        if session.in_nested_transaction():
            return
        added = {id(entity) for entity in self._added}
        for entity in self._read:
            self._held.setdefault(entity, values_held(entity))
        for entity in [
            entity for entity in session.identity_map.values() if id(entity) not in added
        ]:
            session.expunge(entity)

    def give_back(self) -> None:
        """Give the objects back what they held, once the session was rolled back, and forget them.

        Those that were added are new again.
        """
        added = {id(entity) for entity in self._added}
        for entity, held in self._held.items():
            if id(entity) in added:  # and removed again
                make_transient(entity)
                restore(entity, held, held)
            else:
                restore(entity, self._read[entity], held)
        self.take_keys()

    def take_keys(self) -> None:
        """Take the keys of new objects away again, and forget all of them."""
        for entity in self._added:
            forget_key(entity)
        self.forget()

    def forget(self) -> None:
        """Know nothing any more of what was done."""
        self._seen.clear()
        self._added.clear()
        self._read.clear()
        self._held.clear()
