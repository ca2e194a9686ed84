"""Hints that there may be a task to claim, awaited."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar, final

from pipeline_store.aio.lifting import Lifted, call_directly
from pipeline_store.wakeups import Wakeups

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from types import TracebackType

P = ParamSpec("P")
T = TypeVar("T")


@final
class AsyncWakeups(Lifted[Wakeups]):
    """`pipeline_store.wakeups.Wakeups`, awaited."""

    async def wait(self, longest: timedelta) -> bool:
        """See `Wakeups.wait`."""
        # What never waits for a database waits here, where the loop must not stand still.
        in_thread = self.bridge is call_directly
        bridge = call_in_thread if in_thread else self.bridge
        waiting = asyncio.ensure_future(bridge(self.counterpart.wait, longest))
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # Ends also the wait of a thread, and one that is waited for to its end.
            self.counterpart.wake()
            if not in_thread:
                # A thread goes on, and would take the hint of the next wait.
                waiting.cancel()
            await asyncio.wait([waiting])
            raise

    def wake(self) -> None:
        """See `Wakeups.wake`; nothing to await."""
        self.counterpart.wake()

    async def __aenter__(self) -> Self:
        try:
            await self.bridge(self.counterpart.__enter__)
        except asyncio.CancelledError:
            # It may have connected by then.
            await self.bridge(self.counterpart.__exit__, None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.bridge(self.counterpart.__exit__, kind, error, trace)


async def call_in_thread(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function that waits in a thread of its own.

    Not in one of the loop's few threads, which it would keep from others for as long as it waits.
    """
    thread = ThreadPoolExecutor(1)
    try:
        call = partial(function, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(thread, call)
    finally:
        thread.shutdown(wait=False)
