"""Hints that there may be a task: none is lost between a look and the wait."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Timer
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import InvalidValue
from pipeline_store.tasks import TaskStatus
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.test_task_claims import add_channel, add_task, change_channel
from tests.integration.contract.test_workers import take_away
from tests.integration.contract.workers import LONG

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from pipeline_store import Store

S = TaskStatus
AT_ONCE = timedelta(seconds=0.3)
LONG_TIME = timedelta(seconds=LONG)


@pytest.fixture
def store(going_store: Store) -> Store:
    """An empty store."""
    return going_store


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    return add_channel(store, "history1")


def drain(wakeups: Any) -> None:
    """Wait until there is no hint of what was done before."""
    while wakeups.wait(AT_ONCE):
        pass


def test_nothing_happens(store: Store) -> None:
    """Without a hint the wait lasts as long as it may."""
    with store.wakeups() as wakeups:
        drain(wakeups)
        began = time.monotonic()
        assert wakeups.wait(AT_ONCE) is False
        assert time.monotonic() - began >= AT_ONCE.total_seconds() * 0.9


def test_what_happened_before_the_wait(store: Store, beside: Store, channel_id: UUID) -> None:
    """A hint since the last wait, or since the beginning, ends the next one at once."""
    with store.wakeups() as wakeups:
        add_task(beside, channel_id)
        assert wakeups.wait(LONG_TIME) is True
        drain(wakeups)
        add_task(beside, channel_id)
        assert wakeups.wait(LONG_TIME) is True


def test_what_happens_while_waiting(store: Store, beside: Store, channel_id: UUID) -> None:
    """A hint ends the wait."""
    with store.wakeups() as wakeups:
        drain(wakeups)
        timer = Timer(0.1, add_task, (beside, channel_id))
        timer.start()
        assert wakeups.wait(LONG_TIME) is True
        timer.join()


def approve(store: Store, task_id: UUID) -> None:
    """Let a task go on from its gate."""
    with store.unit_of_work() as uow:
        uow.tasks.approve(task_id, "ann")
        uow.commit()


CHANGES: dict[str, tuple[dict[str, Any], Callable[[Store, Any], Any]]] = {
    "approved": ({"status": S.ASSETS_READY}, lambda store, task: approve(store, task.id)),
    "queued": (
        {"status": S.DRAFT},
        lambda store, task: advance(store, task.id, S.QUEUED),
    ),
    "channel opens": (
        {"status": S.QUEUED},
        lambda store, task: change_channel(store, task.channel_id, is_active=True),
    ),
}


def advance(store: Store, task_id: UUID, to: TaskStatus) -> None:
    """Move a task."""
    with store.unit_of_work() as uow:
        uow.tasks.advance(uow.tasks.get(task_id), to, "ann")
        uow.commit()


@pytest.mark.parametrize("change", CHANGES)
def test_what_makes_a_task_claimable(store: Store, beside: Store, change: str) -> None:
    """Whatever lets a task be claimed is a hint."""
    values, happens = CHANGES[change]
    channel = add_channel(store, "history1")
    task = add_task(store, channel, **values)
    if change == "channel opens":
        change_channel(store, channel, is_active=False)
        assert store.claim_next("w1", lease=LONG_TIME, queue="tasks") is None
    with store.wakeups() as wakeups:
        drain(wakeups)
        happens(beside, task)
        assert wakeups.wait(LONG_TIME) is True
    assert store.claim_next("w1", lease=LONG_TIME, queue="tasks") is not None


def test_room_in_a_full_channel(store: Store, beside: Store) -> None:
    """A task that leaves its worker makes room for another, which is a hint."""
    channel = add_channel(store, "history1", max_concurrent=1)
    for _ in range(2):
        add_task(store, channel)
    held = store.claim_next("w1", lease=LONG_TIME, queue="tasks")
    assert held
    assert store.claim_next("w2", lease=LONG_TIME, queue="tasks") is None
    with store.wakeups() as wakeups:
        drain(wakeups)
        take_away(beside, held.item.id)
        assert wakeups.wait(LONG_TIME) is True
    assert store.claim_next("w2", lease=LONG_TIME, queue="tasks") is not None


def test_waking_by_hand(store: Store) -> None:
    """`wake` ends the present wait, or the next one, and only that."""
    with store.wakeups() as wakeups:
        drain(wakeups)
        wakeups.wake()
        assert wakeups.wait(LONG_TIME) is True
        assert wakeups.wait(AT_ONCE) is False
        timer = Timer(0.1, wakeups.wake)
        timer.start()
        assert wakeups.wait(LONG_TIME) is True
        timer.join()
    wakeups.wake()


@in_turn("longest", [3, timedelta(seconds=-1), timedelta(days=8), None])
def test_waits_that_cannot_be(store: Store, longest: Any) -> None:
    """A wait lasts from nothing to 7 days."""
    with store.wakeups() as wakeups, pytest.raises(InvalidValue, match="longest"):
        wakeups.wait(longest)
