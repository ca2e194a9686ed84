"""Claiming fifty tasks of an SQLite file, and finishing them, beside the bare driver.

What a store says is noted on one copy of the file and said word for word on another, by sqlite3 in
autocommit, with the same settings. Both copies go through the same states, so that each statement
finds and writes what it did before.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from pipeline_store import open_store
from pipeline_store.tasks import Task, TaskStatus
from tests.benchmarks.claims import BATCH, BATCHES, CHANNELS, TASKS, complete_several
from tests.benchmarks.filled_tasks import channels_with_room
from tests.benchmarks.noting import NotingConnection, noted
from tests.benchmarks.result import short_rounds
from tests.benchmarks.rivals import OURS, compare, rates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline_store.unit_of_work import Store
    from tests.benchmarks.noting import Said
    from tests.benchmarks.result import Result

AT_ONCE = 20
BARE = "sqlite3 by hand"


def on_sqlite(folder: Path) -> list[Result]:
    """Three files."""
    results = partial(
        rates,
        f"SQLite: claim {BATCH}, finish {BATCH}",
        "tasks",
        BATCH * BATCHES,
        {BARE: 0.3},
    )
    rounds = short_rounds(AT_ONCE)
    ours, copy, notes = (folder / f"tasks-{name}.db" for name in ("ours", "copy", "notes"))
    _fill(ours, (rounds + 1) * BATCH * BATCHES)
    for file in (copy, notes):
        file.write_bytes(ours.read_bytes())
    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(f"sqlite:///{ours}")))
        _work(store)
        bare = stack.enter_context(closing(WordForWord(copy, _said(notes, rounds))))
        return compare({OURS: lambda: _work(store), BARE: bare.work}, results, AT_ONCE)


def _fill(file: Path, tasks: int) -> None:
    with closing(open_store(f"sqlite:///{file}")) as store:
        store.upgrade()
        with store.unit_of_work() as uow:
            channels = uow.channels.add_many(channels_with_room(CHANNELS))
            uow.tasks.add_many(
                Task(
                    channel_id=channels[number % CHANNELS].id,
                    notion_page_id=uuid4().hex,
                    title=f"Documentary {number}",
                    topic="How it was built",
                    story_direction="From the river up.",
                    status=TaskStatus.GENERATING_ASSETS,
                )
                for number in range(tasks)
            )
            uow.commit()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _work(store: Store) -> float:
    start = time.perf_counter()
    for _ in range(BATCHES):
        complete_several(store, TASKS.claim_several(store))
    return time.perf_counter() - start


def _said(file: Path, rounds: int) -> list[list[Said]]:
    """What a store says in each round; in the first one also what it says only once."""
    url = f"sqlite:///{file}"
    with closing(open_store(url, connect_args={"factory": NotingConnection})) as store:
        return [noted(lambda: _work(store), NotingConnection)[1] for _ in range(rounds + 1)]


class WordForWord:
    """Says in each round what was noted, to the file it is said to."""

    def __init__(self, file: Path, rounds: Sequence[Sequence[Said]]) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        # The write-ahead log is kept in the file; these two are what the store asks for as well.
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA foreign_keys=ON")
        self._rounds = iter(rounds)
        self.work()

    def work(self) -> float:
        """Say what is said in the next round; the seconds that took."""
        said = next(self._rounds)
        cursor = self._connection.cursor()
        written = [each.rows for each in said]
        found: list[int] = []
        start = time.perf_counter()
        for each in said:
            if each.for_many:
                cursor.executemany(each.text, each.values)
            else:
                cursor.execute(each.text, each.values)
            found.append(cursor.rowcount)
            cursor.fetchall()
        seconds = time.perf_counter() - start
        # Whoever changes nothing is fast.
        assert found == written
        return seconds

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
