"""The table, the mapping and the repository of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.repository import check_key, check_kind, check_limit
from pipeline_store.sql.columns import Instant, OpenChoice, map_class, metadata
from pipeline_store.sql.leases import CLOCKS
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import time_now, uuid_key, uuid_reference
from pipeline_store.sql.tasks.history import SqlTaskTransitionRepository
from pipeline_store.tasks import (
    GATES,
    PendingReview,
    PriorityLevel,
    Task,
    TaskRepository,
    TaskStatus,
    TaskTransition,
)
from pipeline_store.tasks.decisions import (
    approved_to,
    check_decidable,
    check_not_held,
    rejected_to,
    retried_to,
)
from pipeline_store.tasks.task import UNKNOWN, check_reason, pending_review, without_dashes

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store.clock import Clock
    from pipeline_store.sql.session import GuardedSession

IS_QUEUED = sa.text("status = 'queued'")

tasks = sa.Table(
    "tasks",
    metadata,
    uuid_key(),
    uuid_reference("channel_id", "channels", ondelete="RESTRICT"),
    sa.Column("notion_page_id", sa.String(32), nullable=False, unique=True),
    sa.Column("title", sa.String(255), nullable=False),
    sa.Column("topic", sa.String(500), nullable=False),
    sa.Column("story_direction", sa.Text, nullable=False),
    sa.Column("status", OpenChoice(TaskStatus), nullable=False, server_default="draft"),
    sa.Column("priority", OpenChoice(PriorityLevel), nullable=False, server_default="normal"),
    sa.Column("error_log", sa.Text),
    sa.Column("youtube_url", sa.String(255)),
    time_now("created_at"),
    time_now("updated_at"),
    sa.Column("worker", sa.Text),
    sa.Column("lease_token", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("lease_expires_at", Instant),
    sa.Column("attempts", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("failed_stage", OpenChoice(TaskStatus)),
    sa.Column("review_token", sa.BigInteger, nullable=False, server_default="0"),
    time_now("status_since"),
    sa.Column("warned_at", Instant),
    sa.Column("held_at", Instant),
    sa.Index("ix_tasks_status", "status"),
    sa.Index("ix_tasks_channel_id", "channel_id"),
    sa.Index("ix_tasks_created_at", "created_at"),
    sa.Index("ix_tasks_channel_id_status", "channel_id", "status"),
    sa.Index("ix_tasks_queued", "created_at", postgresql_where=IS_QUEUED, sqlite_where=IS_QUEUED),
    sa.Index("ix_tasks_status_since", "status", "status_since", "id"),
)
map_class(Task, tasks)


@final
class SqlTaskRepository(SqlRepository[Task, UUID], TaskRepository):
    """Tasks in the table tasks."""

    kind = Task
    table = tasks

    def __init__(self, session: GuardedSession, now: Clock) -> None:
        """See `SqlRepository`."""
        super().__init__(session, now)
        self._history = SqlTaskTransitionRepository(session, now)

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

    def advance(
        self,
        task: Task,
        to: TaskStatus,
        actor: str = UNKNOWN,
        reason: str | None = None,
        force: bool = False,
    ) -> Task:
        """See `TaskRepository.advance`."""
        self._session.check_writable()
        check_kind(Task, task)
        self.add(task)
        check_not_held(task, self._lease_now(), force=force)
        task.advance(to, actor, reason)
        self._session.flush()
        return task

    def approve(self, task_id: UUID, actor: str, review: int | None = None) -> Task:
        """See `TaskRepository.approve`."""
        task = self._at_gate(task_id, review)
        return self.advance(task, approved_to(task), actor)

    def reject(self, task_id: UUID, actor: str, reason: str, review: int | None = None) -> Task:
        """See `TaskRepository.reject`."""
        check_reason(reason)
        task = self._at_gate(task_id, review)
        return self.advance(task, rejected_to(task), actor, reason)

    def retry(self, task_id: UUID, actor: str, to: TaskStatus | None = None) -> Task:
        """See `TaskRepository.retry`."""
        self._session.check_writable()
        task = self.get(task_id)
        return self.advance(task, retried_to(task, to), actor)

    def history(self, task_id: UUID) -> list[TaskTransition]:
        """See `TaskRepository.history`."""
        self.get(task_id)
        return self._history.for_task(task_id)

    def pending_reviews(self, limit: int = 100) -> list[PendingReview]:
        """See `TaskRepository.pending_reviews`."""
        check_limit(limit)
        c = tasks.c
        waiting = sa.select(Task).where(c.status.in_(GATES)).order_by(c.status_since, c.id)
        now = values.as_instant("clock", self._now())
        return [pending_review(task, now) for task in self._all(waiting.limit(limit))]

    def _at_gate(self, task_id: UUID, review: int | None) -> Task:
        self._session.check_writable()
        task = self.get(task_id)
        check_decidable(task, review, self._history.for_task(task_id))
        return task

    def _oldest(self, condition: sa.ColumnElement[bool], limit: int) -> list[Task]:
        check_limit(limit)
        c = tasks.c
        return self._all(sa.select(Task).where(condition).order_by(c.created_at, c.id).limit(limit))

    def _lease_now(self) -> datetime:
        """Return the present instant by the clock that judges leases."""
        if self._session.dialect == "sqlite":
            return values.as_instant("clock", self._now())
        asked = sa.select(sa.type_coerce(CLOCKS[self._session.dialect].now, Instant))
        instant: datetime = self._session.execute(asked).scalar_one()
        return instant
