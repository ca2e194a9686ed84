"""Jobs in memory, and the queue of those to be done."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, final
from uuid import UUID

import attrs

from pipeline_store import values
from pipeline_store.channels import JobStatus, ProcessingJob, ProcessingJobRepository
from pipeline_store.channels.processing_job import (
    WAITING,
    checked_types,
    lost_message,
    mean_of,
    pause_key,
    paused_of,
    statistics_of,
    wait_after,
)
from pipeline_store.claim import Claim, check_claim, check_claiming, check_lease, checked_claims
from pipeline_store.errors import LeaseLost
from pipeline_store.json_value import as_object
from pipeline_store.memory.production import MemoryConfigOverrideRepository
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.pauses import JOBS_PAUSED, PAUSED
from pipeline_store.repository import check_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_store.channels import JobStatistics, JobType
    from pipeline_store.clock import Clock
    from pipeline_store.memory.session import MemorySession


@final
class MemoryProcessingJobRepository(MemoryRepository[ProcessingJob, UUID], ProcessingJobRepository):
    """Jobs in memory."""

    collection = "jobs"

    def __init__(self, session: MemorySession, now: Clock) -> None:
        super().__init__(session, now)
        self._overrides = MemoryConfigOverrideRepository(session, now)

    def claim_next(
        self, worker: str, lease: timedelta, job_types: Iterable[JobType] | None = None
    ) -> Claim[ProcessingJob] | None:
        """See `ProcessingJobRepository.claim_next`."""
        return next(iter(self.claim_batch(worker, 1, lease, job_types)), None)

    def claim_batch(
        self, worker: str, n: int, lease: timedelta, job_types: Iterable[JobType] | None = None
    ) -> list[Claim[ProcessingJob]]:
        """See `ProcessingJobRepository.claim_batch`."""
        self._session.check_writable()
        check_claiming(worker, n, lease)
        wanted = checked_types(job_types)
        self._wake()
        open_types = {each for each in wanted if not self._is_paused(each)}
        ready = self._where(
            lambda job: job.status in WAITING and job.due_at is None and job.job_type in open_types
        )
        chosen = sorted(ready, key=_order)[:n]
        now = self._now()
        for job in chosen:
            job.status = JobStatus.PROCESSING
            job.attempts += 1
            job.lease_token += 1
            job.worker = worker
            job.started_at = now
            job.due_at = now + lease
        self._session.flush()
        return [_claim_of(job, worker) for job in chosen]

    def heartbeat(self, claim: Claim[ProcessingJob], lease: timedelta) -> Claim[ProcessingJob]:
        """See `ProcessingJobRepository.heartbeat`."""
        self._session.check_writable()
        check_claim(claim, ProcessingJob)
        check_lease(lease)
        job = self._held(claim)
        job.due_at = self._now() + lease
        self._session.flush()
        return attrs.evolve(claim, expires_at=job.due_at)

    def complete(self, claim: Claim[ProcessingJob]) -> None:
        """See `ProcessingJobRepository.complete`."""
        self._complete(self._held(claim))
        self._session.flush()

    def complete_many(self, claims: Iterable[Claim[ProcessingJob]]) -> None:
        """See `ProcessingJobRepository.complete_many`."""
        self._session.check_writable()
        several = checked_claims(claims, ProcessingJob)
        held = [(claim, self._find_held(claim)) for claim in several]
        for _, job in held:
            if job is not None:
                self._complete(job)
        self._session.flush()
        lost = [claim for claim, job in held if job is None]
        if lost:
            raise LeaseLost(lost_message(lost))

    def fail(
        self,
        claim: Claim[ProcessingJob],
        message: str,
        details: Mapping[str, Any] | None = None,
        permanent: bool = False,
    ) -> None:
        """See `ProcessingJobRepository.fail`."""
        values.check_text("message", message)
        told = None if details is None else as_object("details", details)
        values.check_flag("permanent", permanent)
        job = self._held(claim)
        now = self._now()
        again = job.attempts < job.max_attempts and not permanent
        job.status = JobStatus.RETRYING if again else JobStatus.FAILED
        job.due_at = now + wait_after(job.attempts) if again else None
        job.completed_at = None if again else now
        job.worker = None
        job.error_message = message
        job.error_details = told
        self._session.flush()

    def release(self, claim: Claim[ProcessingJob]) -> None:
        """See `ProcessingJobRepository.release`."""
        job = self._held(claim)
        job.attempts = max(job.attempts - 1, 0)
        job.status = JobStatus.RETRYING if job.attempts else JobStatus.QUEUED
        job.worker = job.due_at = job.started_at = None
        self._session.flush()

    def retry(self, job_id: UUID) -> ProcessingJob:
        """See `ProcessingJobRepository.retry`."""
        self._session.check_writable()
        values.check_uuid("job_id", job_id)
        self._wake()
        job = self.get(job_id)
        job.queue_again(self._now())
        self._session.flush()
        return job

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
        found = self._where(lambda job: job.status == wanted and job.job_type in types)
        return sorted(found, key=_order)[:limit]

    def count_by_channel(self) -> dict[UUID, dict[JobStatus, int]]:
        """See `ProcessingJobRepository.count_by_channel`."""
        found: dict[UUID, Counter[JobStatus]] = {}
        for job in self._where(lambda _: True):
            found.setdefault(job.channel_id, Counter())[job.status] += 1
        return {channel_id: dict(counts) for channel_id, counts in found.items()}

    def statistics(self, job_type: JobType | None = None) -> JobStatistics:
        """See `ProcessingJobRepository.statistics`."""
        wanted = checked_types(None if job_type is None else [job_type])
        jobs = self._where(lambda job: job.job_type in wanted)
        waits = [job.started_at - job.queued_at for job in jobs if job.started_at]
        runs = [
            job.completed_at - job.started_at
            for job in jobs
            if job.status == JobStatus.COMPLETED and job.completed_at and job.started_at
        ]
        return statistics_of(Counter(job.status for job in jobs), _mean(waits), _mean(runs))

    def _wake(self) -> None:
        """End the leases and waits that are over."""
        now = self._now()
        for job in self._where(lambda job: job.due_at is not None and job.due_at <= now):
            if job.status == JobStatus.PROCESSING:
                _end_lease(job, now)
            else:
                job.due_at = None
        self._session.flush()

    def _is_paused(self, job_type: JobType) -> bool:
        keys = (pause_key(None), pause_key(job_type))
        return any(self._overrides.value(key) == PAUSED for key in keys)

    def _held(self, claim: Claim[ProcessingJob]) -> ProcessingJob:
        self._session.check_writable()
        check_claim(claim, ProcessingJob)
        job = self._find_held(claim)
        if job is None:
            raise LeaseLost(lost_message([claim]))
        return job

    def _find_held(self, claim: Claim[ProcessingJob]) -> ProcessingJob | None:
        # A job whose addition was undone has no key any more.
        key: Any = claim.item.id
        job = None if key is None else self.find(key)
        if job is None:
            return None
        self._session.reread(self.collection, job)
        held = job.status == JobStatus.PROCESSING and job.lease_token == claim.token
        alive = job.due_at is not None and job.due_at > self._now()
        return job if held and alive else None

    def _complete(self, job: ProcessingJob) -> None:
        job.status = JobStatus.COMPLETED
        job.completed_at = self._now()
        job.worker = job.due_at = job.error_message = job.error_details = None


def _end_lease(job: ProcessingJob, now: Any) -> None:
    ended: Any = job.due_at
    again = job.attempts < job.max_attempts
    job.status = JobStatus.RETRYING if again else JobStatus.FAILED
    job.error_message = f"the lease of {job.worker} ended"
    job.error_details = None
    job.worker = None
    due = ended + wait_after(job.attempts)
    job.due_at = due if again and due > now else None
    job.completed_at = None if again else now


def _claim_of(job: ProcessingJob, worker: str) -> Claim[ProcessingJob]:
    ends: Any = job.due_at
    return Claim(
        item=job, token=job.lease_token, attempt=job.attempts, worker=worker, expires_at=ends
    )


def _order(job: ProcessingJob) -> tuple[Any, ...]:
    return (-job.priority, job.queued_at, job.id)


def _mean(times: list[timedelta]) -> timedelta | None:
    return mean_of(sum(times, timedelta()) // timedelta(microseconds=1), len(times))
