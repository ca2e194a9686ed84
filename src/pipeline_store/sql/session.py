"""A session that lets no database error out, and no lost update through."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session, attributes, make_transient, object_mapper

from pipeline_store.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    ReadOnly,
    RolledBack,
    StoreUnavailable,
)
from pipeline_store.sql.failures import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Result, ScalarResult
    from sqlalchemy.orm import Mapper
    from sqlalchemy.sql.base import Executable

T = TypeVar("T")

KEYS_PER_STATEMENT: Final = 1_000


class GuardedSession:
    """The calls that repositories make of a `Session`, each with its errors translated.

    Before changes are written, every changed row is locked and compared with what was read; a
    difference is a `Conflict`. The ten production tables have no version column to do this with.
    """

    def __init__(self, session: Session, *, read_only: bool = False) -> None:
        """Guard `session`; with `read_only`, refuse every write."""
        self.session: Final = session
        self.read_only: Final = read_only
        self.undone = False
        self.closed = False
        self._added: list[Any] = []
        #: What objects held when they were read, for those that were written since.
        self._read: dict[Any, Mapping[str, Any]] = {}
        #: What those held when the transaction was undone.
        self._held: dict[Any, Mapping[str, Any]] = {}
        event.listen(session, "before_flush", self._before_flush)
        event.listen(session, "after_rollback", self._let_go)

    @property
    def dialect(self) -> str:
        """The kind of database: sqlite or postgresql."""
        return self.session.get_bind().dialect.name

    @contextmanager
    def guarded(self, subject: str = "", *, deleting: bool = False) -> Iterator[Session]:
        """Translate the errors of the block; any of them undoes the unit of work."""
        self._check_usable()
        try:
            with translated(subject=subject, deleting=deleting):
                yield self.session
        except BaseException:
            # A cancelled task, too, may have lost what was written before.
            self.rollback()
            self.undone = True
            raise

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo what the block wrote when it fails, and leave the rest of the unit of work alone."""
        with self.guarded() as session:
            savepoint = session.begin_nested()
        try:
            yield
        except BaseException:
            # A database error has undone everything already.
            if savepoint.is_active:
                savepoint.rollback()
            raise
        with self.guarded():
            savepoint.commit()

    def _check_usable(self) -> None:
        if self.closed:
            raise RolledBack("this unit of work has ended: open a new one")
        if self.undone:
            raise RolledBack("an earlier error undid this unit of work: call rollback()")

    def check_writable(self) -> None:
        """Refuse a write in a unit of work that is read-only."""
        self._check_usable()
        if self.read_only:
            raise ReadOnly("this unit of work was opened with read_only=True")

    def execute(self, statement: Executable, parameters: Any = None) -> Result[Any]:
        """Run a statement; one that writes is refused when read-only."""
        if statement.is_dml:
            self.check_writable()
        with self.guarded() as session:
            # A statement on tables would not see what was changed so far.
            session.flush()
            result = session.execute(statement, parameters)
            if isinstance(result, sa.CursorResult) and not result.returns_rows:
                return result
            # SQLite goes on working while rows are fetched; what fails then must fail here.
            return result.freeze()()

    def refresh(self, kind: type[T], statement: Executable) -> Sequence[T]:
        """Return what a statement finds or writes, with the values that are in the database now."""
        before = {entity: _values(entity) for entity in self._known(kind)}
        found: Sequence[T] = (
            self.execute(
                statement.execution_options(populate_existing=True, synchronize_session=False)
            )
            .scalars()
            .all()
        )
        for entity, held in before.items():
            if _values(entity) != held:
                self._read.setdefault(entity, held)
        return found

    def refresh_known(self, kind: type[T], statement: Executable) -> None:
        """Do so for the objects of this unit of work only; without any, do nothing."""
        if self._known(kind):
            self.refresh(kind, statement)

    def _known(self, kind: type[T]) -> list[T]:
        return [each for each in self.session.identity_map.values() if isinstance(each, kind)]

    def scalars(self, statement: sa.sql.selectable.TypedReturnsRows[T]) -> ScalarResult[T]:
        """Run a statement and return the first column of its rows."""
        return self.execute(statement).scalars()

    def scalar(self, statement: sa.sql.selectable.TypedReturnsRows[T]) -> T | None:
        """Run a statement and return the first column of its first row."""
        return self.scalars(statement).first()

    def find(self, kind: type[T], key: Any) -> T | None:
        """Return the object with this key, from this unit of work or the database."""
        with self.guarded() as session:
            return session.get(kind, key)

    def add(self, entities: Sequence[object], subject: str) -> None:
        """Write new objects, or take in objects that an earlier unit of work had read."""
        self.check_writable()
        with self.guarded(subject) as session:
            known = session.identity_map
            taken_in: list[object] = []
            for entity in entities:
                _refuse_gone(session, entity, subject)
                state = attributes.instance_state(entity)
                if state.key is None:
                    _refuse_foreign_key(entity, subject)
                    if object_mapper(entity).identity_key_from_instance(entity) in known:
                        raise AlreadyExists(f"{subject} is there already")
                    self._added.append(entity)
                elif state.session is None:
                    taken_in.append(entity)
            self._take_in(session, taken_in, subject)
            session.add_all(entities)
            session.flush()

    def _take_in(self, session: Session, entities: Sequence[object], subject: str) -> None:
        for entity in entities:
            state = attributes.instance_state(entity)
            if state.key is not None and state.key in session.identity_map:
                raise Conflict(f"{subject} is in this unit of work already, as another object")
        _check_unchanged(session, entities)

    def remove(self, entity: object, subject: str) -> None:
        """Delete an object."""
        self.check_writable()
        if attributes.instance_state(entity).key is None:
            _refuse_foreign_key(entity, subject)
            raise NotFound(f"{subject} was never stored")
        with self.guarded(subject, deleting=True) as session:
            _refuse_gone(session, entity, subject)
            if entity not in session:
                self._take_in(session, [entity], subject)
                session.add(entity)
            session.delete(entity)
            session.flush()

    def lock(self, name: str) -> None:
        """Wait until no other unit of work holds this lock, and hold it until the end of this one.

        On SQLite a unit of work that writes is alone anyhow.
        """
        if self.dialect == "postgresql":
            number = sa.func.hashtextextended(name, 0)
            self.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def flush(self) -> None:
        """Write what was changed so far."""
        with self.guarded() as session:
            session.flush()

    def commit(self) -> None:
        """Write and make permanent."""
        self.flush()
        try:
            with translated(committing=True):
                self.session.commit()
        except BaseException:
            self.rollback()
            self.undone = True
            raise
        self._forget()

    def rollback(self) -> None:
        """Undo; objects keep their values, and those that were added are new again."""
        session = self.session
        self._let_go(session)
        # A connection that was lost has undone everything already.
        with suppress(StoreUnavailable), translated():
            session.rollback()
        session.expunge_all()
        added = set(map(id, self._added))
        for entity, held in self._held.items():
            if id(entity) in added:  # and removed again
                make_transient(entity)
                _restore(entity, held, held)
            else:
                _restore(entity, self._read[entity], held)
        for entity in self._added:
            forget_key(entity)
        self._forget()
        self.undone = False

    def _let_go(self, session: Session) -> None:
        """Take the objects out of a session that rolls back: inside they would lose their values."""
        if session.in_nested_transaction():
            return
        added = {id(entity) for entity in self._added}
        for entity in self._read:
            self._held.setdefault(entity, _values(entity))
        for entity in [
            entity for entity in session.identity_map.values() if id(entity) not in added
        ]:
            session.expunge(entity)

    def _forget(self) -> None:
        self._added.clear()
        self._read.clear()
        self._held.clear()

    def close(self) -> None:
        """Give the connection back."""
        self.closed = True
        event.remove(self.session, "before_flush", self._before_flush)
        event.remove(self.session, "after_rollback", self._let_go)
        with translated():
            self.session.close()

    def _before_flush(self, session: Session, _context: object, _instances: object) -> None:
        changed = [entity for entity in session.dirty if session.is_modified(entity)]
        removed = list(session.deleted)
        if self.read_only and (changed or removed or session.new):
            self.check_writable()
        _check_unchanged(session, [*changed, *removed])
        for entity in [*changed, *removed]:
            self._read.setdefault(entity, _values_read(entity))


