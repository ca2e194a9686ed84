"""A store in memory with a clock that is set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from pipeline_store import Store, UnitOfWork

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class SetClock:
    """Stands at noon of 1 March 2026 until time is let pass."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def let_pass(self, length: timedelta) -> None:
        """Moves the clock on."""
        self.time += length


@pytest.fixture
def clock() -> SetClock:
    """The clock of the store."""
    return SetClock()


@pytest.fixture
def store(clock: SetClock) -> Store:
    """An empty store."""
    return open_store("memory://", clock=clock)


@pytest.fixture
def uow(store: Store) -> Iterator[UnitOfWork]:
    """A unit of work on it."""
    with store.unit_of_work() as unit_of_work:
        yield unit_of_work
