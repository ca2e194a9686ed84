"""How each driver of PostgreSQL tells what was announced."""

from __future__ import annotations

import asyncio
import selectors
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from sqlalchemy.util import await_only

from pipeline_store.sql.bells import LoopBell
from pipeline_store.sql.migrations.task_hints_0003 import CHANNEL

if TYPE_CHECKING:
    from sqlalchemy.pool import PoolProxiedConnection

LISTEN: Final = f"LISTEN {CHANNEL}"
ENOUGH: Final = 4096
"""Bytes of one reading; how many there are tells nothing."""


class Listener(Protocol):
    """Waits on one connection at a time."""

    #: What is raised when the connection was lost.
    lost: tuple[type[Exception], ...]

    def begin(self, connection: PoolProxiedConnection) -> None:
        """Listen on a connection that is nobody else's."""
        ...

    def wait(self, seconds: float) -> bool:
        """Return True when something is announced or `wake` was called, False after the time.

        Without a connection it waits for `wake` alone.
        """
        ...

    def wake(self) -> None:
        """End the present wait, or else the next one; from any thread or signal handler."""
        ...

    def end(self) -> None:
        """Forget the connection, if there is one, whatever state it is in."""
        ...

    def close(self) -> None:
        """Give up everything else."""
        ...


@final
class PsycopgListener(Listener):
    """Waits for the socket of the connection and for one of its own."""

    def __init__(self) -> None:
        import psycopg  # noqa: PLC0415 - an extra, which the engine has loaded

        self.lost = (psycopg.Error, OSError)
        self._pooled: PoolProxiedConnection | None = None
        self._selector = selectors.DefaultSelector()
        self._woken, self._waking = socket.socketpair()
        for end in (self._woken, self._waking):
            end.settimeout(0)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def begin(self, connection: PoolProxiedConnection) -> None:
        """See `Listener.begin`."""
        driver: Any = connection.dbapi_connection
        driver.autocommit = True
        driver.execute(LISTEN)
        self._selector.register(driver.fileno(), selectors.EVENT_READ, driver)
        self._pooled = connection

    def wait(self, seconds: float) -> bool:
        """See `Listener.wait`."""
        if self._announced():
            self._drain()
            return True
        ready = self._selector.select(seconds)
        woken = self._drain()
        # What else comes over the connection is no hint.
        return (self._announced() if ready else False) or woken

    def wake(self) -> None:
        """See `Listener.wake`."""
        # Closed, or full of earlier calls: nobody waits, or whoever does is woken anyway.
        with suppress(OSError):
            self._waking.send(b"!")

    def end(self) -> None:
        """See `Listener.end`."""
        self._pooled = None
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                self._selector.unregister(key.fileobj)

    def close(self) -> None:
        """See `Listener.close`."""
        self._selector.close()
        self._woken.close()
        self._waking.close()

    def _announced(self) -> bool:
        driver: Any = self._pooled and self._pooled.dbapi_connection
        return driver is not None and bool(list(driver.notifies(timeout=0)))

    def _drain(self) -> bool:
        try:
            return bool(self._woken.recv(ENOUGH))
        except BlockingIOError:
            return False


class _AwaitedListener(Listener):
    """Waits for a bell inside SQLAlchemy's greenlet bridge."""

    def __init__(self) -> None:
        self._bell = LoopBell()
        self._pooled: PoolProxiedConnection | None = None

    def wake(self) -> None:
        """See `Listener.wake`."""
        self._bell.ring()

    def end(self) -> None:
        """See `Listener.end`."""
        self._pooled = None

    def close(self) -> None:
        """Nothing else is held."""

    def _driver(self) -> Any:
        return self._pooled and _driver_of(self._pooled)


def _driver_of(connection: PoolProxiedConnection) -> Any:
    """Return the driver's own connection, which SQLAlchemy has adapted to look synchronous."""
    adapted: Any = connection.dbapi_connection
    return adapted.driver_connection


@final
class AsyncpgListener(_AwaitedListener):
    """Is called by the driver, which reads all the time."""

    def __init__(self) -> None:
        import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra, which the engine has loaded

        super().__init__()
        self.lost = (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            # What it says when the connection ends in the middle of an answer.
            asyncpg.InternalClientError,
            OSError,
        )

    def begin(self, connection: PoolProxiedConnection) -> None:
        """See `Listener.begin`."""
        driver = _driver_of(connection)
        await_only(driver.add_listener(CHANNEL, self._hear))
        driver.add_termination_listener(self._hear)
        self._pooled = connection

    def wait(self, seconds: float) -> bool:
        """See `Listener.wait`."""
        heard = self._bell.wait(seconds)
        driver = self._driver()
        if driver is not None and driver.is_closed():
            raise ConnectionResetError
        return heard

    def _hear(self, *_told: object) -> None:
        self._bell.ring()


@final
class AwaitedPsycopgListener(_AwaitedListener):
    """Has the loop watch the socket of the connection."""

    def __init__(self) -> None:
        import psycopg  # noqa: PLC0415 - an extra, which the engine has loaded

        super().__init__()
        self.lost = (psycopg.Error, OSError)

    def begin(self, connection: PoolProxiedConnection) -> None:
        """See `Listener.begin`."""
        driver = _driver_of(connection)
        await_only(driver.set_autocommit(True))
        await_only(driver.execute(LISTEN))
        self._pooled = connection

    def wait(self, seconds: float) -> bool:
        """See `Listener.wait`."""
        driver = self._driver()
        if driver is None:
            return self._bell.wait(seconds)
        if await_only(self._announced(driver)):
            return True
        loop, socket_number = asyncio.get_running_loop(), driver.fileno()
        loop.add_reader(socket_number, self._see, loop, socket_number)
        try:
            rung = self._bell.wait(seconds)
        finally:
            loop.remove_reader(socket_number)
        return await_only(self._announced(driver)) or rung

    def _see(self, loop: asyncio.AbstractEventLoop, socket_number: int) -> None:
        # What is there to read stays there until the wait is over.
        loop.remove_reader(socket_number)
        self._bell.ring()

    async def _announced(self, driver: Any) -> bool:
        return bool([hint async for hint in driver.notifies(timeout=0)])
