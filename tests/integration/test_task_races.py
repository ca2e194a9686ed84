"""Workers in many processes claim tasks: nobody's place is taken twice, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.errors import StoreFailure
from tests.conftest import is_on
from tests.integration.claiming_tasks import (
    BUSY_CHANNELS,
    LONG_LEASE,
    ask,
    fill,
    storm,
    storm_in_pieces,
    widen_claims,
    work_and_die,
)
from tests.integration.racing import at_once

if TYPE_CHECKING:
    from collections.abc import Callable

SOAK = is_on("PIPELINE_STORE_SOAK")
CAPACITIES = [1, 2] * (100 if SOAK else 25)
LEASES = "SELECT count(*) FROM tasks WHERE lease_expires_at IS NOT NULL"
TOKENS = "SELECT sum(lease_token) FROM tasks"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_storm_fills_every_channel_and_none_too_much(new_url: Callable[[], str]) -> None:
    """8 processes claim and finish nothing: each channel has as many as it may have, no fewer."""
    url = new_url()
    fill(url, CAPACITIES, backlog=5)
    if url.startswith("postgresql"):
        widen_claims(url, locking=True)
    given = [int(answer) for answer in at_once(storm, url)]
    assert sum(given) == sum(CAPACITIES)
    assert (ask(url, BUSY_CHANNELS), ask(url, LEASES)) == (0, sum(CAPACITIES))
    # Every claim has given a token of its own.
    assert ask(url, TOKENS) == sum(CAPACITIES)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_storm_finds_claims_that_do_not_lock(new_url: Callable[[], str]) -> None:
    """Without the lock on the channel, or on the file, the same storm hands out too much."""
    url = new_url()
    fill(url, CAPACITIES, backlog=5)
    job = storm_in_pieces
    if url.startswith("postgresql"):
        widen_claims(url, locking=False)
        job = storm
    answers = at_once(job, url)
    given = sum(int(answer) for answer in answers if answer.isdigit())
    assert given > sum(CAPACITIES) or ask(url, BUSY_CHANNELS) > 0, answers


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_workers_lose_nothing(new_url: Callable[[], str]) -> None:
    """8 workers that are killed again and again: every task is finished once, by somebody."""
    url = new_url()
    fill(url, [1, 2, 3] * 6, backlog=400 if SOAK else 40)
    inside = refused = 0
    for answer in at_once(work_and_die, url):
        killed, late, *wrong = answer.split(maxsplit=2)
        assert not wrong, answer
        inside += int(killed)
        refused += int(late)
    finished = "SELECT count(*) FROM tasks WHERE status = 'final_review'"
    moves = "SELECT count(*) FROM task_transitions WHERE to_status = 'final_review'"
    total = ask(url, "SELECT count(*) FROM tasks")
    assert (ask(url, finished), ask(url, moves)) == (total, total)
    if inside == 0:
        pytest.fail("INCONCLUSIVE: no worker was killed inside a claim", pytrace=False)
    print(f"\n{url[:6]}: {inside} killed inside a claim, {refused} late writes refused")  # noqa: T201


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
