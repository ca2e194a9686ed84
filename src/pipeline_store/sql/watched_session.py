"""The sessions of a store's own, which tell their guards what happens in them.

Their listeners are on the class: to put them on every session and to take them off again would
take a sixth of the time of a small unit of work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sqlalchemy import event
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from pipeline_store.sql.known_objects import KnownObjects


class Guard(Protocol):
    """What is told of a session."""

    @property
    def objects(self) -> KnownObjects:
        """The objects of the session."""
        ...

    def before_flush(self, session: Session, _context: object, _instances: object) -> None:
        """Check and complete what the session is about to write."""
        ...


class WatchedSession(Session):
    """A session whose guard is told what it writes and undoes."""

    guard: Guard | None = None

    def close(self) -> None:
        """See `sqlalchemy.orm.Session.close`; nobody is told of anything from here on."""
        self.guard = None
        super().close()


class KeepingSession(WatchedSession):
    """A session whose guard is told what it reads as well."""


@event.listens_for(WatchedSession, "before_flush")
def _before_flush(session: WatchedSession, context: object, instances: object) -> None:
    if session.guard is not None:
        session.guard.before_flush(session, context, instances)


@event.listens_for(WatchedSession, "after_rollback")
def _after_rollback(session: WatchedSession) -> None:
    if session.guard is not None:
        session.guard.objects.let_go(session)


@event.listens_for(KeepingSession, "loaded_as_persistent")
def _loaded(session: KeepingSession, entity: object) -> None:
    if session.guard is not None:
        session.guard.objects.keep(session, entity)
