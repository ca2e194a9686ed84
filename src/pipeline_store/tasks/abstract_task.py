"""What every store does alike with tasks that are held, moved and decided on."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic

import attrs

from pipeline_store import values
from pipeline_store.claim import Claim, check_claim, check_lease
from pipeline_store.repository import Session, check_kind
from pipeline_store.tasks import claiming
from pipeline_store.tasks.claiming import MOST_ATTEMPTS
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
from pipeline_store.tasks.quota import ReservationState, after_loss
from pipeline_store.tasks.repository import TaskRepository
from pipeline_store.tasks.task import UNKNOWN, Task, check_reason, checked_move

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta
    from uuid import UUID

    from pipeline_store.tasks.claiming import ClaimRequest
    from pipeline_store.tasks.history import TaskTransition, TaskTransitionRepository
    from pipeline_store.tasks.state import TaskStatus


class AbstractTaskRepository(TaskRepository, Generic[Session]):
    """What workers and people do with tasks, over what a store finds and keeps."""

    _session: Session
    _history: TaskTransitionRepository

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
            self._account_for([held], settled)
            return held
        check_kind(Task, task)
        task.check_advance(wanted)
        self.add(task)
        was_held, settled = task.lease_expires_at is not None, after_loss(task.status)
        check_not_held(task, self._lease_now(), force=force)
        move_by_hand(task, wanted, actor, reason)
        if was_held:
            self._account_for([task], settled)
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
        return self._hand_out(wanted)

    def heartbeat(self, claim: Claim[Task], lease: timedelta) -> Claim[Task]:
        """See `TaskRepository.heartbeat`."""
        check_lease(lease)
        task = self._held(claim)
        ends = self._lease_now() + lease
        claiming.prolong(task, ends)
        self._session.flush()
        return attrs.evolve(claim, expires_at=ends)

    def complete(self, claim: Claim[Task]) -> None:
        """See `TaskRepository.complete`."""
        check_claim(claim, Task)
        self.complete_many([claim])

    def fail(self, claim: Claim[Task], message: str) -> Task:
        """See `TaskRepository.fail`."""
        values.check_text("message", message)
        task = self._held(claim)
        claiming.move_to_error(task, claim.worker, message)
        self._account_for([task], ReservationState.SPENT)
        return task

    def release(self, claim: Claim[Task]) -> None:
        """See `TaskRepository.release`."""
        task = self._held(claim)
        claiming.give_back(task, claim.worker)
        self._account_for([task], ReservationState.REFUNDED)

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

    def _at_gate(self, task_id: UUID, review: int | None) -> Task:
        self._session.check_writable()
        task = self.get(task_id)
        check_decidable(task, review, self._history.for_task(task_id))
        return task

    @abstractmethod
    def _hand_out(self, wanted: ClaimRequest) -> list[Claim[Task]]:
        """Lease the tasks that are next, and return the claims on them, in their order."""

    @abstractmethod
    def _held(self, claim: Claim[Task]) -> Task:
        """Return the task of a claim.

        Raises:
            LeaseLost: the claim has ended.
        """

    @abstractmethod
    def _account_for(self, moved: Iterable[Task], state: ReservationState) -> None:
        """Settle what the tasks have reserved, and reserve for what their holders do next."""

    @abstractmethod
    def _lease_now(self) -> datetime:
        """Return the present instant by the clock that judges leases."""
