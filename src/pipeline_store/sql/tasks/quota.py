"""The repository of quotas."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store.repository import check_kind
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.session import GuardedSession
from pipeline_store.sql.tasks.held import now_in_writing
from pipeline_store.sql.tasks.quota_ledger import QuotaLedger
from pipeline_store.sql.tasks.quota_tables import (
    quota_costs,
    quota_days,
    quota_limits,
    quota_reservations,
)
from pipeline_store.tasks import (
    DEFAULT_PROJECT,
    QuotaAccount,
    QuotaCost,
    QuotaLimit,
    QuotaPlan,
    QuotaReservation,
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
    from collections.abc import Generator, Mapping


@final
class SqlQuotaRepository(
    SqlRepository[QuotaReservation, UUID], AbstractQuotaRepository[GuardedSession]
):
    """The ledger in the table quota_reservations and the three beside it."""

    kind = QuotaReservation
    table = quota_reservations

    def account(self, project: str, bucket: str) -> QuotaAccount:
        """See `QuotaRepository.account`."""
        check_names(project, bucket)
        with self._ledger() as ledger:
            (account,) = ledger.seen(project, [bucket])
        return account

    def accounts(self, project: str | None = None) -> list[QuotaAccount]:
        """See `QuotaRepository.accounts`."""
        if project is not None:
            check_project(project)
        with self._ledger() as ledger:
            projects = sorted(self._projects(ledger)) if project is None else [project]
            return [
                account
                for each in projects
                for account in ledger.seen(each, self._buckets(ledger, each))
            ]

    def limits(self) -> list[QuotaLimit]:
        """See `QuotaRepository.limits`."""
        return sorted(
            (QuotaLimit(*row) for row in self._session.execute(sa.select(quota_limits))),
            key=lambda limit: (limit.project, limit.bucket),
        )

    def set_limit(self, project: str, bucket: str, units: int) -> None:
        """See `QuotaRepository.set_limit`."""
        self._session.check_writable()
        check_names(project, bucket)
        check_units(units, least=0)
        self._put(quota_limits, {"project": project, "bucket": bucket}, units)

    def remove_limit(self, project: str, bucket: str) -> bool:
        """See `QuotaRepository.remove_limit`."""
        self._session.check_writable()
        check_names(project, bucket)
        return self._take_away(quota_limits, {"project": project, "bucket": bucket})

    def costs(self) -> list[QuotaCost]:
        """See `QuotaRepository.costs`."""
        return sorted(
            (QuotaCost(*row) for row in self._session.execute(sa.select(quota_costs))),
            key=lambda cost: (cost.stage, cost.bucket),
        )

    def set_cost(self, stage: str, bucket: str, units: int) -> None:
        """See `QuotaRepository.set_cost`."""
        self._session.check_writable()
        check_stage(stage)
        check_names(DEFAULT_PROJECT, bucket)
        check_units(units, least=0)
        place = {"stage": stage, "bucket": bucket}
        if units:
            self._put(quota_costs, place, units)
        else:
            self._take_away(quota_costs, place)

    def use_plan(self, plan: QuotaPlan) -> None:
        """See `QuotaRepository.use_plan`."""
        self._session.check_writable()
        check_kind(QuotaPlan, plan)
        check_plan(plan)
        # Of two plans at once, the later one would not see what it has to take away.
        self._session.lock("quotas.use_plan")
        self._session.execute(sa.delete(quota_costs))
        of_all = quota_limits.c.project == DEFAULT_PROJECT
        self._session.execute(sa.delete(quota_limits).where(of_all))
        for bucket, units in plan.limits:
            self._put(quota_limits, {"project": DEFAULT_PROJECT, "bucket": bucket}, units)
        for cost in plan.costs:
            self._put(quota_costs, {"stage": cost.stage, "bucket": cost.bucket}, cost.units)

    def _costs_of(self, stage: str) -> Mapping[str, int]:
        with self._ledger() as ledger:
            return ledger.costs_of(stage)

    def _reserve(self, project: str, costs: Mapping[str, int]) -> list[QuotaReservation]:
        with self._ledger() as ledger:
            accounts = ledger.accounts(project, costs) if costs else []
        for account in accounts:
            check_account(account, costs[account.bucket])
        return self.add_many(
            QuotaReservation(
                project=project,
                bucket=account.bucket,
                units=costs[account.bucket],
                turns_at=account.turns_at,
            )
            for account in accounts
        )

    @contextmanager
    def _ledger(self) -> Generator[QuotaLedger]:
        with self._session.guarded() as session:
            session.flush()
            now = now_in_writing(self._session, self._now)
            yield QuotaLedger(session.connection().execute, now)

    def _projects(self, ledger: QuotaLedger) -> set[str]:
        channels = quota_limits.metadata.tables["channels"].c
        named = sa.union(
            sa.select(quota_limits.c.project),
            sa.select(quota_days.c.project).where(self._is_taken_from(ledger)),
            sa.select(channels.quota_project).where(channels.quota_project.is_not(None)),
        )
        return {DEFAULT_PROJECT, *(row[0] for row in self._session.execute(named))}

    def _buckets(self, ledger: QuotaLedger, project: str) -> set[str]:
        limits, days = quota_limits.c, quota_days.c
        named = sa.union(
            sa.select(limits.bucket).where(limits.project.in_([project, DEFAULT_PROJECT])),
            sa.select(days.bucket).where(days.project == project, self._is_taken_from(ledger)),
        )
        return {row[0] for row in self._session.execute(named)}

    def _is_taken_from(self, ledger: QuotaLedger) -> sa.ColumnElement[bool]:
        # A day that nothing was taken from is left over from what was not covered, or refunded.
        days = quota_days.c
        return (days.turns_at == ledger.turns_at) & (days.used + days.reserved > 0)

    def _put(self, table: sa.Table, place: Mapping[str, str], units: int) -> None:
        self._session.execute(
            sa.text(
                f"INSERT INTO {table.name} ({', '.join(place)}, units)"  # noqa: S608 - our names
                f" VALUES ({', '.join(f':{name}' for name in place)}, :units)"
                f" ON CONFLICT ({', '.join(place)}) DO UPDATE SET units = excluded.units"
            ),
            {**place, "units": units},
        )

    def _take_away(self, table: sa.Table, place: Mapping[str, str]) -> bool:
        same = sa.and_(*(table.c[name] == value for name, value in place.items()))
        result: Any = self._session.execute(sa.delete(table).where(same))
        return bool(result.rowcount)
