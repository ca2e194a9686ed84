"""The bridge from awaited to synchronous calls: SQLAlchemy's own, as `AsyncSession` uses it."""

from __future__ import annotations

import asyncio
import threading
import traceback
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar, final

from sqlalchemy import event
from sqlalchemy.util import greenlet_spawn

from pipeline_store.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import sqlalchemy as sa

P = ParamSpec("P")
T = TypeVar("T")


@final
class LoopBridge:
    """Serves one event loop at a time: a connection is of use only to the loop that made it."""

    def __init__(self, engine: sa.Engine) -> None:
        """Serve the loop that calls first, until `engine` gives up its connections."""
        self._engine = engine
        self._is_file = engine.dialect.name == "sqlite"
        self._call = call_to_its_end if self._is_file else call_in_greenlet
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changing = threading.RLock()
        event.listen(engine, "engine_disposed", self._leave)

    def __call__(
        self, function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs
    ) -> Awaitable[T]:
        """Return the awaitable result of the call.

        Raises:
            InvalidValue: the connections are those of another loop.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._enter(loop)
        return self._call(function, *arguments, **named)

    def _enter(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._changing:
            if self._loop is not None and not self._loop.is_closed():
                raise InvalidValue(
                    "the store is in use in another event loop: open one store for each loop, or"
                    " await store.close() there first"
                )
            if self._loop is not None and not self._is_file:
                # They ended with their loop and cannot even be closed. Those of a file are threads.
                self._engine.dispose(close=False)
            self._loop = loop

    def _leave(self, _engine: sa.Engine) -> None:
        self._loop = None


async def call_in_greenlet(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function whose database calls, on an awaited engine, are awaited here."""
    return await greenlet_spawn(partial(function, *arguments, **named))


async def call_to_its_end(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """Do the same, and have whoever is cancelled meanwhile wait until it has ended.

    An SQLite file is worked on by a thread, which nothing interrupts. Left with half a call it
    would keep the lock, and whoever closes it could wait for ever.
    """
    call = asyncio.ensure_future(_call_on_file(function, *arguments, **named))
    cancelled: asyncio.CancelledError | None = None
    while not call.done():
        try:
            await asyncio.wait([call])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return call.result()
    if not call.cancelled():
        # Asked for, or asyncio would complain that nobody did.
        call.exception()
    raise cancelled


async def _call_on_file(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """Let nothing of a call that was cancelled hold a lock.

    SQLite closes a connection only when its statements are given up. One that was interrupted is
    known to the frames behind the error, and `asyncio.run` keeps all tasks until all have ended.
    """
    try:
        return await call_in_greenlet(function, *arguments, **named)
    except asyncio.CancelledError as error:
        traceback.clear_frames(error.__traceback__)
        raise
