"""The tasks in memory that workers hold, by their claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store.claim import Claim, check_claim, lease_lost
from pipeline_store.tasks import Task, claiming

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store.memory.session import MemorySession


def held_task(session: MemorySession, claim: Claim[Task], now: datetime) -> Task:
    """Return the task of a claim.

    Raises:
        LeaseLost: the claim has ended.
    """
    session.check_writable()
    check_claim(claim, Task)
    task = find_held_task(session, claim, now)
    if task is None:
        raise lease_lost("task", [claim])
    return task


def find_held_task(session: MemorySession, claim: Claim[Task], now: datetime) -> Task | None:
    """Return the task of a claim that has not ended, or None."""
    task: Task | None = session.find("tasks", claim.item.id)
    if task is None:
        return None
    session.reread("tasks", task)
    is_held = claiming.is_held(task, claim, now)
    return task if is_held else None
