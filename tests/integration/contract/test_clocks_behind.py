"""The history of a task is in order, also when the clocks of its writers differ."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pipeline_store.tasks import TaskStatus
from tests.integration.contract.test_task_claims import (
    LEASE,
    add_channel,
    add_tasks,
    claim_one,
    claim_shortly,
    nothing_to_claim,
    time_passes,
)
from tests.integration.contract.test_tasks import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task
    from tests.integration.contract.conftest import SteppedClock

    Claims = list[Claim[Task]]

__all__ = ["time_passes"]

S = TaskStatus


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    return add_channel(store, "history1")


def claim_shortly_one(store: Store) -> Claims:
    return [claim_shortly(store)]


def claim_shortly_two(store: Store) -> Claims:
    return store.claim_batch("w1", 2, lease=LEASE, queue="tasks")


def claim_in_a_unit_of_work(store: Store) -> Claims:
    return [claim_one(store)]


def complete_shortly(store: Store, claims: Claims) -> None:
    store.complete_many(claims)


def complete_in_a_unit_of_work(store: Store, claims: Claims) -> None:
    with store.unit_of_work() as uow:
        for claim in claims:
            uow.tasks.complete(claim)
        uow.commit()


def check_history(store: Store, task_id: UUID, first: TaskStatus) -> list[TaskStatus]:
    """The statuses since the first; each begins where the last one ended, and later."""
    with store.unit_of_work(read_only=True) as uow:
        moves = uow.tasks.history(task_id)
    statuses = [move.to_status for move in moves]
    assert [move.from_status for move in moves] == [first, *statuses[:-1]]
    instants = [move.moved_at for move in moves]
    assert all(earlier < later for earlier, later in pairwise(instants))
    assert read(store, task_id).status_since == instants[-1]
    return statuses


@pytest.mark.parametrize(
    ("claim", "complete"),
    [
        (claim_shortly_one, complete_shortly),
        (claim_shortly_two, complete_shortly),
        (claim_in_a_unit_of_work, complete_in_a_unit_of_work),
    ],
)
def test_each_clock_is_behind_the_one_before(
    store: Store,
    channel_id: UUID,
    clock: SteppedClock,
    claim: Callable[[Store], Claims],
    complete: Callable[[Store, Claims], None],
) -> None:
    add_tasks(store, channel_id, {}, {})
    clock.advance(minutes=-1)
    claims = claim(store)
    for _ in range(2):
        clock.advance(minutes=-1)
        complete(store, claims)
    keys = [each.item.id for each in claims]
    decisions: list[Callable[[UnitOfWork, UUID], object]] = [
        lambda uow, key: uow.tasks.approve(key, "ann"),
        lambda uow, key: setattr(uow.tasks.get(key), "status", S.ASSET_ERROR),
        lambda uow, key: uow.tasks.retry(key, "ann"),
    ]
    for decide in decisions:
        clock.advance(minutes=-1)
        with store.unit_of_work() as uow:
            for key in keys:
                decide(uow, key)
            uow.commit()
    for key in keys:
        assert check_history(store, key, S.QUEUED) == [
            S.CLAIMED,
            S.GENERATING_ASSETS,
            S.ASSETS_READY,
            S.ASSETS_APPROVED,
            S.ASSET_ERROR,
            S.GENERATING_COMPOSITES,
        ]


def test_given_up(
    store: Store,
    channel_id: UUID,
    clock: SteppedClock,
    time_passes: Callable[[timedelta], None],
) -> None:
    clock.advance(hours=1)
    (task,) = add_tasks(store, channel_id, {"status": S.GENERATING_VIDEO})
    clock.advance(hours=-1)
    claim_shortly(store)
    time_passes(LEASE + timedelta(seconds=1))
    assert nothing_to_claim(store, most_attempts=1)
    assert check_history(store, task.id, S.GENERATING_VIDEO) == [S.VIDEO_ERROR]
    assert read(store, task.id).status_since > task.status_since


def test_the_next_stage_costs_something(
    store: Store, channel_id: UUID, clock: SteppedClock
) -> None:
    """What has a price goes another way through the database."""
    (task,) = add_tasks(store, channel_id, {"status": S.APPROVED})
    clock.advance(minutes=-1)
    claim = claim_shortly(store)
    store.complete(claim)
    clock.advance(minutes=-1)
    store.complete(claim)
    assert check_history(store, task.id, S.APPROVED) == [S.UPLOADING, S.PUBLISHED]
