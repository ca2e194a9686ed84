"""Hints on PostgreSQL: a connection beside the pool that listens to what commits announce."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Self, final

from pipeline_store.errors import PipelineStoreError
from pipeline_store.sql.beside_pool import close_beside_pool, connect_beside_pool
from pipeline_store.sql.failures import translated
from pipeline_store.sql.listeners import AsyncpgListener, AwaitedPsycopgListener, PsycopgListener
from pipeline_store.wakeups import Wakeups, seconds_to_wait

if TYPE_CHECKING:
    from datetime import timedelta
    from types import TracebackType

    import sqlalchemy as sa
    from sqlalchemy.pool import PoolProxiedConnection

    from pipeline_store.sql.listeners import Listener

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 10.0
"""Seconds between two attempts to make the connection again."""


@final
class ListeningWakeups(Wakeups):
    """Notices what is announced; makes its connection again when that was lost."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._listener = _listener_for(engine)
        #: Also what is raised when no connection can be made, as SQLAlchemy adapts it.
        self._lost: tuple[type[Exception], ...] = (
            *self._listener.lost,
            engine.dialect.loaded_dbapi.Error,
        )
        self._connection: PoolProxiedConnection | None = None
        self._pause = FIRST_PAUSE

    def wait(self, longest: timedelta) -> bool:
        """See `Wakeups.wait`."""
        ends = time.monotonic() + seconds_to_wait(longest)
        while True:
            if self._connection is None and self._begin():
                # What was announced meanwhile is lost: somebody has to look.
                return True
            left = max(ends - time.monotonic(), 0)
            pause = left if self._connection else min(self._pause, left)
            try:
                if self._listener.wait(pause):
                    return True
            except self._lost:
                self._end()
                continue
            if left <= pause:
                return False
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def wake(self) -> None:
        """See `Wakeups.wake`."""
        self._listener.wake()

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more."""
        self._end()
        self._listener.close()

    def _begin(self) -> bool:
        """Listen, and return whether that was possible."""
        try:
            with translated():
                connection = connect_beside_pool(self._engine)
                try:
                    self._listener.begin(connection)
                except BaseException:
                    close_beside_pool(self._engine, connection)
                    raise
        except PipelineStoreError:
            # Without hints a worker looks by itself; that will tell what is wrong, if it lasts.
            return False
        except self._lost:
            return False
        self._connection = connection
        self._pause = FIRST_PAUSE
        return True

    def _end(self) -> None:
        self._listener.end()
        connection, self._connection = self._connection, None
        if connection is not None:
            close_beside_pool(self._engine, connection)


def _listener_for(engine: sa.Engine) -> Listener:
    dialect: Any = engine.dialect
    if not dialect.is_async:
        return PsycopgListener()
    return AsyncpgListener() if dialect.driver == "asyncpg" else AwaitedPsycopgListener()
