"""Workers in many processes claim tasks at once: nobody's place is taken twice."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from pipeline_store.errors import LeaseLost, StoreFailure
from tests.conftest import is_on
from tests.integration.claiming_tasks import (
    BUSY_CHANNELS,
    LONG_LEASE,
    ask,
    drain,
    fill,
    storm,
    storm_in_pieces,
    storm_of_batches,
    widen_claims,
)
from tests.integration.racing import at_once
from tests.integration.simulation import SimulatedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline_store import Store
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task

SOAK = is_on("PIPELINE_STORE_SOAK")
CAPACITIES = [1, 2] * (100 if SOAK else 15)
FEWER = [1, 2] * (100 if SOAK else 8)
"""Where every task is worked on until none is left."""

TRIES = 10
"""How often a race that should be lost is run until it is."""

LEASES = "SELECT count(*) FROM tasks WHERE lease_expires_at IS NOT NULL"
TOKENS = "SELECT sum(lease_token) FROM tasks"
UNFINISHED = "SELECT count(*) FROM tasks WHERE status <> 'final_review'"
MOVES = "SELECT count(*) FROM task_transitions"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("claims", [storm, storm_of_batches])
def test_a_storm_fills_every_channel_and_none_too_much(
    new_url: Callable[[], str], claims: Callable[[str], int]
) -> None:
    """8 processes claim and finish nothing: each channel has as many as it may have, no fewer."""
    url = new_url()
    fill(url, CAPACITIES, backlog=5)
    if url.startswith("postgresql"):
        widen_claims(url, locking=True)
    given = [int(answer) for answer in at_once(claims, url)]
    assert sum(given) == sum(CAPACITIES)
    assert (ask(url, BUSY_CHANNELS), ask(url, LEASES)) == (0, sum(CAPACITIES))
    # Every claim has given a token of its own.
    assert ask(url, TOKENS) == sum(CAPACITIES)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_workers_that_go_on_in_one_call_finish_every_task_once(new_url: Callable[[], str]) -> None:
    url = new_url()
    fill(url, FEWER, backlog=5)
    if url.startswith("postgresql"):
        widen_claims(url, locking=True)
    finished = [int(answer) for answer in at_once(drain, url)]
    assert sum(finished) == 5 * len(FEWER)
    assert [ask(url, each) for each in (LEASES, UNFINISHED, MOVES)] == [0, 0, sum(finished)]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("claims", [storm, storm_of_batches])
def test_the_storm_finds_claims_that_do_not_lock(
    new_url: Callable[[], str], claims: Callable[[str], int]
) -> None:
    """Without the lock on the channel, or on the file, the same storm hands out too much.

    Two have to meet between two statements for that, so there are some tries.
    """
    answers: list[list[str]] = []
    for _ in range(TRIES):
        url = new_url()
        fill(url, CAPACITIES, backlog=5)
        job = storm_in_pieces
        if url.startswith("postgresql"):
            widen_claims(url, locking=False)
            job = claims
        answers.append(at_once(job, url))
        given = sum(int(answer) for answer in answers[-1] if answer.isdigit())
        if given > sum(CAPACITIES) or ask(url, BUSY_CHANNELS) > 0:
            return
    pytest.fail(f"no place was taken twice: {answers}")


def _write(store: Store, claim: Claim[Task] | None) -> Any:
    with store.unit_of_work() as uow:
        if claim is None:
            return uow.tasks.claim_next("w1", LONG_LEASE)
        return uow.tasks.complete(claim)


@pytest.mark.parametrize("write", ["claim", "complete"])
def test_a_writer_of_a_file_looks_at_the_clock_when_it_may_write(
    tmp_path: Path, write: str
) -> None:
    """Who waits for another writer does not judge leases by when it began to wait."""
    clock = SimulatedClock()
    url = f"sqlite:///{tmp_path / 'a.db'}"
    fill(url, [1], backlog=1)
    store = open_store(url, clock=clock)
    claim = store.claim_next("w1", lease=LONG_LEASE, queue="tasks") if write == "complete" else None
    with (
        closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("BEGIN IMMEDIATE")
        waiting = pool.submit(_write, store, claim)
        time.sleep(0.2)
        clock.instant += 2 * LONG_LEASE
        other.execute("COMMIT")
        if claim is None:
            assert waiting.result().expires_at == clock.instant + LONG_LEASE
        else:
            with pytest.raises(LeaseLost):
                waiting.result()
    store.close()


@pytest.mark.postgres
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_claims_see_what_is_committed_or_are_refused(postgres_url: str, level: str) -> None:
    """In a transaction that goes on seeing the past, nobody knows who holds a place."""
    fill(postgres_url, [1], backlog=1)
    store = open_store(postgres_url, isolation_level=level)
    with store.unit_of_work() as uow, pytest.raises(StoreFailure, match="READ COMMITTED"):
        uow.tasks.claim_next("w1", LONG_LEASE)
    # The short way has no transaction of its own to be wrong about.
    assert store.claim_next("w1", lease=LONG_LEASE, queue="tasks") is not None
    store.close()
