"""The history of tasks in memory."""

from __future__ import annotations

from operator import attrgetter
from typing import final
from uuid import UUID

from pipeline_store import values
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.tasks import TaskTransition, TaskTransitionRepository


@final
class MemoryTaskTransitionRepository(
    MemoryRepository[TaskTransition, UUID], TaskTransitionRepository
):
    """The history in memory."""

    collection = "task_transitions"

    def for_task(self, task_id: UUID) -> list[TaskTransition]:
        """See `TaskTransitionRepository.for_task`."""
        values.check_uuid("task_id", task_id)
        found = self._where(lambda move: move.task_id == task_id)
        return sorted(found, key=attrgetter("moved_at", "id"))
