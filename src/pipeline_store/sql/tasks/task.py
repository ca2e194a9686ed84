"""The table, the mapping and the repository of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.claim import Claim, checked_claims, refuse_lost
from pipeline_store.repository import check_key, check_limit
from pipeline_store.sql.bulk import append_rows
from pipeline_store.sql.columns import Instant
from pipeline_store.sql.known_objects import with_keys
from pipeline_store.sql.leases import CLOCKS
from pipeline_store.sql.repository import SqlRepository, batches
from pipeline_store.sql.session import GuardedSession
from pipeline_store.sql.tasks import postgresql_queue
from pipeline_store.sql.tasks.held import held_task, held_tasks, now_in_writing
from pipeline_store.sql.tasks.history import SqlTaskTransitionRepository
from pipeline_store.sql.tasks.quota_ledger import QuotaLedger
from pipeline_store.sql.tasks.quota_tables import quota_reservations
from pipeline_store.sql.tasks.sqlite_queue import SqliteTaskQueue
from pipeline_store.sql.tasks.tables import IS_AT_GATE, task_leases, tasks
from pipeline_store.tasks import (
    PendingReview,
    QuotaReservation,
    ReservationState,
    Task,
    TaskStatus,
    claiming,
)
from pipeline_store.tasks.abstract_task import AbstractTaskRepository
from pipeline_store.tasks.new_tasks import new_columns
from pipeline_store.tasks.task import pending_review, without_dashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipeline_store.clock import Clock
    from pipeline_store.tasks.claiming import ClaimRequest

TASKS_PER_STATEMENT: Final = 1_000
TASKS_PER_COPY: Final = 2_000


@final
class SqlTaskRepository(SqlRepository[Task, UUID], AbstractTaskRepository[GuardedSession]):
    """Tasks in the table tasks."""

    kind = Task
    table = tasks

    def __init__(self, session: GuardedSession, now: Clock) -> None:
        """See `SqlRepository`."""
        super().__init__(session, now)
        self._history = SqlTaskTransitionRepository(session, now)

    def enqueue(self, tasks: Iterable[Task]) -> int:
        """See `TaskRepository.enqueue`."""
        self._session.check_writable()
        values.check_several("tasks", tasks)
        written = 0
        with self._session.all_or_nothing():
            for batch in batches(tasks, TASKS_PER_COPY):
                append_rows(self._session, self.table, new_columns(batch, self._now))
                written += len(batch)
        return written

    def by_notion_page_id(self, notion_page_id: str) -> Task | None:
        """See `TaskRepository.by_notion_page_id`."""
        check_key("notion_page_id", notion_page_id, str)
        same = tasks.c.notion_page_id == without_dashes(notion_page_id)
        return self._first(sa.select(Task).where(same))

    def for_channel(self, channel_id: UUID, limit: int = 100) -> list[Task]:
        """See `TaskRepository.for_channel`."""
        values.check_uuid("channel_id", channel_id)
        return self._oldest(tasks.c.channel_id == channel_id, limit)

    def in_status(self, status: TaskStatus, limit: int = 100) -> list[Task]:
        """See `TaskRepository.in_status`."""
        return self._oldest(tasks.c.status == values.as_member("status", TaskStatus, status), limit)

    def count_by_status(self, channel_id: UUID | None = None) -> dict[TaskStatus, int]:
        """See `TaskRepository.count_by_status`."""
        counts = sa.select(tasks.c.status, sa.func.count()).group_by(tasks.c.status)
        if channel_id is not None:
            values.check_uuid("channel_id", channel_id)
            counts = counts.where(tasks.c.channel_id == channel_id)
        return {row[0]: row[1] for row in self._session.execute(counts)}

    def count_held(self, channel_id: UUID) -> int:
        """See `TaskRepository.count_held`."""
        values.check_uuid("channel_id", channel_id)
        c, judge = task_leases.c, CLOCKS[self._session.dialect]
        of_channel = sa.select(sa.func.count()).where(c.channel_id == channel_id)
        held = of_channel.where(c.expires_at > judge.now).params(**judge.parameters(self._now()))
        count: int = self._session.execute(held).scalar_one()
        return count

    def complete_many(self, claims: Iterable[Claim[Task]]) -> None:
        """See `TaskRepository.complete_many`."""
        self._session.check_writable()
        several = checked_claims(claims, Task)
        held = {(task.id, task.lease_token): task for task in self._find_held(several)}
        workers = {(claim.item.id, claim.token): claim.worker for claim in several}
        for key, task in held.items():
            claiming.move_on(task, workers[key])
        self._account_for(held.values(), ReservationState.SPENT)
        refuse_lost("task", several, {task.id for task in held.values()})

    def pending_reviews(self, limit: int = 100) -> list[PendingReview]:
        """See `TaskRepository.pending_reviews`."""
        check_limit(limit)
        c = tasks.c
        waiting = sa.select(Task).where(IS_AT_GATE).order_by(c.status_since, c.id)
        now = self._now()
        return [pending_review(task, now) for task in self._all(waiting.limit(limit))]

    def _hand_out(self, wanted: ClaimRequest) -> list[Claim[Task]]:
        # What was changed here before comes before the claim in the history too.
        self._session.flush()
        now = now_in_writing(self._session, self._now)
        if self._session.dialect == "sqlite":
            with self._session.guarded() as session:
                queue = SqliteTaskQueue(session.connection(), now)
                keys = [UUID(key) for key in queue.hand_out(wanted)]
        else:
            if wanted.ageing is not None:
                given = {"now": now, "ageing": wanted.ageing}
                self._session.execute(postgresql_queue.AGE, given)
            rows = postgresql_queue.hand_out(self._ask, wanted, now)
            keys = [row[postgresql_queue.ID] for row in rows]
        found = {task.id: task for task in self._read_again(keys)}
        # The call may have ended leases of others, and given up tasks.
        self._read_again(
            [task.id for task in self._session.objects.of(Task) if task.id not in found]
        )
        return [claiming.claim_of(found[key]) for key in keys]

    def _account_for(self, moved: Iterable[Task], state: ReservationState) -> None:
        several = list(moved)
        now = now_in_writing(self._session, self._now)
        with self._session.guarded() as session:
            session.flush()
            ledger = QuotaLedger(session.connection().execute, now)
            ledger.settle([task.id for task in several], state)
            going_on = [task for task in several if task.lease_expires_at is not None]
            metered = ledger.metered({task.status for task in going_on}) if going_on else ()
            for task in going_on:
                if task.status in metered:
                    self._reserve(ledger, task)
            session.flush()
        known = self._session.objects.of(QuotaReservation)
        if known:
            of_these = quota_reservations.c.id.in_([each.id for each in known])
            self._session.refresh(QuotaReservation, sa.select(QuotaReservation).where(of_these))

    def _reserve(self, ledger: QuotaLedger, task: Task) -> None:
        project = ledger.project_of(task.channel_id)
        if not ledger.take_for(project, task.status, task.id, task.lease_token):
            claiming.end_lease(task)

    def _ask(self, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        return self._session.execute(postgresql_queue.CLAIM, parameters).all()

    def _read_again(self, keys: Sequence[UUID]) -> list[Task]:
        found: list[Task] = []
        for batch in batches(keys, TASKS_PER_STATEMENT):
            of_batch = sa.select(Task).where(tasks.c.id.in_(batch))
            found += self._session.refresh(Task, of_batch, with_keys(batch))
        return found

    def _held(self, claim: Claim[Task]) -> Task:
        return held_task(self._session, claim, self._now)

    def _find_held(self, claims: Sequence[Claim[Task]]) -> list[Task]:
        return held_tasks(self._session, claims, self._now)

    def _oldest(self, condition: sa.ColumnElement[bool], limit: int) -> list[Task]:
        check_limit(limit)
        c = tasks.c
        return self._all(sa.select(Task).where(condition).order_by(c.created_at, c.id).limit(limit))

    def _lease_now(self) -> datetime:
        if self._session.dialect == "sqlite":
            return now_in_writing(self._session, self._now)
        asked = sa.select(sa.type_coerce(CLOCKS[self._session.dialect].now, Instant))
        instant: datetime = self._session.execute(asked).scalar_one()
        return instant
