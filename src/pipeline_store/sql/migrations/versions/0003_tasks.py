"""The tables of the tasks context."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

IS_QUEUED = sa.text("status = 'queued'")


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime())


def _time_now(name: str) -> sa.Column[object]:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    now = "CURRENT_TIMESTAMP" if is_sqlite else "timezone('utc', now())"
    return sa.Column(name, sa.DateTime(), nullable=False, server_default=sa.text(now))


def _text(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, server_default=default)


def _short(name: str, longest: int, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(longest), nullable=nullable)


def _count(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


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
    op.create_index(
        "ix_tasks_queued",
        "tasks",
        ["created_at"],
        postgresql_where=IS_QUEUED,
        sqlite_where=IS_QUEUED,
    )
    op.create_index("ix_tasks_status_since", "tasks", ["status", "status_since", "id"])
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


def downgrade() -> None:
    """Remove the tables, children before parents."""
    op.drop_table("task_transitions")
    op.drop_table("tasks")
