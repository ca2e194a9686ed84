"""The ledger of quotas: what was reserved, what was spent, and what is left of a Pacific day."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from attrs import frozen

from pipeline_store import values
from pipeline_store.entity import entity
from pipeline_store.errors import IllegalTransition, InvalidValue, QuotaExhausted
from pipeline_store.fields import choice, instant, integer, key_text, uuid_identity, uuid_reference
from pipeline_store.repository import Repository, check_kind
from pipeline_store.tasks.quota_plans import DEFAULT_PROJECT, QuotaCost
from pipeline_store.tasks.state import TaskStatus

if TYPE_CHECKING:
    from pipeline_store.tasks.quota_plans import QuotaLimit, QuotaPlan

MOST_UNITS: Final = 10**12
"""The most that a limit, a cost or a reservation may be."""


class ReservationState(StrEnum):
    """What became of units that were reserved."""

    HELD = "held"
    SPENT = "spent"
    REFUNDED = "refunded"


def _settle(reservation: QuotaReservation, wanted: ReservationState) -> None:
    if reservation.state not in (ReservationState.HELD, wanted):
        raise IllegalTransition(
            f"quota reservation {reservation.id}", reservation.state, wanted, ()
        )


@entity
class QuotaReservation:
    """Units of a bucket that were taken from what a project may spend in a day."""

    id: UUID = uuid_identity()
    project: str = key_text()
    bucket: str = key_text()
    units: int = integer(least=1, most=MOST_UNITS)
    state: ReservationState = choice(
        ReservationState, default=ReservationState.HELD, on_move=_settle
    )
    #: The end of the Pacific day that they are counted in.
    turns_at: datetime = instant()
    #: The task whose claim took them; kept when the task is removed.
    task_id: UUID | None = uuid_reference(None, default=None)
    lease_token: int = integer(default=0)
    reserved_at: datetime = instant(default=None, now_by_default=True)


@frozen(kw_only=True)
class QuotaAccount:
    """How a bucket of a project stands today."""

    project: str
    bucket: str
    #: None when nobody has set one: then nothing is refused.
    limit: int | None
    #: Spent for good.
    used: int
    #: Held for work that is under way.
    reserved: int
    #: When the Pacific day ends, and everything is there again.
    turns_at: datetime

    @property
    def left(self) -> int | None:
        """What may still be reserved; None without a limit."""
        if self.limit is None:
            return None
        return max(self.limit - self.used - self.reserved, 0)

    def has(self, units: int) -> bool:
        """Whether so many may still be reserved."""
        return self.left is None or self.left >= units


class QuotaRepository(Repository[QuotaReservation, UUID], Protocol):
    """The reservations, and the limits and costs that they go by.

    Each project has buckets, and each bucket a limit for a Pacific day. What the project `default`
    may spend, every project may that has no limit of its own; it is also the project of channels
    that name none. A claim reserves what the stage of its task costs, on the project of the
    channel, and is not made when that is not left. A release refunds it, and everything else that
    a worker writes spends it; a lease that was lost while uploading counts as spent, and any other
    as refunded. `add` books what was reserved or spent elsewhere, and asks for no limit.

    The day goes by the clock of the store.
    """

    def reserve(self, project: str, bucket: str, units: int) -> QuotaReservation:
        """Take units from what is left today; until the commit, others wait for the same bucket.

        Raises:
            QuotaExhausted: less is left; nothing was reserved.
            InvalidValue: nobody has set a limit for that bucket, or no units are asked for.
            Conflict: in memory, where nobody waits, somebody else took them first; raised by the
                commit.
        """
        ...

    def reserve_for(self, project: str, stage: str) -> list[QuotaReservation]:
        """Take what a stage costs, of every bucket or of none, and return it by bucket.

        Raises:
            QuotaExhausted: less is left of one of the buckets; nothing was reserved.
            Conflict: as for `reserve`.
        """
        ...

    def commit(self, reservation: QuotaReservation) -> None:
        """Note that the units were spent.

        Raises:
            IllegalTransition: they were refunded.
        """
        ...

    def refund(self, reservation: QuotaReservation) -> None:
        """Give the units back to the day that they were taken from.

        Raises:
            IllegalTransition: they were spent.
        """
        ...

    def account(self, project: str, bucket: str) -> QuotaAccount:
        """Return how a bucket stands today, and when the day turns."""
        ...

    def accounts(self, project: str | None = None) -> list[QuotaAccount]:
        """Return how every bucket stands that a project has, or every project: in order of names.

        The projects are those with limits, those of channels, and those that something was taken
        from today.
        """
        ...

    def limits(self) -> list[QuotaLimit]:
        """Return every limit that was set, by project and bucket."""
        ...

    def set_limit(self, project: str, bucket: str, units: int) -> None:
        """Let a project spend so much of a bucket in a day, from now on; 0 stops it."""
        ...

    def remove_limit(self, project: str, bucket: str) -> bool:
        """Let the limit of `default` hold again, and return whether there was one of its own."""
        ...

    def costs(self) -> list[QuotaCost]:
        """Return what every stage costs, by stage and bucket."""
        ...

    def set_cost(self, stage: str, bucket: str, units: int) -> None:
        """Let a stage cost so much of a bucket, from the next claim on; 0 takes the cost away."""
        ...

    def use_plan(self, plan: QuotaPlan) -> None:
        """Put a plan in the place of all costs and of the limits of `default`.

        Projects keep limits of their own.
        """
        ...


def check_names(project: object, bucket: object) -> None:
    """Refuse what cannot name a project and a bucket."""
    _check_name("project", project)
    _check_name("bucket", bucket)


def check_stage(stage: object) -> None:
    """Refuse what cannot name a stage."""
    _check_name("stage", stage)


def check_project(project: object) -> None:
    """Refuse what cannot name a project."""
    _check_name("project", project)


def _check_name(name: str, value: object) -> None:
    values.check_text(name, value, longest=values.LONGEST_KEY, empty=False)


def check_units(units: object, *, least: int) -> None:
    """Refuse what is no number of units."""
    values.check_integer("units", units, least=least, most=MOST_UNITS)


def check_account(account: QuotaAccount, units: int) -> None:
    """Refuse to reserve more than is left.

    Raises:
        QuotaExhausted: naming the bucket, what is left and when it turns.
        InvalidValue: the bucket has no limit.
    """
    left = account.left
    if left is None:
        raise InvalidValue(
            f"bucket: {account.bucket!r} has no limit for project {account.project!r}; set one with"
            " quotas.set_limit() or `pipeline-store quota set`"
        )
    if left < units:
        raise QuotaExhausted(account.project, account.bucket, left, units, account.turns_at)


def check_plan(plan: Any) -> None:
    """Refuse a plan with a limit or a cost that cannot be kept."""
    for name in ("limits", "costs"):
        # Read more than once, so nothing that can be read only once.
        if not isinstance(getattr(plan, name), (tuple, list)):
            raise InvalidValue(f"{name}: a tuple expected")
    for limit in plan.limits:
        try:
            bucket, units = limit
        except (TypeError, ValueError):
            raise InvalidValue("limits: pairs of a bucket and its units expected") from None
        check_names(DEFAULT_PROJECT, bucket)
        check_units(units, least=0)
    for cost in plan.costs:
        check_kind(QuotaCost, cost)
        check_stage(cost.stage)
        check_names(DEFAULT_PROJECT, cost.bucket)
        check_units(cost.units, least=1)


def after_loss(status: TaskStatus) -> ReservationState:
    """Return what becomes of a reservation when the lease was lost in that status."""
    # Nobody knows how far an upload came: what it may have cost is taken to be spent.
    uploading = status == TaskStatus.UPLOADING
    return ReservationState.SPENT if uploading else ReservationState.REFUNDED
