"""What an operator asks about tasks: finding them, listing them, and what happened to one."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import frozen

from pipeline_store import values
from pipeline_store.errors import AlreadyExists, NotFound
from pipeline_store.repository import LONGEST_PAGE, check_limit
from pipeline_store.services.lookup import channel_named
from pipeline_store.tasks import CLAIMABLE, ERRORS, GATES, Stay, TaskStatus, stays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store.channels import Channel
    from pipeline_store.tasks import Task, TaskTransition
    from pipeline_store.unit_of_work import UnitOfWork

LISTED_FIRST: Final = (
    *GATES,
    *ERRORS,
    *reversed(CLAIMABLE),
    TaskStatus.DRAFT,
    TaskStatus.PUBLISHED,
)
"""The statuses as a list of all tasks has them: what needs a person, what failed, what goes on,
nearest to its end first, what is to come, what is done."""


@frozen(kw_only=True)
class TaskStory:
    """A task, and how long it was where."""

    task: Task
    channel: Channel
    #: Its time in each status, oldest first.
    stays: list[Stay]
    #: The move that ended each of them; None for the one that it is in.
    moves: list[TaskTransition | None]

    @property
    def time_by_status(self) -> dict[TaskStatus, timedelta]:
        """How long it was in each status that it was in, however often."""
        found: dict[TaskStatus, timedelta] = {}
        for stay in self.stays:
            found[stay.status] = found.get(stay.status, timedelta(0)) + stay.duration
        return {status: found[status] for status in TaskStatus if status in found}

    @property
    def time_at_gates(self) -> timedelta:
        """How long it waited for people."""
        return sum((stay.duration for stay in self.stays if stay.at_gate), timedelta(0))


def task_named(uow: UnitOfWork, named: str) -> Task:
    """Return the task of that key, or of that Notion page.

    Raises:
        NotFound: there is none.
    """
    values.check_text("task", named)
    try:
        task = uow.tasks.find(UUID(named))
    except ValueError:
        task = None
    if task is None and named:
        task = uow.tasks.by_notion_page_id(named)
    if task is None:
        raise NotFound(f"no task {named!r}; `pipeline-store task list` shows them")
    return task


def check_page_is_new(uow: UnitOfWork, notion_page_id: str) -> None:
    """Refuse a Notion page that has a task already, and say which.

    Raises:
        AlreadyExists: it has one.
    """
    task = uow.tasks.by_notion_page_id(notion_page_id)
    if task is not None:
        raise AlreadyExists(
            f"the page {notion_page_id} has a task already: {task.id} ({task.status})"
        )


def listed_tasks(
    uow: UnitOfWork,
    channel_id: str | None = None,
    status: TaskStatus | None = None,
    limit: int = 20,
) -> list[Task]:
    """Return up to `limit` tasks, 1 to 10,000, of one channel, in one status, or of all.

    Those that wait for a person come first, then those that failed, those that go on, drafts, and
    what is published; within a status the oldest. Of one channel its 10,000 oldest are looked at.

    Raises:
        NotFound: there is no channel of that name, its `channel_id`.
        InvalidValue: `limit` is none of these, or there is no such status.
    """
    check_limit(limit)
    statuses = LISTED_FIRST
    if status is not None:
        statuses = (values.as_member("status", TaskStatus, status),)
    if channel_id is not None:
        found = uow.tasks.for_channel(channel_named(uow, channel_id).id, LONGEST_PAGE)
        rank = {each: place for place, each in enumerate(statuses)}
        wanted = [task for task in found if task.status in rank]
        return sorted(wanted, key=lambda task: rank[task.status])[:limit]

    def each() -> Iterator[Task]:
        for one in statuses:
            yield from uow.tasks.in_status(one, limit)

    return list(islice(each(), limit))


def task_story(uow: UnitOfWork, task: Task) -> TaskStory:
    """Return what happened to a task, and how long it was where."""
    history = uow.tasks.history(task.id)
    first = history[0].from_status if history else task.status
    return TaskStory(
        task=task,
        channel=uow.channels.get(task.channel_id),
        stays=list(stays(first, task.created_at, history, uow.now())),
        moves=[*history, None],
    )


def tasks_by_status(uow: UnitOfWork) -> dict[TaskStatus, int]:
    """Return how many tasks are in each status that any is in, in the order of the workflow."""
    counts = uow.tasks.count_by_status()
    return {status: counts[status] for status in TaskStatus if status in counts}
