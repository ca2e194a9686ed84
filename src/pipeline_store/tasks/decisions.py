"""What a person decides about a task: an approval, a rejection, a retry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_store import values
from pipeline_store.errors import Conflict, IllegalTransition
from pipeline_store.tasks.state import ERRORS, GATES, STAGES, TaskStatus, approved_by
from pipeline_store.tasks.task import check_actor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline_store.tasks.history import TaskTransition
    from pipeline_store.tasks.task import Task


def check_not_held(task: Task, now: datetime, *, force: bool) -> None:
    """Refuse to move a task that a worker holds, unless forced.

    Raises:
        Conflict: a worker holds it.
    """
    ends = task.lease_expires_at
    if ends is not None and ends > now and not force:
        raise Conflict(
            f"task {task.id} is held by {task.worker} until {ends.isoformat()}: wait, or force"
        )


def move_by_hand(task: Task, to: TaskStatus, actor: str, reason: str | None) -> None:
    """Move the task, and take it from the worker whose lease is on it, ended or not.

    Raises:
        IllegalTransition: the workflow does not allow it; nothing was changed.
    """
    was_leased = task.lease_expires_at is not None
    task.advance(to, actor, reason)
    if was_leased:
        object.__setattr__(task, "lease_token", task.lease_token + 1)
        object.__setattr__(task, "lease_expires_at", None)
        object.__setattr__(task, "worker", None)


def check_decision(actor: Any, review: Any) -> None:
    """Refuse a decision by nobody, or on what is no review.

    Raises:
        InvalidValue: one of them is no value of its kind.
    """
    check_actor(actor)
    if review is not None:
        values.check_integer("review", review, least=0)


def check_retry(actor: Any, to: Any) -> None:
    """Refuse a retry by nobody, or at what is no status.

    Raises:
        InvalidValue: one of them is no value of its kind.
    """
    check_actor(actor)
    if to is not None:
        values.as_member("to", TaskStatus, to)


def check_decidable(task: Task, review: int | None, history: Sequence[TaskTransition]) -> None:
    """Refuse a decision on a gate that the task has left, or left and entered again.

    Raises:
        Conflict: saying who decided what and when.
        IllegalTransition: it waits at no gate, and no review was named.
    """
    if review is not None:
        if review != task.review_token or task.status not in GATES:
            raise Conflict(_decided(task, review, history))
    elif task.status not in GATES:
        raise IllegalTransition(
            f"task {task.id}", task.status, "approved or rejected", STAGES[task.status].moves
        )


def _decided(task: Task, review: int, history: Sequence[TaskTransition]) -> str:
    decisions = [
        move for move in history if move.from_status in GATES and move.review_token == review
    ]
    if not decisions:
        return f"task {task.id} was never at a gate under review {review}"
    last = decisions[-1]
    reason = f": {last.reason}" if last.reason else ""
    return (
        f"review {review} of task {task.id} was decided: {last.actor} moved it from "
        f"{last.from_status} to {last.to_status} at {last.moved_at.isoformat()}{reason}"
    )


def rejected_to(task: Task) -> TaskStatus:
    """Return where a rejection at the task's gate leads."""
    error = STAGES[task.status].error
    return task.status if error is None else error


def approved_to(task: Task) -> TaskStatus:
    """Return where an approval at the task's gate leads."""
    return approved_by(task.status)


def retried_to(task: Task, wanted: TaskStatus | None) -> TaskStatus:
    """Return where a failed task begins again: at the stage that failed, or where it is wanted.

    Raises:
        IllegalTransition: it has not failed, or may not go there.
    """
    legal = STAGES[task.status].moves
    if task.status not in ERRORS:
        raise IllegalTransition(f"task {task.id}", task.status, "retried", legal)
    stage = None if task.failed_stage is None else STAGES[task.failed_stage].retry_at
    if wanted is None:
        return legal[0] if stage is None or stage not in legal else stage
    to: TaskStatus = values.as_member("to", TaskStatus, wanted)
    if to not in legal:
        raise IllegalTransition(f"task {task.id}", task.status, to, legal)
    return to
