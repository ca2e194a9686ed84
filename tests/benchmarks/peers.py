"""Two job queues that others use on PostgreSQL, each by the worker that its documentation shows.

A round runs the worker on jobs that do nothing, until it has begun one job, or batch, more than it
is asked for: the time between the first and the last beginning is what so many claims and
completions take. Starting and stopping the worker is outside of it. Tables are as the peer makes
them, with the settings for vacuum that it recommends: logged, so that every claim and every
completion waits for the disk, and with what it keeps of jobs that are done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg
from pgqueuer import QueueManager
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from procrastinate import App, PsycopgConnector

from tests.benchmarks.rivals import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Work = Callable[[int], float]

NAME = "render"
FILLED_AT_ONCE = 1000

LONGEST_ROUND = 60
"""Seconds. A worker that finds no more jobs waits for new ones, for ever."""


@contextmanager
def procrastinate(url: str, jobs: int) -> Iterator[Work]:
    """A worker on a queue of `jobs` jobs: gives the seconds for so many claims and completions.

    Jobs are taken one by one, the only way it has, on the connector that its documentation
    recommends.
    """
    begun: list[float] = []
    enough = asyncio.Event()
    wanted = 0

    async def do_nothing() -> None:
        begun.append(time.perf_counter())
        if len(begun) > wanted:
            enough.set()

    app = App(connector=PsycopgConnector(conninfo=url))
    task = app.task(name=NAME)(do_nothing)

    async def fill() -> None:
        await app.open_async()
        await app.schema_manager.apply_schema_async()
        for _ in range(0, jobs, FILLED_AT_ONCE):
            await task.batch_defer_async(*[{}] * FILLED_AT_ONCE)

    async def work(cycles: int) -> float:
        nonlocal wanted
        wanted = cycles
        begun.clear()
        enough.clear()
        # Cancelling it is how an application stops it.
        worker = asyncio.create_task(app.run_worker_async(install_signal_handlers=False))
        async with asyncio.timeout(LONGEST_ROUND):
            await enough.wait()
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
        return begun[cycles] - begun[0]

    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    with asyncio.Runner() as runner:
        runner.run(fill())
        settle(url)
        yield lambda cycles: runner.run(work(cycles))
        runner.run(app.close_async())


@contextmanager
def pgqueuer(url: str, jobs: int, batch: int) -> Iterator[Work]:
    """The same for so many batches."""

    async def fill() -> Queries:
        queries = await _installed(url)
        for _ in range(0, jobs, FILLED_AT_ONCE):
            names, payloads = [NAME] * FILLED_AT_ONCE, [None] * FILLED_AT_ONCE
            await queries.enqueue(names, payloads, [0] * FILLED_AT_ONCE)
        return queries

    async def work(queries: Queries, cycles: int) -> float:
        manager = QueueManager(queries)
        begun: list[float] = []

        @manager.entrypoint(NAME)
        async def do_nothing(_: Any) -> None:
            begun.append(time.perf_counter())
            if len(begun) > cycles * batch:
                manager.shutdown.set()

        async with asyncio.timeout(LONGEST_ROUND):
            await manager.run(batch_size=batch)
        return begun[cycles * batch] - begun[0]

    logging.getLogger("pgqueuer").setLevel(logging.ERROR)
    with asyncio.Runner() as runner:
        queries = runner.run(fill())
        settle(url)
        yield lambda cycles: runner.run(work(queries, cycles))


@contextmanager
def pgqueuer_enqueuing(url: str, jobs: int) -> Iterator[Callable[[], float]]:
    """Its own way to queue many at once: gives the seconds for `jobs` jobs."""

    async def enqueue(queries: Queries) -> float:
        names, payloads, priorities = [NAME] * jobs, [None] * jobs, [0] * jobs
        start = time.perf_counter()
        await queries.enqueue(names, payloads, priorities)
        return time.perf_counter() - start

    with asyncio.Runner() as runner:
        queries = runner.run(_installed(url))
        yield lambda: runner.run(enqueue(queries))


async def _installed(url: str) -> Queries:
    queries = Queries(AsyncpgDriver(await asyncpg.connect(url)))
    await queries.install()
    await queries.optimize_autovacuum()
    return queries
