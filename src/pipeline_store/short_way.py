"""The short way on synchronous stores: calls that commit themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

from pipeline_store import values
from pipeline_store.channels import ProcessingJob
from pipeline_store.channels.processing_job import checked_types
from pipeline_store.claim import Claim, check_claiming, check_queue, worker_of
from pipeline_store.tasks import MOST_ATTEMPTS, Task
from pipeline_store.tasks.claiming import claim_request

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from pipeline_store.channels import JobType
    from pipeline_store.tasks import TaskStatus
    from pipeline_store.tasks.claiming import ClaimRequest
    from pipeline_store.unit_of_work import UnitOfWork

Item = TypeVar("Item", ProcessingJob, Task)


class JobQueue(Protocol):
    """What is called of `ProcessingJobRepository`."""

    def claim_batch(
        self, worker: str, n: int, lease: timedelta, job_types: Iterable[JobType] | None = None
    ) -> list[Claim[ProcessingJob]]:
        """See `ProcessingJobRepository.claim_batch`."""
        ...

    def complete(self, claim: Claim[ProcessingJob]) -> None:
        """See `ProcessingJobRepository.complete`."""
        ...

    def complete_many(self, claims: Iterable[Claim[ProcessingJob]]) -> None:
        """See `ProcessingJobRepository.complete_many`."""
        ...


class TaskQueue(Protocol):
    """What is called of `TaskRepository`."""

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
        ...

    def complete(self, claim: Claim[Task]) -> None:
        """See `TaskRepository.complete`."""
        ...

    def complete_many(self, claims: Iterable[Claim[Task]]) -> None:
        """See `TaskRepository.complete_many`."""
        ...


class Queues(Protocol):
    """The two queues."""

    @property
    def jobs(self) -> JobQueue:
        """The queue of jobs."""
        ...

    @property
    def tasks(self) -> TaskQueue:
        """The queue of tasks."""
        ...


class ShortWay(ABC):
    """The calls of `pipeline_store.unit_of_work.Store` that commit themselves."""

    @abstractmethod
    def _queues(self) -> AbstractContextManager[Queues]:
        """Return the queues, each call on which is committed at the end of the block."""

    @abstractmethod
    def unit_of_work(self) -> UnitOfWork:
        """Return a new unit of work."""

    def enqueue(self, tasks: Iterable[Task]) -> int:
        """See `pipeline_store.unit_of_work.Store.enqueue`."""
        with self.unit_of_work() as uow:
            written = uow.tasks.enqueue(tasks)
            uow.commit()
        return written

    @overload
    def claim_next(
        self,
        worker: str,
        *,
        lease: timedelta,
        queue: Literal["jobs"] = "jobs",
        job_types: Iterable[JobType] | None = None,
    ) -> Claim[ProcessingJob] | None: ...

    @overload
    def claim_next(
        self,
        worker: str,
        *,
        lease: timedelta,
        queue: Literal["tasks"],
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> Claim[Task] | None: ...

    def claim_next(
        self,
        worker: str,
        *,
        lease: timedelta,
        queue: Literal["jobs", "tasks"] = "jobs",
        job_types: Iterable[JobType] | None = None,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> Claim[ProcessingJob] | Claim[Task] | None:
        """See `pipeline_store.unit_of_work.Store.claim_next`."""
        of_tasks: Any = {"stages": stages, "most_attempts": most_attempts, "ageing": ageing}
        options: Any = {"job_types": job_types, **of_tasks}
        claims: list[Any] = self.claim_batch(worker, 1, lease=lease, queue=queue, **options)
        return claims[0] if claims else None

    @overload
    def claim_batch(
        self,
        worker: str,
        n: int,
        *,
        lease: timedelta,
        queue: Literal["jobs"] = "jobs",
        job_types: Iterable[JobType] | None = None,
    ) -> list[Claim[ProcessingJob]]: ...

    @overload
    def claim_batch(
        self,
        worker: str,
        n: int,
        *,
        lease: timedelta,
        queue: Literal["tasks"],
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> list[Claim[Task]]: ...

    def claim_batch(
        self,
        worker: str,
        n: int,
        *,
        lease: timedelta,
        queue: Literal["jobs", "tasks"] = "jobs",
        job_types: Iterable[JobType] | None = None,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> list[Claim[ProcessingJob]] | list[Claim[Task]]:
        """See `pipeline_store.unit_of_work.Store.claim_batch`."""
        check_queue(queue, job_types, stages, ageing)
        with self._queues() as queues:
            if queue == "jobs":
                return queues.jobs.claim_batch(worker, n, lease, job_types)
            return queues.tasks.claim_batch(worker, n, lease, stages, most_attempts, ageing=ageing)

    def complete(self, claim: Claim[ProcessingJob] | Claim[Task]) -> None:
        """See `pipeline_store.unit_of_work.Store.complete`."""
        queue: Any
        with self._queues() as queues:
            queue = queues.tasks if _is_on_task(claim) else queues.jobs
            queue.complete(claim)

    def complete_many(self, claims: Iterable[Claim[ProcessingJob]] | Iterable[Claim[Task]]) -> None:
        """See `pipeline_store.unit_of_work.Store.complete_many`."""
        values.check_several("claims", claims)
        several: list[Any] = list(claims)
        queue: Any
        with self._queues() as queues:
            queue = queues.tasks if any(map(_is_on_task, several)) else queues.jobs
            queue.complete_many(several)

    def complete_and_claim_next(
        self,
        claim: Claim[Item],
        *,
        lease: timedelta,
        job_types: Iterable[JobType] | None = None,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> Claim[Item] | None:
        """See `pipeline_store.unit_of_work.Store.complete_and_claim_next`."""
        of_tasks: Any = {"stages": stages, "most_attempts": most_attempts, "ageing": ageing}
        options: Any = {"job_types": job_types, **of_tasks}
        claims: list[Any] = self.complete_and_claim_batch([claim], 1, lease=lease, **options)
        return claims[0] if claims else None

    def complete_and_claim_batch(
        self,
        claims: Iterable[Claim[Item]],
        n: int,
        *,
        lease: timedelta,
        job_types: Iterable[JobType] | None = None,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        ageing: timedelta | None = None,
    ) -> list[Claim[Item]]:
        """See `pipeline_store.unit_of_work.Store.complete_and_claim_batch`."""
        values.check_several("claims", claims)
        several: list[Any] = list(claims)
        worker = worker_of(several)
        is_of_tasks = any(map(_is_on_task, several))
        check_queue("tasks" if is_of_tasks else "jobs", job_types, stages, ageing)
        found: list[Any] = []
        if is_of_tasks:
            wanted = claim_request(worker, n, lease, stages, most_attempts, ageing=ageing)
            found += self._complete_and_claim_tasks(several, wanted)
        else:
            check_claiming(worker, n, lease)
            types = checked_types(job_types)
            with self._queues() as queues:
                queues.jobs.complete_many(several)
                found += queues.jobs.claim_batch(worker, n, lease, types or None)
        return found

    def _complete_and_claim_tasks(
        self, claims: list[Claim[Task]], wanted: ClaimRequest
    ) -> list[Claim[Task]]:
        with self._queues() as queues:
            queues.tasks.complete_many(claims)
            return queues.tasks.claim_batch(
                wanted.worker,
                wanted.count,
                wanted.lease,
                wanted.stages,
                wanted.most_attempts,
                ageing=wanted.ageing,
            )


def _is_on_task(claim: Any) -> bool:
    item: Any = getattr(claim, "item", None)
    return isinstance(item, Task)
