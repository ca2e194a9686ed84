"""Being asked and answering: what moves a run, and which rows the review log gets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import Conflict, IllegalTransition, NotFound
from pipeline_store.production import ReviewAction, ReviewLog, RunStatus, Script
from pipeline_store.services import reviews
from tests.unit.services.conftest import NOON
from tests.unit.services.made_up import (
    IN_EACH_STATUS,
    a_pending_run,
    a_run_in_review,
    a_running_run,
)
from tests.whole_store import everything_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store, UnitOfWork
    from tests.unit.services.conftest import SetClock

    Answer = Callable[[UnitOfWork, int], ReviewLog]


def skip_4_and_7(uow: UnitOfWork, run_id: int) -> ReviewLog:
    return reviews.skip(uow, run_id, [7, 4])


ANSWERS: dict[str, tuple[Answer, RunStatus, str | None]] = {
    "approve": (reviews.approve, RunStatus.APPROVED, None),
    "reject": (reviews.reject, RunStatus.FAILED, None),
    "hold": (reviews.hold, RunStatus.REVIEW, None),
    "skip": (skip_4_and_7, RunStatus.RUNNING, "skip 4,7"),
    "redo_script": (reviews.redo_script, RunStatus.RUNNING, None),
}
each_answer = pytest.mark.parametrize("action", ANSWERS)


def test_a_request_sends_a_running_run_to_review(uow: UnitOfWork) -> None:
    """It leaves one open row with the time at which it was sent."""
    run = a_running_run(uow)
    asked = reviews.request(uow, run.id)
    assert run.status == RunStatus.REVIEW
    assert uow.reviews.for_run(run.id) == [asked]
    assert (asked.is_open, asked.sent_at, asked.auto_held) == (True, NOON, 0)


def test_asking_twice_is_one_request(uow: UnitOfWork) -> None:
    """A bot that crashed after asking may ask again."""
    run = a_run_in_review(uow)
    first = uow.reviews.open_for(run.id)
    assert reviews.request(uow, run.id) is first
    assert uow.reviews.count() == 1


def test_a_held_run_can_be_asked_about_again(uow: UnitOfWork) -> None:
    """The new request is a row of its own; the run stays in review."""
    run = a_run_in_review(uow)
    held = reviews.hold(uow, run.id)
    again = reviews.request(uow, run.id)
    assert uow.reviews.for_run(run.id) == [held, again]
    assert (held.action, again.is_open, run.status) == (ReviewAction.HOLD, True, RunStatus.REVIEW)


@pytest.mark.parametrize("status", ["pending", "approved", "uploaded", "failed"])
def test_a_run_that_does_not_run_is_not_sent_to_review(store: Store, status: str) -> None:
    """Nothing is asked, and nothing is changed."""
    with store.unit_of_work() as uow:
        run = IN_EACH_STATUS[status](uow)
        uow.commit()
        before = everything_in(uow)
    with store.unit_of_work() as uow, pytest.raises(IllegalTransition):
        reviews.request(uow, run.id)
    with store.unit_of_work() as uow:
        assert everything_in(uow) == before


@each_answer
def test_an_answer_closes_the_request_and_moves_the_run(
    uow: UnitOfWork, clock: SetClock, action: str
) -> None:
    """One row holds the request and its answer; the run goes where the answer sends it."""
    answer, status, detail = ANSWERS[action]
    run = a_run_in_review(uow)
    clock.let_pass(timedelta(minutes=10))
    row = answer(uow, run.id)
    assert run.status == status
    assert uow.reviews.for_run(run.id) == [row]
    assert (row.action, row.response_detail, row.auto_held) == (action, detail, 0)
    assert (row.sent_at, row.responded_at) == (NOON, clock.time)


@each_answer
@pytest.mark.parametrize("status", ["pending", "approved", "uploaded", "failed"])
def test_a_run_that_is_not_in_review_takes_no_answer(
    store: Store, status: str, action: str
) -> None:
    """The error names the status found, and nothing is changed."""
    with store.unit_of_work() as uow:
        run = IN_EACH_STATUS[status](uow)
        uow.commit()
        before = everything_in(uow)
    with store.unit_of_work() as uow:
        with pytest.raises(IllegalTransition) as refused:
            ANSWERS[action][0](uow, run.id)
        assert refused.value.found == status
        uow.commit()
    with store.unit_of_work() as uow:
        assert everything_in(uow) == before


@each_answer
def test_a_running_run_that_was_never_reviewed_takes_no_answer(
    uow: UnitOfWork, action: str
) -> None:
    """Only a run that a review has sent back is recorded about while it runs."""
    run = a_running_run(uow)
    with pytest.raises(IllegalTransition):
        ANSWERS[action][0](uow, run.id)
    assert (run.status, uow.reviews.count()) == (RunStatus.RUNNING, 0)


@each_answer
def test_an_unknown_run_takes_no_answer(uow: UnitOfWork, action: str) -> None:
    """It is not found, whatever the answer is."""
    a_run_in_review(uow)
    with pytest.raises(NotFound):
        ANSWERS[action][0](uow, 999)


def test_a_rejected_run_has_failed_for_the_reason_given(uow: UnitOfWork, clock: SetClock) -> None:
    """The run keeps the reason and when it ended, the log the words."""
    run = a_run_in_review(uow)
    row = reviews.reject(uow, run.id, "too loud")
    assert (run.error_message, run.completed_at) == ("rejected: too loud", clock.time)
    assert row.response_detail == "too loud"


def test_a_run_can_be_rejected_without_a_reason(uow: UnitOfWork) -> None:
    """It has failed nevertheless, and says by what."""
    run = a_run_in_review(uow)
    reviews.reject(uow, run.id)
    assert (run.status, run.error_message) == (RunStatus.FAILED, "rejected")


def test_redoing_the_script_makes_the_newest_count(uow: UnitOfWork, clock: SetClock) -> None:
    """The old script stays beside the new one."""
    run = a_run_in_review(uow)
    reviews.redo_script(uow, run.id, "funnier")
    clock.let_pass(timedelta(minutes=1))
    second = uow.scripts.add(Script(pipeline_run_id=run.id, opening_text="second"))
    assert uow.scripts.newest_for(run.id) is second
    assert len(uow.scripts.for_run(run.id)) == 2


@each_answer
def test_an_answer_to_a_held_request_is_a_new_row(
    uow: UnitOfWork, clock: SetClock, action: str
) -> None:
    """What was held stays held in the log; sent and answered of the new row are the same."""
    answer, status, _ = ANSWERS[action]
    run = a_run_in_review(uow)
    held = reviews.hold(uow, run.id)
    held_at = held.responded_at
    clock.let_pass(timedelta(hours=1))
    row = answer(uow, run.id)
    assert uow.reviews.for_run(run.id) == [held, row]
    assert (held.action, held.auto_held, held.responded_at) == (ReviewAction.HOLD, 0, held_at)
    assert (row.action, row.sent_at, row.responded_at) == (action, clock.time, clock.time)
    assert run.status == status


@each_answer
def test_an_answer_after_4_hours_holds_the_request_and_is_a_new_row(
    uow: UnitOfWork, clock: SetClock, action: str
) -> None:
    """Exactly 4 hours are too late, also when nobody has called hold_overdue."""
    answer, status, _ = ANSWERS[action]
    run = a_run_in_review(uow)
    clock.let_pass(timedelta(hours=4))
    row = answer(uow, run.id)
    [asked, answered] = uow.reviews.for_run(run.id)
    assert answered is row
    assert (asked.action, asked.auto_held, asked.responded_at) == (
        ReviewAction.HOLD,
        1,
        clock.time,
    )
    assert (row.action, row.auto_held, run.status) == (action, 0, status)


@each_answer
def test_an_answer_just_before_4_hours_is_in_time(
    uow: UnitOfWork, clock: SetClock, action: str
) -> None:
    """A microsecond decides."""
    run = a_run_in_review(uow)
    clock.let_pass(timedelta(hours=4) - timedelta(microseconds=1))
    row = ANSWERS[action][0](uow, run.id)
    assert uow.reviews.for_run(run.id) == [row]
    assert row.auto_held == 0


def test_the_limit_is_an_argument(uow: UnitOfWork, clock: SetClock) -> None:
    """With a limit of one hour, an answer after one hour is late."""
    run = a_run_in_review(uow)
    clock.let_pass(timedelta(hours=1))
    reviews.approve(uow, run.id, limit=timedelta(hours=1))
    assert [row.auto_held for row in uow.reviews.for_run(run.id)] == [1, 0]


def test_a_run_in_review_that_nobody_was_asked_about_can_be_answered(uow: UnitOfWork) -> None:
    """Other programs move runs without asking; the answer is a row of its own."""
    run = a_running_run(uow)
    run.send_to_review()
    row = reviews.approve(uow, run.id)
    assert uow.reviews.for_run(run.id) == [row]
    assert run.status == RunStatus.APPROVED


def test_overdue_requests_are_held_at_exactly_4_hours(uow: UnitOfWork, clock: SetClock) -> None:
    """Not a microsecond earlier; the run stays in review, and a second call finds nothing."""
    run = a_run_in_review(uow)
    clock.let_pass(timedelta(hours=4) - timedelta(microseconds=1))
    assert uow.reviews.hold_overdue() == []
    clock.let_pass(timedelta(microseconds=1))
    [held] = uow.reviews.hold_overdue()
    assert (held.action, held.auto_held, held.responded_at) == (ReviewAction.HOLD, 1, clock.time)
    assert run.status == RunStatus.REVIEW
    assert uow.reviews.hold_overdue() == []


def test_what_was_answered_is_never_held(uow: UnitOfWork, clock: SetClock) -> None:
    """However much time passes."""
    run = a_run_in_review(uow)
    row = reviews.approve(uow, run.id)
    clock.let_pass(timedelta(days=9))
    assert uow.reviews.hold_overdue() == []
    assert (row.action, row.auto_held) == (ReviewAction.APPROVE, 0)


def test_the_queue_has_the_longest_waiting_run_first(uow: UnitOfWork, clock: SetClock) -> None:
    """Held runs wait since they were held; a run that nobody was asked about comes last."""
    unasked = a_running_run(uow, "d")
    unasked.send_to_review()
    held = a_run_in_review(uow, "a")
    clock.let_pass(timedelta(hours=1))
    asked = a_run_in_review(uow, "b")
    a_pending_run(uow, "c")
    clock.let_pass(timedelta(hours=2))
    reviews.hold(uow, held.id)
    clock.let_pass(timedelta(minutes=30))
    waiting = reviews.queue(uow)
    assert [(one.run, one.waited, one.is_held) for one in waiting] == [
        (asked, timedelta(hours=2, minutes=30), False),
        (held, timedelta(minutes=30), True),
        (unasked, timedelta(0), False),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (reviews.hold, reviews.approve),
        (reviews.approve, reviews.hold),
        (reviews.hold, reviews.hold),
        (reviews.request, reviews.request),
        (reviews.request, reviews.approve),
        (skip_4_and_7, reviews.hold),
    ],
)
def test_of_two_decisions_at_once_one_is_made(
    store: Store, one: Callable[..., object], other: Callable[..., object]
) -> None:
    """Also of two that leave the run where it is."""
    with store.unit_of_work() as uow:
        run_id = a_run_in_review(uow).id
        reviews.hold(uow, run_id)
        uow.commit()
    with store.unit_of_work() as first, store.unit_of_work() as second:
        one(first, run_id)
        other(second, run_id)
        first.commit()
        with pytest.raises(Conflict):
            second.commit()
    with store.unit_of_work() as uow:
        assert len(uow.reviews.for_run(run_id)) == 2
