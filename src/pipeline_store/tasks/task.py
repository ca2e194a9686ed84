"""A documentary on its way through the workflow."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from attrs import frozen

from pipeline_store import values
from pipeline_store.entity import entity
from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.fields import (
    choice,
    instant,
    integer,
    key_text,
    text,
    uuid_identity,
    uuid_reference,
)
from pipeline_store.tasks.history import TaskTransition, moved_at
from pipeline_store.tasks.state import (
    ERRORS,
    GATES,
    RANKS,
    STAGES,
    UNHELD,
    PriorityLevel,
    TaskStatus,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

LONGEST_PAGE_ID: Final = 32
LONGEST_TITLE: Final = 255
LONGEST_TOPIC: Final = 500
LONGEST_URL: Final = 255

UNKNOWN: Final = "unknown"
"""Who moved a task when nobody said so."""

_UUID_WITH_DASHES: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@frozen
class Move:
    """A change of status that no history row was written for yet."""

    found: TaskStatus
    wanted: TaskStatus
    actor: str
    reason: str | None
    #: The entry into a gate that it is, or that it ends.
    review_token: int


def without_dashes(page_id: Any) -> Any:
    """Return a UUID that is spelled with dashes without them; anything else as it is."""
    if isinstance(page_id, str) and _UUID_WITH_DASHES.fullmatch(page_id):
        return page_id.replace("-", "")
    return page_id


def _move(task: Task, wanted: TaskStatus) -> None:
    task.check_move(wanted)
    _settle(task, wanted, UNKNOWN, None)


def _settle(task: Task, wanted: TaskStatus, actor: str, reason: str | None) -> None:
    """Let the other fields follow a legal change of status."""
    found = task.status
    if found == wanted:
        return
    held: dict[str, Any] = {
        "attempts": 0,
        "failed_stage": found if wanted in ERRORS else None,
        "warned_at": None,
        "held_at": None,
    }
    if wanted in GATES:
        held["review_token"] = task.review_token + 1
    if wanted in UNHELD:
        held |= {"worker": None, "lease_expires_at": None}
    for name, value in held.items():
        object.__setattr__(task, name, value)
    moves: list[Move] = vars(task).setdefault(_MOVES, [])
    moves.append(Move(found, wanted, actor, reason, task.review_token))


_MOVES: Final = "_moves_not_recorded"


def _rank(task: Task, priority: PriorityLevel) -> None:
    object.__setattr__(task, "rank", RANKS[priority])


def _only_longer(task: Task, wanted: str | None) -> None:
    before = task.error_log
    if before is not None and not (wanted or "").startswith(before):
        raise InvalidValue("error_log: lines are only added, see log_error()")


@entity
class Task:
    """One documentary. An assignment of `status` is checked like every other move.

    Claims, gates and errors change the fields behind `updated_at`; they are not assigned.
    """

    id: UUID = uuid_identity()
    channel_id: UUID = uuid_reference("channels")
    #: 1 to 32 characters; a UUID spelled with dashes is kept without them.
    notion_page_id: str = key_text(unique=True, longest=LONGEST_PAGE_ID, converter=without_dashes)
    title: str = text(longest=LONGEST_TITLE)
    topic: str = text(longest=LONGEST_TOPIC)
    story_direction: str = text()
    status: TaskStatus = choice(TaskStatus, default=TaskStatus.DRAFT, on_move=_move)
    priority: PriorityLevel = choice(PriorityLevel, default=PriorityLevel.NORMAL, on_move=_rank)
    #: One line for each error, oldest first; only ever added to.
    error_log: str | None = text(default=None, on_move=_only_longer)
    youtube_url: str | None = text(default=None, longest=LONGEST_URL)
    created_at: datetime = instant(default=None, now_by_default=True)
    updated_at: datetime = instant(default=None, now_by_default=True, now_on_change=True)
    #: Who holds it.
    worker: str | None = key_text(default=None)
    #: Grows with every claim; a write with an older one is refused.
    lease_token: int = integer(default=0)
    lease_expires_at: datetime | None = instant(default=None)
    #: Claims since the last advance or retry.
    attempts: int = integer(default=0)
    #: The status in which it failed; None unless it is in an error.
    failed_stage: TaskStatus | None = choice(TaskStatus, default=None)
    #: Grows with every entry into a gate; a decision that names an older one is refused.
    review_token: int = integer(default=0)
    #: When it came into its status.
    status_since: datetime = instant(default=None, now_by_default=True)
    #: When somebody was warned that it waits at its gate for long.
    warned_at: datetime | None = instant(default=None)
    #: When it was put on hold, since nobody decided in time.
    held_at: datetime | None = instant(default=None)
    #: What the queue goes by, 0 first: it follows the priority.
    rank: int = integer(default=RANKS[PriorityLevel.NORMAL], most=max(RANKS.values()))

    def __attrs_post_init__(self) -> None:
        """Let the rank follow the priority."""
        _rank(self, self.priority)

    def check_move(self, wanted: TaskStatus) -> None:
        """Refuse a move that the workflow does not allow; to the same status is none.

        Raises:
            IllegalTransition: naming both statuses and the legal ones.
        """
        if wanted != self.status:
            self.check_advance(wanted)

    def check_advance(self, wanted: TaskStatus) -> None:
        """Refuse what is no legal move, one to the same status included.

        Raises:
            IllegalTransition: naming both statuses and the legal ones.
        """
        moves = STAGES[self.status].moves
        if wanted not in moves:
            raise IllegalTransition(f"task {self.id}", self.status, wanted, moves)

    def advance(self, wanted: TaskStatus, actor: str = UNKNOWN, reason: str | None = None) -> None:
        """Move to another status.

        A move into an error also adds a line to the error log, with the reason. A log that is full
        keeps no failed task from moving: the line is cut, and stands whole in the history alone.

        Raises:
            IllegalTransition: the workflow does not allow it; nothing was changed.
            InvalidValue: actor or reason is no text that can be kept.
        """
        to = checked_move(wanted, actor, reason)
        self.check_advance(to)
        found = self.status
        _settle(self, to, actor, reason)
        object.__setattr__(self, "status", to)
        if to in ERRORS:
            self._log_failure(error_line(found, reason, actor))

    def record_changes(self, before: Mapping[str, Any], now: datetime) -> list[TaskTransition]:
        """Return the history of the task since its fields held `before`."""
        moves: list[Move] = vars(self).pop(_MOVES, [])
        found, status = before["status"], self.status
        if not moves or (moves[0].found, moves[-1].wanted) != (found, status):
            # What a rollback has parted from its history counts as one change by nobody known.
            lost = Move(found, status, UNKNOWN, None, self.review_token)
            moves = [] if found == status else [lost]
        if moves:
            now = moved_at(now, self.status_since)
            object.__setattr__(self, "status_since", now)
        return [
            TaskTransition(
                task_id=self.id,
                moved_at=now,
                from_status=move.found,
                to_status=move.wanted,
                actor=move.actor,
                reason=move.reason,
                review_token=move.review_token,
            )
            for move in moves
        ]

    def _log_failure(self, line: str) -> None:
        start = "" if self.error_log is None else f"{self.error_log}\n"
        room = values.LONGEST_TEXT - len(start)
        if room > 0:
            object.__setattr__(self, "error_log", start + line[:room])

    def log_error(self, line: str) -> None:
        """Add a line to the error log.

        Raises:
            InvalidValue: it is no text that can be kept, or the log has no room for it.
        """
        values.check_text("error_log", line)
        self.error_log = line if self.error_log is None else f"{self.error_log}\n{line}"


def error_line(found: TaskStatus, reason: str | None, actor: str) -> str:
    """Return what the error log says of a failure."""
    return f"{found}: {reason or 'no reason given'} ({actor})"


@frozen(kw_only=True)
class PendingReview:
    """A task that waits at a gate for a person."""

    task: Task
    #: What a decision names, so that one on an older entry into the gate is refused.
    review: int
    since: datetime
    waiting: timedelta
    #: Whether it was put on hold, since nobody decided in time.
    held: bool


def pending_review(task: Task, now: datetime) -> PendingReview:
    """Return what is shown of a task that waits at a gate."""
    since = task.status_since
    return PendingReview(
        task=task,
        review=task.review_token,
        since=since,
        waiting=now - since,
        held=task.held_at is not None,
    )


def check_actor(actor: Any) -> None:
    """Refuse nobody, and what cannot be kept as a name."""
    values.check_text("actor", actor, longest=values.LONGEST_KEY, empty=False)


def checked_move(wanted: Any, actor: Any, reason: Any) -> TaskStatus:
    """Return the status that is wanted, one of the enumeration.

    Raises:
        InvalidValue: it is none, or actor or reason is no text that can be kept.
    """
    to: TaskStatus = values.as_member("to", TaskStatus, wanted)
    check_actor(actor)
    if reason is not None:
        values.check_text("reason", reason)
    return to


def check_reason(reason: Any) -> None:
    """Refuse a rejection without a reason."""
    values.check_text("reason", reason, empty=False)
