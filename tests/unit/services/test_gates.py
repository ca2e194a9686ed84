"""Reviews of tasks have a deadline: warned of before it, held after it, decidable all the time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel
from pipeline_store.errors import InvalidValue
from pipeline_store.services import gates
from pipeline_store.tasks import GATES, STAGES, Task, TaskStatus
from tests.unit.services.conftest import NOON

if TYPE_CHECKING:
    from pipeline_store import Store
    from tests.unit.services.conftest import SetClock

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
S = TaskStatus


def add_task(store: Store, page: int, status: TaskStatus = S.VIDEO_READY) -> Task:
    """A task that comes into the status now."""
    with store.unit_of_work() as uow:
        channel = uow.channels.by_channel_id("history1")
        if channel is None:
            channel = uow.channels.add(Channel(channel_id="history1", name="History"))
        task = uow.tasks.add(
            Task(
                channel_id=channel.id,
                notion_page_id=f"{page:032x}",
                title=f"Task {page}",
                topic="",
                story_direction="",
                status=status,
            )
        )
        uow.commit()
    return task


def titles(reviews: list[gates.GateReview]) -> list[str]:
    return [each.task.title for each in reviews]


def warn(store: Store, **lengths: timedelta) -> list[str]:
    with store.unit_of_work() as uow:
        warned = gates.warn(uow, **lengths)
        uow.commit()
    return titles(warned)


def hold(store: Store, **lengths: timedelta) -> list[str]:
    with store.unit_of_work() as uow:
        held = gates.hold_overdue(uow, **lengths)
        uow.commit()
    return titles(held)


def waiting(store: Store, **arguments: Any) -> list[gates.GateReview]:
    with store.unit_of_work(read_only=True) as uow:
        return gates.waiting(uow, **arguments)


def test_what_waits_is_listed_with_its_deadline(store: Store, clock: SetClock) -> None:
    """The longest waiting first, at all four gates and nowhere else."""
    for number, status in enumerate(S):
        add_task(store, number, status)
        clock.let_pass(MINUTE)
    found = waiting(store)
    assert [each.task.status for each in found] == [status for status in S if status in GATES]
    longest = found[0]
    assert longest.since == NOON + 4 * MINUTE
    assert longest.waiting == 22 * MINUTE
    assert longest.answer_until == longest.since + timedelta(hours=24)
    assert (longest.warned_at, longest.held_at) == (None, None)
    assert longest.is_open
    assert not longest.is_overdue
    assert titles(waiting(store, limit=2)) == titles(found[:2])
    assert waiting(store, deadline=HOUR)[0].answer_until == longest.since + HOUR


def test_the_warning_comes_two_hours_before_24_hours(store: Store, clock: SetClock) -> None:
    """Once; and holding comes at 24 hours, once."""
    add_task(store, 1)
    clock.let_pass(22 * HOUR - timedelta(microseconds=1))
    assert (warn(store), hold(store)) == ([], [])
    clock.let_pass(timedelta(microseconds=1))
    assert warn(store) == ["Task 1"]
    assert (warn(store), hold(store)) == ([], [])
    clock.let_pass(2 * HOUR - timedelta(microseconds=1))
    assert (warn(store), hold(store)) == ([], [])
    clock.let_pass(timedelta(microseconds=1))
    [overdue] = waiting(store)
    assert overdue.is_overdue
    assert hold(store) == ["Task 1"]
    assert (warn(store), hold(store)) == ([], [])
    [held] = waiting(store)
    assert (held.warned_at, held.held_at) == (NOON + 22 * HOUR, NOON + 24 * HOUR)
    assert (held.is_open, held.is_overdue) == (False, False)


def test_other_lengths(store: Store, clock: SetClock) -> None:
    add_task(store, 1)
    clock.let_pass(30 * MINUTE)
    assert warn(store, deadline=HOUR, warn_before=29 * MINUTE) == []
    assert warn(store, deadline=HOUR, warn_before=30 * MINUTE) == ["Task 1"]
    assert hold(store, deadline=31 * MINUTE) == []
    assert hold(store, deadline=30 * MINUTE) == ["Task 1"]


def test_what_is_due_is_only_asked(store: Store, clock: SetClock) -> None:
    """Asking marks nothing."""
    add_task(store, 1)
    clock.let_pass(23 * HOUR)
    with store.unit_of_work() as uow:
        assert titles(gates.due_for_warning(uow)) == ["Task 1"]
        assert titles(gates.due_for_warning(uow, warn_before=MINUTE)) == []
        uow.commit()
    assert warn(store) == ["Task 1"]


def test_one_whose_deadline_has_passed_is_held_and_not_warned_of(
    store: Store, clock: SetClock
) -> None:
    """Such as after a night in which nobody ran the job."""
    add_task(store, 1)
    clock.let_pass(30 * HOUR)
    assert warn(store) == []
    assert hold(store) == ["Task 1"]
    assert warn(store, deadline=48 * HOUR, warn_before=47 * HOUR) == []


def test_what_is_returned_tells_of_the_mark(store: Store, clock: SetClock) -> None:
    add_task(store, 1)
    clock.let_pass(23 * HOUR)
    with store.unit_of_work() as uow:
        [warned] = gates.warn(uow)
        assert warned.warned_at == warned.task.warned_at == clock.time
        clock.let_pass(HOUR)
        [held] = gates.hold_overdue(uow)
        assert held.held_at == held.task.held_at == clock.time
        assert not held.is_overdue


def test_without_a_commit_nothing_is_marked(store: Store, clock: SetClock) -> None:
    add_task(store, 1)
    clock.let_pass(23 * HOUR)
    with store.unit_of_work() as uow:
        gates.warn(uow)
    assert warn(store) == ["Task 1"]
    clock.let_pass(HOUR)
    with store.unit_of_work() as uow:
        gates.hold_overdue(uow)
    assert hold(store) == ["Task 1"]


def test_a_hold_moves_nothing(store: Store, clock: SetClock) -> None:
    """The task stays at its gate, under the same review; its history has no new row."""
    task = add_task(store, 1, S.GENERATING_VIDEO)
    with store.unit_of_work() as uow:
        uow.tasks.advance(uow.tasks.get(task.id), S.VIDEO_READY, "w1")
        uow.commit()
    clock.let_pass(24 * HOUR)
    assert hold(store) == ["Task 1"]
    with store.unit_of_work(read_only=True) as uow:
        found = uow.tasks.get(task.id)
        assert (found.status, found.review_token, found.status_since) == (S.VIDEO_READY, 1, NOON)
        assert len(uow.tasks.history(task.id)) == 1
        [pending] = uow.tasks.pending_reviews()
        assert (pending.held, pending.waiting) == (True, 24 * HOUR)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_held_task_can_still_be_decided(
    store: Store, clock: SetClock, gate: TaskStatus, decision: str
) -> None:
    task = add_task(store, 1, gate)
    clock.let_pass(24 * HOUR)
    hold(store)
    with store.unit_of_work() as uow:
        if decision == "approve":
            decided = uow.tasks.approve(task.id, "ann", review=0)
        else:
            decided = uow.tasks.reject(task.id, "ann", "too dark", review=0)
        uow.commit()
    stage = STAGES[gate]
    assert decided.status == (stage.onward[0] if decision == "approve" else stage.error)
    assert waiting(store) == []


def test_a_new_entry_begins_anew(store: Store, clock: SetClock) -> None:
    """Time spent at the gate before does not count, nor the warning and the hold."""
    task = add_task(store, 1)
    clock.let_pass(23 * HOUR)
    warn(store)
    clock.let_pass(HOUR)
    hold(store)
    with store.unit_of_work() as uow:
        uow.tasks.reject(task.id, "ann", "too dark")
        uow.tasks.retry(task.id, "ann")
        uow.tasks.advance(uow.tasks.get(task.id), S.VIDEO_READY, "w1")
        uow.commit()
    [again] = waiting(store)
    assert (again.since, again.warned_at, again.held_at) == (clock.time, None, None)
    assert (warn(store), hold(store)) == ([], [])
    clock.let_pass(22 * HOUR)
    assert warn(store) == ["Task 1"]


def test_of_several_the_longest_waiting_comes_first(store: Store, clock: SetClock) -> None:
    for number in (1, 2, 3):
        add_task(store, number)
        clock.let_pass(HOUR)
    clock.let_pass(20 * HOUR)
    assert warn(store) == ["Task 1", "Task 2"]
    clock.let_pass(2 * HOUR)
    assert warn(store) == ["Task 3"]
    assert hold(store) == ["Task 1", "Task 2"]


@pytest.mark.parametrize(
    "lengths",
    [
        {"deadline": timedelta(0)},
        {"deadline": -HOUR},
        {"deadline": 24},
        {"deadline": None},
        {"deadline": timedelta.max},
        {"warn_before": -HOUR},
        {"warn_before": timedelta(hours=25)},
        {"warn_before": 2},
    ],
)
def test_what_is_no_length(store: Store, lengths: dict[str, Any]) -> None:
    with store.unit_of_work() as uow:
        for ask in (gates.due_for_warning, gates.warn):
            with pytest.raises(InvalidValue, match=next(iter(lengths))):
                ask(uow, **lengths)
        if "deadline" in lengths:
            with pytest.raises(InvalidValue, match="deadline"):
                gates.hold_overdue(uow, **lengths)
            with pytest.raises(InvalidValue, match="deadline"):
                gates.waiting(uow, **lengths)
