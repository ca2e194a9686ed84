"""The worker's short way: calls that commit themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from pipeline_store import values
from pipeline_store.channels import ProcessingJob
from pipeline_store.channels.processing_job import checked_types, lost_message
from pipeline_store.claim import check_claim, check_claiming, checked_claims
from pipeline_store.errors import LeaseLost
from pipeline_store.sql.channels import job_statements
from pipeline_store.sql.channels.processing_job import (
    claim_of,
    held_by,
    in_order,
    pairs_of,
    refuse_lost,
)
from pipeline_store.sql.detached import Detached
from pipeline_store.sql.engine import committing_each
from pipeline_store.sql.failures import translated
from pipeline_store.sql.leases import CLOCKS, LOOKED_AT_AT_ONCE
from pipeline_store.sql.tasks.short_way import TasksShortWay

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    import sqlalchemy as sa

    from pipeline_store.channels import JobType
    from pipeline_store.claim import Claim
    from pipeline_store.clock import Clock


@final
class SqlQueues:
    """The two queues without a unit of work."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        """Work on the database of `engine`."""
        self.jobs: Final = JobsShortWay(engine, clock)
        self.tasks: Final = TasksShortWay(engine, clock)


@final
class JobsShortWay:
    """The queue of jobs without a unit of work: half the round trips, and no session."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        """Send each statement by itself to the database of `engine`."""
        self._engine = committing_each(engine)
        self._dialect = engine.dialect.name
        self._clock = clock

    def claim_batch(
        self, worker: str, n: int, lease: timedelta, job_types: Iterable[JobType] | None = None
    ) -> list[Claim[ProcessingJob]]:
        """See `ProcessingJobRepository.claim_batch`."""
        check_claiming(worker, n, lease)
        wanted = checked_types(job_types)
        with translated(), self._engine.connect() as connection:
            # One statement as a rule: only when nothing is found, or not looked for since a lease
            # or a wait is over, those are ended and the search repeated.
            rows = self._claim(connection, worker, n, lease, wanted, look_first=True)
            if not rows:
                self._wake(connection)
                rows = self._claim(connection, worker, n, lease, wanted, look_first=False)
        jobs = sorted((_detached_job(row) for row in rows), key=in_order)
        return [claim_of(job, worker) for job in jobs]

    def complete(self, claim: Claim[ProcessingJob]) -> None:
        """See `ProcessingJobRepository.complete`."""
        check_claim(claim, ProcessingJob)
        with translated(), self._engine.connect() as connection:
            statement = job_statements.complete(self._dialect)
            done = connection.execute(statement, self._parameters(**held_by(claim)))
            if done.rowcount == 0:
                raise LeaseLost(lost_message([claim]))

    def complete_many(self, claims: Iterable[Claim[ProcessingJob]]) -> None:
        """See `ProcessingJobRepository.complete_many`."""
        several = checked_claims(claims, ProcessingJob)
        if not several:
            return
        with translated(), self._engine.connect() as connection:
            statement = job_statements.complete_many(self._dialect)
            parameters = self._parameters(pairs=pairs_of(several))
            completed = connection.execute(statement, parameters).scalars().all()
        refuse_lost(several, completed)

    def _claim(
        self,
        connection: sa.Connection,
        worker: str,
        n: int,
        lease: timedelta,
        wanted: tuple[JobType, ...],
        *,
        look_first: bool,
    ) -> Sequence[sa.Row[Any]]:
        statement = job_statements.claim(self._dialect, wanted, n, look_first=look_first)
        rows: Sequence[sa.Row[Any]] = connection.execute(
            statement, self._parameters(lease, worker_name=worker)
        ).all()
        return rows

    def _wake(self, connection: sa.Connection) -> None:
        """End the leases and waits that are over, but for those that another worker is ending."""
        statement = job_statements.wake(self._dialect)
        woken = LOOKED_AT_AT_ONCE
        while woken == LOOKED_AT_AT_ONCE:
            woken = connection.execute(statement, self._parameters()).rowcount

    def _parameters(self, lease: timedelta | None = None, **given: Any) -> dict[str, Any]:
        now = values.as_instant("clock", self._clock())
        return {"now": now, **CLOCKS[self._dialect].parameters(now, lease), **given}


_detached_job: Final = Detached(ProcessingJob, job_statements.video_processing_jobs)
