"""The statements by which jobs are claimed, finished, failed and given back.

Each is one statement that is atomic by itself, so that it serves inside a unit of work and, as the
worker's short way, on a connection that commits each statement.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from pipeline_store.channels import JobStatus, JobType, ProcessingJob
from pipeline_store.channels.processing_job import WAITING, pause_key
from pipeline_store.pauses import JOBS_PAUSED, PAUSED
from pipeline_store.sql.channels.columns import (
    PlainUuid,
    time_now,
    uuid_key,
    uuid_reference,
)
from pipeline_store.sql.columns import Instant, JsonValue, OpenChoice, map_class, metadata
from pipeline_store.sql.leases import CLOCKS, LOOKED_AT_AT_ONCE, after_wait
from pipeline_store.sql.production import config_overrides

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.sql.base import ReadOnlyColumnCollection
    from sqlalchemy.sql.elements import ColumnElement
    from sqlalchemy.types import TypeEngine

_WAITING_NAMES: Final = ", ".join(f"'{status.value}'" for status in WAITING)

READY: Final = sa.text(f"status IN ({_WAITING_NAMES}) AND due_at IS NULL")
"""A job that can be claimed; spelled out, since an index on it serves only the same words."""

IS_DUE_SOMETIME: Final = sa.text("due_at IS NOT NULL")

OF_A_VIDEO: Final = sa.text("video_id IS NOT NULL")
"""Others need no entry in the index of videos, which every claim and completion would make anew."""

video_processing_jobs = sa.Table(
    "video_processing_jobs",
    metadata,
    uuid_key(),
    uuid_reference("video_id", "videos", nullable=True, ondelete="CASCADE"),
    uuid_reference("channel_id", "channels"),
    sa.Column("job_type", OpenChoice(JobType), nullable=False),
    sa.Column("status", OpenChoice(JobStatus), nullable=False, server_default="queued"),
    sa.Column("priority", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("attempts", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("max_attempts", sa.BigInteger, nullable=False, server_default="3"),
    sa.Column("error_message", sa.Text),
    sa.Column("error_details", JsonValue),
    time_now("queued_at"),
    sa.Column("started_at", Instant),
    sa.Column("completed_at", Instant),
    sa.Column("github_workflow_run_id", sa.Text),
    sa.Column("worker", sa.Text),
    sa.Column("lease_token", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("due_at", Instant),
    time_now("created_at"),
    time_now("updated_at"),
    sa.Index(
        "ix_video_processing_jobs_video_id",
        "video_id",
        postgresql_where=OF_A_VIDEO,
        sqlite_where=OF_A_VIDEO,
    ),
    sa.Index("ix_video_processing_jobs_channel_id", "channel_id"),
    sa.Index(
        "ix_video_processing_jobs_ready",
        "job_type",
        sa.text("priority DESC"),
        "queued_at",
        "id",
        postgresql_where=READY,
        sqlite_where=READY,
    ),
    sa.Index(
        "ix_video_processing_jobs_due",
        "due_at",
        postgresql_where=IS_DUE_SOMETIME,
        sqlite_where=IS_DUE_SOMETIME,
    ),
)
map_class(ProcessingJob, video_processing_jobs)

_jobs: Final = video_processing_jobs
_c: Final = video_processing_jobs.c
_now: Final = sa.bindparam("now", type_=Instant())


@lru_cache(maxsize=256)
def claim(
    dialect: str, job_types: tuple[JobType, ...], count: int, *, look_first: bool
) -> sa.Update:
    """Return the claim of the first `count` jobs of these types: every column of those claimed.

    With `look_first` it claims nothing while a lease or a wait is over that nobody has ended yet,
    since the job behind it may be more urgent: see `wake`.
    """
    clock = CLOCKS[dialect]
    # Spelled out: PostgreSQL takes a limit that it does not know for a tenth of the table.
    limit = sa.literal_column(str(count), sa.Integer)
    if dialect == "postgresql":
        # By an array, whose length PostgreSQL does not overestimate either.
        is_taken = _c.id == sa.any_(sa.func.array(_locked(limit, job_types)))
    else:
        is_taken = _c.id.in_(_first_of_each(limit, job_types))
    statement = (
        sa.update(_jobs)
        .where(is_taken)
        .values(
            status=JobStatus.PROCESSING,
            attempts=_c.attempts + 1,
            lease_token=_c.lease_token + 1,
            worker=sa.bindparam("worker_name", type_=sa.Text()),
            started_at=_now,
            updated_at=_now,
            due_at=clock.end,
        )
        .returning(*_jobs.columns)
    )
    if look_first:
        statement = statement.where(sa.func.coalesce(_earliest() > clock.now, sa.true()))
    return statement


def _earliest() -> sa.ScalarSelect[datetime]:
    """Return when the first lease or wait is over, or NULL without any.

    The end of the index is asked for: PostgreSQL takes a comparison with its clock for one that a
    third of the table meets, and would look through all of it.
    """
    due_at = _jobs.alias("due").c.due_at
    return sa.select(due_at).where(IS_DUE_SOMETIME).order_by(due_at).limit(1).scalar_subquery()


def _locked(limit: ColumnElement[int], job_types: tuple[JobType, ...]) -> sa.ScalarSelect[UUID]:
    """Return the first jobs that no other worker is taking, and lock them.

    By one probe of the index for each type; and a second look at those that the first jobs are of,
    since it is not known before rows are locked who else takes them.
    """
    spelled = ", ".join(f"'{each.value}'" for each in job_types)
    names = sa.func.unnest(sa.literal_column(f"ARRAY[{spelled}]"))
    kinds = names.table_valued(sa.column("job_type", sa.Text())).render_derived("kinds")
    heads = _head(limit, kinds.c.job_type).lateral("heads")
    chosen = (
        sa.select(kinds.c.job_type)
        .select_from(kinds.join(heads, sa.true()))
        .where(~_is_paused(_spelled(f"{JOBS_PAUSED}.").concat(kinds.c.job_type)))
        .order_by(*_order_of(heads.c))
        .limit(limit)
        .subquery("chosen")
    )
    found = sa.select(chosen.c.job_type).distinct().subquery("found")
    free = _head(limit, found.c.job_type).with_for_update(skip_locked=True).lateral("free")
    return (
        sa.select(free.c.id)
        .select_from(found.join(free, sa.true()))
        .order_by(*_order_of(free.c))
        .limit(limit)
        .scalar_subquery()
    )


def _first_of_each(
    limit: ColumnElement[int], job_types: tuple[JobType, ...]
) -> sa.Select[tuple[UUID]]:
    """Return the first jobs on SQLite, which has no LATERAL, and where who writes is alone."""
    heads = [
        _head(limit, _spelled(each)).where(~_is_paused(_spelled(pause_key(each))))
        for each in job_types
    ]
    c = sa.union_all(*(sa.select(head.subquery()) for head in heads)).subquery("heads").c
    return sa.select(c.id).order_by(*_order_of(c)).limit(limit)


def _head(limit: ColumnElement[int], job_type: ColumnElement[str]) -> sa.Select[Any, Any, Any]:
    """Return the first jobs of one type, by one probe of the index."""
    c = _jobs.alias("job").c
    first = sa.select(c.id, c.priority, c.queued_at).where(READY, c.job_type == job_type)
    return first.order_by(*_order_of(c)).limit(limit)


def _order_of(c: ReadOnlyColumnCollection[str, Any]) -> tuple[ColumnElement[Any], ...]:
    return c.priority.desc(), c.queued_at, c.id


def _is_paused(key_of_type: ColumnElement[str]) -> ColumnElement[bool]:
    c = config_overrides.c
    are_keys = (c.key == _spelled(JOBS_PAUSED)) | (c.key == key_of_type)
    return sa.exists(sa.select(c.key).where(are_keys, c.value == _spelled(PAUSED)))


def _spelled(name: str) -> ColumnElement[str]:
    """Return a name of ours as it stands in the text: drivers take their time over parameters."""
    return sa.literal_column(f"'{name}'", sa.Text())


@cache
def wake(dialect: str) -> sa.Update:
    """Return the statement that ends leases and waits that are over, the longest first."""
    clock = CLOCKS[dialect]
    ended = (
        sa.select(_c.id)
        # A clock asked once can be looked up in the index, one asked for each row cannot.
        .where(IS_DUE_SOMETIME, _c.due_at <= sa.select(clock.now).scalar_subquery())
        .order_by(_c.due_at)
        .limit(LOOKED_AT_AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte("ended")
    )
    was_leased = _c.status == JobStatus.PROCESSING
    again = _c.attempts < _c.max_attempts
    waits_until = after_wait(_c.due_at, _c.attempts)
    return (
        sa.update(_jobs)
        .where(_c.id.in_(sa.select(ended.c.id)))
        .values(
            status=sa.case(
                (was_leased & again, JobStatus.RETRYING.value),
                (was_leased, JobStatus.FAILED.value),
                else_=_c.status,
            ),
            due_at=sa.case(
                (was_leased & again & (waits_until > clock.now), waits_until), else_=sa.null()
            ),
            completed_at=sa.case((was_leased & ~again, _now), else_=_c.completed_at),
            error_message=sa.case(
                (was_leased, "the lease of " + sa.func.coalesce(_c.worker, "nobody") + " ended"),
                else_=_c.error_message,
            ),
            error_details=sa.case((was_leased, sa.null()), else_=_c.error_details),
            worker=sa.null(),
            updated_at=_now,
        )
    )


def _of_holder(dialect: str) -> sa.Update:
    return sa.update(_jobs).where(
        _c.id == sa.bindparam("held_id", type_=PlainUuid()),
        _c.lease_token == sa.bindparam("held_token", type_=sa.BigInteger()),
        _is_held(dialect),
    )


def _is_held(dialect: str) -> ColumnElement[bool]:
    # IS TRUE keeps PostgreSQL from walking the index of everything that is due.
    is_due_later = (_c.due_at > CLOCKS[dialect].now).is_(sa.true())
    return sa.and_(_c.status == JobStatus.PROCESSING, is_due_later)


_COMPLETED: Final[dict[str, Any]] = {
    "status": JobStatus.COMPLETED,
    "completed_at": _now,
    "updated_at": _now,
    "worker": sa.null(),
    "due_at": sa.null(),
    "error_message": sa.null(),
    "error_details": sa.null(),
}


@cache
def complete(dialect: str) -> sa.Update:
    """Return the statement by which the holder of a lease records that the job is done."""
    return _of_holder(dialect).values(_COMPLETED)


@cache
def complete_many(dialect: str) -> sa.Update:
    """Return the same for several jobs: the keys of those that were recorded."""
    if dialect == "postgresql":
        # Found by key: PostgreSQL would look for the pairs by reading the whole table.
        ids = _array("held_ids", PlainUuid())
        token = _array("held_tokens", sa.BigInteger())[sa.func.array_position(ids, _c.id)]
        # The cast changes nothing, but ANY of a bare SELECT would compare with its rows.
        is_one = _c.id == sa.any_(sa.cast(ids, ARRAY(PlainUuid())))
        are_held = sa.and_(is_one, _c.lease_token == token)
    else:
        pairs = sa.func.json_each(sa.bindparam("held_pairs", type_=sa.Text()))
        pair = pairs.table_valued("value").c.value
        held = sa.select(sa.func.json_extract(pair, "$[0]"), sa.func.json_extract(pair, "$[1]"))
        are_held = sa.tuple_(_c.id, _c.lease_token).in_(held)
    return sa.update(_jobs).where(are_held, _is_held(dialect)).values(_COMPLETED).returning(_c.id)


def _array(name: str, kind: TypeEngine[Any]) -> sa.ScalarSelect[Any]:
    """Return the values behind a parameter, which is one text: drivers take long over arrays."""
    text = sa.bindparam(name, type_=sa.Text())
    values = sa.cast(sa.func.string_to_array(text, ","), ARRAY(kind))
    # In a SELECT of its own it is made once, and not for each row.
    return sa.select(values).scalar_subquery()


@cache
def heartbeat(dialect: str) -> sa.Update:
    """Return the statement that lets a lease end later: its new end."""
    end = CLOCKS[dialect].end
    return _of_holder(dialect).values(due_at=end, updated_at=_now).returning(_c.due_at)


@cache
def fail(dialect: str) -> sa.Update:
    """Return the statement by which the holder of a lease records that the attempt failed."""
    permanent = sa.bindparam("permanent", type_=sa.Boolean())
    again = (_c.attempts < _c.max_attempts) & ~permanent
    return _of_holder(dialect).values(
        status=sa.case((again, JobStatus.RETRYING.value), else_=JobStatus.FAILED.value),
        due_at=sa.case((again, after_wait(CLOCKS[dialect].now, _c.attempts)), else_=sa.null()),
        completed_at=sa.case((again, sa.null()), else_=_now),
        worker=sa.null(),
        error_message=sa.bindparam("message", type_=sa.Text()),
        error_details=sa.bindparam("details", type_=JsonValue()),
        updated_at=_now,
    )


@cache
def release(dialect: str) -> sa.Update:
    """Return the statement by which the holder of a lease gives the job back."""
    again = _c.attempts > 1
    return _of_holder(dialect).values(
        status=sa.case((again, JobStatus.RETRYING.value), else_=JobStatus.QUEUED.value),
        attempts=sa.case((again, _c.attempts - 1), else_=0),
        worker=sa.null(),
        due_at=sa.null(),
        started_at=sa.null(),
        updated_at=_now,
    )
