"""The worker's short way: claims and completions as single statements that commit themselves."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, final

from pipeline_store.channels import ProcessingJob
from pipeline_store.channels.processing_job import checked_types
from pipeline_store.claim import (
    Claim,
    check_claim,
    check_claiming,
    checked_claims,
    lease_lost,
    refuse_lost,
)
from pipeline_store.sql.channels import job_statements
from pipeline_store.sql.channels.job_statements import video_processing_jobs
from pipeline_store.sql.channels.processing_job import (
    all_held_by,
    held_by,
)
from pipeline_store.sql.detached import Detached
from pipeline_store.sql.direct import DirectStatement, directly
from pipeline_store.sql.leases import CLOCKS, LOOKED_AT_AT_ONCE
from pipeline_store.sql.tasks.short_way import TasksShortWay

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    import sqlalchemy as sa

    from pipeline_store.channels import JobType
    from pipeline_store.clock import Clock
    from pipeline_store.sql.direct import DirectConnection

STATEMENTS_KEPT = 128


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
        self._engine = engine
        self._dialect = engine.dialect.name
        self._clock = clock
        self._claiming = lru_cache(STATEMENTS_KEPT)(self._compile_claim)
        self._others: dict[Any, DirectStatement] = {}

    def claim_batch(
        self, worker: str, n: int, lease: timedelta, job_types: Iterable[JobType] | None = None
    ) -> list[Claim[ProcessingJob]]:
        """See `ProcessingJobRepository.claim_batch`."""
        check_claiming(worker, n, lease)
        wanted = checked_types(job_types)
        with directly(self._engine) as connection:
            given = self._parameters(lease, worker_name=worker)
            # One statement as a rule: only when nothing is found, or not looked for since a lease
            # or a wait is over, those are ended and the search repeated.
            rows = connection.rows(self._claiming(wanted, n, look_first=True), given)
            if not rows:
                self._wake(connection)
                rows = connection.rows(self._claiming(wanted, n, look_first=False), given)
        rows.sort(key=_in_order)
        return [_claim_of(row, worker) for row in rows]

    def complete(self, claim: Claim[ProcessingJob]) -> None:
        """See `ProcessingJobRepository.complete`."""
        check_claim(claim, ProcessingJob)
        with directly(self._engine, committing=True) as connection:
            given = self._parameters(**held_by(claim))
            done = connection.count(self._other(job_statements.complete), given)
        if not done:
            raise lease_lost("job", [claim])

    def complete_many(self, claims: Iterable[Claim[ProcessingJob]]) -> None:
        """See `ProcessingJobRepository.complete_many`."""
        several = checked_claims(claims, ProcessingJob)
        if not several:
            return
        with directly(self._engine, committing=True) as connection:
            given = self._parameters(**all_held_by(several, self._dialect))
            statement = self._other(job_statements.complete_many)
            completed = connection.rows_unless(len(several), statement, given)
        if completed is not None:
            refuse_lost("job", several, (row[0] for row in completed))

    def _wake(self, connection: DirectConnection) -> None:
        """End the leases and waits that are over, but for those that another worker is ending."""
        statement = self._other(job_statements.wake)
        woken = LOOKED_AT_AT_ONCE
        while woken == LOOKED_AT_AT_ONCE:
            woken = connection.count(statement, self._parameters())

    def _compile_claim(
        self, wanted: tuple[JobType, ...], n: int, *, look_first: bool
    ) -> DirectStatement:
        statement = job_statements.claim(self._dialect, wanted, n, look_first=look_first)
        return DirectStatement(statement, self._engine.dialect, video_processing_jobs.columns)

    def _other(self, make: Any) -> DirectStatement:
        found = self._others.get(make)
        if found is None:
            columns = [video_processing_jobs.c.id]
            found = DirectStatement(make(self._dialect), self._engine.dialect, columns)
            self._others[make] = found
        return found

    def _parameters(self, lease: timedelta | None = None, **given: Any) -> dict[str, Any]:
        now = self._clock()
        return {"now": now, **CLOCKS[self._dialect].parameters(now, lease), **given}


def _claim_of(row: list[Any], worker: str) -> Claim[ProcessingJob]:
    """Return the claim on the job of a row."""
    job = _detached_job(row)
    return Claim(
        item=job,
        token=row[_TOKEN],
        attempt=row[_ATTEMPTS],
        worker=worker,
        expires_at=row[_DUE_AT],
    )


def _in_order(row: list[Any]) -> tuple[Any, ...]:
    return -row[_PRIORITY], row[_QUEUED_AT], row[_ID]


_detached_job: Final = Detached(ProcessingJob, video_processing_jobs)
_PRIORITY, _QUEUED_AT, _ID, _TOKEN, _ATTEMPTS, _DUE_AT = map(
    [column.name for column in video_processing_jobs.columns].index,
    ("priority", "queued_at", "id", "lease_token", "attempts", "due_at"),
)
