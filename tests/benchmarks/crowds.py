"""Claiming the next task where very many wait, and of very many channels: p50 of the call alone.

Tasks are queued ones, so that a claim writes their history too. Each claimed one is finished before
the next claim, untimed. The databases take turns, so that foreign load meets all alike.

* 10,000 tasks wait, or a million beside a million that are published, of 100 channels.
* 100,000 tasks wait of 10 channels, or of 10,000 with room, or of 10,000 of which 9,990 are full or
  paused, half of them each. The first claims find that out, untimed; then the tables are vacuumed
  as they are by themselves after a while. Paused channels are looked at again half a minute later,
  20 by each of the next claims, which is after the time that is measured here.
"""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final

import psycopg

from pipeline_store import open_store
from pipeline_store.pauses import CHANNEL_PAUSED, PAUSED
from pipeline_store.tasks import TaskStatus
from tests.benchmarks.claims import LEASE, WORKER
from tests.benchmarks.filled_tasks import IN_TURNS, MANY_IN_SOME, fill_many
from tests.benchmarks.result import AT_MOST, Result
from tests.benchmarks.rivals import database, settle, write_down

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline_store.unit_of_work import Store
    from tests.postgres_server import PostgresServer

CALLS = 400
WARM_UP = 20

FEW, MANY, CHANNELS = 10_000, 1_000_000, 100
WAITING, FEW_CHANNELS, MANY_CHANNELS = 100_000, 10, 10_000

_OPEN: Final = f"""
    SELECT id, channel_id, row_number() OVER (ORDER BY id) AS place FROM channels
    ORDER BY id OFFSET {FEW_CHANNELS}
"""  # noqa: S608 - our words
_FILL_UP: Final = (
    f"""
    UPDATE channels SET max_concurrent = 1
    WHERE id IN (SELECT id FROM ({_OPEN}) AS others WHERE place % 2 = 0)
    """,  # noqa: S608 - our words
    """
    UPDATE tasks SET worker = 'another', lease_token = 1, attempts = 1, status = 'claimed',
        lease_expires_at = timezone('utc', now()) + interval '1 day'
    WHERE id IN (
        SELECT DISTINCT ON (tasks.channel_id) tasks.id FROM tasks
        JOIN channels ON channels.id = tasks.channel_id AND max_concurrent = 1
        ORDER BY tasks.channel_id, tasks.created_at
    )
    """,
    f"""
    INSERT INTO config_overrides (key, value)
    SELECT '{CHANNEL_PAUSED}' || channel_id, '{PAUSED}' FROM ({_OPEN}) AS others
    WHERE place % 2 = 1
    """,  # noqa: S608 - our words
)
_SERVED: Final = """
    SELECT count(DISTINCT channel_id) FROM task_transitions JOIN tasks ON tasks.id = task_id
"""


def on_postgresql(server: PostgresServer) -> Iterator[Result]:
    """Many tasks, then many channels."""
    yield _many_tasks(server)
    yield from _many_channels(server)


def _many_tasks(server: PostgresServer, few: int = FEW, many: int = MANY) -> Result:
    queued, published = TaskStatus.QUEUED, TaskStatus.PUBLISHED
    little, crowd = f"1 of {few:,}", f"1 of {many:,}"
    counts = {little: [(queued, few)], crowd: [(published, many), (queued, many)]}
    with ExitStack() as stack:
        urls = {name: database(server, stack) for name in counts}
        for name, url in urls.items():
            fill_many(url, CHANNELS, counts[name])
        p50 = _p50(server, urls)
    return Result(
        what=f"PostgreSQL: claim {crowd}, as many published",
        unit="ms p50",
        ours=p50[crowd],
        beside=little,
        other=p50[little],
        target=2.0,
        bound=AT_MOST,
    )


def _many_channels(
    server: PostgresServer, waiting: int = WAITING, many: int = MANY_CHANNELS
) -> list[Result]:
    few, open_, blocked = f"{FEW_CHANNELS} channels", f"{many:,} channels", "most of them blocked"
    place = MANY_IN_SOME.format(some=FEW_CHANNELS, channels="{channels}")
    counts = [(TaskStatus.QUEUED, waiting)]
    with ExitStack() as stack:
        urls = {few: database(server, stack), open_: database(server, stack)}
        fill_many(urls[few], FEW_CHANNELS, counts, IN_TURNS)
        fill_many(urls[open_], many, counts, place)
        urls[blocked] = database(server, stack, template=urls[open_])
        _block(urls[blocked])
        p50 = _p50(server, urls)
        # Whoever serves a few only, or those that are to be left alone, does something else.
        served = {name: _channels_served(url) for name, url in urls.items()}
        assert served == {few: FEW_CHANNELS, open_: CALLS + WARM_UP, blocked: FEW_CHANNELS}
    what = f"PostgreSQL: claim 1 of {many:,} channels"
    names = {open_: what, blocked: f"{what}, {many - FEW_CHANNELS:,} full or paused"}
    return [
        Result(
            what=name,
            unit="ms p50",
            ours=p50[each],
            beside=few,
            other=p50[few],
            target=1.5,
            bound=AT_MOST,
        )
        for each, name in names.items()
    ]


def _block(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _FILL_UP:
            connection.execute(statement)


def _channels_served(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(_SERVED).fetchone()
        assert row is not None
        return int(row[0])


def _p50(server: PostgresServer, urls: Mapping[str, str]) -> dict[str, float]:
    with ExitStack() as stack:
        stores = {name: stack.enter_context(closing(open_store(urls[name]))) for name in urls}
        for name, store in stores.items():
            for _ in range(WARM_UP):
                claim_and_finish(store)
            settle(urls[name])
        write_down(server)
        times: dict[str, list[float]] = {name: [] for name in stores}
        for _ in range(CALLS):
            for name, store in stores.items():
                times[name].append(claim_and_finish(store))
    return {name: statistics.median(seconds) * 1000 for name, seconds in times.items()}


def claim_and_finish(store: Store) -> float:
    """Bring a task to its first gate; the seconds of the claim."""
    start = time.perf_counter()
    claim = store.claim_next(WORKER, lease=LEASE, queue="tasks")
    seconds = time.perf_counter() - start
    assert claim is not None
    # From claimed on to its first stage, and from there to the gate.
    store.complete(claim)
    store.complete(claim)
    return seconds
