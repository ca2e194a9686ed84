"""Claiming and finishing tasks one at a time with asyncio, beside hand-written SQLAlchemy.

By hand, an `AsyncSession` on asyncpg runs the statements that a store runs, as text, and commits
each. That is a round trip to begin and one to commit, which the store's short way spares; another
line shows such a session in autocommit, which spares them too.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from pipeline_store import open_async_store
from tests.benchmarks.by_hand import noted_calls
from tests.benchmarks.claims import CYCLES, LEASE, TASKS, WORKER, complete_one
from tests.benchmarks.noting import renamed, renames
from tests.benchmarks.result import short_rounds
from tests.benchmarks.rivals import OURS, compare, database, rates, write_down

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_store.aio import AsyncStore
    from tests.benchmarks.noting import Said
    from tests.benchmarks.result import Result
    from tests.postgres_server import PostgresServer

SESSION = "AsyncSession by hand"
AUTOCOMMIT = "the same in autocommit"

PLACE = re.compile(r"\$(\d+)")


def on_postgresql(server: PostgresServer) -> list[Result]:
    """Three databases, in turns."""
    results = partial(
        rates,
        "PostgreSQL: claim 1, finish 1, awaited",
        "tasks",
        CYCLES,
        {SESSION: 0.8, AUTOCOMMIT: None},
    )
    with ExitStack() as stack:
        url = database(server, stack)
        TASKS.fill(url, short_rounds() * CYCLES + 2)
        copies = [database(server, stack, template=url) for _ in range(2)]
        runner = stack.enter_context(asyncio.Runner())
        store = open_async_store(url)
        stack.callback(lambda: runner.run(store.close()))
        by_hand = SessionByHand(copies[0])
        stack.callback(lambda: runner.run(by_hand.close()))
        in_autocommit = SessionByHand(copies[1], isolation_level="AUTOCOMMIT")
        stack.callback(lambda: runner.run(in_autocommit.close()))
        write_down(server)
        return compare(
            {
                OURS: lambda: runner.run(_seconds(store)),
                SESSION: lambda: runner.run(by_hand.seconds()),
                AUTOCOMMIT: lambda: runner.run(in_autocommit.seconds()),
            },
            results,
        )


async def _seconds(store: AsyncStore) -> float:
    start = time.perf_counter()
    for _ in range(CYCLES):
        claim = await store.claim_next(WORKER, lease=LEASE, queue="tasks")
        assert claim is not None
        await store.complete(claim)
    return time.perf_counter() - start


class SessionByHand:
    """Claims and finishes tasks in the database at `url`, as the store does, by a session."""

    def __init__(self, url: str, **options: Any) -> None:
        claims, claiming, completing = noted_calls(url, (TASKS.claim_one, complete_one))
        self._noted_ids = [each.item.id for each in claims]
        self._claiming, self._completing = list(map(_text, claiming)), list(map(_text, completing))
        with_driver = sa.make_url(url).set(drivername="postgresql+asyncpg")
        self._engine = create_async_engine(with_driver, **options)

    async def seconds(self) -> float:
        """Claim and finish as often as others do; the seconds that took."""
        start = time.perf_counter()
        rows: Sequence[Any] = ()
        for _ in range(CYCLES):
            async with AsyncSession(self._engine) as session:
                for statement, values, _ in self._claiming:
                    found = await session.execute(statement, values)
                    rows = found.all()
                await session.commit()
            names = renames(self._noted_ids, [row.id for row in rows])
            async with AsyncSession(self._engine) as session:
                for statement, values, count in self._completing:
                    done: Any = await session.execute(statement, renamed(values, names))
                    # Whoever changes nothing is fast.
                    assert (len(done.all()) if done.returns_rows else done.rowcount) == count
                await session.commit()
        return time.perf_counter() - start

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()


def _text(said: Said) -> tuple[sa.TextClause, Any, int]:
    """The statement as SQLAlchemy takes it; a colon after a place would hide it."""
    values = {f"value_{place}": value for place, value in enumerate(said.values, 1)}
    return sa.text(PLACE.sub(r"(:value_\1)", said.text)), values, said.rows
