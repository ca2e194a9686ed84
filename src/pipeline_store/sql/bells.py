"""A bell for the tasks of an event loop, behind a synchronous face."""

from __future__ import annotations

import asyncio
from typing import final

from sqlalchemy.util import await_only

from pipeline_store.wakeups import Bell


@final
class LoopBell(Bell):
    """To be waited for inside SQLAlchemy's greenlet bridge, as awaited engines are used."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ring(self) -> None:
        """See `Bell.ring`; from any thread or signal handler."""
        loop = self._loop
        if loop is None:
            self._rung.set()
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._rung.set)

    def wait(self, seconds: float) -> bool:
        """See `Bell.wait`."""
        return await_only(self._wait(seconds))

    async def _wait(self, seconds: float) -> bool:
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True
