"""A task by itself: its defaults, how it moves, and what follows a move."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.entity import fields_of
from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.tasks import ERRORS, GATES, STAGES, PriorityLevel, Task, TaskStatus
from pipeline_store.tasks.task import pending_review
from tests.integration.contract.in_turn import in_turn
from tests.unit.tasks.made_up import NOON, a_task, stored

if TYPE_CHECKING:
    from collections.abc import Callable

ENDS_A_LEASE = {*GATES, *ERRORS, *(TaskStatus.DRAFT, TaskStatus.QUEUED, TaskStatus.PUBLISHED)}


def values_of(task: Task) -> dict[str, Any]:
    return {field.name: getattr(task, field.name) for field in fields_of(Task)}


def held(**values: Any) -> Task:
    """A task that a worker holds, in its third attempt, of which somebody was warned."""
    lease: dict[str, Any] = {"worker": "w1", "lease_expires_at": NOON, "lease_token": 7}
    marks: dict[str, Any] = {"warned_at": NOON, "held_at": NOON}
    return a_task(**lease, **marks, attempts=3, review_token=4, **values)


WAYS: dict[str, Callable[[Task, Any], None]] = {
    "advance": lambda task, wanted: task.advance(wanted, "ann", "since"),
    "assign": lambda task, wanted: setattr(task, "status", wanted),
}
ways = pytest.mark.parametrize("way", WAYS)


def test_a_new_task_is_a_normal_draft() -> None:
    task = a_task()
    assert (task.status, task.priority) == (TaskStatus.DRAFT, PriorityLevel.NORMAL)
    assert (task.error_log, task.youtube_url, task.failed_stage) == (None, None, None)
    assert (task.review_token, task.lease_token, task.attempts) == (0, 0, 0)


@pytest.mark.parametrize("status", TaskStatus)
def test_a_task_may_begin_anywhere(status: TaskStatus) -> None:
    task = a_task(status=status.value)
    assert task.status is status
    assert task.record_changes(values_of(task), NOON) == []


@ways
@in_turn("found", list(TaskStatus))
def test_legal_moves_are_made(way: str, found: TaskStatus) -> None:
    for wanted in STAGES[found].moves:
        task = held(status=found)
        WAYS[way](task, wanted.value)
        assert task.status is wanted


@ways
@in_turn("found", list(TaskStatus))
def test_any_other_move_changes_nothing(way: str, found: TaskStatus) -> None:
    """The error names both statuses and the legal ones; `advance` refuses to stay, too."""
    task = held(status=found)
    before = values_of(task)
    for wanted in set(TaskStatus) - set(STAGES[found].moves):
        if way == "assign" and found == wanted:
            task.status = wanted
        else:
            with pytest.raises(IllegalTransition) as refused:
                WAYS[way](task, wanted)
            error = refused.value
            assert (error.found, error.wanted, error.legal) == (found, wanted, STAGES[found].moves)
            assert all(status in str(error) for status in (found, wanted, *error.legal))
        assert values_of(task) == before
        assert task.record_changes(before, NOON) == []


@ways
@pytest.mark.parametrize("wanted", ["done", "", None, 3, "DRAFT"])
def test_what_is_no_status(way: str, wanted: Any) -> None:
    task = a_task()
    with pytest.raises(InvalidValue):
        WAYS[way](task, wanted)
    assert task.status == TaskStatus.DRAFT


@ways
@in_turn("found", list(TaskStatus))
def test_what_follows_a_move(way: str, found: TaskStatus) -> None:
    """Gates issue a token, errors keep the stage, leases end where no worker has anything to do."""
    for wanted in STAGES[found].moves:
        task = held(status=found)
        WAYS[way](task, wanted)
        assert task.review_token == (5 if wanted in GATES else 4)
        assert task.failed_stage == (found if wanted in ERRORS else None)
        assert (task.warned_at, task.held_at, task.attempts) == (None, None, 0)
        lease = (None, None) if wanted in ENDS_A_LEASE else ("w1", NOON)
        assert (task.worker, task.lease_expires_at) == lease
        assert task.lease_token == 7


def test_an_error_leaves_a_line() -> None:
    task = a_task(status="generating_video", error_log="earlier")
    task.advance(TaskStatus.VIDEO_ERROR, "w1", "out of memory")
    task.advance(TaskStatus.ASSEMBLING, "ann")
    task.advance(TaskStatus.VIDEO_ERROR, "w2")
    assert task.error_log == (
        "earlier\ngenerating_video: out of memory (w1)\nassembling: no reason given (w2)"
    )


def test_the_error_log_only_grows() -> None:
    task = a_task()
    task.log_error("one")
    task.log_error("two")
    task.error_log = "one\ntwo\nthree"
    for shorter in (None, "", "one", "two\nthree", "zero\none\ntwo\nthree"):
        with pytest.raises(InvalidValue, match="log_error"):
            task.error_log = shorter
    for bad in (None, b"four", "\x00", "\ud800"):
        with pytest.raises(InvalidValue):
            task.log_error(bad)  # type: ignore[arg-type]
    assert task.error_log == "one\ntwo\nthree"


@pytest.mark.parametrize(
    "arguments",
    [{"actor": ""}, {"actor": None}, {"actor": "x" * 256}, {"reason": 1}, {"reason": "\x00"}],
)
def test_a_move_by_nobody_or_for_no_text(arguments: dict[str, Any]) -> None:
    task = a_task()
    with pytest.raises(InvalidValue):
        task.advance(TaskStatus.QUEUED, **arguments)
    assert task.status == TaskStatus.DRAFT


@pytest.mark.parametrize("text", ["0" * 32, "x", "page 7", "x" * 32])
def test_page_ids_are_kept(text: str) -> None:
    assert a_task(notion_page_id=text).notion_page_id == text


def test_only_the_dashes_of_a_uuid_are_left_out() -> None:
    dashed = "018F6d2c-1b7a-7c3e-9f00-0123456789ab"
    assert a_task(notion_page_id=dashed).notion_page_id == dashed.replace("-", "")
    assert a_task(notion_page_id="a-b").notion_page_id == "a-b"
    for bad in ("", "x" * 33, dashed + "0", dashed.replace("-", "_"), 7, None):
        with pytest.raises(InvalidValue):
            a_task(notion_page_id=bad)


class TestHistory:
    """The rows that a store writes with a changed task."""

    def test_each_move_is_a_row(self) -> None:
        task = stored(status="generating_audio")
        before = values_of(task)
        task.advance(TaskStatus.AUDIO_READY, "w1", "spoken")
        task.status = TaskStatus.AUDIO_APPROVED
        rows = task.record_changes(before, NOON)
        assert [
            (row.from_status, row.to_status, row.actor, row.reason, row.review_token, row.moved_at)
            for row in rows
        ] == [
            ("generating_audio", "audio_ready", "w1", "spoken", 1, NOON),
            ("audio_ready", "audio_approved", "unknown", None, 1, NOON),
        ]
        assert task.status_since == NOON

    def test_it_is_told_once(self) -> None:
        task = stored()
        before = values_of(task)
        task.advance(TaskStatus.QUEUED, "ann")
        assert len(task.record_changes(before, NOON)) == 1
        assert task.record_changes(values_of(task), NOON + timedelta(1)) == []
        assert task.status_since == NOON

    def test_a_move_whose_story_is_lost_was_by_nobody_known(self) -> None:
        task = stored(status="claimed")
        before = values_of(task) | {"status": TaskStatus.QUEUED}
        [row] = task.record_changes(before, NOON)
        assert (row.from_status, row.to_status, row.actor) == ("queued", "claimed", "unknown")

    def test_there_and_back_is_two_rows(self) -> None:
        task = stored()
        before = values_of(task)
        task.status = TaskStatus.QUEUED
        task.status = TaskStatus.DRAFT
        assert [row.to_status for row in task.record_changes(before, NOON)] == ["queued", "draft"]


def test_what_is_shown_of_a_pending_review() -> None:
    task = a_task(status="final_review", review_token=3, status_since=NOON)
    shown = pending_review(task, NOON + timedelta(hours=5))
    assert (shown.task, shown.review, shown.since) == (task, 3, NOON)
    assert (shown.waiting, shown.held) == (timedelta(hours=5), False)
    task.held_at = NOON
    assert pending_review(task, NOON).held
