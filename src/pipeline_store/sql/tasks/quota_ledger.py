"""What was taken from quotas, and what is left of them, as one transaction sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import sqlalchemy as sa

from pipeline_store.pacific import day_turns_at
from pipeline_store.sql.tasks.quota_tables import (
    quota_costs,
    quota_days,
    quota_limits,
    quota_reservations,
)
from pipeline_store.sql.tasks.tables import tasks
from pipeline_store.tasks import DEFAULT_PROJECT, QuotaAccount, ReservationState
from pipeline_store.uuid_keys import new_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

_own, _shared = quota_limits.alias("own"), quota_limits.alias("shared")
_day, _cost = quota_days.c, quota_costs.c
_limit = sa.func.coalesce(_own.c.units, _shared.c.units)


@final
class QuotaLedger:
    """The ledger of a transaction that may write; on SQLite it holds the write lock."""

    def __init__(self, run: Callable[..., Any], now: datetime) -> None:
        """Send statements by `run`; the store's clock shows `now`."""
        self._run = run
        self._now = now
        self.turns_at = day_turns_at(now)

    def accounts(self, project: str, buckets: Iterable[str]) -> list[QuotaAccount]:
        """Return how the buckets stand, in their order, and let nobody else change them."""
        wanted = sorted(buckets)
        self._keep_still(project, wanted)
        return self.seen(project, wanted)

    def seen(self, project: str, buckets: Iterable[str]) -> list[QuotaAccount]:
        """Return how the buckets stand, in the order of their names."""
        wanted = sorted(buckets)
        in_project = _own.c.project == project
        limits = {
            row.bucket: row.units
            for row in self._run(
                sa.select(_own)
                .where(in_project | (_own.c.project == DEFAULT_PROJECT), _own.c.bucket.in_(wanted))
                # The project's own come later, and stay.
                .order_by(in_project)
            )
        }
        days = {row.bucket: row for row in self._run(self._days(project, wanted))}
        return [
            QuotaAccount(
                project=project,
                bucket=bucket,
                limit=limits.get(bucket),
                used=days[bucket].used if bucket in days else 0,
                reserved=days[bucket].reserved if bucket in days else 0,
                turns_at=self.turns_at,
            )
            for bucket in wanted
        ]

    def costs_of(self, stage: str) -> dict[str, int]:
        """Return what a stage costs, by bucket."""
        found = self._run(sa.select(quota_costs).where(_cost.stage == stage))
        return {row.bucket: row.units for row in found}

    def metered(self, stages: Iterable[str]) -> frozenset[str]:
        """Return which of these stages cost something."""
        found = self._run(sa.select(_cost.stage).where(_cost.stage.in_(sorted(stages))))
        return frozenset(row[0] for row in found)

    def exhausted(self) -> frozenset[tuple[str, str]]:
        """Return for which projects the cost of which stages is not left."""
        short = (
            sa.select(_day.project, _cost.stage)
            .join(quota_costs, _cost.bucket == _day.bucket)
            .outerjoin(_own, (_own.c.project == _day.project) & (_own.c.bucket == _day.bucket))
            .outerjoin(
                _shared, (_shared.c.project == DEFAULT_PROJECT) & (_shared.c.bucket == _day.bucket)
            )
            .where(_day.turns_at == self.turns_at, _day.used + _day.reserved + _cost.units > _limit)
        )
        return frozenset((row[0], row[1]) for row in self._run(short))

    def take_for(self, project: str, stage: str, task_id: UUID, token: int) -> bool:
        """Reserve what the stage of a task costs, and return whether that was left."""
        costs = self.costs_of(stage)
        if not costs:
            return True
        if not all(each.has(costs[each.bucket]) for each in self.accounts(project, costs)):
            return False
        self.settle([task_id], ReservationState.SPENT)
        self._insert(project, costs, task_id, token)
        return True

    def _insert(self, project: str, costs: Mapping[str, int], task_id: UUID, token: int) -> None:
        rows = [
            {
                "id": new_key(),
                "project": project,
                "bucket": bucket,
                "units": units,
                "state": ReservationState.HELD,
                "turns_at": self.turns_at,
                "task_id": task_id,
                "lease_token": token,
                "reserved_at": self._now,
            }
            for bucket, units in sorted(costs.items())
        ]
        self._run(sa.insert(quota_reservations), rows)

    def settle(self, task_ids: Iterable[UUID], state: ReservationState) -> None:
        """Let what these tasks hold be spent, or be refunded."""
        c = quota_reservations.c
        held = c.task_id.in_(list(task_ids)) & (c.state == ReservationState.HELD)
        self._run(sa.update(quota_reservations).where(held).values(state=state))

    def project_of(self, channel_id: UUID) -> str:
        """Return the project of a channel."""
        channels = tasks.metadata.tables["channels"].c
        asked = sa.select(channels.quota_project).where(channels.id == channel_id)
        project: str | None = self._run(asked).scalar_one()
        return project or DEFAULT_PROJECT

    def _keep_still(self, project: str, buckets: list[str]) -> None:
        """Lock the rows of the day, which are made where there are none, since only rows can be."""
        rows = [
            {"project": project, "bucket": bucket, "turns_at": self.turns_at} for bucket in buckets
        ]
        self._run(_ADD_DAY, rows)
        self._run(self._days(project, buckets).with_for_update())

    def _days(self, project: str, buckets: list[str]) -> sa.Select[Any]:
        today = (_day.turns_at == self.turns_at) & (_day.project == project)
        return sa.select(quota_days).where(today, _day.bucket.in_(buckets)).order_by(_day.bucket)


_ADD_DAY = sa.text(
    "INSERT INTO quota_days (project, bucket, turns_at) VALUES (:project, :bucket, :turns_at)"
    " ON CONFLICT DO NOTHING"
).bindparams(sa.bindparam("turns_at", type_=quota_days.c.turns_at.type))
