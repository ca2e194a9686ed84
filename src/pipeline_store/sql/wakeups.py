"""Hints on databases that there may be a task to claim, by kind and colour."""

from __future__ import annotations

import time
from contextlib import nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, final

from pipeline_store.errors import PipelineStoreError
from pipeline_store.sql.bells import LoopBell
from pipeline_store.sql.beside_pool import close_beside_pool, connect_beside_pool
from pipeline_store.sql.failures import translated
from pipeline_store.sql.forks import close_before_forks, close_without_awaiting
from pipeline_store.sql.listening import ListeningWakeups
from pipeline_store.wakeups import ThreadBell, Wakeups, seconds_to_wait

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import timedelta
    from types import TracebackType

    import sqlalchemy as sa
    from sqlalchemy.pool import PoolProxiedConnection

    from pipeline_store.wakeups import Bell

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.25
"""Seconds between two looks at an SQLite file, after something was written and later."""


def make_wakeups(engine: sa.Engine) -> Wakeups:
    """Return what notices hints on the database of the engine."""
    if engine.dialect.name == "postgresql":
        return ListeningWakeups(engine)
    bell = LoopBell() if engine.dialect.is_async else ThreadBell()
    in_memory = engine.url.database in {None, "", ":memory:"}
    version = _RowsWritten(engine) if in_memory else _FileVersion(engine)
    return SqliteWakeups(version, bell, engine.dialect.loaded_dbapi.Error)


@final
class SqliteWakeups(Wakeups):
    """Looks whether anybody has written, after pauses that grow; each look costs microseconds."""

    def __init__(self, version: _Version, bell: Bell, driver_error: type[Exception]) -> None:
        self._version = version
        self._driver_error = driver_error
        self._bell = bell
        self._seen: object = None

    def wait(self, longest: timedelta) -> bool:
        """See `Wakeups.wait`."""
        ends = time.monotonic() + seconds_to_wait(longest)
        pause = FIRST_PAUSE
        while True:
            if self._has_changed():
                return True
            left = ends - time.monotonic()
            if self._bell.wait(min(pause, max(left, 0))):
                return True
            if left <= pause:
                return self._has_changed()
            pause = min(2 * pause, LONGEST_PAUSE)

    def wake(self) -> None:
        """See `Wakeups.wake`."""
        self._bell.ring()

    def __enter__(self) -> Self:
        self._has_changed()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look no more."""
        self._version.close()

    def _has_changed(self) -> bool:
        before = self._seen
        try:
            with translated():
                self._seen = self._version.look()
        except (PipelineStoreError, self._driver_error):
            # The worker's own look will tell what is wrong, if it lasts.
            self._version.close()
            return False
        return self._seen != before


class _Version(Protocol):
    """Something that changes when the database is written."""

    def look(self) -> object:
        """Return what changes."""
        ...

    def close(self) -> None:
        """Give up what it holds."""
        ...


@final
class _FileVersion(_Version):
    """The number that SQLite keeps of the commits of others, on a connection beside the pool."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: PoolProxiedConnection | None = None
        #: Whoever forks closes the connection, from another thread than the one that looks.
        self._alone: AbstractContextManager[object] = nullcontext()
        if not engine.dialect.is_async:
            self._alone = Lock()
        close_before_forks(self._close_before_fork)

    def look(self) -> object:
        with self._alone:
            if self._connection is None:
                self._connection = connect_beside_pool(self._engine)
            return self._connection.dbapi_connection, _ask(self._connection, "PRAGMA data_version")

    def close(self) -> None:
        with self._alone:
            connection, self._connection = self._connection, None
            if connection is not None:
                close_beside_pool(self._engine, connection)

    def _close_before_fork(self) -> None:
        if not self._engine.dialect.is_async:
            self.close()
        elif self._connection is not None:
            # The next look fails, and has it closed for good.
            adapted: Any = self._connection.dbapi_connection
            close_without_awaiting(adapted.driver_connection)


@final
class _RowsWritten(_Version):
    """How many rows were written on the one connection of a database in memory."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def look(self) -> object:
        connection = self._engine.raw_connection()
        try:
            return _ask(connection, "SELECT total_changes()")
        finally:
            connection.close()

    def close(self) -> None:
        """Nothing is held."""


def _ask(connection: PoolProxiedConnection, question: str) -> object:
    cursor = connection.cursor()
    try:
        cursor.execute(question)
        (answer,) = cursor.fetchall()
        return answer[0]
    finally:
        cursor.close()
