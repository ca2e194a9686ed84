"""What a worker is told when it is made, and what it is asked while it runs."""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypedDict, TypeVar

from pipeline_store import values
from pipeline_store.claim import check_claiming
from pipeline_store.errors import InvalidValue
from pipeline_store.services.work_handlers import handlers_of
from pipeline_store.tasks import MOST_ATTEMPTS
from pipeline_store.wakeups import LONGEST_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipeline_store.services.work_holding import Outcome
    from pipeline_store.tasks import TaskStatus

LEASE: Final = timedelta(minutes=1)
"""How long a task is held without a word of its worker, unless said otherwise."""

POLL: Final = timedelta(seconds=10)
"""How long a worker waits for a hint before it looks by itself, unless said otherwise."""

SHORTEST_POLL: Final = timedelta(milliseconds=10)

Handler = TypeVar("Handler", bound="Callable[..., Any]")


class WorkerOptions(TypedDict, total=False):
    """What can be said by name when a worker is made; see `WorkerSettings`."""

    name: str | None
    stages: Iterable[TaskStatus] | None
    lease: timedelta
    poll: timedelta
    grace: timedelta | None
    most_attempts: int
    on_outcome: Callable[[Outcome], object] | None


class WorkerSettings(Generic[Handler]):
    """The part of a worker that is the same for threads and for event loops."""

    def __init__(
        self,
        handlers: Handler | Mapping[TaskStatus, Handler],
        *,
        name: str | None = None,
        stages: Iterable[TaskStatus] | None = None,
        lease: timedelta = LEASE,
        poll: timedelta = POLL,
        grace: timedelta | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        on_outcome: Callable[[Outcome], object] | None = None,
    ) -> None:
        """Check and keep what a worker is told.

        Args:
            handlers: by stage what is called to do its work, or one for every stage in which there
                is work. The statuses between the stages are passed through.
            name: who holds the tasks and moves them; machine and process unless given.
            stages: which stages to work on; all that have a handler unless given.
            lease: how long a task stays held after its worker was last heard of. It is prolonged
                three times within that while a handler works.
            poll: how long to wait for a hint before looking: for leases of others that have ended,
                and hints that got lost.
            grace: how long a handler may go on after the worker was asked to stop; then the task is
                given back and what it returns is not written. None: until it has finished.
            most_attempts: see `TaskRepository.claim_next`.
            on_outcome: called with what came of each stage.

        Raises:
            InvalidValue: one of them says nothing that can be done.
        """
        self.handlers = handlers_of(handlers, stages)
        self.name = f"{socket.gethostname()}:{os.getpid()}" if name is None else name
        check_claiming(self.name, 1, lease)
        values.check_integer("most_attempts", most_attempts, least=1)
        _check_length("poll", poll, SHORTEST_POLL)
        if grace is not None:
            _check_length("grace", grace, timedelta())
        self.lease = lease
        self.poll = poll
        self.most_attempts = most_attempts
        self._grace = grace
        self._on_outcome = on_outcome
        self._stop_asked_at: float | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether the worker was asked to stop."""
        return self._stop_asked_at is not None

    def ask_to_stop(self) -> None:
        """Note when the worker was first asked to stop."""
        if self._stop_asked_at is None:
            self._stop_asked_at = time.monotonic()

    @property
    def grace_ends(self) -> float | None:
        """When a task is given back although its handler still works, if ever."""
        if self._stop_asked_at is None or self._grace is None:
            return None
        return self._stop_asked_at + self._grace.total_seconds()

    def is_grace_over(self) -> bool:
        """Whether that instant has come."""
        ends = self.grace_ends
        return ends is not None and time.monotonic() >= ends

    def tell(self, outcome: Outcome) -> None:
        """Tell what came of a stage."""
        if self._on_outcome is not None:
            self._on_outcome(outcome)

    def ends_after(self, began: float) -> float:
        """Return when a lease ends at the soonest that was asked for at that instant."""
        return began + self.lease.total_seconds()


def _check_length(name: str, value: Any, least: timedelta) -> None:
    if not isinstance(value, timedelta) or not least <= value <= LONGEST_WAIT:
        raise InvalidValue(f"{name}: a timedelta of {least} to 7 days expected, found {value}")
