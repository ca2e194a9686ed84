"""A worker: takes tasks, has handlers do the work of their stages, and writes what comes of it.

    worker = Worker(store, {TaskStatus.GENERATING_ASSETS: make_assets})
    worker.run()

It holds no transaction while a handler works: it claims, closes, lets the handler work, opens a
unit of work and writes. A handler that takes long keeps its lease, and a worker that dies loses it.
"""

from __future__ import annotations

import logging
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, Unpack, final

from pipeline_store.awaited import is_awaited
from pipeline_store.errors import InvalidValue, LeaseLost, PipelineStoreError
from pipeline_store.services.work_errors import words_of
from pipeline_store.services.work_heartbeats import Heartbeats
from pipeline_store.services.work_holding import (
    PASSING,
    GiveBack,
    Held,
    Outcome,
    OutcomeKind,
    Tries,
    Work,
    outcome_of,
)
from pipeline_store.services.work_settings import WorkerOptions, WorkerSettings
from pipeline_store.services.work_signals import stopping_on_signals
from pipeline_store.services.work_writing import (
    Result,
    found_written,
    give_back,
    write_failure,
    write_result,
)
from pipeline_store.wakeups import ThreadBell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_store.tasks import Task, TaskStatus
    from pipeline_store.unit_of_work import Store, UnitOfWork
    from pipeline_store.wakeups import Wakeups

__all__ = ["GiveBack", "Handler", "Outcome", "OutcomeKind", "Result", "Work", "Worker"]

Handler: TypeAlias = Callable[[Work], Result]
"""Does the work of a stage.

What it returns says what is written: None to go on to the next status, a status to go there, or a
function of a unit of work that writes more, in the transaction of the move, and returns one of the
two. An error that it raises moves the task to the error of its stage.
"""

REST_AFTER_GIVING_BACK: Final = 1.0
"""Seconds before a worker looks again after a handler gave its task back."""

LONGEST_REST: Final = 30.0
"""Seconds between two claims while the store cannot be reached."""

_log = logging.getLogger(__name__)


