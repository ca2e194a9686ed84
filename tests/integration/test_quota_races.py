"""Processes take from one quota all at once: never more than there is, and never less."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from tests.integration.racing import at_once
from tests.integration.spending_quota import (
    LEASE,
    TRIES,
    add_uploads,
    claim_and_die,
    claim_until_nothing_is_left,
    left_over,
    limit,
    reserve,
    take_turns,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PROCESSES = 16
UNITS = PROCESSES * TRIES * 25 // 32
"""What they are granted of all that they ask for."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_as_much_is_granted_as_there_is(new_url: Callable[[], str]) -> None:
    """16 processes ask for more units than there are: those are granted, the others refused."""
    url = new_url()
    limit(url, UNITS)
    answers = [tuple(map(int, answer.split())) for answer in at_once(reserve, url, PROCESSES)]
    assert sum(granted for granted, _ in answers) == UNITS
    assert sum(refused for _, refused in answers) == PROCESSES * TRIES - UNITS
    with closing(open_store(url)) as store:
        assert left_over(store) == (0, UNITS)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_claims_take_no_more_than_there_is(new_url: Callable[[], str]) -> None:
    """8 workers race for 60 uploads, 25 of which are covered."""
    url = new_url()
    limit(url, 25)
    add_uploads(url, 60)
    assert sum(map(int, at_once(claim_until_nothing_is_left, url))) == 25
    with closing(open_store(url)) as store:
        assert left_over(store) == (25, 0)


def test_nobody_waits_for_another_who_waits_for_it(new_url: Callable[[], str]) -> None:
    """6 workers finish uploads of one project, and take those of another, in one call."""
    url = new_url()
    limit(url, 10_000)
    add_uploads(url, 200, projects=2)
    assert at_once(take_turns, url, 6) == [""] * 6


def test_what_a_killed_worker_has_reserved_counts_as_spent(new_url: Callable[[], str]) -> None:
    """Once its lease has ended; the upload is claimed again, and reserves anew."""
    url = new_url()
    limit(url, 2)
    add_uploads(url, 1)
    assert at_once(claim_and_die, url, 1) == [""]
    with closing(open_store(url)) as store:
        assert left_over(store) == (0, 1)
        time.sleep(LEASE.total_seconds() + 0.1)
        claim = store.claim_next("comes after", lease=LEASE, queue="tasks")
        assert claim is not None
        assert claim.attempt == 2
        assert left_over(store) == (1, 1)
