"""What a store of tasks should hold, kept apart from it, and what must be true of every claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from pipeline_store.tasks import CLAIMABLE, ERRORS, GATES, STAGES, TaskStatus

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from pipeline_store import UnitOfWork
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task


class Violation(AssertionError):
    """A store has done what it never may."""


@attrs.define
class ExpectedTask:
    """What was acknowledged of one task."""

    channel: str
    key: UUID
    status: TaskStatus
    token: int = 0
    attempts: int = 0
    review: int = 0
    moves: int = 0
    lease_ends: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether somebody holds it."""
        return self.lease_ends is not None and self.lease_ends > now

    def move(self, to: TaskStatus) -> None:
        """It has gone to another status."""
        if to not in STAGES[self.status].moves:
            raise Violation(f"it went from {self.status} to {to}")
        self.status = to
        self.attempts = 0
        self.moves += 1
        self.review += to in GATES
        if to not in CLAIMABLE or to == TaskStatus.QUEUED:
            self.lease_ends = None

    def move_by_hand(self, to: TaskStatus) -> None:
        """Somebody has moved it who did not hold it; an earlier holder has it no more."""
        self.token += self.lease_ends is not None
        self.move(to)
        self.lease_ends = None


@attrs.define
class Expected:
    """What was acknowledged of all tasks."""

    most_attempts: int
    tasks: dict[str, ExpectedTask] = attrs.Factory(dict)
    #: The capacity of each.
    channels: dict[str, int] = attrs.Factory(dict)
    #: Channels of which nothing may be handed out, and why.
    resting: set[tuple[str, str]] = attrs.Factory(set)
    _given: set[tuple[str, int]] = attrs.Factory(set)

    def add(self, page: str, channel: str, key: UUID, status: TaskStatus) -> None:
        """A task was added."""
        self.tasks[page] = ExpectedTask(channel, key, status)

    def of(self, claim: Claim[Task]) -> ExpectedTask:
        """The task that was claimed."""
        return self.tasks[claim.item.notion_page_id]

    def holds(self, claim: Claim[Task], now: datetime) -> bool:
        """Whether the claim's lease has not ended."""
        known = self.of(claim)
        return known.token == claim.token and known.is_live(now)

    def claimed(self, claim: Claim[Task], now: datetime) -> None:
        """A task was handed out.

        Raises:
            Violation: it was not to be had.
        """
        known = self.of(claim)
        page = claim.item.notion_page_id
        if (page, claim.token) in self._given:
            raise Violation(f"{page} was handed out twice under {claim.token}")
        self._given.add((page, claim.token))
        if known.is_live(now):
            raise Violation(f"{page} was claimed before its lease ended")
        if known.status not in CLAIMABLE:
            raise Violation(f"{page} was claimed as {known.status}")
        if claim.token <= known.token:
            raise Violation(f"{page} was given {claim.token} after {known.token}")
        live = sum(
            each.is_live(now) for each in self.tasks.values() if each.channel == known.channel
        )
        if live >= self.channels[known.channel]:
            raise Violation(f"{known.channel} has {live + 1} leases")
        if any(name == known.channel for name, _ in self.resting):
            raise Violation(f"{page} was claimed of {known.channel}, which rests")
        attempts = known.attempts + 1
        if known.status == TaskStatus.QUEUED:
            known.move(TaskStatus.CLAIMED)
        known.attempts, known.token, known.lease_ends = attempts, claim.token, claim.expires_at

    def completed(self, claim: Claim[Task]) -> None:
        """The holder has let it go on."""
        known = self.of(claim)
        known.move(STAGES[known.status].onward[0])

    def advanced(self, claim: Claim[Task], to: TaskStatus) -> None:
        """The holder has moved it."""
        known = self.of(claim)
        if (known.status, to) == (TaskStatus.CLAIMED, TaskStatus.QUEUED):
            self.released(claim)
        else:
            known.move(to)

    def prolonged(self, claim: Claim[Task], ends: datetime) -> None:
        """The holder has said that it is at work."""
        self.of(claim).lease_ends = ends

    def released(self, claim: Claim[Task]) -> None:
        """The holder has given it back."""
        known = self.of(claim)
        attempts = max(known.attempts - 1, 0)
        if known.status == TaskStatus.CLAIMED:
            known.move(TaskStatus.QUEUED)
        known.attempts, known.lease_ends = attempts, None

    def check(self, uow: UnitOfWork, now: datetime) -> None:
        """Compare what the store holds.

        Raises:
            Violation: something was lost, or is there that nobody did.
        """
        stored = {task.notion_page_id: task for task in uow.tasks.page(limit=10_000)}
        if stored.keys() != self.tasks.keys():
            raise Violation(f"tasks: {sorted(stored)} for {sorted(self.tasks)}")
        for page, known in self.tasks.items():
            self._check_task(stored[page], known, now)
        moves = sum(known.moves for known in self.tasks.values())
        if uow.task_transitions.count() != moves:
            raise Violation(f"{uow.task_transitions.count()} moves are kept of {moves}")

    def _check_task(self, task: Task, known: ExpectedTask, now: datetime) -> None:
        if task.status != known.status and self._may_be_given_up(known, now):
            # Nobody is told of it but by the history.
            known.move(task.status)
            if task.status not in ERRORS:
                raise Violation(f"{task.notion_page_id} was given up as {task.status}")
        if known.lease_ends is not None and not known.is_live(now) and not task.lease_expires_at:
            # A claim has found that it has ended.
            known.lease_ends = None
        found: list[Any] = [task.status, task.attempts, task.lease_token, task.review_token]
        wanted: list[Any] = [known.status, known.attempts, known.token, known.review]
        found.append(task.lease_expires_at)
        wanted.append(known.lease_ends)
        if found != wanted:
            raise Violation(f"{task.notion_page_id} is {found}, and was {wanted}")

    def _may_be_given_up(self, known: ExpectedTask, now: datetime) -> bool:
        return known.attempts >= self.most_attempts and not known.is_live(now)
