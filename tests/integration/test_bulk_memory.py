"""Readings that come from a generator are not gathered: many times as many need no more memory."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from tests.benchmarks.readings import readings
from tests.conftest import is_on

if TYPE_CHECKING:
    from pipeline_store import Store

FEW = 10_000
TIMES = 4 if is_on("PIPELINE_STORE_SOAK") else 2


def peak_of_recording(store: Store, count: int) -> int:
    """Bytes above what was held before."""
    tracemalloc.start()
    try:
        with store.unit_of_work() as uow:
            assert uow.analytics.record_many(readings(count)) == count
            uow.commit()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


def test_memory_does_not_grow_with_the_number_of_readings(url: str) -> None:
    store = open_store(url)
    peak_of_recording(store, 1)
    few = peak_of_recording(store, FEW)
    many = peak_of_recording(store, TIMES * FEW)
    store.close()
    assert many < 1.2 * few
