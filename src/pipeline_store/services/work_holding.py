"""What a worker holds: the task that its handler is handed, and how long it may still write."""

from __future__ import annotations

import asyncio
import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar

from attrs import evolve, frozen

from pipeline_store.errors import (
    CommitUnknown,
    Conflict,
    LeaseLost,
    PipelineStoreError,
    StoreBusy,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from uuid import UUID

    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task, TaskStatus


class Lost(Protocol):
    """An event of threads or of an event loop."""

    def is_set(self) -> bool:
        """Whether it has happened."""
        ...

    def set(self) -> None:
        """Let it happen."""
        ...


Event = TypeVar("Event", bound=Lost)

PASSING: Final = (StoreBusy, StoreUnavailable, CommitUnknown, Conflict)
"""Errors after which the same may succeed a moment later."""

MOST_CONFLICTS: Final = 5
"""Tries of one write that somebody else was faster with."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries to write what a handler has returned."""


class GiveBack(Exception):
    """Raised by a handler that does not want the task now.

    Whoever claims it next begins its stage again, and the attempt does not count.
    """


class OutcomeKind(StrEnum):
    """How the work on one stage of a task ended."""

    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    RELEASED = "released"


@frozen(kw_only=True)
class Outcome:
    """What came of one stage of a task."""

    kind: OutcomeKind
    task_id: UUID
    worker: str
    token: int
    attempt: int
    #: What was worked on.
    stage: TaskStatus
    #: Where the task is now, or None when it is somebody else's.
    status: TaskStatus | None
    #: Why it failed or was lost.
    message: str | None
    seconds: float


class Held(Generic[Event]):
    """A task in the hands of a worker; what its handler is handed.

    The lease is prolonged while the handler works. When that fails for too long, or somebody else
    takes the task, `lost` is set, and nothing that the handler returns is written any more.
    """

    def __init__(
        self, claim: Claim[Task], lost: Event, ends: float, is_stopping: Callable[[], bool]
    ) -> None:
        """Hold a task until an instant of the monotonic clock."""
        self.claim = claim
        self.lost: Event = lost
        self.was_given_back = False
        self._ends = ends
        self._is_stopping = is_stopping

    @property
    def task(self) -> Task:
        """The task as it was when its stage began; to change it, read it anew."""
        return self.claim.item

    @property
    def stage(self) -> TaskStatus:
        """What there is to do."""
        return self.claim.item.status

    @property
    def is_lost(self) -> bool:
        """Whether the lease has ended."""
        return self.lost.is_set()

    @property
    def is_stopping(self) -> bool:
        """Whether the worker was asked to stop: finish soon, or raise `GiveBack`."""
        return self._is_stopping()

    @property
    def seconds_left(self) -> float:
        """How long the lease lasts at least, unless it is prolonged."""
        return self._ends - time.monotonic()

    def check_held(self) -> None:
        """Do nothing while the lease lasts.

        Raises:
            LeaseLost: it has ended; raised by a handler, it means that there is nothing to write.
        """
        if self.is_lost:
            raise LeaseLost(f"the lease on task {self.task.id} has ended: its work is void")

    def prolonged(self, claim: Claim[Task], ends: float) -> None:
        """Note that the lease lasts longer."""
        self.claim = claim
        self._ends = ends

    def moved(self, task: Task) -> None:
        """Note where the task is now."""
        self.claim = evolve(self.claim, item=task)


Work: TypeAlias = Held[threading.Event]
"""What a handler of a `Worker` is handed."""

AsyncWork: TypeAlias = Held[asyncio.Event]
"""What a handler of an `AsyncWorker` is handed."""


class Pulse:
    """When the lease on a task is to be prolonged, or the task given back."""

    def __init__(self, lease: timedelta, held: Held[Any]) -> None:
        self._seconds = lease.total_seconds()
        # Counted from when the lease was last prolonged, which may be some short stages ago.
        self._next = time.monotonic() + held.seconds_left - self._seconds * 2 / 3

    def seconds_to_next(self, held: Held[Any], grace_ends: float | None) -> float:
        """Return how long there is nothing to do."""
        now = time.monotonic()
        soonest = min(self._next - now, held.seconds_left)
        if grace_ends is not None:
            soonest = min(soonest, grace_ends - now)
        return max(soonest, 0)

    def beaten(self, held: Held[Any], claim: Claim[Task], began: float) -> None:
        """Note that it was prolonged, by a call that began at that instant."""
        held.prolonged(claim, began + self._seconds)
        self._next = began + self._seconds / 3

    def missed(self, held: Held[Any]) -> None:
        """Note that it could not be prolonged this time."""
        self._next = time.monotonic() + max(held.seconds_left / 4, self._seconds / 100)


class Tries:
    """How often and for how long the same write is tried."""

    def __init__(self) -> None:
        self._conflicts = 0
        self._pause = FIRST_PAUSE
        self._error: PipelineStoreError | None = None
        #: Whether an earlier try may have been committed.
        self.is_unsure = False

    def pause_after(self, error: PipelineStoreError, held: Held[Any]) -> float:
        """Return how long to wait before the next try.

        Raises:
            LeaseLost: the lease has ended, or ends before that; with what failed until then.
            Conflict: it happened too often.
        """
        if isinstance(error, LeaseLost):
            raise error if self._error is None else _too_late(held, self._error) from None
        self._error = error
        self._conflicts += isinstance(error, Conflict)
        self.is_unsure |= isinstance(error, CommitUnknown)
        if self._conflicts >= MOST_CONFLICTS:
            raise error
        pause = self._pause
        self._pause = min(2 * pause, LONGEST_PAUSE)
        if held.seconds_left <= pause:
            raise _too_late(held, error) from None
        return pause


def _too_late(held: Held[Any], error: PipelineStoreError) -> LeaseLost:
    return LeaseLost(f"the lease on task {held.task.id} ended before it could be written: {error}")


def outcome_of(
    held: Held[Any],
    kind: OutcomeKind,
    began: float,
    *,
    stage: TaskStatus,
    status: TaskStatus | None,
    message: str | None = None,
) -> Outcome:
    """Return what came of a stage that was begun at that instant of the monotonic clock."""
    return Outcome(
        kind=kind,
        task_id=held.task.id,
        worker=held.claim.worker,
        token=held.claim.token,
        attempt=held.claim.attempt,
        stage=stage,
        status=status,
        message=message,
        seconds=time.monotonic() - began,
    )
