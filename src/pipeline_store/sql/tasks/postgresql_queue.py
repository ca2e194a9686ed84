"""Which task in a PostgreSQL database is handed out next, and what a finished one becomes.

Both are functions of the database, made by its migration, so that each is one round trip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from pipeline_store.pacific import day_turns_at
from pipeline_store.sql.columns import Instant
from pipeline_store.sql.tasks.tables import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task
    from pipeline_store.tasks.claiming import ClaimRequest

CLAIM: Final = (
    sa.text(
        "SELECT * FROM claim_tasks("
        ":worker, :count, :lease, :now, :most_attempts, :stages, :turns_at)"
    )
    .bindparams(
        sa.bindparam("worker", type_=sa.Text()),
        sa.bindparam("count", type_=sa.Integer()),
        sa.bindparam("lease", type_=sa.Interval()),
        sa.bindparam("now", type_=Instant()),
        sa.bindparam("most_attempts", type_=sa.BigInteger()),
        sa.bindparam("stages", type_=ARRAY(sa.Text())),
        sa.bindparam("turns_at", type_=Instant()),
    )
    .columns(*tasks.columns)
)
"""Every column of the tasks that were handed out; with one more row, all NULL, the call has stopped
half way and is to be repeated."""

AGE: Final = (
    sa.text("SELECT age_tasks(:now, :ageing)")
    .bindparams(sa.bindparam("now", type_=Instant()), sa.bindparam("ageing", type_=sa.Interval()))
    .columns(sa.column("raised", sa.Integer()))
)
"""How many tasks count as more urgent now, since they have waited long."""

ID: Final = [column.name for column in tasks.columns].index("id")
"""The place of the key in such a row."""

COMPLETE: Final = (
    sa.text(
        "SELECT * FROM complete_tasks("
        ":keys, :tokens, coalesce(:workers, ARRAY[:worker]), :now, :turns_at)"
    )
    .bindparams(
        sa.bindparam("keys", type_=sa.Text()),
        sa.bindparam("tokens", type_=sa.Text()),
        sa.bindparam("workers", type_=ARRAY(sa.Text())),
        sa.bindparam("worker", type_=sa.Text()),
        sa.bindparam("now", type_=Instant()),
        sa.bindparam("turns_at", type_=Instant()),
    )
    .columns(sa.column("id", sa.Uuid()))
)
"""The keys of the tasks that were still held."""

COMPLETED_FIRST: Final = (sa.column("is_complete", sa.Boolean()), sa.column("moved", sa.Text()))
COMPLETE_AND_CLAIM: Final = (
    sa.text(
        "WITH done AS MATERIALIZED ("
        " SELECT count(*) = :several AS is_complete, string_agg(k::text, ',') AS moved"
        " FROM complete_tasks(:keys, :tokens, ARRAY[:worker], :now, :turns_at) AS k"
        ") SELECT done.is_complete, CASE WHEN NOT done.is_complete THEN done.moved END, k.*"
        " FROM done LEFT JOIN LATERAL claim_tasks(:worker,"
        " CASE WHEN done.is_complete THEN :count ELSE 0 END,"
        " :lease, :now, :most_attempts, :stages, :turns_at) AS k ON true"
    )
    .bindparams(
        sa.bindparam("several", type_=sa.Integer()),
        sa.bindparam("keys", type_=sa.Text()),
        sa.bindparam("tokens", type_=sa.Text()),
        sa.bindparam("now", type_=Instant()),
        sa.bindparam("turns_at", type_=Instant()),
        sa.bindparam("worker", type_=sa.Text()),
        sa.bindparam("count", type_=sa.Integer()),
        sa.bindparam("lease", type_=sa.Interval()),
        sa.bindparam("most_attempts", type_=sa.BigInteger()),
        sa.bindparam("stages", type_=ARRAY(sa.Text())),
    )
    .columns(*COMPLETED_FIRST, *tasks.columns)
)
"""Both in one round trip and one commit: whether all were still held, which ones where not, and the
columns of a task that was handed out after it, or NULL where none was."""


def _parameters(wanted: ClaimRequest, already: int, now: datetime) -> dict[str, Any]:
    """Return what `CLAIM` needs to hand out what is left of the request."""
    stages = None if wanted.stages is None else [stage.value for stage in wanted.stages]
    return {
        "worker": wanted.worker,
        "count": wanted.count - already,
        "lease": wanted.lease,
        "now": now,
        "most_attempts": wanted.most_attempts,
        "stages": stages,
        "turns_at": day_turns_at(now),
    }


def hand_out(
    ask: Callable[[dict[str, Any]], Sequence[Sequence[Any]]],
    wanted: ClaimRequest,
    now: datetime,
    first: Sequence[Sequence[Any]] | None = None,
) -> list[Sequence[Any]]:
    """Return the rows of the tasks that are next, leased to the worker, in their order.

    `ask` runs `CLAIM` with these parameters; `first` is what it answered first.
    """
    found: list[Sequence[Any]] = []
    rows: Sequence[Any] = ask(_parameters(wanted, 0, now)) if first is None else first
    while rows and rows[-1][ID] is None:
        found += rows[:-1]
        rows = ask(_parameters(wanted, len(found), now)) if len(found) < wanted.count else []
    found += rows
    return found


def move_on_and_hand_out(
    ask_both: Callable[[dict[str, Any]], Sequence[Sequence[Any]]],
    ask: Callable[[dict[str, Any]], Sequence[Sequence[Any]]],
    claims: Sequence[Claim[Task]],
    wanted: ClaimRequest,
    now: datetime,
) -> tuple[set[UUID] | None, list[Sequence[Any]]]:
    """Return the keys of what was moved on, None for all, and the rows of what is next.

    `ask_both` runs `COMPLETE_AND_CLAIM`, `ask` runs `CLAIM`, with these parameters.
    """
    given = {**_parameters(wanted, 0, now), **held_by(claims, now), "several": len(claims)}
    rows = ask_both(given)
    is_complete, moved, *_ = rows[0]
    if not is_complete:
        return {UUID(key) for key in (moved or "").split(",") if key}, []
    return None, hand_out(ask, wanted, now, [row[len(COMPLETED_FIRST) :] for row in rows])


def held_by(claims: Sequence[Claim[Task]], now: datetime) -> dict[str, Any]:
    """Return what `COMPLETE` needs to move on what these claims hold."""
    workers = [claim.worker for claim in claims]
    return {
        # As one text each: drivers take longer for a list than the server for all of the rest.
        "keys": ",".join([claim.item.id.hex for claim in claims]),
        "tokens": ",".join([str(claim.token) for claim in claims]),
        "worker": workers[0],
        "workers": None if workers.count(workers[0]) == len(workers) else workers,
        "now": now,
        "turns_at": day_turns_at(now),
    }
