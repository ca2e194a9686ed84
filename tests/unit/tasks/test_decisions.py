"""What a person may decide: at which gate, on which entry into it, and where a retry leads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline_store.errors import Conflict, IllegalTransition, InvalidValue
from pipeline_store.tasks import ERRORS, GATES, STAGES, TaskStatus
from pipeline_store.tasks.decisions import (
    approved_to,
    check_decidable,
    check_decision,
    check_not_held,
    check_retry,
    move_by_hand,
    rejected_to,
    retried_to,
)
from tests.unit.tasks.made_up import NOON, a_move, a_task

HOUR = timedelta(hours=1)
HISTORY = [
    a_move("generating_video", "video_ready", 1, review=1),
    a_move("video_ready", "video_error", 2, review=1, actor="ann", reason="too dark"),
    a_move("video_error", "generating_video", 3, review=1, actor="ann"),
    a_move("generating_video", "video_ready", 4, review=2),
]


class TestGates:
    """Approving and rejecting."""

    @pytest.mark.parametrize("gate", GATES)
    def test_at_a_gate(self, gate: TaskStatus) -> None:
        task = a_task(status=gate, review_token=2)
        check_decidable(task, None, [])
        check_decidable(task, 2, [])
        assert approved_to(task) == STAGES[gate].onward[0]
        assert rejected_to(task) == STAGES[gate].error

    @pytest.mark.parametrize("status", [status for status in TaskStatus if status not in GATES])
    def test_elsewhere(self, status: TaskStatus) -> None:
        task = a_task(status=status, review_token=2)
        with pytest.raises(IllegalTransition) as refused:
            check_decidable(task, None, [])
        assert refused.value.legal == STAGES[status].moves
        with pytest.raises(Conflict):
            check_decidable(task, 2, HISTORY)

    def test_an_older_entry_says_who_decided_what_and_when(self) -> None:
        task = a_task(status="video_ready", review_token=2)
        with pytest.raises(Conflict) as refused:
            check_decidable(task, 1, HISTORY)
        at = HISTORY[1].moved_at.isoformat()
        told = f"ann moved it from video_ready to video_error at {at}: too dark"
        assert told in str(refused.value)
        check_decidable(task, 2, HISTORY)

    @pytest.mark.parametrize("review", [0, 3, 99])
    def test_an_entry_that_never_was(self, review: int) -> None:
        task = a_task(status="video_ready", review_token=2)
        with pytest.raises(Conflict, match="never"):
            check_decidable(task, review, HISTORY)

    @pytest.mark.parametrize("review", [-1, True, 1.0, "1"])
    def test_what_is_no_review(self, review: Any) -> None:
        with pytest.raises(InvalidValue):
            check_decision("ann", review)

    @pytest.mark.parametrize("actor", [None, "", 1, "x" * 256])
    def test_nobody_decides(self, actor: Any) -> None:
        check_decision("ann", None)
        with pytest.raises(InvalidValue, match="actor"):
            check_decision(actor, 1)

    def test_a_decision_without_a_reason(self) -> None:
        history = [a_move("final_review", "approved", 2, review=1, actor="bob")]
        with pytest.raises(Conflict, match=r"bob moved it .*\+00:00$"):
            check_decidable(a_task(status="approved", review_token=1), 1, history)

    def test_what_has_no_error_stays_where_it_is(self) -> None:
        assert rejected_to(a_task(status="queued")) == TaskStatus.QUEUED


class TestHeldTasks:
    """An operator and a worker want the same task."""

    def test_nobody_holds_it(self) -> None:
        task = a_task(lease_token=3)
        check_not_held(task, NOON, force=False)
        move_by_hand(task, STAGES[task.status].moves[0], "ann", None)
        assert task.lease_token == 3

    def test_a_worker_holds_it(self) -> None:
        task = a_task(worker="w1", lease_token=3, lease_expires_at=NOON + HOUR)
        with pytest.raises(Conflict, match=r"held by w1 until .* force"):
            check_not_held(task, NOON, force=False)
        assert (task.worker, task.lease_token) == ("w1", 3)

    @pytest.mark.parametrize(("ends", "force"), [(NOON + HOUR, True), (NOON, False)])
    def test_it_is_taken_by_force_or_after_the_end(self, ends: Any, force: bool) -> None:
        """The token then rises, so that a late write of the worker is refused."""
        task = a_task(worker="w1", lease_token=3, lease_expires_at=ends)
        check_not_held(task, NOON, force=force)
        with pytest.raises(IllegalTransition):
            move_by_hand(task, TaskStatus.PUBLISHED, "ann", None)
        assert (task.worker, task.lease_token, task.lease_expires_at) == ("w1", 3, ends)
        move_by_hand(task, STAGES[task.status].moves[0], "ann", None)
        assert (task.worker, task.lease_token, task.lease_expires_at) == (None, 4, None)


class TestRetry:
    """Where a task that failed begins again."""

    @pytest.mark.parametrize("failed", [s for s in TaskStatus if STAGES[s].error is not None])
    def test_at_the_row_of_what_failed(self, failed: TaskStatus) -> None:
        task = a_task(status=failed)
        error = STAGES[failed].error
        assert error is not None
        task.advance(error, "w1")
        assert retried_to(task, None) == STAGES[failed].retry_at

    @pytest.mark.parametrize("error", ERRORS)
    def test_at_another_legal_one(self, error: TaskStatus) -> None:
        task = a_task(status=error)
        for wanted in TaskStatus:
            if wanted in STAGES[error].moves:
                assert retried_to(task, wanted) == wanted
            else:
                with pytest.raises(IllegalTransition):
                    retried_to(task, wanted)

    @pytest.mark.parametrize("error", ERRORS)
    def test_of_one_added_as_failed_begins_at_the_first(self, error: TaskStatus) -> None:
        assert retried_to(a_task(status=error), None) == STAGES[error].moves[0]

    def test_a_stage_of_another_error_does_not_count(self) -> None:
        task = a_task(status="audio_error", failed_stage="assembling")
        assert retried_to(task, None) == TaskStatus.GENERATING_AUDIO

    @pytest.mark.parametrize("status", [status for status in TaskStatus if status not in ERRORS])
    def test_of_what_has_not_failed(self, status: TaskStatus) -> None:
        with pytest.raises(IllegalTransition):
            retried_to(a_task(status=status), None)

    @pytest.mark.parametrize("wanted", ["done", 1, ""])
    def test_what_is_no_status(self, wanted: Any) -> None:
        with pytest.raises(InvalidValue):
            retried_to(a_task(status="audio_error"), wanted)

    @pytest.mark.parametrize("wanted", ["done", 1, ""])
    def test_what_is_refused_before_it_is_looked_for(self, wanted: Any) -> None:
        check_retry("ann", None)
        with pytest.raises(InvalidValue, match="to"):
            check_retry("ann", wanted)
        with pytest.raises(InvalidValue, match="actor"):
            check_retry("", None)
