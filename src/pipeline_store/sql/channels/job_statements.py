"""The statements by which jobs are claimed, finished, failed and given back.

Each is one statement that is atomic by itself, so that it serves inside a unit of work and, as the
worker's short way, on a connection that commits each statement.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from pipeline_store.channels import JobStatus, JobType, ProcessingJob
from pipeline_store.channels.processing_job import WAITING, pause_key
from pipeline_store.pauses import PAUSED
from pipeline_store.sql.channels.columns import time_now, uuid_key, uuid_reference
from pipeline_store.sql.columns import Instant, JsonValue, OpenChoice, map_class, metadata
from pipeline_store.sql.leases import CLOCKS, LOOKED_AT_AT_ONCE, after_wait
from pipeline_store.sql.production import config_overrides

if TYPE_CHECKING:
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
_count: Final = sa.bindparam("count", type_=sa.Integer())
_order: Final = (_c.priority.desc(), _c.queued_at, _c.id)


@cache
def claim(dialect: str, job_types: tuple[JobType, ...], *, look_first: bool) -> sa.Executable:
    """Return the claim of the first `count` jobs of these types: every column of those claimed.

    With `look_first` it claims nothing while a lease or a wait is over that nobody has ended yet,
    since the job behind it may be more urgent: see `wake`.
    """
    clock = CLOCKS[dialect]
    chosen = _chosen(job_types)
    if dialect == "postgresql":
        chosen = _locked(chosen, job_types)
    statement = (
        sa.update(_jobs)
        .where(_c.id.in_(sa.select(chosen.c.id)))
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
        over = _jobs.alias("over")
        statement = statement.where(
            ~sa.exists(sa.select(over.c.id).where(over.c.due_at <= clock.now))
        )
    return statement


def _chosen(job_types: tuple[JobType, ...]) -> sa.CTE:
    """Return the first jobs of all types together, by one probe of the index for each type."""
    heads = [
        sa.select(_c.id, _c.job_type, _c.priority, _c.queued_at)
        .where(READY, _c.job_type == job_type, ~_is_paused(job_type))
        .order_by(*_order)
        .limit(_count)
        .subquery(f"{job_type.value}_heads")
        for job_type in job_types
    ]
    together = sa.union_all(*(sa.select(head) for head in heads)).subquery("heads")
    c = together.c
    first = sa.select(c.id, c.job_type).order_by(c.priority.desc(), c.queued_at, c.id)
    return first.limit(_count).cte("chosen")


def _locked(chosen: sa.CTE, job_types: tuple[JobType, ...]) -> sa.CTE:
    """Return as many jobs of each type as were chosen, but none that another worker is taking."""
    locked = [
        sa.select(_c.id)
        .where(READY, _c.job_type == job_type)
        .order_by(*_order)
        .limit(
            sa.select(sa.func.count())
            .select_from(chosen)
            .where(chosen.c.job_type == job_type)
            .scalar_subquery()
        )
        .with_for_update(skip_locked=True)
        .subquery(f"{job_type.value}_locked")
        for job_type in job_types
    ]
    return sa.union_all(*(sa.select(each.c.id) for each in locked)).cte("locked")


def _is_paused(job_type: JobType) -> ColumnElement[bool]:
    keys = [pause_key(None), pause_key(job_type)]
    c = config_overrides.c
    return sa.exists(sa.select(c.key).where(c.key.in_(keys), c.value == PAUSED))


@cache
def wake(dialect: str) -> sa.Executable:
    """Return the statement that ends leases and waits that are over, the longest first."""
    clock = CLOCKS[dialect]
    over = (
        sa.select(_c.id)
        .where(_c.due_at <= clock.now)
        .order_by(_c.due_at)
        .limit(LOOKED_AT_AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte("over")
    )
    was_leased = _c.status == JobStatus.PROCESSING
    again = _c.attempts < _c.max_attempts
    waits_until = after_wait(_c.due_at, _c.attempts)
    return (
        sa.update(_jobs)
        .where(_c.id.in_(sa.select(over.c.id)))
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
