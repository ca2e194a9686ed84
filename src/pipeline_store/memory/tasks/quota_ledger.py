"""What was taken from quotas in memory, and what is left of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from pipeline_store.errors import Conflict
from pipeline_store.pacific import day_turns_at
from pipeline_store.tasks import DEFAULT_PROJECT, QuotaAccount, QuotaReservation, ReservationState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from pipeline_store.memory.session import MemorySession


@final
class MemoryQuotaLedger:
    """The ledger as one unit of work sees it."""

    def __init__(self, session: MemorySession) -> None:
        self._session = session
        self._rules = session.quota_rules
        #: What was taken since the last commit.
        self._taken: list[QuotaReservation] = []

    def account(self, project: str, bucket: str, turns_at: datetime) -> QuotaAccount:
        """Return how a bucket stands on the day that ends then."""
        sums = dict.fromkeys(ReservationState, 0)
        for each in self.of_day(turns_at):
            if (each.project, each.bucket) == (project, bucket):
                sums[each.state] += each.units
        return QuotaAccount(
            project=project,
            bucket=bucket,
            limit=self._rules.limit_of(project, bucket),
            used=sums[ReservationState.SPENT],
            reserved=sums[ReservationState.HELD],
            turns_at=turns_at,
        )

    def of_day(self, turns_at: datetime) -> list[QuotaReservation]:
        """Return what was reserved on the day that ends then."""
        return [each for each in self._session.looked_at("quotas") if each.turns_at == turns_at]

    def can_afford(self, project: str, stage: str, turns_at: datetime) -> bool:
        """Whether what the stage costs is left."""
        costs = self._rules.costs_of(stage)
        return all(
            self.account(project, bucket, turns_at).has(units) for bucket, units in costs.items()
        )

    def insert(
        self,
        project: str,
        costs: Mapping[str, int],
        now: datetime,
        task_id: UUID | None = None,
        token: int = 0,
    ) -> list[QuotaReservation]:
        """Write reservations, which were found to be covered."""
        made = [
            QuotaReservation(
                project=project,
                bucket=bucket,
                units=units,
                turns_at=day_turns_at(now),
                task_id=task_id,
                lease_token=token,
                reserved_at=now,
            )
            for bucket, units in sorted(costs.items())
        ]
        for reservation in made:
            self._session.add("quotas", reservation)
        self._watch(made)
        return made

    def take_for(self, project: str, stage: str, task_id: UUID, token: int, now: datetime) -> bool:
        """Reserve what the stage of a task costs, and return whether that was left."""
        costs = self._rules.costs_of(stage)
        if costs and not self.can_afford(project, stage, day_turns_at(now)):
            return False
        if costs:
            self.settle([task_id], ReservationState.SPENT)
            self.insert(project, costs, now, task_id, token)
        return True

    def settle(self, task_ids: Iterable[UUID], state: ReservationState) -> None:
        """Let what these tasks hold be spent, or be refunded."""
        wanted = set(task_ids)

        def is_held(each: QuotaReservation) -> bool:
            return each.task_id in wanted and each.state == ReservationState.HELD

        for reservation in self._session.select("quotas", is_held):
            reservation.state = state
        self._session.flush()

    def project_of(self, channel_id: UUID) -> str:
        """Return the project of a channel."""
        for channel in self._session.looked_at("channels"):
            if channel.id == channel_id:
                return channel.quota_project or DEFAULT_PROJECT
        return DEFAULT_PROJECT

    def _watch(self, made: list[QuotaReservation]) -> None:
        if self._forget not in self._session.on_publish:
            # After a rollback nothing is taken any more.
            self._taken.clear()
            self._session.on_publish.append(self._forget)
            self._session.guards.append(self._refuse_too_much)
        self._taken += made

    def _forget(self) -> None:
        self._taken.clear()

    def _refuse_too_much(self) -> None:
        """Refuse the commit when others have taken first what was left."""
        places = {(each.project, each.bucket, each.turns_at) for each in self._taken}
        for project, bucket, turns_at in sorted(places):
            account = self.account(project, bucket, turns_at)
            if account.limit is not None and account.used + account.reserved > account.limit:
                raise Conflict(
                    f"quota {bucket} of project {project}: somebody else has taken what was left"
                )
