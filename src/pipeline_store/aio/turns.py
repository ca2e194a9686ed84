"""One call at a time over a bridge: what the tasks that share a unit of work go through."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ParamSpec, TypeVar, final

from pipeline_store.aio.lifting import Bridge

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


@final
class InTurn(Bridge):
    """Lets calls of several tasks over a bridge wait for each other, first come, first served.

    A unit of work has one transaction on one connection. Two calls that were on it at once would
    undo each other's work, or write what both were told had failed.
    """

    def __init__(self, bridge: Bridge) -> None:
        """Call over `bridge`."""
        self._bridge = bridge
        self._turn = asyncio.Lock()

    async def __call__(
        self, function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs
    ) -> T:
        """See `Bridge.__call__`."""
        async with self._turn:
            return await self._bridge(function, *arguments, **named)

    async def call_at_last(
        self, function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Make the call that gives everything back, also for a task that is cancelled meanwhile.

        Gone without it, it would leave a connection and its locks to nobody.
        """
        cancelled: asyncio.CancelledError | None = None
        while True:
            try:
                await self._turn.acquire()
            except asyncio.CancelledError as error:
                cancelled = error
            else:
                break
        try:
            result = await self._bridge(function, *arguments, **named)
        finally:
            self._turn.release()
        if cancelled is not None:
            raise cancelled
        return result
