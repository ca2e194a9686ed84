"""The collection of tasks: questions, moves, and the queue that workers take them from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from pipeline_store.repository import Repository
from pipeline_store.tasks.claiming import MOST_ATTEMPTS
from pipeline_store.tasks.task import UNKNOWN, Task

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from pipeline_store.claim import Claim
    from pipeline_store.tasks.history import TaskTransition
    from pipeline_store.tasks.state import TaskStatus
    from pipeline_store.tasks.task import PendingReview


class TaskRepository(Repository[Task, UUID], Protocol):
    """All tasks, the moves through the workflow, and the queue of those that wait for a worker.

    A claim is a lease: when it ends without a word of the worker, the task can be claimed again.
    Leases are judged by the clock of the database server, on SQLite and in memory by that of the
    store. High priority goes first, then normal, then low; of equals the channels take turns, the
    least recently served first; within a channel the oldest task goes first. A channel has at most
    `max_concurrent` tasks that workers hold, and none is handed out while it is inactive or paused.
    """

    def enqueue(self, tasks: Iterable[Task]) -> int:
        """Store new tasks, without giving their keys back, and return how many.

        The fast way in: written in bulk, in constant memory when fed a generator, all or none. The
        objects stay new, without a key, and are not followed.

        Raises:
            AlreadyExists: the page of one has a task already.
            NotFound: the channel of one does not exist.
            InvalidValue: one is no task, or was stored already; the unit of work holds none of this
                call's tasks.
        """
        ...

    def by_notion_page_id(self, notion_page_id: str) -> Task | None:
        """Return the task of that page, spelled with dashes or without, or None."""
        ...

    def for_channel(self, channel_id: UUID, limit: int = 100) -> list[Task]:
        """Return the channel's tasks, oldest first; `limit` is 1 to 10,000."""
        ...

    def in_status(self, status: TaskStatus, limit: int = 100) -> list[Task]:
        """Return the tasks in that status, oldest first; `limit` is 1 to 10,000."""
        ...

    def count_by_status(self, channel_id: UUID | None = None) -> dict[TaskStatus, int]:
        """Return how many tasks are in each status that any is in, of all or of one channel."""
        ...

    def count_held(self, channel_id: UUID) -> int:
        """Return how many of the channel's tasks workers have, by leases that have not ended."""
        ...

    def advance(
        self,
        task: Task | Claim[Task],
        to: TaskStatus,
        actor: str = UNKNOWN,
        reason: str | None = None,
        force: bool = False,
    ) -> Task:
        """Move the task, write its history, and return it.

        Given a claim, it is a move of the worker, who is also the actor unless another is named.
        The lease goes on, unless the move leads to a gate, an error, publication or, as `release`
        does, back to the queue. Given a task, `force` takes it from a worker whose lease has not
        ended.

        Raises:
            IllegalTransition: the workflow does not allow it; nothing was changed.
            Conflict: somebody else moved it first, or a worker holds it; nothing was changed.
            LeaseLost: the lease of the claim has ended, or somebody else has the task; nothing was
                changed.
        """
        ...

    def claim_next(
        self,
        worker: str,
        lease: timedelta,
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = MOST_ATTEMPTS,
        *,
        ageing: timedelta | None = None,
    ) -> Claim[Task] | None:
        """Take the next task, or return None.

        A queued task becomes claimed; any other goes on where it stands. `stages` are the statuses
        to take from, None for all in which a task waits for a worker. The lease is 1 millisecond to
        7 days. `attempts` rises by one. A task that was claimed `most_attempts` times since it last
        got on is not handed out but moved to the error of its stage.

        `ageing`, 1 second to 365 days, keeps tasks of low priority from waiting for ever; without
        it they do while there are others. A task that was created that long ago counts as one of
        the next higher priority, and after twice that time a low one counts as high, in its place
        by age. This is noticed by the first such claim after a twentieth of the time. From then on,
        while its channel has room, at most so many claims come before it: the older tasks that wait
        in its channel, and one, times the channels that have tasks of high priority. What was
        raised stays so.
        """
        ...

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
        """Take up to `n` tasks, 1 to 1,000, as `claim_next` would one after the other."""
        ...

    def heartbeat(self, claim: Claim[Task], lease: timedelta) -> Claim[Task]:
        """Let the lease end that much from now, and return the claim with its new end.

        Raises:
            LeaseLost: it has ended, or somebody else has the task.
        """
        ...

    def complete(self, claim: Claim[Task]) -> None:
        """Move the task to the one status that follows where it stands, as `advance` does.

        Raises:
            LeaseLost: the lease has ended, or somebody else has the task; nothing was changed.
        """
        ...

    def complete_many(self, claims: Iterable[Claim[Task]]) -> None:
        """Do so for up to 1,000 tasks.

        Raises:
            LeaseLost: naming the tasks whose lease has ended; the others are moved.
        """
        ...

    def fail(self, claim: Claim[Task], message: str) -> Task:
        """Move the task to the error of its stage, with a line in its error log; return it.

        Raises:
            LeaseLost: the lease has ended, or somebody else has the task; nothing was changed.
        """
        ...

    def release(self, claim: Claim[Task]) -> None:
        """Give the task back: the attempt does not count, and what was claimed is queued again.

        Raises:
            LeaseLost: the lease has ended, or somebody else has the task; nothing was changed.
        """
        ...

    def approve(self, task_id: UUID, actor: str, review: int | None = None) -> Task:
        """Let a task that waits at a gate go on; `review` is what `PendingReview` shows.

        Raises:
            NotFound: there is no such task.
            Conflict: it was decided already, or came back to the gate since; the message says who
                decided what and when.
            IllegalTransition: it waits at no gate, and no review was named.
        """
        ...

    def reject(self, task_id: UUID, actor: str, reason: str, review: int | None = None) -> Task:
        """Send a task that waits at a gate into its error, from where it is retried.

        Raises:
            InvalidValue: no reason is given.
            NotFound, Conflict, IllegalTransition: as for `approve`.
        """
        ...

    def retry(self, task_id: UUID, actor: str, to: TaskStatus | None = None) -> Task:
        """Let a task that failed begin again at the stage that failed, or at another legal one.

        Raises:
            NotFound: there is no such task.
            IllegalTransition: it has not failed, or may not go there.
        """
        ...

    def history(self, task_id: UUID) -> list[TaskTransition]:
        """Return every change of the task's status, oldest first.

        Raises:
            NotFound: there is no such task.
        """
        ...

    def pending_reviews(self, limit: int = 100) -> list[PendingReview]:
        """Return the tasks that wait at a gate, the longest waiting first.

        `limit` is 1 to 10,000.
        """
        ...
