"""A session that lets no database error out, and no lost update through."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session, attributes, object_mapper

from pipeline_store.entity import recorded_changes
from pipeline_store.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    ReadOnly,
    RolledBack,
    StoreUnavailable,
)
from pipeline_store.repository import touch
from pipeline_store.sql.changes import (
    check_unchanged,
    refuse_foreign_key,
    refuse_gone,
    values_held,
    values_read,
)
from pipeline_store.sql.dependents import release_dependents
from pipeline_store.sql.failures import translated, unless_interrupted
from pipeline_store.sql.known_objects import KnownObjects
from pipeline_store.turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from sqlalchemy.engine import Result, ScalarResult
    from sqlalchemy.sql.base import Executable
    from sqlalchemy.sql.selectable import TypedReturnsRows

    from pipeline_store.clock import Clock

    AnyResult = Result[*tuple[Any, ...]]

T = TypeVar("T")


class GuardedSession:
    """The calls that repositories make of a `Session`, each with its errors translated.

    Before changes are written, every changed row is locked and compared with what was read; a
    difference is a `Conflict`. The ten production tables have no version column to do this with.
    Threads that share it take turns.
    """

    def __init__(self, session: Session, clock: Clock, *, read_only: bool = False) -> None:
        """Guard `session`; with `read_only`, refuse every write. `clock` tells when of changes."""
        self.turn: Final = RLock()
        self.session: Final = session
        self.clock: Final = clock
        self.read_only: Final = read_only
        self.undone = False
        self.entered = False
        self.closed = False
        self.objects: Final = KnownObjects(session)
        #: Taken in to be removed: what was changed in it before is nobody's news.
        self._going: object | None = None

    def enter(self) -> None:
        """Begin; the transaction itself begins with the first statement."""
        self.entered = True

    @property
    def dialect(self) -> str:
        """The kind of database: sqlite or postgresql."""
        return self.session.get_bind().dialect.name

    @contextmanager
    def guarded(self, subject: str = "", *, deleting: bool = False) -> Generator[Session]:
        """Translate the errors of the block; any of them undoes the unit of work."""
        with self.turn:
            self._check_usable()
            try:
                with translated(subject=subject, deleting=deleting):
                    yield self.session
            except BaseException as error:
                # A cancelled task, too, may have lost what was written before.
                with unless_interrupted(error):
                    self.rollback()
                self.undone = True
                raise

    @contextmanager
    def all_or_nothing(self) -> Generator[None]:
        """Undo what the block wrote when it fails, and leave the rest of the unit of work alone."""
        with self.turn:
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
        if not self.entered:
            raise RolledBack("this unit of work was not entered: use it in a `with` block")
        if self.undone:
            raise RolledBack("an earlier error undid this unit of work: call rollback()")

    def check_writable(self) -> None:
        """Refuse a write in a unit of work that is read-only."""
        self._check_usable()
        if self.read_only:
            raise ReadOnly("this unit of work was opened with read_only=True")

    def execute(self, statement: Executable, parameters: Any = None) -> AnyResult:
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

    @in_turn
    def refresh(
        self, kind: type[T], statement: Executable, concerned: Callable[[T], bool] = lambda _: True
    ) -> Sequence[T]:
        """Return what a statement finds or writes, with the values that are in the database now.

        It does so with no other objects of this unit of work than those that are `concerned`.
        """
        known = filter(concerned, self.objects.of(kind))
        before = {entity: values_held(entity) for entity in known}
        found: Sequence[T] = (
            self.execute(
                statement.execution_options(populate_existing=True, synchronize_session=False)
            )
            .scalars()
            .all()
        )
        for entity, held in before.items():
            if values_held(entity) != held:
                self.objects.was_refreshed(entity, held)
        return found

    def refresh_known(
        self, kind: type[T], statement: Executable, concerned: Callable[[T], bool]
    ) -> None:
        """Do so for the objects of this unit of work only; without any, do nothing."""
        if any(map(concerned, self.objects.of(kind))):
            self.refresh(kind, statement, concerned)

    def scalars(self, statement: TypedReturnsRows[T]) -> ScalarResult[T]:
        """Run a statement and return the first column of its rows."""
        return self.execute(statement).scalars()

    def scalar(self, statement: TypedReturnsRows[T]) -> T | None:
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
                refuse_gone(session, entity, subject)
                state = attributes.instance_state(entity)
                if state.key is None:
                    refuse_foreign_key(entity, subject)
                    if object_mapper(entity).identity_key_from_instance(entity) in known:
                        raise AlreadyExists(f"{subject} is there already")
                    self.objects.add(entity)
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
        check_unchanged(session, entities)

    def remove(self, entity: object, subject: str) -> None:
        """Delete an object."""
        self.check_writable()
        if attributes.instance_state(entity).key is None:
            refuse_foreign_key(entity, subject)
            raise NotFound(f"{subject} was never stored")
        with self.guarded(subject, deleting=True) as session:
            refuse_gone(session, entity, subject)
            if entity not in session:
                session.flush()
                self._take_in(session, [entity], subject)
                session.add(entity)
                self._going = entity
            try:
                release_dependents(session, entity, self.objects, self.clock)
                session.delete(entity)
                session.flush()
            finally:
                self._going = None

    def _record_changes(self, session: Session, entity: object) -> None:
        for row in recorded_changes(entity, values_read(entity), self.clock):
            self.objects.add(row)
            session.add(row)

    def check_unchanged(self, entities: Sequence[object]) -> None:
        """Refuse objects of this unit of work that somebody else has changed; let nobody do so."""
        with self.guarded() as session:
            session.flush()
            check_unchanged(session, entities)

    def lock(self, name: str) -> None:
        """Wait until no other unit of work holds this lock, and hold it until the end of this one.

        On SQLite a unit of work that writes is alone anyhow.
        """
        if self.dialect == "postgresql":
            number = sa.func.hashtextextended(name, 0)
            self.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def begin(self) -> None:
        """Begin the transaction now: on SQLite, wait until no other unit of work writes."""
        with self.guarded() as session:
            session.connection()

    def flush(self) -> None:
        """Write what was changed so far."""
        with self.guarded() as session:
            session.flush()

    @in_turn
    def commit(self) -> None:
        """Write and make permanent."""
        self.flush()
        try:
            with translated(committing=True):
                self.session.commit()
        except BaseException as error:
            with unless_interrupted(error):
                self.rollback()
            self.undone = True
            raise
        self.objects.forget()

    @in_turn
    def rollback(self) -> None:
        """Undo; objects keep their values, and those that were added are new again."""
        session = self.session
        self.objects.let_go(session)
        # A connection that was lost has undone everything already.
        with suppress(StoreUnavailable), translated():
            session.rollback()
        session.expunge_all()
        self.objects.give_back()
        self.undone = False

    @in_turn
    def close(self) -> None:
        """Give the connection back; do nothing when that was done."""
        if self.closed:
            return
        self.closed = True
        with translated():
            self.session.close()

    def before_flush(self, session: Session, _context: object, _instances: object) -> None:
        """Check and complete what the session is about to write."""
        changed = [entity for entity in session.dirty if session.is_modified(entity)]
        removed = list(session.deleted)
        if self.read_only and (changed or removed or session.new):
            self.check_writable()
        check_unchanged(session, [*changed, *removed])
        for entity in changed:
            if entity is not self._going:
                self._record_changes(session, entity)
                touch(entity, self.clock)
        for entity in [*changed, *removed]:
            self.objects.will_write(entity)
