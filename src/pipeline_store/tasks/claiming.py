"""What a claim does to a task, and what its holder may do with it; the same on every store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pipeline_store import values
from pipeline_store.claim import Claim, check_claiming
from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.tasks.quota import ReservationState
from pipeline_store.tasks.state import CLAIMABLE, RANKS, STAGES, TaskStatus, onward_from
from pipeline_store.tasks.task import UNKNOWN, Task

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

MOST_ATTEMPTS: Final = 5
"""Claims of a task without getting on after which it is given up, unless said otherwise."""

QUEUE: Final = "queue"
"""Who moved a task that was given up."""

RELEASED: Final = "released"
"""Why a claimed task is queued again."""


SHORTEST_AGEING: Final = timedelta(seconds=1)
LONGEST_AGEING: Final = timedelta(days=365)

LOOKS_PER_AGEING: Final = 20
"""How often within the time of ageing it is looked at what has aged."""

AGED_AT_ONCE: Final = 1_000
"""Tasks that one claim raises; what is left is for the next one."""


@frozen
class ClaimRequest:
    """What a worker asks the queue for."""

    worker: str
    count: int
    lease: timedelta
    #: In one order; None for all.
    stages: tuple[TaskStatus, ...] | None
    most_attempts: int
    #: None for strict priorities.
    ageing: timedelta | None = None


def claim_request(
    worker: str,
    count: int,
    lease: timedelta,
    stages: Iterable[TaskStatus] | None,
    most_attempts: int,
    *,
    ageing: timedelta | None = None,
) -> ClaimRequest:
    """Return the arguments of a claim, checked.

    Raises:
        InvalidValue: one of them says nothing that can be done.
    """
    check_claiming(worker, count, lease)
    values.check_integer("most_attempts", most_attempts, least=1)
    if ageing is not None:
        check_ageing(ageing)
    return ClaimRequest(worker, count, lease, checked_stages(stages), most_attempts, ageing)


def check_ageing(ageing: Any) -> None:
    """Refuse an ageing that is no `timedelta` from 1 second to 365 days."""
    if not isinstance(ageing, timedelta):
        raise InvalidValue(f"ageing: timedelta expected, found {type(ageing).__name__}")
    if not SHORTEST_AGEING <= ageing <= LONGEST_AGEING:
        raise InvalidValue(f"ageing: 1 second to 365 days expected, found {ageing}")


def aged_rank(task: Task, ageing: timedelta, now: datetime) -> int:
    """Return the rank of a task once its age counts; it never grows again."""
    raised = (now - task.created_at) // ageing
    return min(task.rank, max(RANKS[task.priority] - max(raised, 0), 0))


def is_due(last: datetime | None, ageing: timedelta, now: datetime) -> bool:
    """Whether ages are to be looked at again."""
    return last is None or last > now or last <= now - ageing / LOOKS_PER_AGEING


def raise_rank(task: Task, rank: int) -> None:
    """Let a task count as one of a higher priority."""
    _set(task, rank=rank)


def checked_stages(stages: Any) -> tuple[TaskStatus, ...] | None:
    """Return the statuses to claim in, in one order, or None for all.

    Raises:
        InvalidValue: none is named, or one in which no task waits for a worker.
    """
    if stages is None:
        return None
    values.check_several("stages", stages)
    wanted = {values.as_member("stages", TaskStatus, each) for each in stages}
    if not wanted:
        raise InvalidValue("stages: at least one expected, or None for all")
    for each in wanted.difference(CLAIMABLE):
        raise InvalidValue(f"stages: no task waits for a worker in {each}")
    return tuple(each for each in CLAIMABLE if each in wanted)


def can_be_claimed(task: Task) -> bool:
    """Whether the task waits for a worker and none holds it."""
    return task.status in CLAIMABLE and task.lease_expires_at is None


def is_given_up(status: TaskStatus, attempts: int, most_attempts: int) -> bool:
    """Whether a task was claimed too often, and there is an error that it can go to."""
    return attempts >= most_attempts and STAGES[status].error is not None


def give_up(task: Task) -> None:
    """Move a task that was claimed too often to the error of its stage."""
    task.advance(_error_of(task), QUEUE, too_many_attempts(task.attempts))


def too_many_attempts(attempts: int) -> str:
    """Return why a task is given up."""
    return f"claimed {attempts} times without getting on"


def hand_out(task: Task, worker: str, ends: datetime) -> Claim[Task]:
    """Lease the task to the worker and return the claim on it."""
    attempts = task.attempts + 1
    if task.status == TaskStatus.QUEUED:
        task.advance(TaskStatus.CLAIMED, worker)
    _set(
        task,
        attempts=attempts,
        lease_token=task.lease_token + 1,
        worker=worker,
        lease_expires_at=ends,
    )
    return claim_of(task)


def claim_of(task: Task) -> Claim[Task]:
    """Return the claim on a task that was just handed out."""
    worker: Any = task.worker
    ends: Any = task.lease_expires_at
    return Claim(
        item=task, token=task.lease_token, attempt=task.attempts, worker=worker, expires_at=ends
    )


def end_lease(task: Task) -> None:
    """Let nobody hold the task."""
    _set(task, worker=None, lease_expires_at=None)


def prolong(task: Task, ends: datetime) -> None:
    """Let the lease end later."""
    _set(task, lease_expires_at=ends)


def is_held(task: Task, claim: Claim[Task], now: datetime) -> bool:
    """Whether the claim's lease on the task has not ended."""
    ends = task.lease_expires_at
    return task.lease_token == claim.token and ends is not None and ends > now


def move(task: Task, claim: Claim[Task], to: TaskStatus, actor: str, reason: str | None) -> None:
    """Let the holder of the claim move the task."""
    by = claim.worker if actor == UNKNOWN else actor
    if task.status == TaskStatus.CLAIMED and to == TaskStatus.QUEUED:
        give_back(task, by, reason)
    else:
        task.advance(to, by, reason)


def settled_by_move(task: Task, to: Any) -> ReservationState:
    """Return what becomes of what the holder of a task has reserved, when it moves the task."""
    gives_back = task.status == TaskStatus.CLAIMED and to == TaskStatus.QUEUED
    return ReservationState.REFUNDED if gives_back else ReservationState.SPENT


def move_on(task: Task, worker: str) -> None:
    """Move the task to the one status that follows."""
    following = onward_from(task.status)
    # A lease is only ever on a task that waits for a worker.
    task.advance(task.status if following is None else following, worker)


def move_to_error(task: Task, worker: str, message: str) -> None:
    """Move the task to the error of its stage."""
    task.advance(_error_of(task), worker, message)


def give_back(task: Task, actor: str, reason: str | None = None) -> None:
    """Let nobody hold the task, as if it had not been claimed."""
    attempts = max(task.attempts - 1, 0)
    if task.status == TaskStatus.CLAIMED:
        task.advance(TaskStatus.QUEUED, actor, reason or RELEASED)
    end_lease(task)
    _set(task, attempts=attempts)


def _error_of(task: Task) -> TaskStatus:
    stage = STAGES[task.status]
    if stage.error is None:
        raise IllegalTransition(f"task {task.id}", task.status, "failed", stage.moves)
    return stage.error


def _set(task: Task, **held: Any) -> None:
    # Past the checks of an assignment, as everything that claims write.
    for name, value in held.items():
        object.__setattr__(task, name, value)
