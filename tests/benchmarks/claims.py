"""Claiming and completing jobs, one at a time and fifty, beside the bare driver and two queues.

Each side has a database of its own on one server that waits for its disk, filled with as many jobs,
and one worker, which commits every claim and every completion by itself.

While other work keeps that disk busy, all sides mostly wait for it, and every ratio comes near 1:
these figures say something on a quiet machine only.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from pipeline_store import open_store
from pipeline_store.channels import Channel, JobType, ProcessingJob
from tests.benchmarks import peers
from tests.benchmarks.by_hand import ByHand
from tests.benchmarks.result import (
    MOST_SHORT_ROUNDS,
    SHORT_WARM_UP,
    Result,
    quiet_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline_store.claim import Claim
    from pipeline_store.unit_of_work import Store
    from tests.postgres_server import PostgresServer

    Claims = Sequence[Claim[ProcessingJob]]
    Work = Callable[[int], float]

CHANNELS = 10
LEASE = timedelta(minutes=10)
OURS = "ours"
BARE = "psycopg by hand"
PROCRASTINATE = "procrastinate"
PGQUEUER = "pgqueuer"
WORKER = "benchmark"

CYCLES = 20
"""Claims and completions of one job in a round."""

BATCH, BATCHES = 50, 2
"""Jobs in a batch; batches in a round."""


def on_postgresql(server: PostgresServer) -> list[Result]:
    """One job at a time, and a batch at a time."""
    return [*_one_at_a_time(server), *_in_batches(server)]


def _one_at_a_time(server: PostgresServer) -> list[Result]:
    results = partial(
        _results,
        "claim 1, complete 1",
        CYCLES,
        {BARE: 0.7, PROCRASTINATE: 2.0, PGQUEUER: 2.0},
    )
    jobs = _jobs_needed(CYCLES)
    with ExitStack() as stack:
        database = partial(_database, server, stack)
        ours, bare = _ours_and_bare(server, stack, jobs, claim_one, complete_one)
        procrastinate = stack.enter_context(peers.procrastinate(database(), jobs))
        pgqueuer = stack.enter_context(peers.pgqueuer(database(), jobs, batch=1))
        return _compare(
            server,
            {
                OURS: lambda: ours(CYCLES),
                BARE: lambda: bare(CYCLES),
                PROCRASTINATE: lambda: procrastinate(CYCLES),
                PGQUEUER: lambda: pgqueuer(CYCLES),
            },
            results,
        )


def _in_batches(server: PostgresServer) -> list[Result]:
    results = partial(
        _results,
        f"claim {BATCH}, complete {BATCH}",
        BATCH * BATCHES,
        {BARE: 0.6, PGQUEUER: 1.5},
    )
    jobs = _jobs_needed(BATCH * BATCHES, more=BATCH)
    with ExitStack() as stack:
        ours, bare = _ours_and_bare(server, stack, jobs, claim_several, complete_several)
        database = _database(server, stack)
        pgqueuer = stack.enter_context(peers.pgqueuer(database, jobs, batch=BATCH))
        return _compare(
            server,
            {
                OURS: lambda: ours(BATCHES),
                BARE: lambda: bare(BATCHES),
                PGQUEUER: lambda: pgqueuer(BATCHES),
            },
            results,
        )


def _jobs_needed(in_a_round: int, more: int = 1) -> int:
    """A peer takes one job, or batch, more than it is timed for, and perhaps another."""
    return (SHORT_WARM_UP + MOST_SHORT_ROUNDS) * (in_a_round + 2 * more)


def _results(
    what: str, jobs: int, targets: Mapping[str, float], seconds: Mapping[str, float]
) -> list[Result]:
    return [
        Result(
            what=f"PostgreSQL: {what}",
            unit="jobs/s",
            ours=jobs / seconds[OURS],
            beside=beside,
            other=jobs / seconds[beside],
            target=target,
        )
        for beside, target in targets.items()
    ]


def _compare(
    server: PostgresServer,
    rivals: Mapping[str, Callable[[], float]],
    results: Callable[[Mapping[str, float]], list[Result]],
) -> list[Result]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        # What filling left to be written must not be written while somebody is timed.
        connection.execute("CHECKPOINT")
    return results(
        quiet_seconds(
            rivals, lambda seconds: not any(result.is_missed for result in results(seconds))
        )
    )


def _ours_and_bare(
    server: PostgresServer,
    stack: ExitStack,
    jobs: int,
    claim: Callable[[Store], Claims],
    complete: Callable[[Store, Claims], None],
) -> tuple[Work, Work]:
    url = _database(server, stack)
    fill(url, jobs)
    copy = _database(server, stack, template=url)
    store = stack.enter_context(closing(open_store(url)))
    bare = stack.enter_context(closing(ByHand(copy, claim, complete)))

    def ours(cycles: int) -> float:
        start = time.perf_counter()
        for _ in range(cycles):
            complete(store, claim(store))
        return time.perf_counter() - start

    return ours, bare.work


def _database(server: PostgresServer, stack: ExitStack, template: str | None = None) -> str:
    url = server.create_database(template)
    stack.callback(server.drop_database, url)
    return url


def claim_one(store: Store) -> Claims:
    """A claim, in a list."""
    claim = store.claim_next(WORKER, lease=LEASE)
    assert claim is not None
    return [claim]


def complete_one(store: Store, claims: Claims) -> None:
    """Complete it."""
    store.complete(claims[0])


def claim_several(store: Store) -> Claims:
    """As many as make a batch."""
    claims = store.claim_batch(WORKER, BATCH, lease=LEASE)
    assert len(claims) == BATCH
    return claims


def complete_several(store: Store, claims: Claims) -> None:
    """Complete them."""
    store.complete_many(claims)


def fill(url: str, jobs: int) -> None:
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
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
