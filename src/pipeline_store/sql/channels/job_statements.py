"""The statements by which jobs are claimed, finished, failed and given back.

Each is one statement that is atomic by itself, so that it serves inside a unit of work and, as the
worker's short way, on a connection that commits each statement.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from pipeline_store.channels import JobStatus, JobType, ProcessingJob
from pipeline_store.channels.processing_job import WAITING, pause_key
from pipeline_store.pauses import PAUSED
from pipeline_store.sql.columns import Instant, JsonValue, OpenChoice, map_class, metadata
from pipeline_store.sql.leases import CLOCKS, LOOKED_AT_AT_ONCE, after_wait
from pipeline_store.sql.production import config_overrides
from pipeline_store.sql.row_columns import time_now, uuid_key, uuid_reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.sql.elements import ColumnElement

_WAITING_NAMES: Final = ", ".join(f"'{status.value}'" for status in WAITING)

READY: Final = sa.text(f"status IN ({_WAITING_NAMES}) AND due_at IS NULL")
"""A job that can be claimed; spelled out, since an index on it serves only the same words."""

IS_DUE_SOMETIME: Final = sa.text("due_at IS NOT NULL")

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
    sa.Index("ix_video_processing_jobs_video_id", "video_id"),
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
_order: Final = (_c.priority.desc(), _c.queued_at, _c.id)


@lru_cache(maxsize=256)
def claim(
    dialect: str, job_types: tuple[JobType, ...], count: int, *, look_first: bool
) -> sa.Executable:
    """Return the claim of the first `count` jobs of these types: every column of those claimed.

    With `look_first` it claims nothing while a lease or a wait is over that nobody has ended yet,
    since the job behind it may be more urgent: see `wake`.
    """
    clock = CLOCKS[dialect]
    # Spelled out: PostgreSQL takes a limit that it does not know for a tenth of the table.
    limit = sa.literal_column(str(count), sa.Integer)
    chosen = _first(limit, [_head(limit, each).where(~_is_paused(each)) for each in job_types])
    if dialect == "postgresql":
        # A second look, since it is not known before the rows are locked who else takes them.
        types = sa.select(chosen.cte("chosen").c.job_type)
        free = [
            _head(limit, each)
            .where(sa.literal(each, _c.job_type.type).in_(types))
            .with_for_update(skip_locked=True)
            for each in job_types
        ]
        taken = _first(limit, free).cte("taken")
        # By an array, whose length PostgreSQL does not overestimate either.
        is_taken = _c.id == sa.any_(sa.func.array(sa.select(taken.c.id).scalar_subquery()))
    else:
        is_taken = _c.id.in_(sa.select(chosen.cte("chosen").c.id))
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


def _head(limit: ColumnElement[int], job_type: JobType) -> sa.Select[Any]:
    """Return the first jobs of one type, by one probe of the index."""
    first = sa.select(_c.id, _c.job_type, _c.priority, _c.queued_at)
    return first.where(READY, _c.job_type == job_type).order_by(*_order).limit(limit)


def _first(limit: ColumnElement[int], heads: Sequence[sa.Select[Any]]) -> sa.Select[Any]:
    """Return the first jobs of several types together."""
    together = sa.union_all(*(sa.select(head.subquery()) for head in heads)).subquery("heads")
    c = together.c
    by_order = sa.select(c.id, c.job_type).order_by(c.priority.desc(), c.queued_at, c.id)
    return by_order.limit(limit)


def _is_paused(job_type: JobType) -> ColumnElement[bool]:
    keys = [pause_key(None), pause_key(job_type)]
    c = config_overrides.c
    return sa.exists(sa.select(c.key).where(c.key.in_(keys), c.value == PAUSED))


@cache
def wake(dialect: str) -> sa.Executable:
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
        _c.id == sa.bindparam("held_id", type_=sa.Uuid()),
        _c.lease_token == sa.bindparam("held_token", type_=sa.BigInteger()),
        _is_held(dialect),
    )


def _is_held(dialect: str) -> ColumnElement[bool]:
    return sa.and_(_c.status == JobStatus.PROCESSING, _c.due_at > CLOCKS[dialect].now)


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
def complete(dialect: str) -> sa.Executable:
    """Return the statement by which the holder of a lease records that the job is done."""
    return _of_holder(dialect).values(_COMPLETED)


@cache
def complete_many(dialect: str) -> sa.Executable:
    """Return the same for several jobs: the keys of those that were recorded."""
    pairs: sa.BindParameter[Any] = sa.bindparam("pairs", expanding=True)
    return (
        sa.update(_jobs)
        .where(sa.tuple_(_c.id, _c.lease_token).in_(pairs), _is_held(dialect))
        .values(_COMPLETED)
        .returning(_c.id)
    )


@cache
def heartbeat(dialect: str) -> sa.Executable:
    """Return the statement that lets a lease end later: its new end."""
    end = CLOCKS[dialect].end
    return _of_holder(dialect).values(due_at=end, updated_at=_now).returning(_c.due_at)


@cache
def fail(dialect: str) -> sa.Executable:
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
def release(dialect: str) -> sa.Executable:
    """Return the statement by which the holder of a lease gives the job back."""
    again = _c.attempts > 1
    return _of_holder(dialect).values(
        status=sa.case((again, JobStatus.RETRYING.value), else_=JobStatus.QUEUED.value),
        attempts=_c.attempts - 1,
        worker=sa.null(),
        due_at=sa.null(),
        started_at=sa.null(),
        updated_at=_now,
    )
