"""The tasks that workers hold, by their claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from pipeline_store.claim import Claim, check_claim, lease_lost
from pipeline_store.sql.known_objects import with_keys
from pipeline_store.sql.leases import CLOCKS
from pipeline_store.sql.tasks.tables import tasks
from pipeline_store.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline_store.clock import Clock
    from pipeline_store.sql.session import GuardedSession


def held_task(session: GuardedSession, claim: Claim[Task], clock: Clock) -> Task:
    """Return the task of a claim, locked to the end of the unit of work.

    Raises:
        LeaseLost: the claim has ended.
    """
    session.check_writable()
    check_claim(claim, Task)
    for task in held_tasks(session, [claim], clock):
        return task
    raise lease_lost("task", [claim])


def held_tasks(session: GuardedSession, claims: Sequence[Claim[Task]], clock: Clock) -> list[Task]:
    """Return the tasks of the claims that have not ended, locked to the end of the unit of work."""
    if not claims:
        return []
    c = tasks.c
    judge = CLOCKS[session.dialect]
    pairs = [(claim.item.id, claim.token) for claim in claims]
    held = (
        sa.select(Task)
        .where(sa.tuple_(c.id, c.lease_token).in_(pairs), c.lease_expires_at > judge.now)
        .order_by(c.id)
        .with_for_update()
    )
    given = judge.parameters(now_in_writing(session, clock))
    concerned = with_keys(claim.item.id for claim in claims)
    return list(session.refresh(Task, held.params(**given), concerned))


def now_in_writing(session: GuardedSession, clock: Clock) -> datetime:
    """Return the present instant by the store's clock, once this unit of work may write.

    On SQLite it may wait for that for longer than a lease goes on.
    """
    if session.dialect == "sqlite":
        with session.guarded() as guarded:
            guarded.connection()
    return clock()
