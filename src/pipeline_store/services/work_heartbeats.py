"""Keeping a lease while a handler works: in a thread, or beside it in the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, final

from pipeline_store.errors import LeaseLost, PipelineStoreError
from pipeline_store.services.work_holding import Pulse
from pipeline_store.services.work_writing import give_back, prolong
from pipeline_store.wakeups import ThreadBell

if TYPE_CHECKING:
    from types import TracebackType

    from pipeline_store.services.async_ports import AwaitedStore
    from pipeline_store.services.work_holding import AsyncWork, Work
    from pipeline_store.services.work_settings import WorkerSettings
    from pipeline_store.unit_of_work import Store

_log = logging.getLogger(__name__)


@final
class Heartbeats:
    """A thread that prolongs the lease until the end of the block."""

    def __init__(self, store: Store, settings: WorkerSettings[Any], work: Work) -> None:
        self._store = store
        self._settings = settings
        self._work = work
        self._pulse = Pulse(settings.lease, work)
        self._bell = ThreadBell()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)

    def look_again(self) -> None:
        """Have the thread notice that the worker was asked to stop."""
        self._bell.ring()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for a heartbeat that is on its way: nobody else writes while the worker does."""
        self._is_over = True
        self._bell.ring()
        self._thread.join()

    def _run(self) -> None:
        while not self._work.is_lost:
            rung = self._bell.wait(
                self._pulse.seconds_to_next(self._work, self._settings.grace_ends)
            )
            if self._is_over:
                return
            if self._settings.is_grace_over():
                self._work.was_given_back = True
                self._work.lost.set()
                with suppress(PipelineStoreError), self._store.unit_of_work() as uow:
                    give_back(uow, self._work.claim)
                    uow.commit()
            elif not rung:
                self._beat()

    def _beat(self) -> None:
        began = time.monotonic()
        try:
            with self._store.unit_of_work() as uow:
                claim = prolong(uow, self._work.claim, self._settings.lease)
                uow.commit()
        except LeaseLost:
            self._work.lost.set()
        except PipelineStoreError as error:
            _note(error, self._work)
            self._pulse.missed(self._work)
        else:
            self._pulse.beaten(self._work, claim, began)


@final
class AsyncHeartbeats:
    """A task of the event loop that does the same."""

    def __init__(self, store: AwaitedStore, settings: WorkerSettings[Any], work: AsyncWork) -> None:
        self._store = store
        self._settings = settings
        self._work = work
        self._pulse = Pulse(settings.lease, work)
        self._bell = asyncio.Event()
        self._is_over = False
        self._task: asyncio.Task[None] | None = None

    def look_again(self) -> None:
        """Have the task notice that the worker was asked to stop."""
        self._bell.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for a heartbeat that is on its way: nobody else writes while the worker does."""
        self._is_over = True
        self._bell.set()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        while not self._work.is_lost:
            rung = await self._rung(
                self._pulse.seconds_to_next(self._work, self._settings.grace_ends)
            )
            if self._is_over:
                return
            if self._settings.is_grace_over():
                self._work.was_given_back = True
                self._work.lost.set()
                with suppress(PipelineStoreError):
                    await self._store.run(give_back, self._work.claim)
            elif not rung:
                await self._beat()

    async def _rung(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        was_rung = self._bell.is_set()
        self._bell.clear()
        return was_rung

    async def _beat(self) -> None:
        began = time.monotonic()
        try:
            claim = await self._store.run(prolong, self._work.claim, self._settings.lease)
        except LeaseLost:
            self._work.lost.set()
        except PipelineStoreError as error:
            _note(error, self._work)
            self._pulse.missed(self._work)
        else:
            self._pulse.beaten(self._work, claim, began)


def _note(error: PipelineStoreError, work: Work | AsyncWork) -> None:
    """Take note of a heartbeat that failed; the lease is lost when none succeeds in time."""
    _log.warning("no heartbeat for task %s: %s", work.task.id, error)
    if work.seconds_left <= 0:
        work.lost.set()