class GuestSession(GuardedSession):
    """A caller's own session: its transaction is theirs, a savepoint in it is ours."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._savepoint = session.begin_nested()

    def commit(self) -> None:
        """Write, and keep the writes in the caller's transaction."""
        with self.guarded() as session:
            session.flush()
            self._savepoint.commit()
            self._added.clear()
            self._savepoint = session.begin_nested()

    def rollback(self) -> None:
        """Undo what was written since the start or the last commit."""
        with translated():
            if self._savepoint.is_active:
                self._savepoint.rollback()
            for entity in self._added:
                forget_key(entity)
            self._added.clear()
            self._savepoint = self.session.begin_nested()
        self.undone = False

    def close(self) -> None:
        """Leave the session to its owner."""
        event.remove(self.session, "before_flush", self._before_flush)
        if self._savepoint.is_active:
            self._savepoint.commit()


def _refuse_gone(session: Session, entity: object, subject: str) -> None:
    state = attributes.instance_state(entity)
    if state.was_deleted:
        raise Conflict(f"{subject} was removed")
    if state.session not in (None, session):
        raise Conflict(f"{subject} belongs to another open unit of work")


def _refuse_foreign_key(entity: object, subject: str) -> None:
    column = object_mapper(entity).primary_key[0]
    if column.autoincrement is True and getattr(entity, column.key) is not None:
        raise Conflict(f"{subject} was read from another store, or removed")


