"""How a worker learns that there may be a task for it, without asking again and again."""

from __future__ import annotations

from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from pipeline_store.errors import InvalidValue

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Wakeups(Protocol):
    """Hints that there may be a task to claim, for one worker at a time.

    A context manager: from its beginning to its end hints are noticed, so that none is lost between
    a claim that found nothing and the wait. What becomes possible only because time has passed,
    such as the end of a lease, gives no hint, and one may get lost with a connection: a worker also
    looks by itself now and then.
    """

    def wait(self, longest: timedelta) -> bool:
        """Return True at the first hint since the last wait, or False when the time is over.

        A hint is no promise: others may be faster. A connection that is lost is made again; while
        there is none, the wait goes on.
        """
        ...

    def wake(self) -> None:
        """End the present wait, or else the next one; from any thread or signal handler."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Bell(Protocol):
    """Something that one waits for and others ring."""

    def ring(self) -> None:
        """End the present wait, or else the next one."""
        ...

    def wait(self, seconds: float) -> bool:
        """Return True at once when it was rung since the last wait, False when the time is over."""
        ...


@final
class ThreadBell(Bell):
    """A bell for threads.

    Not an event: one that a signal handler sets in the middle of its own wait stands still.
    """

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """See `Bell.ring`; from any thread or signal handler."""
        self._rings.put(None)

    def wait(self, seconds: float) -> bool:
        """See `Bell.wait`."""
        try:
            self._rings.get(timeout=max(seconds, 0))
        except Empty:
            return False
        while not self._rings.empty():
            self._rings.get()
        return True


LONGEST_WAIT: Final = timedelta(days=7)


def seconds_to_wait(longest: Any) -> float:
    """Return how long to wait in seconds.

    Raises:
        InvalidValue: it is no `timedelta` from 0 seconds to 7 days.
    """
    if not isinstance(longest, timedelta) or not timedelta() <= longest <= LONGEST_WAIT:
        raise InvalidValue(f"longest: a timedelta of 0 seconds to 7 days expected, found {longest}")
    return longest.total_seconds()
