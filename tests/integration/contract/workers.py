"""Workers of both colours under one face, with handlers that are written once, awaited."""

from __future__ import annotations

import asyncio
import inspect
import time
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

from pipeline_store.services.async_work import AsyncWorker
from pipeline_store.services.work import Outcome, Worker
from tests.integration.contract.blocking import Blocking

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from pipeline_store import Store
    from pipeline_store.tasks import TaskStatus

    Handler = Callable[[Any], Coroutine[Any, Any, Any]]

LONG = 30.0
"""Seconds after which a test gives up; no promise is about them."""


class AnyWorker:
    """A worker of the store's colour; it remembers what came of its stages."""

    def __init__(
        self, store: Store, handlers: Handler | Mapping[TaskStatus, Handler], **settings: Any
    ) -> None:
        self.outcomes: list[Outcome] = []
        settings = {"name": "w1", "on_outcome": self.outcomes.append, **settings}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.worker: Any
        if isinstance(store, Blocking):
            self._loop = store.loop
            self.worker = AsyncWorker(cast("Any", store.lifted), handlers, **settings)
        else:
            plain: Any = (
                {stage: _driven(each) for stage, each in handlers.items()}
                if isinstance(handlers, dict)
                else _driven(cast("Handler", handlers))
            )
            self.worker = Worker(store, plain, **settings)

    def once(self) -> bool:
        """Work on one task."""
        return bool(self._finished(self.worker.run_once()))

    def until_idle(self) -> int:
        """Work until there is nothing to do."""
        return int(self._finished(self.worker.run_until_idle()))

    def run_beside(self, meanwhile: Callable[[], object]) -> None:
        """Run the worker while something happens in another thread, and stop it then."""
        raised: list[BaseException] = []

        def happen() -> None:
            try:
                meanwhile()
            except BaseException as error:  # noqa: BLE001 - raised again below
                raised.append(error)
            self.stop()

        thread = Thread(target=happen)
        thread.start()
        self._finished(self.worker.run(handle_signals=False))
        thread.join()
        if raised:
            raise raised[0]

    def stop(self) -> None:
        """Stop it, from whatever thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self.worker.stop)
        else:
            self.worker.stop()

    @property
    def kinds(self) -> list[str]:
        """How the stages ended."""
        return [str(outcome.kind) for outcome in self.outcomes]

    def _finished(self, result: Any) -> Any:
        if self._loop and inspect.iscoroutine(result):
            return self._loop.run_until_complete(result)
        return result


def _driven(handler: Handler) -> Callable[[Any], Any]:
    """The same handler, for a worker that does not await."""

    def call(work: Any) -> Any:
        return asyncio.run(handler(work))

    return call


async def happens(condition: Callable[[], object]) -> None:
    """Return as soon as it is true."""
    ends = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        await asyncio.sleep(0.005)


def has_happened(condition: Callable[[], object]) -> None:
    """Return as soon as it is true."""
    asyncio.run(happens(condition))
