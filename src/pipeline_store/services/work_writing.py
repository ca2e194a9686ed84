"""What a worker writes about a task that it holds: services, each in a unit of work of its own."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, TypeAlias

from pipeline_store.errors import InvalidValue
from pipeline_store.tasks.state import TaskStatus, onward_from
from pipeline_store.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from datetime import timedelta

    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task

Write: TypeAlias = Callable[[UnitOfWork], TaskStatus | None]
"""What a handler wants written together with the move, and where to, or None for onward."""

Result: TypeAlias = TaskStatus | Write | None
"""What a handler returns."""


def write_result(uow: UnitOfWork, claim: Claim[Task], result: Result) -> Task:
    """Write what the handler returned and move the task; return it.

    Raises:
        LeaseLost: the lease has ended, or somebody else has the task.
        IllegalTransition: the workflow does not allow the move.
    """
    to = result(uow) if callable(result) else result
    return move(uow, claim, to)


def move(uow: UnitOfWork, claim: Claim[Task], to: TaskStatus | None) -> Task:
    """Move the task, to the one status that follows unless another is named.

    Raises:
        InvalidValue: what is named was to be awaited first.
    """
    if isawaitable(to):
        raise InvalidValue(
            f"to: a TaskStatus or None expected, found {type(to).__name__}, which nobody has"
            " awaited; give an AsyncWorker what is an `async def` itself"
        )
    onward = onward_from(claim.item.status) if to is None else to
    # A lease is only ever on a task that waits for a worker, and that leads on.
    return uow.tasks.advance(claim, claim.item.status if onward is None else onward)


def write_failure(uow: UnitOfWork, claim: Claim[Task], message: str) -> Task:
    """Move the task to the error of its stage; return it."""
    return uow.tasks.fail(claim, message)


def give_back(uow: UnitOfWork, claim: Claim[Task]) -> Task:
    """Let somebody else have the task; return it."""
    uow.tasks.release(claim)
    return uow.tasks.get(claim.item.id)


def prolong(uow: UnitOfWork, claim: Claim[Task], lease: timedelta) -> Claim[Task]:
    """Let the lease end later."""
    return uow.tasks.heartbeat(claim, lease)


def found_written(uow: UnitOfWork, claim: Claim[Task]) -> Task | None:
    """Return the task when a commit whose answer was lost has moved it, else None."""
    task = uow.tasks.find(claim.item.id)
    if task is None or task.lease_token != claim.token or task.status == claim.item.status:
        return None
    return task
