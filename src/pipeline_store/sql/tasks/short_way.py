"""The worker's short way with tasks: calls that commit themselves."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store.claim import Claim, check_claim, checked_claims, refuse_lost
from pipeline_store.sql.detached import Detached
from pipeline_store.sql.direct import DirectStatement, directly
from pipeline_store.sql.failures import translated
from pipeline_store.sql.tasks import postgresql_queue
from pipeline_store.sql.tasks.sqlite_queue import SqliteTaskQueue
from pipeline_store.sql.tasks.tables import tasks
from pipeline_store.tasks import MOST_ATTEMPTS, Task
from pipeline_store.tasks.claiming import claim_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

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
        self._now = clock
        self._detached = Detached(Task, tasks)

    @cached_property
    def _claim(self) -> DirectStatement:
        return DirectStatement(postgresql_queue.CLAIM, self._engine.dialect, tasks.columns)

    @cached_property
    def _complete_and_claim(self) -> DirectStatement:
        columns = [*postgresql_queue.COMPLETED_FIRST, *tasks.columns]
        return DirectStatement(postgresql_queue.COMPLETE_AND_CLAIM, self._engine.dialect, columns)

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
        several = _without_doubles(claims)
        if not several:
            return
        move_on = self._move_on_on_sqlite if self._is_sqlite else self._move_on
        moved = move_on(several)
        if moved is not None:
            refuse_lost("task", several, moved)

    def complete_and_claim_batch(
        self, claims: Iterable[Claim[Task]], wanted: ClaimRequest
    ) -> list[Claim[Task]]:
        """See `pipeline_store.unit_of_work.Store.complete_and_claim_batch`."""
        several = _without_doubles(claims)
        in_turn = (
            self._move_on_and_hand_out_on_sqlite if self._is_sqlite else self._move_on_and_hand_out
        )
        moved, rows = in_turn(several, wanted)
        if moved is not None:
            refuse_lost("task", several, moved)
        return [self._claim_of(row) for row in rows]

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
            return _handed_out(connection, SqliteTaskQueue(connection, self._now()), wanted)

    def _move_on(self, claims: list[Claim[Task]]) -> set[UUID] | None:
        """Return the keys of what was moved on; None for all."""
        with directly(self._engine, committing=True) as connection:
            given = postgresql_queue.held_by(claims, self._now())
            rows = connection.rows_unless(len(claims), self._complete, given)
        return None if rows is None else {row[0] for row in rows}

    def _move_on_on_sqlite(self, claims: list[Claim[Task]]) -> set[UUID]:
        with translated(), self._engine.begin() as connection:
            queue = SqliteTaskQueue(connection, self._now())
            return {UUID(key) for key in queue.complete(_held(claims))}

    def _move_on_and_hand_out(
        self, claims: list[Claim[Task]], wanted: ClaimRequest
    ) -> tuple[set[UUID] | None, list[Sequence[Any]]]:
        now = self._now()
        with directly(self._engine, committing=True) as connection:
            if wanted.ageing is not None:
                connection.rows(self._age, {"now": now, "ageing": wanted.ageing})
            return postgresql_queue.move_on_and_hand_out(
                lambda given: connection.rows(self._complete_and_claim, given),
                lambda given: connection.rows(self._claim, given),
                claims,
                wanted,
                now,
            )

    def _move_on_and_hand_out_on_sqlite(
        self, claims: list[Claim[Task]], wanted: ClaimRequest
    ) -> tuple[set[UUID] | None, list[Sequence[Any]]]:
        with translated(), self._engine.begin() as connection:
            queue = SqliteTaskQueue(connection, self._now())
            moved = {UUID(key) for key in queue.complete(_held(claims))}
            lost = len(moved) < len(claims)
            return moved, [] if lost else _handed_out(connection, queue, wanted)

    def _claim_of(self, row: Sequence[Any]) -> Claim[Task]:
        return Claim(
            item=self._detached(row),
            token=row[_TOKEN],
            attempt=row[_ATTEMPTS],
            worker=row[_WORKER],
            expires_at=row[_EXPIRES_AT],
        )


def _without_doubles(claims: Iterable[Claim[Task]]) -> list[Claim[Task]]:
    several = checked_claims(claims, Task)
    unstored: Any = None
    refuse_lost("task", [claim for claim in several if claim.item.id is unstored], ())
    return list({(claim.item.id, claim.token): claim for claim in several}.values())


def _held(claims: list[Claim[Task]]) -> list[tuple[str, int, str]]:
    return [(claim.item.id.hex, claim.token, claim.worker) for claim in claims]


def _handed_out(
    connection: sa.Connection, queue: SqliteTaskQueue, wanted: ClaimRequest
) -> list[Sequence[Any]]:
    keys = [UUID(key) for key in queue.hand_out(wanted)]
    if not keys:
        return []
    found = connection.execute(sa.select(tasks).where(tasks.c.id.in_(keys))).all()
    rows = {row.id: row for row in found}
    return [rows[key] for key in keys]


_TOKEN, _ATTEMPTS, _WORKER, _EXPIRES_AT = map(
    [column.name for column in tasks.columns].index,
    ("lease_token", "attempts", "worker", "lease_expires_at"),
)
