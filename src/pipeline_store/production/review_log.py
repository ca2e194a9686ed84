"""What people were asked about a run, and what they answered."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from pipeline_store import values
from pipeline_store.entity import change, entity
from pipeline_store.errors import Conflict, InvalidValue
from pipeline_store.fields import choice, identity, instant, integer, reference, text
from pipeline_store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable

REVIEW_LIMIT: Final = timedelta(hours=4)
"""How long a request may wait for an answer before it is held."""

MOST_DIGITS: Final = 19
"""Digits of the greatest rank that a clip can have; Python may refuse to read far longer ones."""


class ReviewAction(StrEnum):
    """What was answered."""

    APPROVE = "approve"
    REJECT = "reject"
    HOLD = "hold"
    SKIP = "skip"
    REDO_SCRIPT = "redo_script"


@entity
class ReviewLog:
    """One request, with its answer once there is one; a later answer is a row of its own."""

    id: int = identity()
    pipeline_run_id: int = reference("pipeline_runs")
    sent_at: datetime = instant(default=None, now_by_default=True)
    responded_at: datetime | None = instant(default=None)
    action: ReviewAction | None = choice(ReviewAction, default=None)
    #: For example "skip 4,7".
    response_detail: str | None = text(default=None)
    #: 1: held because nobody answered in time.
    auto_held: int = integer(default=0, most=1)

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered yet."""
        return self.action is None and self.responded_at is None

    def answer(self, action: ReviewAction, at: datetime, detail: str | None = None) -> None:
        """Record the answer.

        Raises:
            Conflict: it was answered already.
            InvalidValue: it does not say what was decided, or when.
        """
        if not self.is_open:
            message = f"review {self.id} was answered with {self.action} at {self.responded_at}"
            raise Conflict(message)
        # The fields may be empty, while nobody has answered; an answer has both.
        said = values.as_member("action", ReviewAction, action)
        when = values.as_instant("responded_at", at)
        change(self, action=said, responded_at=when, response_detail=detail)

    def hold_unanswered(self, at: datetime) -> None:
        """Record that nobody answered in time.

        Raises:
            Conflict: it was answered already.
        """
        self.answer(ReviewAction.HOLD, at)
        self.auto_held = 1


def skipped_ranks(reviews: Iterable[ReviewLog]) -> frozenset[int]:
    """Return the ranks of the clips that these reviews skipped, read from "skip 4,7"."""
    details = [r.response_detail or "" for r in reviews if r.action == ReviewAction.SKIP]
    numbers = [number for detail in details for number in re.findall(r"\d+", detail)]
    return frozenset(int(number) for number in numbers if len(number) <= MOST_DIGITS)


def due_before(now: datetime, limit: object) -> datetime:
    """Return the instant that a request must be sent at or before to be overdue now.

    Raises:
        InvalidValue: `limit` is no length of time, negative, or longer ago than 1970.
    """
    if not isinstance(limit, timedelta):
        raise InvalidValue(f"limit: timedelta expected, found {type(limit).__name__}")
    longest = now - values.EARLIEST
    if not timedelta(0) <= limit <= longest:
        raise InvalidValue(f"limit: 0 to {longest} expected, found {limit}")
    return now - limit


class ReviewLogRepository(Repository[ReviewLog, int], Protocol):
    """All requests and answers."""

    def for_run(self, run_id: int) -> list[ReviewLog]:
        """Return the run's requests and answers, oldest first (by `sent_at`, then id)."""
        ...

    def open_for(self, run_id: int) -> ReviewLog | None:
        """Return the run's newest request that nobody has answered, or None."""
        ...

    def waiting(self) -> list[ReviewLog]:
        """Return the unanswered requests of all runs, the longest waiting first."""
        ...

    def hold_overdue(self, limit: timedelta = REVIEW_LIMIT) -> list[ReviewLog]:
        """Hold every request that has waited for `limit` or longer, and return those held now.

        A request that is answered at the same moment is either answered or held, never both. The
        run stays in review.
        """
        ...
