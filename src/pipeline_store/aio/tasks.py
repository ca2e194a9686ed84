"""The tasks context, awaited: one line for each method of the ports."""

from __future__ import annotations

from typing import final
from uuid import UUID

from pipeline_store.aio.lifting import awaits
from pipeline_store.aio.repository import AsyncRepository
from pipeline_store.tasks import Task, TaskRepository, TaskTransition, TaskTransitionRepository


@final
class AsyncTaskRepository(AsyncRepository[Task, UUID]):
    """`TaskRepository`, awaited."""

    by_notion_page_id = awaits(TaskRepository.by_notion_page_id)
    for_channel = awaits(TaskRepository.for_channel)
    in_status = awaits(TaskRepository.in_status)
    count_by_status = awaits(TaskRepository.count_by_status)
    advance = awaits(TaskRepository.advance)
    approve = awaits(TaskRepository.approve)
    reject = awaits(TaskRepository.reject)
    retry = awaits(TaskRepository.retry)
    history = awaits(TaskRepository.history)
    pending_reviews = awaits(TaskRepository.pending_reviews)


@final
class AsyncTaskTransitionRepository(AsyncRepository[TaskTransition, UUID]):
    """`TaskTransitionRepository`, awaited."""

    for_task = awaits(TaskTransitionRepository.for_task)
