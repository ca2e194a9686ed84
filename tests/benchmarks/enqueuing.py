"""Enqueuing 1,000 tasks at once, beside the bare driver and a queue.

Ours is the store's short way. By hand the same statements are said in one transaction, the rows
copied as they were. Both are given what they add; another line counts the making of the tasks, each
of which is checked, into the time.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg

from pipeline_store import open_store
from pipeline_store.tasks import Task, TaskStatus
from pipeline_store.uuid_keys import new_keys
from tests.benchmarks import filled_tasks, peers
from tests.benchmarks.noting import NotingCursor, noted, renamed
from tests.benchmarks.rivals import (
    BARE,
    OURS,
    PGQUEUER,
    compare,
    database,
    rates,
    write_down,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_store.unit_of_work import Store
    from tests.benchmarks.noting import Said
    from tests.benchmarks.result import Result
    from tests.postgres_server import PostgresServer

TASKS = 1_000
CHANNELS = 10
AT_ONCE = 15
MADE_TOO = "ours, tasks made in that time"


def on_postgresql(server: PostgresServer) -> list[Result]:
    """Three databases, in turns."""
    with ExitStack() as stack:
        url, copy = _database(server, stack), _database(server, stack)
        store = stack.enter_context(closing(open_store(url)))
        bare = stack.enter_context(closing(AddedByHand(copy)))
        pgqueuer = stack.enter_context(peers.pgqueuer_enqueuing(database(server, stack), TASKS))
        channels = _channels(store)
        write_down(server)
        return compare(
            {
                OURS: lambda: _seconds(store, channels),
                MADE_TOO: lambda: _seconds(store, channels, made_too=True),
                BARE: bare.add,
                PGQUEUER: pgqueuer,
            },
            _results,
            AT_ONCE,
        )


def _database(server: PostgresServer, stack: ExitStack) -> str:
    url = database(server, stack)
    filled_tasks.fill(url, TASKS, CHANNELS, TaskStatus.QUEUED)
    return url


def _results(seconds: Mapping[str, float]) -> list[Result]:
    results = partial(rates, unit="tasks", count=TASKS)
    what = f"PostgreSQL: enqueue {TASKS:,} at once"
    made_too = {**seconds, OURS: seconds[MADE_TOO]}
    return [
        *results(what, targets={BARE: 0.7, PGQUEUER: 1.2}, seconds=seconds),
        *results(f"{what}, made in that time", targets={PGQUEUER: None}, seconds=made_too),
    ]


def _channels(store: Store) -> list[UUID]:
    with store.unit_of_work(read_only=True) as uow:
        return [channel.id for channel in uow.channels.page()]


def made(channels: Sequence[UUID]) -> list[Task]:
    """New tasks."""
    return [
        Task(
            channel_id=channels[number % len(channels)],
            notion_page_id=uuid4().hex,
            title=f"Documentary {number}",
            topic="How it was built",
            story_direction="From the river up.",
            status=TaskStatus.QUEUED,
        )
        for number in range(TASKS)
    ]


def _seconds(store: Store, channels: Sequence[UUID], *, made_too: bool = False) -> float:
    tasks = [] if made_too else made(channels)
    start = time.perf_counter()
    assert store.enqueue(tasks or made(channels)) == TASKS
    return time.perf_counter() - start


class AddedByHand:
    """Adds tasks to the database at `url` by what a store says."""

    def __init__(self, url: str) -> None:
        with closing(open_store(url, connect_args={"cursor_factory": NotingCursor})) as store:
            channels = _channels(store)
            # What the store does only once is not what it does each time.
            store.enqueue(made(channels))
            self._said: list[Said]
            tasks = made(channels)
            _, self._said = noted(lambda: store.enqueue(tasks))
        self._pages = [task.notion_page_id for task in tasks]
        # The key is the first that a row holds.
        self._keys = [row[0] for said in self._said if said.copied for row in said.values]
        self._connection = psycopg.connect(url, prepare_threshold=0)

    def add(self) -> float:
        """Add as many, with keys and pages of their own; the seconds that took."""
        pages = {page: uuid4().hex for page in self._pages}
        names = {**pages, **dict(zip(self._keys, new_keys(TASKS), strict=True))}
        values: list[Any] = [renamed(said.values, names) for said in self._said]
        start = time.perf_counter()
        for said, given in zip(self._said, values, strict=True):
            said.again(self._connection, given)
        self._connection.commit()
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
