"""What came in as a schema is done to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store.tasks import Task

if TYPE_CHECKING:
    from uuid import UUID

    from pipeline_store.schemas.task import TaskCreate, TaskUpdate
    from pipeline_store.unit_of_work import UnitOfWork


def task_from(wanted: TaskCreate) -> Task:
    """Return a new task, a draft, for `uow.tasks.add`."""
    return Task(
        channel_id=wanted.channel_id,
        notion_page_id=wanted.notion_page_id,
        title=wanted.title,
        topic=wanted.topic,
        story_direction=wanted.story_direction,
        priority=wanted.priority,
    )


def apply_task_update(
    uow: UnitOfWork,
    task_id: UUID,
    update: TaskUpdate,
    actor: str,
    reason: str | None = None,
    *,
    force: bool = False,
) -> Task:
    """Change of the task what the update names, and return the task.

    The status goes through `uow.tasks.advance`, with `actor`, `reason` and `force`; the error log
    gets a further line; the URL is replaced. What is None stays. All of it happens or, when the
    move is refused, nothing. Does not commit.

    Raises:
        NotFound: there is no such task.
        IllegalTransition: the workflow does not allow the move.
        Conflict: somebody else changed the task first, or a worker holds it.
        InvalidValue: actor or reason is no text that can be kept.
    """
    task = uow.tasks.get(task_id)
    if update.status is not None:
        uow.tasks.advance(task, update.status, actor=actor, reason=reason, force=force)
    if update.error_log is not None:
        task.log_error(update.error_log)
    if update.youtube_url is not None:
        task.youtube_url = update.youtube_url
    return task
