"""Quotas in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, final
from uuid import UUID

from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.memory.session import MemorySession
from pipeline_store.memory.tasks.quota_ledger import MemoryQuotaLedger
from pipeline_store.pacific import day_turns_at
from pipeline_store.repository import check_kind
from pipeline_store.tasks import (
    DEFAULT_PROJECT,
    QuotaAccount,
    QuotaCost,
    QuotaLimit,
    QuotaPlan,
    QuotaReservation,
    ReservationState,
)
from pipeline_store.tasks.abstract_quota import AbstractQuotaRepository
from pipeline_store.tasks.quota import (
    check_account,
    check_names,
    check_plan,
    check_project,
    check_stage,
    check_units,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_store.clock import Clock
    from pipeline_store.memory.tables import Units


@final
class MemoryQuotaRepository(
    MemoryRepository[QuotaReservation, UUID], AbstractQuotaRepository[MemorySession]
):
    """The ledger in memory."""

    collection = "quotas"

    def __init__(self, session: MemorySession, now: Clock) -> None:
        super().__init__(session, now)
        self._ledger = MemoryQuotaLedger(session)
        self._rules = session.quota_rules

    def account(self, project: str, bucket: str) -> QuotaAccount:
        """See `QuotaRepository.account`."""
        check_names(project, bucket)
        return self._ledger.account(project, bucket, day_turns_at(self._now()))

    def accounts(self, project: str | None = None) -> list[QuotaAccount]:
        """See `QuotaRepository.accounts`."""
        if project is not None:
            check_project(project)
        turns_at = day_turns_at(self._now())
        taken = [
            (each.project, each.bucket)
            for each in self._ledger.of_day(turns_at)
            if each.state != ReservationState.REFUNDED
        ]
        shared = [bucket for owner, bucket in self._rules.limits if owner == DEFAULT_PROJECT]
        if project is None:
            named = {owner for owner, _ in (*self._rules.limits, *taken)}
            channels = self._session.looked_at("channels")
            projects = {DEFAULT_PROJECT, *named, *(each.quota_project for each in channels)}
        else:
            projects = {project}
        places = {(each, bucket) for each in projects - {None} for bucket in shared}
        places |= {place for place in (*self._rules.limits, *taken) if place[0] in projects}
        return [self._ledger.account(*place, turns_at) for place in sorted(places)]

    def limits(self) -> list[QuotaLimit]:
        """See `QuotaRepository.limits`."""
        self._session.flush()
        return [QuotaLimit(*place, units) for place, units in sorted(self._rules.limits.items())]

    def set_limit(self, project: str, bucket: str, units: int) -> None:
        """See `QuotaRepository.set_limit`."""
        self._session.check_writable()
        check_names(project, bucket)
        check_units(units, least=0)

        def put(limits: Units, _costs: Units) -> None:
            limits[project, bucket] = units

        self._rules.change(put)

    def remove_limit(self, project: str, bucket: str) -> bool:
        """See `QuotaRepository.remove_limit`."""
        self._session.check_writable()
        check_names(project, bucket)
        was_there = (project, bucket) in self._rules.limits

        def take_away(limits: Units, _costs: Units) -> None:
            limits.pop((project, bucket), None)

        self._rules.change(take_away)
        return was_there

    def costs(self) -> list[QuotaCost]:
        """See `QuotaRepository.costs`."""
        self._session.flush()
        return [QuotaCost(*place, units) for place, units in sorted(self._rules.costs.items())]

    def set_cost(self, stage: str, bucket: str, units: int) -> None:
        """See `QuotaRepository.set_cost`."""
        self._session.check_writable()
        check_stage(stage)
        check_names(DEFAULT_PROJECT, bucket)
        check_units(units, least=0)

        def put(_limits: Units, costs: Units) -> None:
            costs.pop((stage, bucket), None)
            if units:
                costs[stage, bucket] = units

        self._rules.change(put)

    def use_plan(self, plan: QuotaPlan) -> None:
        """See `QuotaRepository.use_plan`."""
        self._session.check_writable()
        check_kind(QuotaPlan, plan)
        check_plan(plan)

        def put(limits: Units, costs: Units) -> None:
            for place in [place for place in limits if place[0] == DEFAULT_PROJECT]:
                del limits[place]
            limits.update({(DEFAULT_PROJECT, bucket): units for bucket, units in plan.limits})
            costs.clear()
            costs.update({(cost.stage, cost.bucket): cost.units for cost in plan.costs})

        self._rules.change(put)

    def _costs_of(self, stage: str) -> Mapping[str, int]:
        return self._rules.costs_of(stage)

    def _reserve(self, project: str, costs: Mapping[str, int]) -> list[QuotaReservation]:
        now = self._now()
        for bucket, units in sorted(costs.items()):
            check_account(self._ledger.account(project, bucket, day_turns_at(now)), units)
        made = self._ledger.insert(project, costs, now)
        self._session.flush()
        return made
