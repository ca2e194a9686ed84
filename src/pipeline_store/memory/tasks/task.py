"""Tasks in memory."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, final
from uuid import UUID

from pipeline_store import values
from pipeline_store.claim import Claim, checked_claims, lease_lost
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.memory.session import MemorySession
from pipeline_store.memory.tables import copy_of
from pipeline_store.memory.tasks.held import find_held_task, held_task
from pipeline_store.memory.tasks.history import MemoryTaskTransitionRepository
from pipeline_store.memory.tasks.queue import MemoryTaskQueue
from pipeline_store.repository import check_key, check_limit, fill_from_clock
from pipeline_store.tasks import GATES, PendingReview, ReservationState, Task, TaskStatus, claiming
from pipeline_store.tasks.abstract_task import AbstractTaskRepository
from pipeline_store.tasks.new_tasks import check_new
from pipeline_store.tasks.task import pending_review, without_dashes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from pipeline_store.clock import Clock
    from pipeline_store.tasks.claiming import ClaimRequest


@final
class MemoryTaskRepository(MemoryRepository[Task, UUID], AbstractTaskRepository[MemorySession]):
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
        found = self._looked_at()
        return dict(Counter(each.status for each in found if channel_id in (None, each.channel_id)))

    def count_held(self, channel_id: UUID) -> int:
        """See `TaskRepository.count_held`."""
        values.check_uuid("channel_id", channel_id)
        now = self._lease_now()
        return sum(
            task.channel_id == channel_id
            and task.lease_expires_at is not None
            and task.lease_expires_at > now
            for task in self._looked_at()
        )

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
                self._account_for([task], ReservationState.SPENT)
        self._session.flush()
        if lost:
            raise lease_lost("task", lost)

    def pending_reviews(self, limit: int = 100) -> list[PendingReview]:
        """See `TaskRepository.pending_reviews`."""
        check_limit(limit)
        now = self._now()
        waiting = self._where(lambda task: task.status in GATES)
        longest_first = sorted(waiting, key=attrgetter("status_since", "id"))
        return [pending_review(task, now) for task in longest_first[:limit]]

    def _hand_out(self, wanted: ClaimRequest) -> list[Claim[Task]]:
        # What was changed here before comes before the claim in the history too.
        self._session.flush()
        return self._queue.hand_out(wanted, self._lease_now())

    def _account_for(self, moved: Iterable[Task], state: ReservationState) -> None:
        for task in moved:
            self._session.flush()
            self._queue.ledger.settle([task.id], state)
            if task.lease_expires_at is not None:
                self._reserve(task)

    def _reserve(self, task: Task) -> None:
        ledger = self._queue.ledger
        project, now = ledger.project_of(task.channel_id), self._lease_now()
        if not ledger.take_for(project, task.status, task.id, task.lease_token, now):
            claiming.end_lease(task)
        self._session.flush()

    def _held(self, claim: Claim[Task]) -> Task:
        return held_task(self._session, claim, self._now())

    def _find_held(self, claim: Claim[Task]) -> Task | None:
        return find_held_task(self._session, claim, self._now())

    def _oldest(self, condition: Callable[[Task], bool], limit: int) -> list[Task]:
        check_limit(limit)
        return sorted(self._where(condition), key=attrgetter("created_at", "id"))[:limit]

    def _lease_now(self) -> datetime:
        return self._now()
