"""What keeps a task from being handed out: that it is told, and that nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import InvalidValue
from pipeline_store.pacific import day_turns_at
from pipeline_store.services import pauses
from pipeline_store.services.task_outlook import Obstacle, ObstacleKind, obstacles
from pipeline_store.tasks import CLAIMABLE, ERRORS, GATES, Task, TaskStatus
from pipeline_store.uuid_keys import new_key
from tests.integration.contract.test_quotas import shipped_rules
from tests.integration.contract.test_task_claims import (
    LEASE,
    add_channel,
    add_task,
    change_channel,
    time_passes,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from uuid import UUID

    from pipeline_store import Store, UnitOfWork
    from tests.integration.contract.conftest import SteppedClock

__all__ = ["shipped_rules", "time_passes"]

S = TaskStatus
K = ObstacleKind


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel of which one task may be worked on at a time."""
    return add_channel(store, "history1", max_concurrent=1)


def found(store: Store, task: Task) -> list[Obstacle]:
    """What keeps the task, as it is in the store."""
    with store.unit_of_work(read_only=True) as uow:
        return obstacles(uow, uow.tasks.get(task.id))


def kinds(store: Store, task: Task) -> list[ObstacleKind]:
    """The kinds of what keeps it."""
    return [obstacle.kind for obstacle in found(store, task)]


def is_handed_out(store: Store, task: Task) -> bool:
    """Whether the next claim is one on the task; it is given back."""
    with store.unit_of_work() as uow:
        claim = uow.tasks.claim_next("w", LEASE)
        return claim is not None and claim.item.id == task.id


def test_every_status(store: Store) -> None:
    """Each that workers do not claim is an obstacle of its kind, and the only one."""
    expected: dict[TaskStatus, list[ObstacleKind]] = {
        **{status: [] for status in CLAIMABLE},
        **{status: [K.REVIEW] for status in GATES},
        **{status: [K.FAILED] for status in ERRORS},
        S.DRAFT: [K.DRAFT],
        S.PUBLISHED: [K.PUBLISHED],
    }
    tasks = [add_task(store, add_channel(store, status), status=status) for status in S]
    assert {task.status: kinds(store, task) for task in tasks} == expected
    with store.unit_of_work() as uow:
        claimed = {claim.item.id for claim in uow.tasks.claim_batch("w", len(S), LEASE)}
    assert claimed == {task.id for task in tasks if not expected[task.status]}


def limit(uow: UnitOfWork, units: int) -> None:
    """Let an upload cost 100 of so many units of a bucket."""
    uow.quotas.set_cost(S.UPLOADING, "uploads", 100)
    uow.quotas.set_limit("default", "uploads", units)


def change(**values: Any) -> Callable[[UnitOfWork], None]:
    """Set fields of the channel."""

    def set_all(uow: UnitOfWork) -> None:
        (channel,) = uow.channels.page()
        for name, value in values.items():
            setattr(channel, name, value)

    return set_all


OBSTACLES: dict[ObstacleKind, tuple[Callable[[UnitOfWork], Any], Callable[[UnitOfWork], Any]]] = {
    K.CHANNEL_INACTIVE: (change(is_active=False), change(is_active=True)),
    K.CHANNEL_PAUSED: (
        lambda uow: pauses.pause_channel(uow, "history1"),
        lambda uow: pauses.resume_channel(uow, "history1"),
    ),
    K.QUOTA_EXHAUSTED: (lambda uow: limit(uow, 99), lambda uow: limit(uow, 100)),
}
"""What makes each obstacle, and what takes it away."""


@pytest.mark.parametrize("kind", OBSTACLES)
def test_what_comes_and_goes(store: Store, channel_id: UUID, kind: ObstacleKind) -> None:
    """It keeps the task while it is told, and no longer."""
    task = add_task(store, channel_id, status=S.UPLOADING)
    make, take_away = OBSTACLES[kind]
    with store.unit_of_work() as uow:
        make(uow)
        uow.commit()
    (obstacle,) = found(store, task)
    assert (obstacle.kind, obstacle.until) == (kind, None)
    assert not is_handed_out(store, task)
    with store.unit_of_work() as uow:
        take_away(uow)
        uow.commit()
    assert found(store, task) == []
    assert is_handed_out(store, task)


def test_several_at_once(store: Store, channel_id: UUID) -> None:
    """All of them are told."""
    task = add_task(store, channel_id, status=S.UPLOADING)
    with store.unit_of_work() as uow:
        for make, _ in OBSTACLES.values():
            make(uow)
        uow.commit()
    change_channel(store, channel_id, max_concurrent=1)
    assert kinds(store, task) == list(OBSTACLES)


def test_a_quota_that_is_used_up(store: Store, channel_id: UUID, clock: SteppedClock) -> None:
    """It tells when the day turns; another project's use is no obstacle."""
    task = add_task(store, channel_id, status=S.UPLOADING)
    with store.unit_of_work() as uow:
        limit(uow, 150)
        uow.quotas.reserve("other", "uploads", 60)
        uow.commit()
    assert found(store, task) == []
    with store.unit_of_work() as uow:
        uow.quotas.reserve("default", "uploads", 60)
        uow.commit()
    (obstacle,) = found(store, task)
    assert obstacle.until == day_turns_at(clock.instant)
    assert "90 left today" in obstacle.reason
    assert not is_handed_out(store, task)


def test_who_has_it(
    store: Store,
    channel_id: UUID,
    time_passes: Callable[[timedelta], None],
) -> None:
    """A task that is held waits for its holder, and the next one of a full channel for room."""
    first, second = (add_task(store, channel_id) for _ in range(2))
    assert found(store, first) == found(store, second) == []
    with store.unit_of_work() as uow:
        (claim,) = uow.tasks.claim_batch("ann", 2, LEASE)
        uow.commit()
    (holder,) = found(store, first)
    assert (holder.kind, holder.until) == (K.HELD, claim.expires_at)
    assert "ann" in holder.reason
    (full,) = found(store, second)
    assert (full.kind, full.until) == (K.CHANNEL_FULL, None)
    assert "1 of 1" in full.reason
    time_passes(LEASE)
    assert kinds(store, second) == []


class TestCountHeld:
    """How many tasks of a channel workers have."""

    def test_leases_that_go_on(
        self,
        store: Store,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        """Of that channel only, and without those whose lease has ended."""
        keys = [add_channel(store, name) for name in ("a", "b")]
        for key in keys:
            add_task(store, key)
            add_task(store, key)
        with store.unit_of_work() as uow:
            assert uow.tasks.count_held(keys[0]) == 0
            uow.tasks.claim_batch("w", 3, LEASE)
            assert [uow.tasks.count_held(key) for key in keys] == [2, 1]
            assert uow.tasks.count_held(new_key()) == 0
            uow.commit()
        time_passes(LEASE)
        with store.unit_of_work(read_only=True) as uow:
            assert [uow.tasks.count_held(key) for key in keys] == [0, 0]

    def test_what_is_no_key(self, store: Store) -> None:
        """It is refused."""
        wrong: Any = "history1"
        with store.unit_of_work() as uow, pytest.raises(InvalidValue, match="channel_id"):
            uow.tasks.count_held(wrong)


def test_a_task_that_was_never_stored(store: Store) -> None:
    """Its status speaks for it."""
    task = Task(channel_id=new_key(), notion_page_id="p", title="", topic="", story_direction="")
    with store.unit_of_work() as uow:
        assert [each.kind for each in obstacles(uow, task)] == [K.DRAFT]
