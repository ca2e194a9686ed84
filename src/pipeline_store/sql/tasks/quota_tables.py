"""The tables of quotas, and the mapping of reservations."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from pipeline_store.sql.columns import Instant, OpenChoice, map_class, metadata
from pipeline_store.sql.row_columns import PlainUuid, time_now, uuid_key
from pipeline_store.tasks import QuotaReservation, ReservationState

IS_HELD: Final = sa.text("state = 'held'")

quota_limits = sa.Table(
    "quota_limits",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("units", sa.BigInteger, nullable=False),
)

quota_costs = sa.Table(
    "quota_costs",
    metadata,
    sa.Column("stage", sa.Text, primary_key=True),
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("units", sa.BigInteger, nullable=False),
)

quota_days = sa.Table(
    "quota_days",
    metadata,
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("bucket", sa.Text, nullable=False),
    sa.Column("turns_at", Instant, nullable=False),
    # The sums of reservations, which triggers keep.
    sa.Column("reserved", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("used", sa.BigInteger, nullable=False, server_default="0"),
    sa.PrimaryKeyConstraint("turns_at", "project", "bucket"),
)

quota_reservations = sa.Table(
    "quota_reservations",
    metadata,
    uuid_key(),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("bucket", sa.Text, nullable=False),
    sa.Column("units", sa.BigInteger, nullable=False),
    sa.Column("state", OpenChoice(ReservationState), nullable=False, server_default="held"),
    sa.Column("turns_at", Instant, nullable=False),
    sa.Column("task_id", PlainUuid),
    sa.Column("lease_token", sa.BigInteger, nullable=False, server_default="0"),
    time_now("reserved_at"),
    sa.Index(
        "ix_quota_reservations_held", "task_id", postgresql_where=IS_HELD, sqlite_where=IS_HELD
    ),
)
map_class(QuotaReservation, quota_reservations)
