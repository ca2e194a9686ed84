"""Hints of an in-memory store: every commit that changes something is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

from pipeline_store.wakeups import ThreadBell, Wakeups, seconds_to_wait

if TYPE_CHECKING:
    from datetime import timedelta
    from types import TracebackType

    from pipeline_store.memory.tables import Tables


@final
class MemoryWakeups(Wakeups):
    """Rung by the commits of other threads, and of one's own."""

    def __init__(self, tables: Tables) -> None:
        """Notice what is committed to these tables."""
        self._tables = tables
        self._bell = ThreadBell()

    def wait(self, longest: timedelta) -> bool:
        """See `Wakeups.wait`."""
        return self._bell.wait(seconds_to_wait(longest))

    def wake(self) -> None:
        """See `Wakeups.wake`."""
        self._bell.ring()

    def __enter__(self) -> Self:
        with self._tables.lock:
            self._tables.bells.append(self._bell)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Notice nothing any more."""
        with self._tables.lock:
            self._tables.bells.remove(self._bell)