@final
class Worker:
    """Works on the tasks of a store, one at a time, until it is stopped.

    To work on several at once, run several workers: processes, or threads with one each.
    """

    def __init__(
        self,
        store: Store,
        handlers: Handler | Mapping[TaskStatus, Handler],
        **settings: Unpack[WorkerOptions],
    ) -> None:
        """Work on the tasks of `store`; see `WorkerSettings` for what can be set.

        Raises:
            InvalidValue: the store, a handler or a setting cannot be used.
        """
        if is_awaited(store.claim_next):
            raise InvalidValue(
                "store: a synchronous one expected, found an awaited; use AsyncWorker"
            )
        self._store = store
        self._settings: WorkerSettings[Handler] = WorkerSettings(handlers, **settings)
        for status, handler in self._settings.handlers.by_status.items():
            if is_awaited(handler):
                raise InvalidValue(f"handlers: the one for {status} is awaited; use AsyncWorker")
        self._bell = ThreadBell()
        self._wakeups: Wakeups | None = None
        self._heartbeats: Heartbeats | None = None

    @property
    def name(self) -> str:
        """Who holds the tasks."""
        return self._settings.name

    def stop(self) -> None:
        """Take no further task, and let `run` return when the present one is done or given back.

        From any thread, handler or signal handler. A worker that was stopped is not run again.
        """
        self._settings.ask_to_stop()
        self._bell.ring()
        if self._wakeups is not None:
            self._wakeups.wake()
        if self._heartbeats is not None:
            self._heartbeats.look_again()

    def run(self, *, handle_signals: bool = True) -> None:
        """Work until `stop`, or until SIGTERM or SIGINT in the main thread.

        A second signal interrupts the handler, whose task is given back. A store that cannot be
        reached is tried again, after rests that grow to half a minute.
        """
        listening = stopping_on_signals(self.stop) if handle_signals else nullcontext()
        with listening, self._store.wakeups() as wakeups:
            self._wakeups = wakeups
            rest = 0.0
            while not self._settings.is_stopping:
                try:
                    found = self.run_once()
                except PASSING as error:
                    rest = min(max(2 * rest, 0.5), LONGEST_REST)
                    _log.warning("no task could be claimed, next try in %s s: %s", rest, error)
                    self._bell.wait(rest)
                else:
                    rest = 0.0
                    if not found:
                        wakeups.wait(self._settings.poll)

    def run_until_idle(self) -> int:
        """Work until there is nothing to claim; return how many times a task was claimed.

        Raises:
            PipelineStoreError: the store could not be asked.
        """
        count = 0
        while not self._settings.is_stopping and self.run_once():
            count += 1
        return count

    def run_once(self) -> bool:
        """Claim a task, if there is one, and work on it as long as it has a stage of ours.

        Raises:
            PipelineStoreError: the store could not be asked for one.
        """
        settings = self._settings
        began = time.monotonic()
        claim = self._store.claim_next(
            settings.name,
            lease=settings.lease,
            queue="tasks",
            stages=settings.handlers.claimed,
            most_attempts=settings.most_attempts,
        )
        if claim is None:
            return False
        work: Work = Held(
            claim, threading.Event(), settings.ends_after(began), lambda: settings.is_stopping
        )
        while self._work_on(work):
            pass
        return True

    def _work_on(self, work: Work) -> bool:
        """Work on the stage in which the task is; return whether there is a next one."""
        stage, began = work.stage, time.monotonic()
        handler = self._settings.handlers.handler_for(stage)
        if stage not in self._settings.handlers.claimed or (handler and work.is_stopping):
            # The next stage is for another worker.
            self._give_back(work)
            return False
        status: TaskStatus | None = None
        message: str | None = None
        try:
            kind, task, message = self._done(work, handler)
            status = task.status
        except LeaseLost as lost:
            kind, message = OutcomeKind.LOST, str(lost)
            if work.was_given_back:
                kind, message = OutcomeKind.RELEASED, "it was given back before its handler ended"
            task = None
        except BaseException:
            self._give_back(work)
            raise
        if handler is not None or kind != OutcomeKind.DONE:
            outcome = outcome_of(work, kind, began, stage=stage, status=status, message=message)
            try:
                self._settings.tell(outcome)
            except BaseException:
                # What was not ended by this stage is still held.
                self._give_back(work)
                raise
        if task is None or kind != OutcomeKind.DONE or task.lease_expires_at is None:
            return False
        work.moved(task)
        return True

    def _done(self, work: Work, handler: Handler | None) -> tuple[OutcomeKind, Task, str | None]:
        """Have the work done and written; return how it ended and the task as it is now."""
        try:
            result = None if handler is None else self._called(handler, work)
            work.check_held()
            written = self._written(work, partial(write_result, claim=work.claim, result=result))
        except LeaseLost:
            raise
        except GiveBack as reason:
            work.check_held()
            task = self._written(work, partial(give_back, claim=work.claim))
            if not self._settings.is_stopping:
                self._bell.wait(REST_AFTER_GIVING_BACK)
            return OutcomeKind.RELEASED, task, str(reason) or None
        except (Exception, CancelledError) as error:  # noqa: BLE001 - whatever a handler raises
            # Nobody cancels a thread, but a handler may run a loop in which something is cancelled.
            message = words_of(error)
            work.check_held()
            failure = partial(write_failure, claim=work.claim, message=message)
            return OutcomeKind.FAILED, self._written(work, failure), message
        return OutcomeKind.DONE, written, None

    def _called(self, handler: Handler, work: Work) -> Result:
        with Heartbeats(self._store, self._settings, work) as self._heartbeats:
            if work.is_stopping:
                # Asked for before there was anybody to be told.
                self._heartbeats.look_again()
            return handler(work)

    def _written(self, work: Work, write: Callable[[UnitOfWork], Task]) -> Task:
        """Write in a unit of work of its own; what passes is waited for while the lease lasts."""
        tries = Tries()
        while True:
            try:
                with self._store.unit_of_work() as uow:
                    done = found_written(uow, work.claim) if tries.is_unsure else None
                    task = done or write(uow)
                    uow.commit()
                    return task
            except (*PASSING, LeaseLost) as error:
                time.sleep(tries.pause_after(error, work))

    def _give_back(self, work: Work) -> None:
        """Give the task back if that can be done at once; else its lease will end by itself."""
        with suppress(PipelineStoreError), self._store.unit_of_work() as uow:
            give_back(uow, work.claim)
            uow.commit()
