"""`Worker`, awaited: its handlers run on the event loop, beside the heartbeats of their leases."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Unpack, cast, final

from pipeline_store.awaited import is_awaited
from pipeline_store.errors import InvalidValue, LeaseLost, PipelineStoreError
from pipeline_store.services.async_giving_back import let_go
from pipeline_store.services.work import LONGEST_REST, REST_AFTER_GIVING_BACK
from pipeline_store.services.work_errors import words_of
from pipeline_store.services.work_heartbeats import AsyncHeartbeats
from pipeline_store.services.work_holding import (
    PASSING,
    AsyncWork,
    GiveBack,
    Held,
    OutcomeKind,
    Tries,
    outcome_of,
)
from pipeline_store.services.work_settings import WorkerOptions, WorkerSettings
from pipeline_store.services.work_signals import stopping_loop_on_signals
from pipeline_store.services.work_writing import (
    Result,
    found_written,
    give_back,
    move,
    write_failure,
    write_result,
)
from pipeline_store.tasks import Task, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_store.claim import Claim
    from pipeline_store.services.async_ports import (
        AwaitedStore,
        AwaitedUnitOfWork,
        AwaitedWakeups,
    )

__all__ = ["AsyncHandler", "AsyncResult", "AsyncWork", "AsyncWorker", "AsyncWrite"]

AsyncWrite: TypeAlias = Callable[[Any], Awaitable[TaskStatus | None]]
"""A coroutine function that is handed an awaited unit of work."""

AsyncResult: TypeAlias = Result | AsyncWrite
"""What a handler returns: what that of a `Worker` may, or a coroutine function that writes."""

AsyncHandler: TypeAlias = Callable[[AsyncWork], Awaitable[AsyncResult] | AsyncResult]
"""Does the work of a stage; one that is not awaited is called in a thread."""

LAST_CLAIM: Final = 5.0
"""Seconds that a worker which is cancelled waits for the answer to its claim."""

_log = logging.getLogger(__name__)


class StopIterationInHandlerError(Exception):
    """A handler let out that an iterator had nothing more to give: its stage failed."""


@final
class AsyncWorker:
    """`Worker` over an awaited store: the same names and promises, awaited.

    It works on one task at a time; several of them can run in one event loop.
    """

    def __init__(
        self,
        store: AwaitedStore,
        handlers: AsyncHandler | Mapping[TaskStatus, AsyncHandler],
        **settings: Unpack[WorkerOptions],
    ) -> None:
        """Work on the tasks of `store`; see `WorkerSettings` for what can be set.

        Raises:
            InvalidValue: the store, a handler or a setting cannot be used.
        """
        if not hasattr(store, "run"):
            raise InvalidValue("store: one of open_async_store expected, found a synchronous one")
        self._store = store
        self._settings: WorkerSettings[AsyncHandler] = WorkerSettings(handlers, **settings)
        self._stopping = asyncio.Event()
        self._wakeups: AwaitedWakeups | None = None
        self._heartbeats: AsyncHeartbeats | None = None

    @property
    def name(self) -> str:
        """Who holds the tasks."""
        return self._settings.name

    def stop(self) -> None:
        """See `Worker.stop`; from the event loop."""
        self._settings.ask_to_stop()
        self._stopping.set()
        if self._wakeups is not None:
            self._wakeups.wake()
        if self._heartbeats is not None:
            self._heartbeats.look_again()

    async def run(self, *, handle_signals: bool = True) -> None:
        """See `Worker.run`; when it is cancelled, the task in work is given back."""
        listening = stopping_loop_on_signals(self.stop) if handle_signals else nullcontext()
        with listening:
            async with self._store.wakeups() as self._wakeups:
                await self._run(self._wakeups)

    async def _run(self, wakeups: AwaitedWakeups) -> None:
        rest = 0.0
        while not self._settings.is_stopping:
            try:
                found = await self.run_once()
            except PASSING as error:
                rest = min(max(2 * rest, 0.5), LONGEST_REST)
                _log.warning("no task could be claimed, next try in %s s: %s", rest, error)
                await self._rest(rest)
            else:
                rest = 0.0
                if not found:
                    await wakeups.wait(self._settings.poll)

    async def run_until_idle(self) -> int:
        """See `Worker.run_until_idle`."""
        count = 0
        while not self._settings.is_stopping and await self.run_once():
            count += 1
        return count

    async def run_once(self) -> bool:
        """See `Worker.run_once`."""
        settings = self._settings
        began = time.monotonic()
        claim = await self._claimed()
        if claim is None:
            return False
        work: AsyncWork = Held(
            claim, asyncio.Event(), settings.ends_after(began), lambda: settings.is_stopping
        )
        while await self._work_on(work):
            pass
        return True

    async def _claimed(self) -> Claim[Task] | None:
        settings = self._settings
        claiming = asyncio.ensure_future(
            self._store.claim_next(
                settings.name,
                lease=settings.lease,
                queue="tasks",
                stages=settings.handlers.claimed,
                most_attempts=settings.most_attempts,
            )
        )
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # What it takes now would be held for nobody.
            with suppress(PipelineStoreError, TimeoutError):
                claim = await asyncio.wait_for(claiming, LAST_CLAIM)
                if claim is not None:
                    await let_go(self._store, claim)
            raise

    async def _work_on(self, work: AsyncWork) -> bool:
        """Work on the stage in which the task is; return whether there is a next one."""
        stage, began = work.stage, time.monotonic()
        handler = self._settings.handlers.handler_for(stage)
        if stage not in self._settings.handlers.claimed or (handler and work.is_stopping):
            # The next stage is for another worker.
            await let_go(self._store, work.claim)
            return False
        status: TaskStatus | None = None
        message: str | None = None
        try:
            kind, task, message = await self._done(work, handler)
            status = task.status
        except LeaseLost as lost:
            kind, message = OutcomeKind.LOST, str(lost)
            if work.was_given_back:
                kind, message = OutcomeKind.RELEASED, "it was given back before its handler ended"
            task = None
        except BaseException:
            # Also when it is cancelled meanwhile.
            await let_go(self._store, work.claim)
            raise
        if handler is not None or kind != OutcomeKind.DONE:
            outcome = outcome_of(work, kind, began, stage=stage, status=status, message=message)
            try:
                self._settings.tell(outcome)
            except BaseException:
                # What was not ended by this stage is still held.
                await let_go(self._store, work.claim)
                raise
        if task is None or kind != OutcomeKind.DONE or task.lease_expires_at is None:
            return False
        work.moved(task)
        return True

    async def _done(
        self, work: AsyncWork, handler: AsyncHandler | None
    ) -> tuple[OutcomeKind, Task, str | None]:
        """Have the work done and written; return how it ended and the task as it is now."""
        try:
            result = None if handler is None else await self._called(handler, work)
            work.check_held()
            written = await self._written(work, self._writer_of(work, result))
        except LeaseLost:
            raise
        except GiveBack as reason:
            work.check_held()
            task = await self._written(work, partial(_do, partial(give_back, claim=work.claim)))
            if not self._settings.is_stopping:
                await self._rest(REST_AFTER_GIVING_BACK)
            return OutcomeKind.RELEASED, task, str(reason) or None
        except (Exception, asyncio.CancelledError) as error:
            # Whatever a handler raises is a failed stage.
            if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
                raise
            message = words_of(error)
            work.check_held()
            failure = partial(write_failure, claim=work.claim, message=message)
            return OutcomeKind.FAILED, await self._written(work, partial(_do, failure)), message
        return OutcomeKind.DONE, written, None

    async def _called(self, handler: AsyncHandler, work: AsyncWork) -> AsyncResult:
        async with AsyncHeartbeats(self._store, self._settings, work) as self._heartbeats:
            if work.is_stopping:
                # Asked for before there was anybody to be told.
                self._heartbeats.look_again()
            if is_awaited(handler):
                return await cast("Awaitable[AsyncResult]", handler(work))
            result = await asyncio.to_thread(_call, handler, work)
            # A lambda may have called a coroutine function.
            return await result if inspect.isawaitable(result) else result

    def _writer_of(
        self, work: AsyncWork, result: AsyncResult
    ) -> Callable[[AwaitedUnitOfWork], Awaitable[Task]]:
        if not is_awaited(result):
            plain = cast("Result", result)
            return partial(_do, partial(write_result, claim=work.claim, result=plain))

        async def write(uow: AwaitedUnitOfWork) -> Task:
            to = await cast("AsyncWrite", result)(uow)
            return await uow.run(move, work.claim, to)

        return write

    async def _written(
        self, work: AsyncWork, write: Callable[[AwaitedUnitOfWork], Awaitable[Task]]
    ) -> Task:
        """See `Worker._written`."""
        tries = Tries()
        while True:
            try:
                async with self._store.unit_of_work() as uow:
                    done = await uow.run(found_written, work.claim) if tries.is_unsure else None
                    task = done or await write(uow)
                    await uow.commit()
                    return task
            except (*PASSING, LeaseLost) as error:
                await asyncio.sleep(tries.pause_after(error, work))

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def _is_being_cancelled() -> bool:
    """Whether the worker is, and not only something that its handler waited for."""
    worker = asyncio.current_task()
    return worker is not None and worker.cancelling() > 0


def _call(handler: AsyncHandler, work: AsyncWork) -> Awaitable[AsyncResult] | AsyncResult:
    try:
        return handler(work)
    except StopIteration as error:
        # No future takes one: whoever waits for the thread would wait for ever.
        raise StopIterationInHandlerError().with_traceback(error.__traceback__) from None


async def _do(service: Callable[..., Task], uow: AwaitedUnitOfWork) -> Task:
    return await uow.run(service)
