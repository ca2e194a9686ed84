"""Ageing: a task of low priority comes to its turn, however many others there are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import InvalidValue
from pipeline_store.tasks import TaskStatus
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.test_task_claims import (
    LEASE,
    add_channel,
    add_task,
    add_tasks,
    claim_one,
    claim_shortly,
    remove_all,
)
from tests.integration.contract.test_tasks import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from pipeline_store import Store
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task
    from tests.integration.contract.conftest import SteppedClock

S = TaskStatus
HOUR = timedelta(hours=1)


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    return add_channel(store, "history1")


@pytest.mark.parametrize("claim_a_task", [claim_one, claim_shortly])
@in_turn(
    "priority, age, rank",
    [
        ("low", HOUR - timedelta(microseconds=1), 2),
        ("low", HOUR, 1),
        ("low", 2 * HOUR - timedelta(microseconds=1), 1),
        ("low", 2 * HOUR, 0),
        ("low", 50 * HOUR, 0),
        ("normal", HOUR - timedelta(microseconds=1), 1),
        ("normal", HOUR, 0),
        ("high", 3 * HOUR, 0),
        ("low", -HOUR, 2),
    ],
)
def test_what_counts_as_what(  # noqa: PLR0917
    store: Store,
    channel_id: UUID,
    clock: SteppedClock,
    claim_a_task: Callable[..., Claim[Task]],
    priority: str,
    age: timedelta,
    rank: int,
) -> None:
    """Each time of ageing raises a task by one, and its priority stays what it is."""
    # Ranks are raised from time to time only.
    clock.advance(hours=1)
    task = add_task(store, channel_id, priority=priority, created_at=clock.instant - age)
    claim = claim_a_task(store, ageing=HOUR)
    assert (claim.item.id, claim.item.rank, claim.item.priority) == (task.id, rank, priority)
    remove_all(store)


def test_it_is_off_unless_it_is_asked_for(
    store: Store, channel_id: UUID, clock: SteppedClock
) -> None:
    """Then the old low task waits for ever, and its rank is never touched."""
    old = add_task(store, channel_id, priority="low", created_at=clock.instant - 100 * HOUR)
    add_tasks(store, channel_id, *[{"priority": "high"}] * 3)
    for _ in range(3):
        assert claim_one(store).item.priority == "high"
    assert read(store, old.id).rank == 2
    assert claim_one(store).item.id == old.id


def test_what_is_raised_stands_by_its_age(
    store: Store, channel_id: UUID, clock: SteppedClock
) -> None:
    """In its channel only older tasks go first; in every stage, and not while it is held."""
    now = clock.instant
    gate = add_task(store, channel_id, status=S.ASSETS_READY, created_at=now - 9 * HOUR, rank=1)
    held = add_task(store, channel_id, created_at=now - 8 * HOUR)
    assert claim_one(store).item.id == held.id
    high = [{"priority": "high", "created_at": now - each * HOUR} for each in (7, 1)]
    low = {"priority": "low", "created_at": now - 5 * HOUR, "status": S.SFX_READY}
    tasks = add_tasks(store, channel_id, *high, low)
    found = [claim_shortly(store, ageing=HOUR).item.id for _ in range(3)]
    assert found == [tasks[0].id, tasks[2].id, tasks[1].id]
    assert [read(store, each.id).rank for each in (held, gate)] == [1, 1]


def test_the_bound_holds_under_a_steady_stream(store: Store, clock: SteppedClock) -> None:
    """Three channels get high tasks faster than they are claimed; the low one comes to its turn."""
    channels = [add_channel(store, f"history{number}") for number in range(3)]
    older = add_task(store, channels[0], priority="low", created_at=clock.instant - HOUR)
    low = add_task(store, channels[0], priority="low")
    begun = clock.instant
    late: list[int] = []
    for _ in range(60):
        for channel_id in channels:
            add_tasks(store, channel_id, *[{"priority": "high", "created_at": clock.instant}] * 2)
        claim = claim_shortly(store, ageing=HOUR)
        with store.unit_of_work() as uow:
            uow.tasks.fail(claim, "done with")
            uow.commit()
        # The older tasks of its channel, by then at least, and itself, times the three channels.
        if clock.instant >= begun + 2 * HOUR + HOUR / 20:
            late.append(1)
        if claim.item.id == low.id:
            break
        clock.instant += HOUR / 10
    assert claim.item.id == low.id
    with store.unit_of_work(read_only=True) as uow:
        waiting = [
            task
            for task in uow.tasks.for_channel(channels[0], 1_000)
            if task.status == S.QUEUED and task.created_at < low.created_at
        ]
    assert waiting == []
    assert read(store, older.id).status == S.ASSET_ERROR
    assert len(late) <= (1 + 1) * len(channels)


def test_without_ageing_the_same_stream_starves_it(store: Store, clock: SteppedClock) -> None:
    """So that the test above can fail."""
    channel_id = add_channel(store, "history1")
    low = add_task(store, channel_id, priority="low")
    for _ in range(30):
        add_task(store, channel_id, priority="high")
        clock.instant += HOUR
        claim = claim_shortly(store)
        assert claim.item.id != low.id
        store.complete(claim)
        with store.unit_of_work() as uow:
            uow.tasks.fail(claim, "done with")
            uow.commit()


def test_how_often_it_is_looked_at(store: Store, channel_id: UUID, clock: SteppedClock) -> None:
    """Twenty times in the time of ageing: what ages in between waits until then."""
    add_tasks(store, channel_id, *[{"priority": "high"}] * 4)
    claim_shortly(store, ageing=HOUR)
    moment = timedelta(seconds=1)
    low = add_task(store, channel_id, priority="low", created_at=clock.instant - HOUR)
    clock.instant += HOUR / 20 - moment
    claim_shortly(store, ageing=HOUR)
    assert read(store, low.id).rank == 2
    clock.instant += moment
    claim_shortly(store, ageing=HOUR)
    assert read(store, low.id).rank == 1


def test_another_priority_begins_anew(store: Store, channel_id: UUID, clock: SteppedClock) -> None:
    """What is lowered by hand is raised by its age again, no more than that."""
    task = add_task(store, channel_id, created_at=clock.instant - HOUR)
    claim = claim_one(store, ageing=HOUR)
    with store.unit_of_work() as uow:
        uow.tasks.release(claim)
        uow.tasks.get(task.id).priority = "low"  # type: ignore[assignment]
        uow.commit()
    assert read(store, task.id).rank == 2
    clock.instant += HOUR / 10
    assert claim_one(store, ageing=HOUR).item.rank == 1


@in_turn("ageing", [timedelta(0), timedelta(milliseconds=999), timedelta(days=366), 60, "1 h"])
def test_other_times_are_refused(store: Store, ageing: Any) -> None:
    """From a second to a year."""
    with store.unit_of_work() as uow, pytest.raises(InvalidValue, match="ageing"):
        uow.tasks.claim_next("w1", LEASE, ageing=ageing)
    with pytest.raises(InvalidValue, match="ageing"):
        store.claim_batch("w1", 5, lease=LEASE, queue="tasks", ageing=ageing)
