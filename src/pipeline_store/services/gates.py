"""Tasks that wait at a gate for a person: how long they have, who is reminded, what is held.

A review has a deadline. Some time before it, its reviewer is warned once; when nobody has answered
by then, the task is held: it stays at its gate, is neither approved nor rejected, and is not warned
of again, but can still be decided. Each further entry into a gate starts anew.

A job calls `warn` and `hold_overdue` every few minutes, commits, and passes on what they return.
Both may be repeated. A decision at the same moment ends in a `Conflict` for the later one, and then
nothing of the later unit of work was written: it is done again, and finds what happened.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen

from pipeline_store.errors import InvalidValue

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store.tasks import PendingReview, Task
    from pipeline_store.unit_of_work import UnitOfWork

DEADLINE: Final = timedelta(hours=24)
"""How long a review may wait, unless told otherwise."""

WARN_BEFORE: Final = timedelta(hours=2)
"""How long before the deadline somebody is warned, unless told otherwise."""

SHORTEST_DEADLINE: Final = timedelta(seconds=1)
LONGEST_DEADLINE: Final = timedelta(days=3_650)

MOST_WAITING: Final = 10_000
"""How many reviews are looked at in one call, the longest waiting first."""


@frozen(kw_only=True)
class GateReview:
    """A task that waits at a gate, and how long it may."""

    task: Task
    #: What a decision names, so that one on an older entry into the gate is refused.
    review: int
    #: When it came to the gate.
    since: datetime
    waiting: timedelta
    #: When it will be held, or should have been.
    answer_until: datetime
    warned_at: datetime | None
    held_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it was not held yet."""
        return self.held_at is None

    @property
    def is_overdue(self) -> bool:
        """Whether the deadline has passed without an answer, and nobody has held it yet."""
        return self.is_open and self.since + self.waiting >= self.answer_until


def waiting(
    uow: UnitOfWork, *, deadline: timedelta = DEADLINE, limit: int = 100
) -> list[GateReview]:
    """Return the tasks that wait at a gate, held ones included, the longest waiting first.

    `limit` is 1 to 10,000.

    Raises:
        InvalidValue: the deadline is no length of time from 1 second to 10 years.
    """
    _check_length("deadline", deadline, least=SHORTEST_DEADLINE)
    return [_gate_review(each, deadline) for each in uow.tasks.pending_reviews(limit)]


def due_for_warning(
    uow: UnitOfWork, *, deadline: timedelta = DEADLINE, warn_before: timedelta = WARN_BEFORE
) -> list[GateReview]:
    """Return the reviews whose deadline is near and of which nobody was warned, longest first.

    One whose deadline has passed is not among them: it is held, which says as much.

    Raises:
        InvalidValue: `deadline` is none from 1 second to 10 years, or `warn_before` none up to it.
    """
    _check_length("deadline", deadline, least=SHORTEST_DEADLINE)
    _check_length("warn_before", warn_before, least=timedelta(0), most=deadline)
    return [
        each
        for each in waiting(uow, deadline=deadline, limit=MOST_WAITING)
        if each.is_open
        and not each.is_overdue
        and each.warned_at is None
        and each.waiting >= deadline - warn_before
    ]


def warn(
    uow: UnitOfWork, *, deadline: timedelta = DEADLINE, warn_before: timedelta = WARN_BEFORE
) -> list[GateReview]:
    """Mark the reviews that are due for a warning as warned of, and return them.

    Whoever commits this warns the reviewers; the next call does not return them again.

    Raises:
        InvalidValue: as for `due_for_warning`.
    """
    due = due_for_warning(uow, deadline=deadline, warn_before=warn_before)
    now = uow.now()
    for each in due:
        each.task.warned_at = now
    return [evolve(each, warned_at=now) for each in due]


def hold_overdue(uow: UnitOfWork, *, deadline: timedelta = DEADLINE) -> list[GateReview]:
    """Hold the tasks that nobody has decided about in time, and return them, longest first.

    They stay where they are, and can still be approved or rejected.

    Raises:
        InvalidValue: the deadline is no length of time from 1 second to 10 years.
    """
    overdue = [
        each for each in waiting(uow, deadline=deadline, limit=MOST_WAITING) if each.is_overdue
    ]
    now = uow.now()
    for each in overdue:
        each.task.held_at = now
    return [evolve(each, held_at=now) for each in overdue]


def _gate_review(pending: PendingReview, deadline: timedelta) -> GateReview:
    return GateReview(
        task=pending.task,
        review=pending.review,
        since=pending.since,
        waiting=pending.waiting,
        answer_until=pending.since + deadline,
        warned_at=pending.task.warned_at,
        held_at=pending.task.held_at,
    )


def _check_length(
    name: str, value: Any, *, least: timedelta, most: timedelta = LONGEST_DEADLINE
) -> None:
    if not isinstance(value, timedelta):
        raise InvalidValue(f"{name}: a timedelta expected, found {type(value).__name__}")
    if not least <= value <= most:
        raise InvalidValue(f"{name}: {least} to {most} expected, found {value}")
