"""What every store does alike when jobs are claimed, when they fail, and when they are retried."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic

from pipeline_store import values
from pipeline_store.channels.processing_job import ProcessingJobRepository, checked_types
from pipeline_store.claim import Claim, check_claiming
from pipeline_store.json_value import as_object
from pipeline_store.repository import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from uuid import UUID

    from pipeline_store.channels.processing_job import JobType, ProcessingJob
    from pipeline_store.clock import Clock
    from pipeline_store.json_value import JsonObject


class AbstractProcessingJobRepository(ProcessingJobRepository, Generic[Session]):
    """How jobs are taken from the queue and come back to it, over what a store finds and keeps."""

    _session: Session
    _now: Clock

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
        jobs = self._hand_out(worker, n, lease, wanted)
        return [_claim_of(job, worker) for job in sorted(jobs, key=in_order)]

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
        self._fail(claim, message, told, permanent=permanent)

    def retry(self, job_id: UUID) -> ProcessingJob:
        """See `ProcessingJobRepository.retry`."""
        self._session.check_writable()
        values.check_uuid("job_id", job_id)
        self._wake()
        job = self.get(job_id)
        job.queue_again(self._now())
        self._session.flush()
        return job

    @abstractmethod
    def _wake(self) -> None:
        """End the leases and waits that are over, before an urgent one of them is passed over."""

    @abstractmethod
    def _hand_out(
        self, worker: str, n: int, lease: timedelta, wanted: tuple[JobType, ...]
    ) -> Iterable[ProcessingJob]:
        """Lease up to `n` jobs that are next to the worker, and return them."""

    @abstractmethod
    def _fail(
        self,
        claim: Claim[ProcessingJob],
        message: str,
        details: JsonObject | None,
        *,
        permanent: bool,
    ) -> None:
        """Let the job wait for another attempt, or be over.

        Raises:
            LeaseLost: the claim has ended.
        """


def in_order(job: ProcessingJob) -> tuple[Any, ...]:
    """Return what jobs are handed out by, least first."""
    return (-job.priority, job.queued_at, job.id)


def _claim_of(job: ProcessingJob, worker: str) -> Claim[ProcessingJob]:
    ends: Any = job.due_at
    return Claim(
        item=job, token=job.lease_token, attempt=job.attempts, worker=worker, expires_at=ends
    )
