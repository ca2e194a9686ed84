"""The tables of the tasks context."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline_store.sql.migrations import task_queue_0003 as task_queue
from pipeline_store.sql.migrations import task_quota_0003 as task_quota
from pipeline_store.sql.migrations import task_ranks_0003 as task_ranks
from pipeline_store.sql.migrations.task_ageing_0003 import AGE, DROP_AGE
from pipeline_store.sql.migrations.task_claims_0003 import CLAIM, DROP_CLAIM
from pipeline_store.sql.migrations.task_hints_0003 import HINTS_DOWN, HINTS_UP
from pipeline_store.sql.migrations.task_moves_0003 import COMPLETE, DROP_COMPLETE, DROP_KEY, NEW_KEY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

IS_QUEUED = sa.text("status = 'queued'")
IS_CLAIMABLE = sa.text(f"status IN ({task_queue.WAITING_STATUSES})")
IS_AT_GATE = sa.text("status IN ('assets_ready', 'video_ready', 'audio_ready', 'final_review')")
IS_OPEN = sa.text("best_rank IS NOT NULL AND blocked IS NULL")
WAKES_SOMETIME = sa.text("wake_at IS NOT NULL")
IS_HELD = sa.text("state = 'held'")
IS_UNRESOLVED = sa.text("status <> 'done'")


def _is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime())


def _time_now(name: str) -> sa.Column[object]:
    now = "CURRENT_TIMESTAMP" if _is_sqlite() else "timezone('utc', now())"
    return sa.Column(name, sa.DateTime(), nullable=False, server_default=sa.text(now))


def _text(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, server_default=default)


def _short(name: str, longest: int, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(longest), nullable=nullable)


def _count(name: str, default: str | None = "0") -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default=default)


def _index_where(condition: sa.TextClause, name: str, table: str, columns: list[str]) -> None:
    op.create_index(name, table, columns, postgresql_where=condition, sqlite_where=condition)


def upgrade() -> None:
    """Create the tables, parents before children."""
    op.create_table(
        "tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        _short("notion_page_id", 32),
        _short("title", 255),
        _short("topic", 500),
        _text("story_direction"),
        _text("status", "draft"),
        _text("priority", "normal"),
        _text("error_log", nullable=True),
        _short("youtube_url", 255, nullable=True),
        _time_now("created_at"),
        _time_now("updated_at"),
        _text("worker", nullable=True),
        _count("lease_token"),
        _time("lease_expires_at"),
        _count("attempts"),
        _text("failed_stage", nullable=True),
        _count("review_token"),
        _time_now("status_since"),
        _time("warned_at"),
        _time("held_at"),
        _count("rank", task_ranks.UNRANKED),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("notion_page_id", name="uq_tasks_notion_page_id"),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["channels.id"],
            name="fk_tasks_channel_id_channels",
            ondelete="RESTRICT",
        ),
    )
    op.create_index("ix_tasks_status", "tasks", ["status"])
    op.create_index("ix_tasks_channel_id", "tasks", ["channel_id"])
    op.create_index("ix_tasks_created_at", "tasks", ["created_at"])
    op.create_index("ix_tasks_channel_id_status", "tasks", ["channel_id", "status"])
    _index_where(IS_QUEUED, "ix_tasks_queued", "tasks", ["created_at"])
    _index_where(IS_AT_GATE, "ix_tasks_gates", "tasks", ["status_since", "id"])
    by_age = ["rank", "created_at", "id"]
    _index_where(IS_CLAIMABLE, "ix_tasks_waiting", "tasks", ["channel_id", *by_age])
    _index_where(
        IS_CLAIMABLE, "ix_tasks_waiting_status", "tasks", ["channel_id", "status", *by_age]
    )
    op.create_table(
        "task_leases",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name="pk_task_leases"),
    )
    op.create_index("ix_task_leases_channel_id", "task_leases", ["channel_id"])
    op.create_index("ix_task_leases_expires_at", "task_leases", ["expires_at"])
    op.create_table(
        "task_transitions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        _time_now("moved_at"),
        _text("from_status"),
        _text("to_status"),
        _text("actor"),
        _text("reason", nullable=True),
        _count("review_token"),
        sa.PrimaryKeyConstraint("id", name="pk_task_transitions"),
        sa.ForeignKeyConstraint(
            ["task_id"],
            ["tasks.id"],
            name="fk_task_transitions_task_id_tasks",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_task_transitions_task_id", "task_transitions", ["task_id", "moved_at", "id"]
    )

    op.create_table(
        "task_turns",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("best_rank", sa.BigInteger()),
        _text("blocked", nullable=True),
        _time("wake_at"),
        _count("turn"),
        _count("served"),
        sa.PrimaryKeyConstraint("channel_id", name="pk_task_turns"),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["channels.id"],
            name="fk_task_turns_channel_id_channels",
            ondelete="CASCADE",
        ),
    )
    in_turn = ["best_rank", "turn", "served", "channel_id"]
    _index_where(IS_OPEN, "ix_task_turns_open", "task_turns", in_turn)
    op.create_index("ix_task_turns_turn", "task_turns", ["turn"])
    _index_where(WAKES_SOMETIME, "ix_task_turns_wake_at", "task_turns", ["wake_at"])
    op.execute("INSERT INTO task_turns (channel_id) SELECT id FROM channels")
    op.create_table(
        "task_ageing",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("looked_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_ageing"),
    )
    _create_quota_tables()
    _create_uploads()
    on_sqlite = (*task_queue.SQLITE_UP, *task_ranks.SQLITE_UP, *task_quota.SQLITE_UP)
    on_postgresql = (
        *task_queue.POSTGRESQL_UP,
        *task_ranks.POSTGRESQL_UP,
        NEW_KEY,
        *task_quota.POSTGRESQL_UP,
        CLAIM,
        COMPLETE,
        AGE,
        *HINTS_UP,
    )
    for statement in on_sqlite if _is_sqlite() else on_postgresql:
        op.execute(statement)


def _create_quota_tables() -> None:
    op.create_table(
        "quota_limits",
        _text("project"),
        _text("bucket"),
        _count("units", None),
        sa.PrimaryKeyConstraint("project", "bucket", name="pk_quota_limits"),
    )
    op.create_table(
        "quota_costs",
        _text("stage"),
        _text("bucket"),
        _count("units", None),
        sa.PrimaryKeyConstraint("stage", "bucket", name="pk_quota_costs"),
    )
    op.create_table(
        "quota_days",
        _text("project"),
        _text("bucket"),
        sa.Column("turns_at", sa.DateTime(), nullable=False),
        _count("reserved"),
        _count("used"),
        sa.PrimaryKeyConstraint("turns_at", "project", "bucket", name="pk_quota_days"),
    )
    op.create_table(
        "quota_reservations",
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("project"),
        _text("bucket"),
        _count("units", None),
        _text("state", "held"),
        sa.Column("turns_at", sa.DateTime(), nullable=False),
        sa.Column("task_id", sa.Uuid()),
        _count("lease_token"),
        _time_now("reserved_at"),
        sa.PrimaryKeyConstraint("id", name="pk_quota_reservations"),
    )
    _index_where(IS_HELD, "ix_quota_reservations_held", "quota_reservations", ["task_id"])
    for statement in task_quota.SHIPPED:
        op.execute(statement)


def _create_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        _text("platform"),
        _text("content_hash"),
        _text("status", "intended"),
        _count("lease_token"),
        _text("sealed_session", nullable=True),
        _text("external_id", nullable=True),
        _time_now("created_at"),
        _time_now("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.UniqueConstraint("channel_id", "platform", "content_hash", name="uq_uploads_channel_id"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_uploads_task_id_tasks"),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_uploads_channel_id_channels"
        ),
    )
    op.create_index("ix_uploads_task_id", "uploads", ["task_id", "created_at", "id"])
    _index_where(IS_UNRESOLVED, "ix_uploads_unresolved", "uploads", ["created_at", "id"])


def downgrade() -> None:
    """Remove the tables, children before parents."""
    on_sqlite = (*task_quota.SQLITE_DOWN, *task_queue.SQLITE_DOWN)
    on_postgresql = (
        *HINTS_DOWN,
        DROP_AGE,
        DROP_COMPLETE,
        DROP_CLAIM,
        *task_quota.POSTGRESQL_DOWN,
        DROP_KEY,
        *task_ranks.POSTGRESQL_DOWN,
        *task_queue.POSTGRESQL_DOWN,
    )
    for statement in on_sqlite if _is_sqlite() else on_postgresql:
        op.execute(statement)
    op.drop_table("uploads")
    op.drop_table("task_ageing")
    op.drop_table("task_turns")
    op.drop_table("task_leases")
    op.drop_table("task_transitions")
    op.drop_table("tasks")
