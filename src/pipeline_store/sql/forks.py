"""Connections of a process that forks: none may be used on both sides.

On a server both sides would talk at once over one socket. To SQLite a child inherits the connection
but not its lock, so that the parent, when it closes its own, removes the log that the child goes on
writing to; and what the child opens for itself would share the lock that is not there. So files are
closed before the fork, and opened again by whoever needs them.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, final
from weakref import WeakMethod, WeakSet, ref

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine
    from sqlalchemy.pool import ConnectionPoolEntry

LONGEST_CLOSE: Final = 5.0
"""Seconds that a fork waits for a connection to close."""

_closing: set[WeakMethod[Callable[[], None]]] = set()
_left_behind: set[ref[Engine]] = set()


def close_before_forks(close: Callable[[], None]) -> None:
    """Call this method of an object, while there is one, whenever the process is about to fork."""
    _closing.add(WeakMethod(close, _closing.discard))


def share_no_connection(engine: Engine) -> None:
    """Let no child of this process use a connection of the engine's pool."""
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite and engine.url.database in {None, "", ":memory:"}:
        # The child has a copy of all there is.
        return
    if is_sqlite and not engine.dialect.is_async:
        close_before_forks(engine.dispose)
        return
    if is_sqlite:
        close_before_forks(_Resting(engine).close)
    # To connect to a server anew takes long.
    _left_behind.add(ref(engine, _left_behind.discard))


def close_without_awaiting(driver: Any) -> None:
    """Close an awaited connection to a file where nothing can be awaited.

    Its thread is left to whoever awaits that it closes.
    """
    closed = threading.Event()

    def close() -> None:
        try:
            driver._conn.close()  # noqa: SLF001
        finally:
            closed.set()

    if driver._running:  # noqa: SLF001
        # As SQLAlchemy does where it cannot await: the thread does first what it was told before.
        driver._tx.put_nowait((None, close))  # noqa: SLF001
        closed.wait(LONGEST_CLOSE)


@final
class _Resting:
    """The awaited connections to a file that rest in the pool of an engine, which keeps this."""

    def __init__(self, engine: Engine) -> None:
        self._drivers: WeakSet[Any] = WeakSet()
        self._closed: WeakSet[Any] = WeakSet()
        event.listen(engine, "connect", self._add)
        event.listen(engine, "checkin", self._add)
        event.listen(engine, "checkout", self._take)

    def close(self) -> None:
        """Close them; the pool makes others in their place."""
        with suppress(KeyError):
            while True:
                driver = self._drivers.pop()
                self._closed.add(driver)
                close_without_awaiting(driver)

    def _add(self, connection: Any, _entry: ConnectionPoolEntry) -> None:
        if connection is not None:
            self._drivers.add(connection.driver_connection)

    def _take(self, connection: Any, *_unused: object) -> None:
        driver = connection.driver_connection
        self._drivers.discard(driver)
        if driver in self._closed:
            raise DisconnectionError("closed, since the process has forked")


def _close() -> None:
    for method in list(_closing):
        close = method()
        if close is not None:
            close()


def _leave_behind() -> None:
    for weakly in list(_left_behind):
        engine = weakly()
        if engine is not None:
            engine.dispose(close=False)


if sys.platform != "win32":
    os.register_at_fork(before=_close, after_in_child=_leave_behind)
