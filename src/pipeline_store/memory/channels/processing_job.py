"""Jobs in memory, and the queue of those to be done."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, final
from uuid import UUID

import attrs

from pipeline_store import values
from pipeline_store.channels import JobStatus, ProcessingJob
from pipeline_store.channels.abstract_processing_job import (
    AbstractProcessingJobRepository,
    in_order,
)
from pipeline_store.channels.processing_job import (
    WAITING,
    checked_types,
    mean_of,
    pause_key,
    paused_of,
    statistics_of,
    wait_after,
)
from pipeline_store.claim import Claim, check_claim, check_lease, checked_claims, lease_lost
from pipeline_store.memory.production import MemoryConfigOverrideRepository
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.memory.session import MemorySession
from pipeline_store.pauses import JOBS_PAUSED, PAUSED
from pipeline_store.repository import check_limit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline_store.channels import JobStatistics, JobType
    from pipeline_store.clock import Clock
    from pipeline_store.json_value import JsonObject


@final
class MemoryProcessingJobRepository(
    MemoryRepository[ProcessingJob, UUID], AbstractProcessingJobRepository[MemorySession]
):
    """Jobs in memory."""

    collection = "jobs"

    def __init__(self, session: MemorySession, now: Clock) -> None:
        super().__init__(session, now)
        self._overrides = MemoryConfigOverrideRepository(session, now)

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
            raise lease_lost("job", lost)

    def release(self, claim: Claim[ProcessingJob]) -> None:
        """See `ProcessingJobRepository.release`."""
        job = self._held(claim)
        job.attempts = max(job.attempts - 1, 0)
        job.status = JobStatus.RETRYING if job.attempts else JobStatus.QUEUED
        job.worker = job.due_at = job.started_at = None
        self._session.flush()

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
        return sorted(found, key=in_order)[:limit]

    def count_by_channel(self) -> dict[UUID, dict[JobStatus, int]]:
        """See `ProcessingJobRepository.count_by_channel`."""
        found: dict[UUID, Counter[JobStatus]] = {}
        for job in self._looked_at():
            found.setdefault(job.channel_id, Counter())[job.status] += 1
        return {channel_id: dict(counts) for channel_id, counts in found.items()}

    def statistics(self, job_type: JobType | None = None) -> JobStatistics:
        """See `ProcessingJobRepository.statistics`."""
        wanted = checked_types(None if job_type is None else [job_type])
        jobs = [job for job in self._looked_at() if job.job_type in wanted]
        waits = [job.started_at - job.queued_at for job in jobs if job.started_at]
        runs = [
            job.completed_at - job.started_at
            for job in jobs
            if job.status == JobStatus.COMPLETED and job.completed_at and job.started_at
        ]
        return statistics_of(Counter(job.status for job in jobs), _mean(waits), _mean(runs))

    def _wake(self) -> None:
        now = self._now()
        for job in self._where(lambda job: job.due_at is not None and job.due_at <= now):
            if job.status == JobStatus.PROCESSING:
                _end_lease(job, now)
            else:
                job.due_at = None
        self._session.flush()

    def _hand_out(
        self, worker: str, n: int, lease: timedelta, wanted: tuple[JobType, ...]
    ) -> list[ProcessingJob]:
        open_types = {each for each in wanted if not self._is_paused(each)}
        ready = self._where(
            lambda job: job.status in WAITING and job.due_at is None and job.job_type in open_types
        )
        chosen = sorted(ready, key=in_order)[:n]
        now = self._now()
        for job in chosen:
            job.status = JobStatus.PROCESSING
            job.attempts += 1
            job.lease_token += 1
            job.worker = worker
            job.started_at = now
            job.due_at = now + lease
        self._session.flush()
        return chosen

    def _fail(
        self,
        claim: Claim[ProcessingJob],
        message: str,
        details: JsonObject | None,
        *,
        permanent: bool,
    ) -> None:
        job = self._held(claim)
        now = self._now()
        again = job.attempts < job.max_attempts and not permanent
        job.status = JobStatus.RETRYING if again else JobStatus.FAILED
        job.due_at = now + wait_after(job.attempts) if again else None
        job.completed_at = None if again else now
        job.worker = None
        job.error_message = message
        job.error_details = details
        self._session.flush()

    def _is_paused(self, job_type: JobType) -> bool:
        keys = (pause_key(None), pause_key(job_type))
        return any(self._overrides.value(key) == PAUSED for key in keys)

    def _held(self, claim: Claim[ProcessingJob]) -> ProcessingJob:
        self._session.check_writable()
        check_claim(claim, ProcessingJob)
        job = self._find_held(claim)
        if job is None:
            raise lease_lost("job", [claim])
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
    due = ended + wait_after(job.attempts) if again else now
    job.due_at = due if due > now else None
    job.completed_at = None if again else now


def _mean(times: list[timedelta]) -> timedelta | None:
    return mean_of(sum(times, timedelta()) // timedelta(microseconds=1), len(times))
