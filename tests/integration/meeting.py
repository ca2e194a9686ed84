"""Where the processes of a race wait for each other, so that it begins for all at one moment."""

from __future__ import annotations

from multiprocessing import get_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

_LONGEST_SECONDS = 60

_barriers: list[Barrier] = []


def expect(processes: int) -> None:
    """Have so many processes, to be forked from this one, wait for each other."""
    _barriers[:] = [get_context("fork").Barrier(processes, timeout=_LONGEST_SECONDS)]


def wait_for_all() -> None:
    """Come back when all of them have come here; raise when one of them does not come."""
    for barrier in _barriers:
        barrier.wait()
