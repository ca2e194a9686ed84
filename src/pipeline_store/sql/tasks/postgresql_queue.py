"""Which task in a PostgreSQL database is handed out next, and what a finished one becomes.

Both are functions of the database, made by its migration, so that each is one round trip.
"""

from __future__ import annotations

import re
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

    from sqlalchemy.types import TypeEngine

    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task
    from pipeline_store.tasks.claiming import ClaimRequest

_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "worker": sa.Text(),
    "workers": ARRAY(sa.Text()),
    "count": sa.Integer(),
    "several": sa.Integer(),
    "lease": sa.Interval(),
    "ageing": sa.Interval(),
    "now": Instant(),
    "turns_at": Instant(),
    "most_attempts": sa.BigInteger(),
    "stages": ARRAY(sa.Text()),
    "keys": sa.Text(),
    "tokens": sa.Text(),
}


def _statement(text: str, *columns: sa.ColumnElement[Any]) -> sa.TextualSelect:
    """Return the statement with the types of its parameters, and the columns that it returns."""
    names = dict.fromkeys(re.findall(r"(?<!:):(\w+)", text))
    typed = [sa.bindparam(name, type_=_TYPES[name]) for name in names]
    return sa.text(text).bindparams(*typed).columns(*columns)


CLAIM: Final = _statement(
    "SELECT * FROM claim_tasks(:worker, :count, :lease, :now, :most_attempts, :stages, :turns_at)",
    *tasks.columns,
)
"""Every column of the tasks that were handed out; with one more row, all NULL, the call has stopped
half way and is to be repeated."""

AGE: Final = _statement("SELECT age_tasks(:now, :ageing)", sa.column("raised", sa.Integer()))
"""How many tasks count as more urgent now, since they have waited long."""

ID: Final = [column.name for column in tasks.columns].index("id")
"""The place of the key in such a row."""

COMPLETE: Final = _statement(
    "SELECT * FROM complete_tasks("
    ":keys, :tokens, coalesce(:workers, ARRAY[:worker]), :now, :turns_at)",
    sa.column("id", sa.Uuid()),
)
"""The keys of the tasks that were still held."""

COMPLETED_FIRST: Final = (
    sa.column("is_complete", sa.Boolean()),
    sa.column("moved", sa.Text()),
    sa.column("is_answer", sa.Boolean()),
)
COMPLETE_AND_CLAIM: Final = _statement(
    "WITH done AS MATERIALIZED ("
    " SELECT count(*) = :several AS is_complete, string_agg(k::text, ',') AS moved"
    " FROM complete_tasks(:keys, :tokens, ARRAY[:worker], :now, :turns_at) AS k"
    ") SELECT done.is_complete, CASE WHEN NOT done.is_complete THEN done.moved END, answer.*"
    " FROM done LEFT JOIN LATERAL (SELECT true AS is_answer, k.* FROM claim_tasks(:worker,"
    " CASE WHEN done.is_complete THEN :count ELSE 0 END,"
    " :lease, :now, :most_attempts, :stages, :turns_at) AS k) AS answer ON true",
    *COMPLETED_FIRST,
    *tasks.columns,
)
"""Both in one round trip and one commit. Each row tells whether all were still held, and if not,
which ones; then, where `is_answer`, comes a row of `CLAIM`."""


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
    is_complete, moved, is_answer, *_ = rows[0]
    if not is_complete:
        return {UUID(key) for key in (moved or "").split(",") if key}, []
    answers = [row[len(COMPLETED_FIRST) :] for row in rows] if is_answer else []
    return None, hand_out(ask, wanted, now, answers)


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
