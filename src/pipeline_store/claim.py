"""What a worker holds while it works on something."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from pipeline_store import values
from pipeline_store.errors import InvalidValue, LeaseLost

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

Item = TypeVar("Item")

SHORTEST_LEASE: Final = timedelta(milliseconds=1)
LONGEST_LEASE: Final = timedelta(days=7)
LARGEST_BATCH: Final = 1_000


@attrs.frozen(kw_only=True)
class Claim(Generic[Item]):
    """A lease on one item. Every write of its worker carries it, and is refused once it ended.

    The item is as it was when it was claimed; read it anew to change it.
    """

    item: Item
    #: Grows with every claim of the item, so that an earlier holder is told apart.
    token: int
    #: How many times the item was claimed, this one included.
    attempt: int
    worker: str
    #: By the clock of the database server, or of the store for SQLite and memory.
    expires_at: datetime


def check_lease(lease: Any) -> None:
    """Refuse a lease that is no `timedelta` from 1 millisecond to 7 days."""
    if not isinstance(lease, timedelta):
        raise InvalidValue(f"lease: timedelta expected, found {type(lease).__name__}")
    if not SHORTEST_LEASE <= lease <= LONGEST_LEASE:
        raise InvalidValue(f"lease: 1 millisecond to 7 days expected, found {lease}")


def check_claiming(worker: Any, count: Any, lease: Any) -> None:
    """Refuse a claim without a worker, of fewer than 1 or more than 1,000, or a bad lease."""
    check_worker("worker", worker)
    values.check_integer("n", count, least=1, most=LARGEST_BATCH)
    check_lease(lease)


def check_queue(queue: Any, job_types: Any, stages: Any, ageing: Any) -> None:
    """Refuse a queue that there is not, and what the other one is asked for by."""
    if queue not in ("jobs", "tasks"):
        raise InvalidValue(f'queue: "jobs" or "tasks" expected, found {queue!r}')
    if queue == "jobs" and stages is not None:
        raise InvalidValue('stages: jobs have none; say queue="tasks"')
    if queue == "jobs" and ageing is not None:
        raise InvalidValue('ageing: jobs have none; say queue="tasks"')
    if queue == "tasks" and job_types is not None:
        raise InvalidValue("job_types: tasks have none; say stages=")


def check_claim(claim: Any, kind: type[Any]) -> None:
    """Refuse anything but a claim on an object of that class."""
    if not isinstance(claim, Claim):
        raise InvalidValue(f"claim: Claim expected, found {type(claim).__name__}")
    item: Any = claim.item  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    key: Any = getattr(item, "id", None)  # pyright: ignore[reportUnknownArgumentType]
    if not isinstance(item, kind):
        raise InvalidValue(f"claim: one of a {kind.__name__} expected")
    # Without a key it was never stored, so nobody holds it.
    if key is not None:
        values.check_uuid("claim.item.id", key)
    values.check_integer("claim.token", claim.token, least=0)
    check_worker("claim.worker", claim.worker)


def check_worker(name: str, worker: Any) -> None:
    """Refuse what cannot name a worker."""
    values.check_text(name, worker, longest=values.LONGEST_KEY, empty=False)


def worker_of(claims: Sequence[Any]) -> str:
    """Return the one worker that holds these claims.

    Raises:
        InvalidValue: there is none, or more than one.
    """
    # By what they are called, since what is no name may not even go into a set.
    workers = {str(claim.worker) for claim in claims if isinstance(claim, Claim)}
    if len(workers) == 1:
        return workers.pop()
    found = ", ".join(sorted(workers)) or "none"
    raise InvalidValue(f"claims: at least one, all of one worker expected, found {found}")


def checked_claims(claims: Any, kind: type[Any]) -> list[Claim[Any]]:
    """Return the claims as a list.

    Raises:
        InvalidValue: one is none of an object of that class, or there are more than 1,000.
    """
    values.check_several("claims", claims)
    several: Iterable[Claim[Any]] = claims
    found = list(several)
    for claim in found:
        check_claim(claim, kind)
    if len(found) > LARGEST_BATCH:
        raise InvalidValue(f"claims: at most {LARGEST_BATCH} at once, found {len(found)}")
    return found


def lease_lost(kind: str, claims: Iterable[Claim[Any]]) -> LeaseLost:
    """Return the error that names the claims which have ended; `kind` is "job" or "task"."""
    named = ", ".join(f"{claim.item.id} (token {claim.token})" for claim in claims)
    return LeaseLost(f"the lease has ended, or somebody else has the {kind}: {named}; claim again")


def newest_tokens(claims: Iterable[Claim[Any]]) -> dict[UUID, int]:
    """Return by key of what is claimed the token of the one claim that may still hold it."""
    newest: dict[UUID, int] = {}
    for claim in claims:
        key: UUID | None = claim.item.id
        # What was added and undone has no key any more.
        if key is not None:
            newest[key] = max(claim.token, newest.get(key, claim.token))
    return newest


def refuse_lost(kind: str, claims: Sequence[Claim[Any]], written: Iterable[UUID]) -> None:
    """Raise `LeaseLost` for the claims whose job or task was not written, or not by them."""
    done = set(written)
    newest = newest_tokens(claims)
    lost = [
        claim
        for claim in claims
        if claim.item.id not in done or claim.token != newest[claim.item.id]
    ]
    if lost:
        raise lease_lost(kind, lost)
