"""The worker's short way with tasks: calls that commit themselves."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.claim import Claim, check_claim, checked_claims
from pipeline_store.sql.detached import Detached
from pipeline_store.sql.direct import DirectStatement, directly
from pipeline_store.sql.failures import translated
from pipeline_store.sql.tasks import postgresql_queue
from pipeline_store.sql.tasks.sqlite_queue import SqliteTaskQueue
from pipeline_store.sql.tasks.tables import tasks
from pipeline_store.tasks import MOST_ATTEMPTS, Task
from pipeline_store.tasks.claiming import claim_request, refuse_lost

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from pipeline_store.clock import Clock
    from pipeline_store.tasks import TaskStatus
    from pipeline_store.tasks.claiming import ClaimRequest


@final
class TasksShortWay:
    """The queue of tasks without a unit of work."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        """Work on the database of `engine`."""
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._clock = clock
        self._detached = Detached(Task, tasks)

    @cached_property
    def _claim(self) -> DirectStatement:
        return DirectStatement(postgresql_queue.CLAIM, self._engine.dialect, tasks.columns)

    @cached_property
    def _age(self) -> DirectStatement:
        return DirectStatement(postgresql_queue.AGE, self._engine.dialect)

    @cached_property
    def _complete(self) -> DirectStatement:
        return DirectStatement(postgresql_queue.COMPLETE, self._engine.dialect, [tasks.c.id])

    def claim_batch(
        self,
        worker: str,
        n: int,
        lease: timedelta,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        *,
        ageing: timedelta | None = None,
    ) -> list[Claim[Task]]:
        """See `TaskRepository.claim_batch`."""
        wanted = claim_request(worker, n, lease, stages, most_attempts, ageing=ageing)
        hand_out = self._hand_out_on_sqlite if self._is_sqlite else self._hand_out
        return [self._claim_of(row) for row in hand_out(wanted)]

    def complete(self, claim: Claim[Task]) -> None:
        """See `TaskRepository.complete`."""
        check_claim(claim, Task)
        self.complete_many([claim])

    def complete_many(self, claims: Iterable[Claim[Task]]) -> None:
        """See `TaskRepository.complete_many`."""
        several = {(claim.item.id, claim.token): claim for claim in checked_claims(claims, Task)}
        if not several:
            return
        move_on = self._move_on_on_sqlite if self._is_sqlite else self._move_on
        moved = move_on(list(several.values()))
        if moved is not None:
            refuse_lost(several.values(), moved)

    def _hand_out(self, wanted: ClaimRequest) -> list[Sequence[Any]]:
        now = self._now()
        with directly(self._engine) as connection:
            if wanted.ageing is not None:
                connection.rows(self._age, {"now": now, "ageing": wanted.ageing})
            return postgresql_queue.hand_out(
                lambda given: connection.rows(self._claim, given), wanted, now
            )

    def _hand_out_on_sqlite(self, wanted: ClaimRequest) -> list[Sequence[Any]]:
        with translated(), self._engine.begin() as connection:
            keys = [UUID(key) for key in SqliteTaskQueue(connection, self._now()).hand_out(wanted)]
            if not keys:
                return []
            found = connection.execute(sa.select(tasks).where(tasks.c.id.in_(keys))).all()
        rows = {row.id: row for row in found}
        return [rows[key] for key in keys]

    def _move_on(self, claims: list[Claim[Task]]) -> set[UUID] | None:
        """Return the keys of what was moved on; None for all."""
        with directly(self._engine, committing=True) as connection:
            given = postgresql_queue.held_by(claims, self._now())
            rows = connection.rows_unless(len(claims), self._complete, given)
        return None if rows is None else {row[0] for row in rows}

    def _move_on_on_sqlite(self, claims: list[Claim[Task]]) -> set[UUID]:
        held = [(claim.item.id.hex, claim.token, claim.worker) for claim in claims]
        with translated(), self._engine.begin() as connection:
            return {UUID(key) for key in SqliteTaskQueue(connection, self._now()).complete(held)}

    def _claim_of(self, row: Sequence[Any]) -> Claim[Task]:
        return Claim(
            item=self._detached(row),
            token=row[_TOKEN],
            attempt=row[_ATTEMPTS],
            worker=row[_WORKER],
            expires_at=row[_EXPIRES_AT],
        )

    def _now(self) -> datetime:
        return values.as_instant("clock", self._clock())


_TOKEN, _ATTEMPTS, _WORKER, _EXPIRES_AT = map(
    [column.name for column in tasks.columns].index,
    ("lease_token", "attempts", "worker", "lease_expires_at"),
)
