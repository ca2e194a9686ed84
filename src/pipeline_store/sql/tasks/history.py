"""The table, the mapping and the repository of tasks' history."""

from __future__ import annotations

from typing import final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.sql.columns import OpenChoice, map_class, metadata
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import time_now, uuid_key, uuid_reference
from pipeline_store.tasks import TaskStatus, TaskTransition, TaskTransitionRepository

task_transitions = sa.Table(
    "task_transitions",
    metadata,
    uuid_key(),
    uuid_reference("task_id", "tasks", ondelete="CASCADE"),
    time_now("moved_at"),
    sa.Column("from_status", OpenChoice(TaskStatus), nullable=False),
    sa.Column("to_status", OpenChoice(TaskStatus), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("review_token", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index("ix_task_transitions_task_id", "task_id", "moved_at", "id"),
)
map_class(TaskTransition, task_transitions)


@final
class SqlTaskTransitionRepository(SqlRepository[TaskTransition, UUID], TaskTransitionRepository):
    """The history in the table task_transitions."""

    kind = TaskTransition
    table = task_transitions

    def for_task(self, task_id: UUID) -> list[TaskTransition]:
        """See `TaskTransitionRepository.for_task`."""
        values.check_uuid("task_id", task_id)
        c = task_transitions.c
        of_task = sa.select(TaskTransition).where(c.task_id == task_id)
        return self._all(of_task.order_by(c.moved_at, c.id))
