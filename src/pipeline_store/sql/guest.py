"""A unit of work inside a caller's own session."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from pipeline_store.errors import StoreUnavailable
from pipeline_store.sql.failures import translated
from pipeline_store.sql.session import GuardedSession
from pipeline_store.turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy.orm import Session, SessionTransaction

    from pipeline_store.clock import Clock


class GuestSession(GuardedSession):
    """A caller's own session: its transaction is theirs, a savepoint in it is ours."""

    def __init__(self, session: Session, clock: Clock) -> None:
        """Work in `session` from `enter` to `close`."""
        super().__init__(session, clock)
        # Undoing the caller's transaction is the caller's matter: nothing is told of it here.
        event.listen(session, "before_flush", self.before_flush)
        event.listen(session, "loaded_as_persistent", self.objects.keep)
        self._savepoint: SessionTransaction | None = None

    def enter(self) -> None:
        """Set the savepoint that a rollback comes back to."""
        super().enter()
        with self.guarded():
            pass

    @contextmanager
    def guarded(self, subject: str = "", *, deleting: bool = False) -> Generator[Session]:
        """See `GuardedSession.guarded`; what an error undoes was done since the savepoint."""
        with super().guarded(subject, deleting=deleting) as session:
            if self._savepoint is None:
                self._savepoint = _set_savepoint(session)
            yield session

    @in_turn
    def commit(self) -> None:
        """Write, and keep the writes in the caller's transaction."""
        with self.guarded() as session:
            session.flush()
            if self._savepoint is not None:
                self._savepoint.commit()
            self._savepoint = _set_savepoint(session)
        self.objects.forget()

    @in_turn
    def rollback(self) -> None:
        """Undo what was written since the start or the last commit."""
        savepoint, self._savepoint = self._savepoint, None
        if savepoint is not None:
            # With the connection, the caller's transaction is lost as well.
            with suppress(StoreUnavailable), translated():
                savepoint.rollback()
        self.objects.take_keys()
        self.undone = False

    @in_turn
    def close(self) -> None:
        """Leave the session to its owner; do nothing when that was done."""
        if self.closed:
            return
        self.rollback()
        self.closed = True
        event.remove(self.session, "before_flush", self.before_flush)
        event.remove(self.session, "loaded_as_persistent", self.objects.keep)


def _set_savepoint(session: Session) -> SessionTransaction:
    if session.get_bind().dialect.name == "sqlite":
        connection = session.connection()
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            # Outside a transaction a savepoint is one itself, and its release a commit.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    return session.begin_nested()
