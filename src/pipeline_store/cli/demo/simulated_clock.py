"""A clock that is set: days of the demo pass without anybody waiting for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class SimulatedClock:
    """Tells the time it was set to; a store takes it as its `clock`."""

    def __init__(self, start: datetime) -> None:
        """Stand at `start`."""
        self.time = start

    def __call__(self) -> datetime:
        """Return the simulated instant."""
        return self.time
