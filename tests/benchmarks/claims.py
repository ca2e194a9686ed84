"""Claiming and completing, one at a time and fifty, beside the bare driver and two queues.

Each side has a database of its own on one server that waits for its disk, filled with as many jobs
or tasks, and one worker, which commits every claim and every completion by itself. Tasks wait where
a completion brings them to a gate, as it ends what a worker does with a job.

While other work keeps that disk busy, all sides mostly wait for it, and every ratio comes near 1:
these figures say something on a quiet machine only.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pipeline_store import open_store
from pipeline_store.channels import Channel, JobType, ProcessingJob
from pipeline_store.tasks import TaskStatus
from tests.benchmarks import filled_tasks, peers
from tests.benchmarks.by_hand import ByHand
from tests.benchmarks.result import short_rounds
from tests.benchmarks.rivals import (
    BARE,
    OURS,
    PGQUEUER,
    PROCRASTINATE,
    compare,
    database,
    rates,
    settle,
    write_down,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store.claim import Claim
    from pipeline_store.unit_of_work import Store
    from tests.benchmarks.by_hand import Calls, Claims, GoOn
    from tests.benchmarks.result import Result
    from tests.postgres_server import PostgresServer

    Work = Callable[[int], float]

CHANNELS = 10
LEASE = timedelta(minutes=10)
WORKER = "benchmark"

CYCLES = 20
"""Claims and completions of one job in a round."""

BATCH, BATCHES = 50, 2
"""Jobs in a batch; batches in a round."""


@dataclass(frozen=True)
class Queue:
    """What is claimed, and what completing it is called."""

    name: Literal["jobs", "tasks"]
    completing: str
    #: Lets so many wait in an empty database.
    fill: Callable[[str, int], None]

    def claim_one(self, store: Store) -> Claims:
        """A claim, in a list."""
        claim: Claim[Any] | None = store.claim_next(WORKER, lease=LEASE, queue=self.name)
        assert claim is not None
        return [claim]

    def claim_several(self, store: Store) -> Claims:
        """As many as make a batch."""
        claims: Claims = store.claim_batch(WORKER, BATCH, lease=LEASE, queue=self.name)
        assert len(claims) == BATCH
        return claims


def complete_one(store: Store, claims: Claims) -> None:
    """Complete it."""
    store.complete(claims[0])


def complete_several(store: Store, claims: Claims) -> None:
    """Complete them."""
    store.complete_many(claims)


def go_on_with_one(store: Store, claims: Claims) -> Claims:
    """Complete it and claim the next, in one call."""
    claim: Claim[Any] | None = store.complete_and_claim_next(claims[0], lease=LEASE)
    assert claim is not None
    return [claim]


def go_on_with_several(store: Store, claims: Claims) -> Claims:
    """Complete them and claim as many, in one call."""
    following: Claims = store.complete_and_claim_batch(claims, BATCH, lease=LEASE)
    assert len(following) == BATCH
    return following


def on_postgresql(
    server: PostgresServer, queue: Queue, *, in_one_call: bool = False
) -> Iterator[Result]:
    """One at a time, and a batch at a time."""
    if in_one_call:
        yield from _one_at_a_time(server, queue, go_on_with_one)
        yield from _in_batches(server, queue, go_on_with_several)
    else:
        yield from _one_at_a_time(server, queue)
        yield from _in_batches(server, queue)


def _one_at_a_time(server: PostgresServer, queue: Queue, go_on: GoOn | None = None) -> list[Result]:
    results = partial(
        rates,
        _what(queue, 1, go_on),
        queue.name,
        CYCLES,
        {BARE: 0.7, PROCRASTINATE: 2.0, PGQUEUER: 2.0},
    )
    needed = filled_with(CYCLES)
    with ExitStack() as stack:
        own = partial(database, server, stack)
        calls = (queue.claim_one, complete_one)
        ours, bare = _ours_and_bare(
            server, stack, calls, lambda url: queue.fill(url, needed), go_on
        )
        procrastinate = stack.enter_context(peers.procrastinate(own(), needed))
        pgqueuer = stack.enter_context(peers.pgqueuer(own(), needed, batch=1))
        write_down(server)
        return compare(
            {
                OURS: lambda: ours(CYCLES),
                BARE: lambda: bare(CYCLES),
                PROCRASTINATE: lambda: procrastinate(CYCLES),
                PGQUEUER: lambda: pgqueuer(CYCLES),
            },
            results,
        )


def _in_batches(server: PostgresServer, queue: Queue, go_on: GoOn | None = None) -> list[Result]:
    results = partial(
        rates,
        _what(queue, BATCH, go_on),
        queue.name,
        BATCH * BATCHES,
        {BARE: 0.6, PGQUEUER: 1.5},
    )
    needed = filled_with(BATCH * BATCHES, more=BATCH)
    with ExitStack() as stack:
        calls = (queue.claim_several, complete_several)
        ours, bare = _ours_and_bare(
            server, stack, calls, lambda url: queue.fill(url, needed), go_on
        )
        own = database(server, stack)
        pgqueuer = stack.enter_context(peers.pgqueuer(own, needed, batch=BATCH))
        write_down(server)
        return compare(
            {
                OURS: lambda: ours(BATCHES),
                BARE: lambda: bare(BATCHES),
                PGQUEUER: lambda: pgqueuer(BATCHES),
            },
            results,
        )


def _what(queue: Queue, at_once: int, go_on: GoOn | None) -> str:
    what = f"PostgreSQL: claim {at_once}, {queue.completing} {at_once}"
    return f"{what}, in one call" if go_on else what


def filled_with(in_a_round: int, more: int = 1) -> int:
    """A peer takes one job, or batch, more than it is timed for, and perhaps another."""
    return short_rounds() * (in_a_round + 2 * more)


def _ours_and_bare(
    server: PostgresServer,
    stack: ExitStack,
    calls: Calls,
    fill: Callable[[str], None],
    go_on: GoOn | None,
) -> tuple[Work, Work]:
    url = database(server, stack)
    fill(url)
    copy = database(server, stack, template=url)
    store = stack.enter_context(closing(open_store(url)))
    bare = stack.enter_context(closing(ByHand(copy, calls, go_on)))
    claim, complete = calls

    def ours(cycles: int) -> float:
        start = time.perf_counter()
        for _ in range(cycles):
            complete(store, claim(store))
        return time.perf_counter() - start

    def ours_going_on(cycles: int, go_on: GoOn) -> float:
        claims = claim(store)
        start = time.perf_counter()
        for _ in range(cycles):
            claims = go_on(store, claims)
        seconds = time.perf_counter() - start
        complete(store, claims)
        return seconds

    return partial(ours_going_on, go_on=go_on) if go_on else ours, bare.work


def fill_jobs(url: str, jobs: int) -> None:
    """Queue so many jobs in an empty database, of one priority, as those of the peers are."""
    with closing(open_store(url)) as store:
        store.upgrade()
        with store.unit_of_work() as uow:
            channels = uow.channels.add_many(
                Channel(channel_id=f"channel-{number}", name=f"Channel {number}")
                for number in range(CHANNELS)
            )
            uow.jobs.add_many(
                ProcessingJob(channel_id=channels[number % CHANNELS].id, job_type=JobType.SCRAPE)
                for number in range(jobs)
            )
            uow.commit()
    settle(url)


def fill_tasks(url: str, tasks: int) -> None:
    """Let so many tasks wait, of one priority too, as work of the first stage."""
    filled_tasks.fill(url, tasks, CHANNELS, TaskStatus.GENERATING_ASSETS)


JOBS = Queue("jobs", "complete", fill_jobs)
TASKS = Queue("tasks", "finish", fill_tasks)
