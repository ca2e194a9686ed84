"""Tasks in memory."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, final
from uuid import UUID

import attrs

from pipeline_store import values
from pipeline_store.claim import Claim, check_claim, check_lease, checked_claims
from pipeline_store.errors import LeaseLost
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.memory.tables import copy_of
from pipeline_store.memory.tasks.held import find_held_task, held_task
from pipeline_store.memory.tasks.history import MemoryTaskTransitionRepository
from pipeline_store.memory.tasks.queue import MemoryTaskQueue
from pipeline_store.repository import check_key, check_kind, check_limit, fill_from_clock
from pipeline_store.tasks import (
    GATES,
    MOST_ATTEMPTS,
    PendingReview,
    ReservationState,
    Task,
    TaskRepository,
    TaskStatus,
    TaskTransition,
    claiming,
)
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
from pipeline_store.tasks.new_tasks import check_new
from pipeline_store.tasks.quota import after_loss
from pipeline_store.tasks.task import (
    UNKNOWN,
    check_reason,
    checked_move,
    pending_review,
    without_dashes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from pipeline_store.clock import Clock
    from pipeline_store.memory.session import MemorySession


@final
class MemoryTaskRepository(MemoryRepository[Task, UUID], TaskRepository):
    """Tasks in memory."""

    collection = "tasks"

    def __init__(self, session: MemorySession, now: Clock) -> None:
        super().__init__(session, now)
        self._queue = MemoryTaskQueue(session)
        self._history = MemoryTaskTransitionRepository(session, now)

    def enqueue(self, tasks: Iterable[Task]) -> int:
        """See `TaskRepository.enqueue`."""
        self._session.check_writable()
        values.check_several("tasks", tasks)
        wanted = list(tasks)
        check_new(wanted)
        rows = [copy_of(task) for task in wanted]
        instant = self._now()
        for row in rows:
            # The same for all of them, which the order by keys goes on from.
            fill_from_clock(row, lambda: instant)
        return len(self._insert(rows))

    def by_notion_page_id(self, notion_page_id: str) -> Task | None:
        """See `TaskRepository.by_notion_page_id`."""
        check_key("notion_page_id", notion_page_id, str)
        wanted = without_dashes(notion_page_id)
        return next(iter(self._where(lambda task: task.notion_page_id == wanted)), None)

    def for_channel(self, channel_id: UUID, limit: int = 100) -> list[Task]:
        """See `TaskRepository.for_channel`."""
        values.check_uuid("channel_id", channel_id)
        return self._oldest(lambda task: task.channel_id == channel_id, limit)

    def in_status(self, status: TaskStatus, limit: int = 100) -> list[Task]:
        """See `TaskRepository.in_status`."""
        wanted = values.as_member("status", TaskStatus, status)
        return self._oldest(lambda task: task.status == wanted, limit)

    def count_by_status(self, channel_id: UUID | None = None) -> dict[TaskStatus, int]:
        """See `TaskRepository.count_by_status`."""
        if channel_id is not None:
            values.check_uuid("channel_id", channel_id)
        found = self._where(lambda task: channel_id is None or task.channel_id == channel_id)
        return dict(Counter(task.status for task in found))

    def advance(
        self,
        task: Task | Claim[Task],
        to: TaskStatus,
        actor: str = UNKNOWN,
        reason: str | None = None,
        force: bool = False,
    ) -> Task:
        """See `TaskRepository.advance`."""
        self._session.check_writable()
        wanted = checked_move(to, actor, reason)
        values.check_flag("force", force)
        if isinstance(task, Claim):
            held = self._held(task)
            settled = claiming.settled_by_move(held, wanted)
            claiming.move(held, task, wanted, actor, reason)
            self._account_for(held, settled)
            return held
        check_kind(Task, task)
        task.check_advance(wanted)
        self.add(task)
        was_held, settled = task.lease_expires_at is not None, after_loss(task.status)
        check_not_held(task, values.as_instant("clock", self._now()), force=force)
        move_by_hand(task, wanted, actor, reason)
        if was_held:
            self._account_for(task, settled)
        self._session.flush()
        return task

    def claim_next(
        self,
        worker: str,
        lease: timedelta,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        *,
        ageing: timedelta | None = None,
    ) -> Claim[Task] | None:
        """See `TaskRepository.claim_next`."""
        return next(
            iter(self.claim_batch(worker, 1, lease, stages, most_attempts, ageing=ageing)), None
        )

    def claim_batch(
        self,
        worker: str,
        n: int,
        lease: timedelta,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        *,
        ageing: timedelta | None = None,
    ) -> list[Claim[Task]]:
        """See `TaskRepository.claim_batch`."""
        self._session.check_writable()
        wanted = claiming.claim_request(worker, n, lease, stages, most_attempts, ageing=ageing)
        # What was changed here before comes before the claim in the history too.
        self._session.flush()
        return self._queue.hand_out(wanted, values.as_instant("clock", self._now()))

    def heartbeat(self, claim: Claim[Task], lease: timedelta) -> Claim[Task]:
        """See `TaskRepository.heartbeat`."""
        check_lease(lease)
        task = self._held(claim)
        ends = values.as_instant("clock", self._now()) + lease
        claiming.prolong(task, ends)
        self._session.flush()
        return attrs.evolve(claim, expires_at=ends)

    def complete(self, claim: Claim[Task]) -> None:
        """See `TaskRepository.complete`."""
        check_claim(claim, Task)
        self.complete_many([claim])

    def complete_many(self, claims: Iterable[Claim[Task]]) -> None:
        """See `TaskRepository.complete_many`."""
        self._session.check_writable()
        lost: list[Claim[Task]] = []
        several = checked_claims(claims, Task)
        for claim in {(each.item.id, each.token): each for each in several}.values():
            task = self._find_held(claim)
            if task is None:
                lost.append(claim)
            else:
                claiming.move_on(task, claim.worker)
                self._account_for(task, ReservationState.SPENT)
        self._session.flush()
        if lost:
            raise LeaseLost(claiming.lost_message(lost))

    def fail(self, claim: Claim[Task], message: str) -> Task:
        """See `TaskRepository.fail`."""
        values.check_text("message", message)
        task = self._held(claim)
        claiming.move_to_error(task, claim.worker, message)
        self._account_for(task, ReservationState.SPENT)
        return task

    def release(self, claim: Claim[Task]) -> None:
        """See `TaskRepository.release`."""
        task = self._held(claim)
        claiming.give_back(task, claim.worker)
        self._account_for(task, ReservationState.REFUNDED)

    def approve(self, task_id: UUID, actor: str, review: int | None = None) -> Task:
        """See `TaskRepository.approve`."""
        check_decision(actor, review)
        task = self._at_gate(task_id, review)
        return self.advance(task, approved_to(task), actor)

    def reject(self, task_id: UUID, actor: str, reason: str, review: int | None = None) -> Task:
        """See `TaskRepository.reject`."""
        check_decision(actor, review)
        check_reason(reason)
        task = self._at_gate(task_id, review)
        return self.advance(task, rejected_to(task), actor, reason)

    def retry(self, task_id: UUID, actor: str, to: TaskStatus | None = None) -> Task:
        """See `TaskRepository.retry`."""
        self._session.check_writable()
        check_retry(actor, to)
        task = self.get(task_id)
        return self.advance(task, retried_to(task, to), actor)

    def history(self, task_id: UUID) -> list[TaskTransition]:
        """See `TaskRepository.history`."""
        self.get(task_id)
        return self._history.for_task(task_id)

    def pending_reviews(self, limit: int = 100) -> list[PendingReview]:
        """See `TaskRepository.pending_reviews`."""
        check_limit(limit)
        now = values.as_instant("clock", self._now())
        waiting = self._where(lambda task: task.status in GATES)
        longest_first = sorted(waiting, key=attrgetter("status_since", "id"))
        return [pending_review(task, now) for task in longest_first[:limit]]

    def _account_for(self, task: Task, state: ReservationState) -> None:
        """Settle what the task has reserved, and reserve for what its holder does next."""
        self._session.flush()
        ledger = self._queue.ledger
        ledger.settle([task.id], state)
        if task.lease_expires_at is None:
            return
        project = ledger.project_of(task.channel_id)
        now = values.as_instant("clock", self._now())
        if not ledger.take_for(project, task.status, task.id, task.lease_token, now):
            claiming.end_lease(task)
        self._session.flush()

    def _held(self, claim: Claim[Task]) -> Task:
        return held_task(self._session, claim, self._now())

    def _find_held(self, claim: Claim[Task]) -> Task | None:
        return find_held_task(self._session, claim, self._now())

    def _at_gate(self, task_id: UUID, review: int | None) -> Task:
        self._session.check_writable()
        task = self.get(task_id)
        check_decidable(task, review, self._history.for_task(task_id))
        return task

    def _oldest(self, condition: Callable[[Task], bool], limit: int) -> list[Task]:
        check_limit(limit)
        return sorted(self._where(condition), key=attrgetter("created_at", "id"))[:limit]