def _values(entity: object) -> Mapping[str, Any]:
    held = attributes.instance_dict(entity)
    return {
        prop.key: held[prop.key] for prop in object_mapper(entity).column_attrs if prop.key in held
    }


def _values_read(entity: object) -> Mapping[str, Any]:
    mapper = object_mapper(entity)
    return {
        prop.key: _value_read(entity, mapper, prop.columns[0].name) for prop in mapper.column_attrs
    }


def _restore(entity: object, read: Mapping[str, Any], present: Mapping[str, Any]) -> None:
    """Make an object one that was read with some values and changed to others."""
    for name, value in read.items():
        attributes.set_committed_value(entity, name, value)
    for name, value in present.items():
        if value is not read[name]:
            object.__setattr__(entity, name, value)


def forget_key(entity: object) -> None:
    """Make an object new again after its row was rolled back."""
    mapper = object_mapper(entity)
    column = mapper.primary_key[0]
    if column.autoincrement is True:
        key = mapper.get_property_by_column(column).key
        attributes.set_committed_value(entity, key, None)


def _check_unchanged(session: Session, entities: Iterable[object]) -> None:
    by_mapper: dict[Mapper[Any], dict[Any, object]] = defaultdict(dict)
    for entity in entities:
        mapper = object_mapper(entity)
        by_mapper[mapper][mapper.primary_key_from_instance(entity)[0]] = entity
    # One order for everybody, or two units of work could wait for each other's rows.
    for mapper in sorted(by_mapper, key=lambda mapper: str(mapper.local_table)):
        expected = by_mapper[mapper]
        keys = sorted(expected)
        for start in range(0, len(keys), KEYS_PER_STATEMENT):
            _compare(session, mapper, expected, keys[start : start + KEYS_PER_STATEMENT])


def _compare(
    session: Session, mapper: Mapper[Any], expected: Mapping[Any, object], keys: Sequence[Any]
) -> None:
    table = mapper.local_table
    key_column = mapper.primary_key[0]
    statement = sa.select(table).where(key_column.in_(keys)).order_by(key_column).with_for_update()
    rows = {row._mapping[key_column]: row for row in session.connection().execute(statement)}
    for key in keys:
        row = rows.get(key)
        if row is None:
            raise Conflict(f"{table.name} {key} was removed, or was read from another store")
        for name, found in row._mapping.items():
            if _differs(found, _value_read(expected[key], mapper, name)):
                raise Conflict(f"{table.name} {key}: somebody else changed {name} first")


def _value_read(entity: object, mapper: Mapper[Any], column_name: str) -> Any:
    key = mapper.get_property_by_column(mapper.local_table.c[column_name]).key
    history = attributes.get_history(entity, key)
    before = history.deleted or history.unchanged
    return before[0] if before else None


def _differs(found: Any, read: Any) -> bool:
    both_not_a_number = found != found and read != read  # noqa: PLR0124 - how NaN is told
    return bool(found != read) and not both_not_a_number
