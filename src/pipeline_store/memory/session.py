"""One unit of work's view of an in-memory store: the committed rows, and its own changes."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from pipeline_store.entity import key_type, recorded_changes
from pipeline_store.errors import (
    AlreadyExists,
    Conflict,
    InUse,
    NotFound,
    PipelineStoreError,
    ReadOnly,
    RolledBack,
)
from pipeline_store.memory.known_objects import KnownObjects
from pipeline_store.memory.quota_rules import QuotaRules
from pipeline_store.memory.tables import (
    COLLECTIONS,
    KINDS,
    copy_of,
    key_field,
    same_values,
    values_of,
)
from pipeline_store.memory.view import View, referring_to
from pipeline_store.repository import touch
from pipeline_store.turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pipeline_store.clock import Clock
    from pipeline_store.memory.known_objects import Place
    from pipeline_store.memory.tables import Tables


class MemorySession:
    """Reads and writes objects, by the rules of databases.

    Rows are published under a lock when the unit of work commits. Threads that share it take turns.
    """

    def __init__(self, tables: Tables, clock: Clock, *, read_only: bool) -> None:
        self.turn = RLock()
        self.tables = tables
        self._clock = clock
        self.read_only = read_only
        self.undone = False
        self.entered = False
        self.closed = False
        self._known = KnownObjects(tables)
        #: New rows that are changed where they are there already.
        self.upserted: list[Any] = []
        self._view = View(tables, self._known)
        self.quota_rules = QuotaRules(self)
        #: Asked while committing, with the lock held; a guard raises to refuse the commit.
        self.guards: list[Callable[[], None]] = []
        #: Called when a commit is published, with the lock held.
        self.on_publish: list[Callable[[], None]] = []

    @contextmanager
    def _undoing(self) -> Generator[None]:
        """Undo everything when the block fails, as a database would."""
        self._check_usable()
        try:
            yield
        except PipelineStoreError:
            self.rollback()
            self.undone = True
            raise

    def _check_usable(self) -> None:
        if self.closed:
            raise RolledBack("this unit of work has ended: open a new one")
        if not self.entered:
            raise RolledBack("this unit of work was not entered: use it in a `with` block")
        if self.undone:
            raise RolledBack("an earlier error undid this unit of work: call rollback()")

    def check_writable(self) -> None:
        """Refuse a write in a unit of work that is read-only."""
        self._check_usable()
        if self.read_only:
            raise ReadOnly("this unit of work was opened with read_only=True")

    def lock(self, name: str) -> None:
        """Go on: nobody waits in memory, and what others took first is refused by the commit."""

    @in_turn
    def find(self, collection: str, key: Any) -> Any:
        """Return the object with this key, or None."""
        self._check_usable()
        if (collection, key) in self._known.objects:
            return self._known.objects[collection, key]
        self.flush()
        return self._find(collection, key)

    def _find(self, collection: str, key: Any) -> Any:
        place, known = (collection, key), self._known
        if place in known.removed:
            return None
        if place not in known.objects:
            row = self.tables.rows[collection].get(key)
            if row is None:
                return None
            entity = copy_of(row)
            self.tables.origins[entity] = row
            known.own(place, entity, row)
        return known.objects[place]

    @in_turn
    def select(self, collection: str, condition: Callable[[Any], bool]) -> list[Any]:
        """Return the objects that meet the condition, by key."""
        self.flush()
        found = [self._find(collection, key) for key in self._view.keys(collection, condition)]
        # A row may have been removed by another unit of work since it was looked at.
        return [entity for entity in found if entity is not None]

    @in_turn
    def looked_at(self, collection: str) -> list[Any]:
        """Return what is in a collection, by key, to be looked at only.

        Unlike what `select` returns, these are not taken into the unit of work.
        """
        self.flush()
        for place, entity in list(self._known.objects.items()):
            if place[0] == collection and self._known.rows_read[place] is not None:
                self.reread(collection, entity)
        return self._view.values(collection)

    @in_turn
    def is_there_by_others(self, collection: str, condition: Callable[[Any], bool]) -> bool:
        """Whether a committed row that was not read here as it is now meets the condition."""
        return any(
            condition(row)
            for key, row in self.tables.rows[collection].items()
            if self._known.rows_read.get((collection, key)) is not row
            and (collection, key) not in self._known.removed
        )

    @in_turn
    def flush(self) -> None:
        """Check what was changed so far, as a database does before every statement."""
        rows: list[object] = []
        known = self._known
        with self._undoing():
            # One after the other: a value is free once the change of its owner is written.
            for place in known.unchecked():
                entity = known.objects[place]
                self.check_writable()
                with self._waiting_for_others(entity):
                    self._check_unchanged(place, known.rows_read[place])
                rows += recorded_changes(entity, values_of(known.written(place)), self._clock)
                touch(entity, self._clock)
                with self._waiting_for_others(entity):
                    self._view.check(entity, place)
                known.checked.put(place, copy_of(entity))
            for row in rows:
                self.add(COLLECTIONS[type(row)], row)

    @in_turn
    def reread(self, collection: str, entity: Any) -> None:
        """Let an object that was not changed here take over what somebody else has committed."""
        place, known = (collection, getattr(entity, key_field(entity.__class__))), self._known
        read, present = known.rows_read[place], self.tables.rows[collection].get(place[1])
        if present is read or present is None or read is None or not same_values(entity, read):
            return
        held: dict[str, Any] = entity.__dict__
        held.update(values_of(present))
        known.checked.drop(place)
        known.own(place, entity, present)
        self.tables.origins[entity] = present

    @in_turn
    def keep_unchanged(self, collection: str, entity: Any) -> None:
        """Refuse the commit when somebody else does so too, or changes the object, before it."""
        place = (collection, getattr(entity, key_field(entity.__class__)))
        tables, rows = self.tables, self.tables.rows[collection]
        with self._undoing():
            self._check_unchanged(place, self._known.rows_read[place])
        present = rows.get(place[1])

        def refuse_other() -> None:
            if rows.get(place[1]) is not present:
                raise Conflict(f"{place[0]} {place[1]}: somebody else decided first")

        def put_anew() -> None:
            # An equal row in its place tells others that have looked at it.
            if present is not None and rows.get(place[1]) is present:
                row = copy_of(present)
                tables.put(collection, place[1], row)
                self._known.rows_read[place] = tables.origins[entity] = row

        self.guards.append(refuse_other)
        self.on_publish.append(put_anew)

    @in_turn
    def add(self, collection: str, entity: Any, *, as_row: bool = False) -> None:
        """Take in a new object, or one that an earlier unit of work had read.

        With `as_row`, the object stands for a row written in bulk, which the caller has read.
        """
        self.check_writable()
        kind = KINDS[collection]
        key_name = key_field(kind)
        with self._undoing(), self._waiting_for_others(entity):
            self._refuse_gone(collection, entity)
            if entity in self.tables.owners:
                return
            if entity in self.tables.origins:
                self._take_in(collection, entity)
                return
            key = getattr(entity, key_name)
            if key_type(kind) is not str and key is not None:
                raise Conflict(f"{collection} {key} was read from another store")
            self._view.check(entity, (collection, key))
            if key_type(kind) is not str:
                object.__setattr__(entity, key_name, self.tables.next_key(collection))
            elif self._view.is_there((collection, key)):
                raise AlreadyExists(f"{collection} {key} is there already")
            self._known.own_new((collection, getattr(entity, key_name)), entity, as_row=as_row)

    def _refuse_gone(self, collection: str, entity: Any) -> None:
        """Refuse an object that was removed, or that another unit of work has at present."""
        name = f"{collection} {getattr(entity, key_field(entity.__class__))}"
        if self._known.is_elsewhere(entity):
            raise Conflict(f"{name} belongs to another open unit of work")
        if self._known.is_gone(entity):
            raise Conflict(f"{name} was removed")

    def _take_in(self, collection: str, entity: Any) -> None:
        key = getattr(entity, key_field(entity.__class__))
        if (collection, key) in self._known.objects:
            raise Conflict(f"{collection} {key} is in this unit of work already")
        if (collection, key) in self._known.removed:
            raise Conflict(f"{collection} {key} was removed, as another object")
        row = self.tables.origins[entity]
        self._check_unchanged((collection, key), row)
        self._known.own((collection, key), entity, row)

    @in_turn
    def remove(self, collection: str, entity: Any) -> None:
        """Delete an object, unless others refer to it."""
        self.check_writable()
        key_name = key_field(entity.__class__)
        key = getattr(entity, key_name)
        tables = self.tables
        if not any(entity in known for known in (tables.origins, tables.owners, tables.removed)):
            if key_type(entity.__class__) is not str and key is not None:
                raise Conflict(f"{collection} {key} was read from another store")
            raise NotFound(f"{collection} {key} was never stored")
        self.flush()
        with self._undoing():
            self._refuse_gone(collection, entity)
            self._remove((collection, key), entity)
        # What was emptied by the removal is changed from now on, as in a database.
        self.flush()

    def _remove(self, place: Place, entity: Any) -> None:
        if self._known.objects.get(place) is not entity:
            self._take_in(place[0], entity)
        self._check_unchanged(place, self._known.rows_read[place])
        for other, field, on_delete in referring_to(place[0]):
            keys = self._view.keys_with(other, field, place[1])
            if keys and on_delete == "refuse":
                raise InUse(f"{place[0]} {place[1]} is still referred to by {other}")
            for child_key in sorted(keys):
                child = self._find(other, child_key)
                if on_delete == "clear":
                    setattr(child, field, None)
                else:
                    self._remove((other, child_key), child)
        self._known.remove(place, entity)

    @in_turn
    def commit(self) -> None:
        """Publish the changes, all or none."""
        self.flush()
        with self._undoing(), self.tables.lock:
            changed, removed = self._known.changed(), self._known.removed
            if self.read_only and (changed or removed):
                self.check_writable()
            for place, entity in changed.items():
                with self._waiting_for_others(entity):
                    self._check_unchanged(place, self._known.rows_read[place])
                    self._view.check(entity, place)
            for place in removed:
                self._check_unchanged(place, self._known.rows_read[place])
                self._view.refuse_referred_to(place)
            for guard in self.guards:
                guard()
            self._publish(changed)

    def _publish(self, changed: dict[Place, Any]) -> None:
        is_news = bool(changed or self._known.removed)
        self._known.publish(changed)
        for publish in self.on_publish:
            publish()
        if is_news:
            for bell in self.tables.bells:
                bell.ring()
        self._forget_plans()

    @in_turn
    def rollback(self) -> None:
        """Forget the changes; objects keep their values, those that were added are new again."""
        self._known.forget()
        self._forget_plans()
        self.undone = False

    def _forget_plans(self) -> None:
        for forgotten in (self.upserted, self.guards, self.on_publish):
            forgotten.clear()

    @in_turn
    def close(self) -> None:
        """Forget what was not committed, and everything that was read."""
        self.rollback()
        self.closed = True

    @contextmanager
    def _waiting_for_others(self, entity: Any) -> Generator[None]:
        """Refuse a row that others made meanwhile, where a database would wait and change it."""
        try:
            yield
        except AlreadyExists as error:
            if any(row is entity for row in self.upserted):
                raise Conflict(f"{error}: somebody else made it first") from None
            raise

    def _check_unchanged(self, place: Place, row: Any) -> None:
        present = self.tables.rows[place[0]].get(place[1])
        if row is None and present is None:
            return
        name = f"{place[0]} {place[1]}"
        if present is None:
            raise Conflict(f"{name} was removed by somebody else")
        if row is None:
            raise AlreadyExists(f"{name} is there already")
        if present is not row and not same_values(present, row):
            raise Conflict(f"{name}: somebody else changed it first")
