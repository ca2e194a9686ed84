"""The repository of jobs, and the queue of those to be done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, final
from uuid import UUID

import attrs
import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.channels import JobStatus, ProcessingJob
from pipeline_store.channels.abstract_processing_job import AbstractProcessingJobRepository
from pipeline_store.channels.processing_job import (
    checked_types,
    mean_of,
    pause_key,
    paused_of,
    statistics_of,
)
from pipeline_store.claim import (
    Claim,
    check_claim,
    check_lease,
    checked_claims,
    lease_lost,
    newest_tokens,
    refuse_lost,
)
from pipeline_store.pauses import JOBS_PAUSED, PAUSED
from pipeline_store.repository import check_limit
from pipeline_store.sql.channels import job_statements
from pipeline_store.sql.channels.job_statements import video_processing_jobs
from pipeline_store.sql.known_objects import with_keys
from pipeline_store.sql.leases import CLOCKS, LOOKED_AT_AT_ONCE, microseconds_between
from pipeline_store.sql.production import SqlConfigOverrideRepository
from pipeline_store.sql.repository import SqlRepository, batches
from pipeline_store.sql.session import GuardedSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime, timedelta

    from pipeline_store.channels import JobStatistics, JobType
    from pipeline_store.clock import Clock
    from pipeline_store.json_value import JsonObject

JOBS_PER_STATEMENT = 1_000


@final
class SqlProcessingJobRepository(
    SqlRepository[ProcessingJob, UUID], AbstractProcessingJobRepository[GuardedSession]
):
    """Jobs in the table video_processing_jobs."""

    kind = ProcessingJob
    table = video_processing_jobs

    def __init__(self, session: GuardedSession, now: Clock) -> None:
        """See `SqlRepository`."""
        super().__init__(session, now)
        self._overrides = SqlConfigOverrideRepository(session, now)

    def heartbeat(self, claim: Claim[ProcessingJob], lease: timedelta) -> Claim[ProcessingJob]:
        """See `ProcessingJobRepository.heartbeat`."""
        self._session.check_writable()
        check_claim(claim, ProcessingJob)
        check_lease(lease)
        statement = job_statements.heartbeat(self._session.dialect)
        ends: datetime | None = self._write(statement, lease, **held_by(claim)).scalar()
        if ends is None:
            raise lease_lost("job", [claim])
        self._read_known_again([claim.item.id])
        return attrs.evolve(claim, expires_at=ends)

    def complete(self, claim: Claim[ProcessingJob]) -> None:
        """See `ProcessingJobRepository.complete`."""
        self._write_held(job_statements.complete, claim)

    def complete_many(self, claims: Iterable[Claim[ProcessingJob]]) -> None:
        """See `ProcessingJobRepository.complete_many`."""
        self._session.check_writable()
        several = checked_claims(claims, ProcessingJob)
        if not several:
            return
        statement = job_statements.complete_many(self._session.dialect)
        completed = (
            self._write(statement, **all_held_by(several, self._session.dialect)).scalars().all()
        )
        self._read_known_again(completed)
        refuse_lost("job", several, completed)

    def release(self, claim: Claim[ProcessingJob]) -> None:
        """See `ProcessingJobRepository.release`."""
        self._write_held(job_statements.release, claim)

    def pause(self, job_type: JobType | None = None, by: str = "system") -> None:
        """See `ProcessingJobRepository.pause`."""
        self._overrides.set(pause_key(job_type), PAUSED, by)

    def resume(self, job_type: JobType | None = None) -> bool:
        """See `ProcessingJobRepository.resume`."""
        return self._overrides.unset(pause_key(job_type))

    def paused(self) -> list[str]:
        """See `ProcessingJobRepository.paused`."""
        found = self._overrides.starting_with(JOBS_PAUSED)
        return paused_of((each.key, each.value) for each in found)

    def in_status(
        self, status: JobStatus, limit: int = 100, job_type: JobType | None = None
    ) -> list[ProcessingJob]:
        """See `ProcessingJobRepository.in_status`."""
        wanted = values.as_member("status", JobStatus, status)
        types = checked_types(None if job_type is None else [job_type])
        check_limit(limit)
        c = video_processing_jobs.c
        found = sa.select(ProcessingJob).where(c.status == wanted, c.job_type.in_(types))
        return self._all(found.order_by(c.priority.desc(), c.queued_at, c.id).limit(limit))

    def count_by_channel(self) -> dict[UUID, dict[JobStatus, int]]:
        """See `ProcessingJobRepository.count_by_channel`."""
        c = video_processing_jobs.c
        grouped = sa.select(c.channel_id, c.status, sa.func.count()).group_by(
            c.channel_id, c.status
        )
        found: dict[UUID, dict[JobStatus, int]] = {}
        for channel_id, status, count in self._session.execute(grouped):
            found.setdefault(channel_id, {})[status] = count
        return found

    def statistics(self, job_type: JobType | None = None) -> JobStatistics:
        """See `ProcessingJobRepository.statistics`."""
        wanted = checked_types(None if job_type is None else [job_type])
        c = video_processing_jobs.c
        waited = microseconds_between(c.queued_at, c.started_at)
        ran = microseconds_between(c.started_at, c.completed_at)
        grouped = (
            sa.select(
                c.status,
                sa.func.count().label("number"),
                sa.func.count(waited).label("started"),
                sa.func.sum(waited).label("waited"),
                sa.func.count(ran).label("ended"),
                sa.func.sum(ran).label("ran"),
            )
            .where(c.job_type.in_(wanted))
            .group_by(c.status)
        )
        by_status = {row.status: row for row in self._session.execute(grouped)}
        done = by_status.get(JobStatus.COMPLETED)
        return statistics_of(
            {status: row.number for status, row in by_status.items()},
            mean_of(
                sum(int(row.waited or 0) for row in by_status.values()),
                sum(row.started for row in by_status.values()),
            ),
            mean_of(int(done.ran or 0), done.ended) if done else None,
        )

    def _wake(self) -> None:
        statement = job_statements.wake(self._session.dialect)
        woken = LOOKED_AT_AT_ONCE
        while woken == LOOKED_AT_AT_ONCE:
            woken = self._write(statement).rowcount
            if woken:
                self._read_known_again(None)

    def _hand_out(
        self, worker: str, n: int, lease: timedelta, wanted: tuple[JobType, ...]
    ) -> list[ProcessingJob]:
        statement = job_statements.claim(self._session.dialect, wanted, n, look_first=False)
        rows = self._write(statement, lease, worker_name=worker).all()
        return self._read_again([row.id for row in rows])

    def _fail(
        self,
        claim: Claim[ProcessingJob],
        message: str,
        details: JsonObject | None,
        *,
        permanent: bool,
    ) -> None:
        given = {"message": message, "details": details, "permanent": permanent}
        self._write_held(job_statements.fail, claim, **given)

    def _write_held(
        self, make: Callable[[str], sa.Executable], claim: Claim[ProcessingJob], **given: Any
    ) -> None:
        self._session.check_writable()
        check_claim(claim, ProcessingJob)
        if self._write(make(self._session.dialect), **held_by(claim), **given).rowcount == 0:
            raise lease_lost("job", [claim])
        self._read_known_again([claim.item.id])

    def _write(self, statement: sa.Executable, lease: timedelta | None = None, **given: Any) -> Any:
        # Before looking at the clock: a lease that began while others wrote could be over by now.
        self._session.begin()
        now = self._now()
        clock = CLOCKS[self._session.dialect]
        return self._session.execute(
            statement, {"now": now, **clock.parameters(now, lease), **given}
        )

    def _read_again(self, keys: Sequence[UUID]) -> list[ProcessingJob]:
        found: list[ProcessingJob] = []
        for batch in batches(keys, JOBS_PER_STATEMENT):
            of_batch = sa.select(ProcessingJob).where(video_processing_jobs.c.id.in_(batch))
            found += self._session.refresh(ProcessingJob, of_batch, with_keys(batch))
        return found

    def _read_known_again(self, keys: Iterable[UUID] | None) -> None:
        """Let the objects of this unit of work hold what a statement has written."""
        known = {job.id for job in self._session.objects.of(ProcessingJob)}
        self._read_again(list(known if keys is None else known.intersection(keys)))


def held_by(claim: Claim[ProcessingJob]) -> dict[str, Any]:
    """Return the parameters by which a statement knows the holder of a lease."""
    return {"held_id": claim.item.id, "held_token": claim.token}


def all_held_by(claims: Iterable[Claim[ProcessingJob]], dialect: str) -> dict[str, Any]:
    """Return the same for several."""
    newest = newest_tokens(claims)
    if dialect == "postgresql":
        return {
            "held_ids": ",".join(key.hex for key in newest),
            "held_tokens": ",".join(map(str, newest.values())),
        }
    pairs = [(each.hex, token) for each, token in newest.items()]
    return {"held_pairs": json.dumps(pairs)}
