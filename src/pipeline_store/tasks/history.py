"""What happened to a task: every change of its status, and the time between them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from attrs import frozen

from pipeline_store.entity import entity
from pipeline_store.fields import choice, instant, integer, text, uuid_identity, uuid_reference
from pipeline_store.repository import Repository
from pipeline_store.tasks.state import GATES, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CLOCK_TICK: Final = timedelta(microseconds=1)
"""How much later than the last move one is that is made by a clock behind it."""


@entity
class TaskTransition:
    """One change of a task's status."""

    id: UUID = uuid_identity()
    task_id: UUID = uuid_reference("tasks", on_delete="cascade")
    moved_at: datetime = instant(default=None, now_by_default=True)
    from_status: TaskStatus = choice(TaskStatus)
    to_status: TaskStatus = choice(TaskStatus)
    #: By whom; "unknown" for an assignment that did not say.
    actor: str = text()
    reason: str | None = text(default=None)
    #: The number of the entry into a gate that this one is, or that it ends.
    review_token: int = integer(default=0)


class TaskTransitionRepository(Repository[TaskTransition, UUID], Protocol):
    """The history of all tasks; written by every change of a status."""

    def for_task(self, task_id: UUID) -> list[TaskTransition]:
        """Return the task's changes of status, oldest first."""
        ...


def moved_at(now: datetime, last_moved: datetime) -> datetime:
    """Return when a move is said to be made: now, but never before the last one.

    Machines whose clocks differ write one history, and its order must not depend on them.
    """
    return now if now >= last_moved else last_moved + CLOCK_TICK


@frozen
class Stay:
    """A time that a task spent in one status."""

    status: TaskStatus
    since: datetime
    #: None while it is still there.
    until: datetime | None
    #: Up to now, while it is still there.
    duration: timedelta

    @property
    def at_gate(self) -> bool:
        """Whether it waited for a person."""
        return self.status in GATES


def stays(
    first: TaskStatus, created_at: datetime, transitions: Iterable[TaskTransition], now: datetime
) -> Iterator[Stay]:
    """Yield how long a task was in each status, oldest first.

    Args:
        first: the status in which it was added.
        created_at: when it was added.
        transitions: its history, oldest first.
        now: where the present stay is measured to.
    """
    status, since = first, created_at
    for move in transitions:
        yield Stay(status, since, move.moved_at, move.moved_at - since)
        status, since = move.to_status, move.moved_at
    yield Stay(status, since, None, now - since)
