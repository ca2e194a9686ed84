"""What comes from a generator is not gathered: many times as much needs no more memory."""

from __future__ import annotations

import tracemalloc
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.tasks import Task
from tests.benchmarks.readings import readings
from tests.conftest import is_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store

SOAK = is_on("PIPELINE_STORE_SOAK")
READINGS = 5_000 if SOAK else 1_000
TASKS = 2_000 if SOAK else 500
"""So many are written at once."""
TIMES = 4 if SOAK else 2


@pytest.fixture(autouse=True)
def written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `make soak`, parts are smaller than they are by default, and so is the whole."""
    analytics = import_module("pipeline_store.sql.production.analytics")
    monkeypatch.setattr(analytics, "SNAPSHOTS_PER_BATCH", READINGS)
    monkeypatch.setattr("pipeline_store.sql.tasks.task.TASKS_PER_COPY", TASKS)


def peak_of(work: Callable[[], int], count: int) -> int:
    """Bytes above what was held before; the work says how many it has written."""
    tracemalloc.start()
    try:
        assert work() == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def record(store: Store, count: int) -> int:
    """Record readings, committed."""
    with store.unit_of_work() as uow:
        written = uow.analytics.record_many(readings(count))
        uow.commit()
    return written


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


def test_memory_does_not_grow_with_the_number_of_readings(url: str) -> None:
    store = open_store(url)
    peak_of(lambda: record(store, 1), 1)
    count = 2 * READINGS
    few = peak_of(lambda: record(store, count), count)
    many = peak_of(lambda: record(store, TIMES * count), TIMES * count)
    store.close()
    assert many < 1.2 * few


def test_memory_does_not_grow_with_the_number_of_tasks(url: str) -> None:
    store = open_store(url)
    with store.unit_of_work() as uow:
        channel_id = uow.channels.add(Channel(channel_id="history1", name="History")).id
        uow.commit()
    pages = map(str, range(1_000_000))

    def tasks(count: int) -> Iterator[Task]:
        for _ in range(count):
            yield Task(
                channel_id=channel_id,
                notion_page_id=next(pages),
                title="The bridge",
                topic="How it was built",
                story_direction="From the river up.",
            )

    peak_of(lambda: store.enqueue(tasks(1)), 1)
    few = peak_of(lambda: store.enqueue(tasks(2 * TASKS)), 2 * TASKS)
    many = peak_of(lambda: store.enqueue(tasks(2 * TIMES * TASKS)), 2 * TIMES * TASKS)
    store.close()
    assert many < 1.2 * few
