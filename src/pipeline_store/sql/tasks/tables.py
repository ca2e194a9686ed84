"""The tables of tasks and of the turns that channels take, and the mapping of tasks."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from pipeline_store.sql.columns import Instant, OpenChoice, map_class, metadata
from pipeline_store.sql.row_columns import time_now, uuid_key, uuid_reference
from pipeline_store.tasks import CLAIMABLE, GATES, PriorityLevel, Task, TaskStatus

_WAITING_NAMES: Final = ", ".join(f"'{status.value}'" for status in CLAIMABLE)
_GATE_NAMES: Final = ", ".join(f"'{status.value}'" for status in GATES)

IS_QUEUED: Final = sa.text("status = 'queued'")

IS_AT_GATE: Final = sa.text(f"status IN ({_GATE_NAMES})")

IS_CLAIMABLE: Final = sa.text(f"status IN ({_WAITING_NAMES})")
"""A status in which a task waits for a worker; spelled out, since an index on it serves only the
same words."""

IS_WAITING: Final = sa.text(f"lease_expires_at IS NULL AND {IS_CLAIMABLE.text}")
"""A task that can be claimed."""

IS_OPEN: Final = sa.text("best_rank IS NOT NULL AND blocked IS NULL")
"""A channel of which a task may be handed out, for all that is known."""

WAKES_SOMETIME: Final = sa.text("wake_at IS NOT NULL")


def _where(name: str, condition: sa.TextClause, *columns: str) -> sa.Index:
    return sa.Index(name, *columns, postgresql_where=condition, sqlite_where=condition)


tasks = sa.Table(
    "tasks",
    metadata,
    uuid_key(),
    uuid_reference("channel_id", "channels", ondelete="RESTRICT"),
    sa.Column("notion_page_id", sa.String(32), nullable=False, unique=True),
    sa.Column("title", sa.String(255), nullable=False),
    sa.Column("topic", sa.String(500), nullable=False),
    sa.Column("story_direction", sa.Text, nullable=False),
    sa.Column("status", OpenChoice(TaskStatus), nullable=False, server_default="draft"),
    sa.Column("priority", OpenChoice(PriorityLevel), nullable=False, server_default="normal"),
    sa.Column("error_log", sa.Text),
    sa.Column("youtube_url", sa.String(255)),
    time_now("created_at"),
    time_now("updated_at"),
    sa.Column("worker", sa.Text),
    sa.Column("lease_token", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("lease_expires_at", Instant),
    sa.Column("attempts", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("failed_stage", OpenChoice(TaskStatus)),
    sa.Column("review_token", sa.BigInteger, nullable=False, server_default="0"),
    time_now("status_since"),
    sa.Column("warned_at", Instant),
    sa.Column("held_at", Instant),
    # What other programs write gets its rank from its priority.
    sa.Column("rank", sa.BigInteger, nullable=False, server_default="-1"),
    sa.Index("ix_tasks_status", "status"),
    sa.Index("ix_tasks_channel_id", "channel_id"),
    sa.Index("ix_tasks_created_at", "created_at"),
    sa.Index("ix_tasks_channel_id_status", "channel_id", "status"),
    _where("ix_tasks_queued", IS_QUEUED, "created_at"),
    _where("ix_tasks_gates", IS_AT_GATE, "status_since", "id"),
    _where("ix_tasks_waiting", IS_CLAIMABLE, "channel_id", "rank", "created_at", "id"),
    _where(
        "ix_tasks_waiting_status", IS_CLAIMABLE, "channel_id", "status", "rank", "created_at", "id"
    ),
)
map_class(Task, tasks)

task_leases = sa.Table(
    "task_leases",
    metadata,
    # Who holds what, once more, kept by triggers. It serves as an index on the leases in tasks: an
    # index there would have every claim write all the others too.
    sa.Column("task_id", sa.Uuid, primary_key=True),
    sa.Column("channel_id", sa.Uuid, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Index("ix_task_leases_channel_id", "channel_id"),
    sa.Index("ix_task_leases_expires_at", "expires_at"),
)

task_turns = sa.Table(
    "task_turns",
    metadata,
    sa.Column(
        "channel_id", sa.Uuid, sa.ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True
    ),
    # These two are hints that a claim corrects: they may promise work that is not there, but never
    # hide any that is. Triggers make them better, and only a claim makes them worse.
    sa.Column("best_rank", sa.BigInteger),
    sa.Column("blocked", sa.Text),
    sa.Column("wake_at", Instant),
    sa.Column("turn", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("served", sa.BigInteger, nullable=False, server_default="0"),
    _where("ix_task_turns_open", IS_OPEN, "best_rank", "turn", "served", "channel_id"),
    sa.Index("ix_task_turns_turn", "turn"),
    _where("ix_task_turns_wake_at", WAKES_SOMETIME, "wake_at"),
)

task_ageing = sa.Table(
    "task_ageing",
    metadata,
    # One row, or none: when it was last looked at which tasks have aged.
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("looked_at", Instant, nullable=False),
)
