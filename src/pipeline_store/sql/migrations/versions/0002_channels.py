"""The tables of the channels context."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from typing import Literal

    from sqlalchemy.schema import SchemaItem

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

READY = sa.text("status IN ('queued', 'retrying') AND due_at IS NULL")
IS_DUE_SOMETIME = sa.text("due_at IS NOT NULL")


def _now() -> sa.TextClause:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    return sa.text("CURRENT_TIMESTAMP" if is_sqlite else "timezone('utc', now())")


def _text(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, server_default=default)


def _count(name: str, default: str | None = None) -> sa.Column[object]:
    nullable = default is None
    return sa.Column(name, sa.BigInteger(), nullable=nullable, server_default=default)


def _flag(name: str, *, default: bool) -> sa.Column[object]:
    value = sa.true() if default else sa.false()
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=value)


def _json(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column[object]:
    # Declared as JSON, a column of SQLite would turn 1.0 into 1.
    kind = sa.JSON().with_variant(sa.Text(), "sqlite")
    return sa.Column(name, kind, nullable=nullable, server_default=default)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime())


def _time_now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(), nullable=False, server_default=_now())


def _changes() -> list[SchemaItem]:
    return [_time_now("created_at"), _time_now("updated_at")]


def _id(table: str) -> list[SchemaItem]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    ]


def _uuid(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _refers_to(
    table: str, column: str, other: str, ondelete: Literal["CASCADE", "SET NULL"] | None = None
) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{other}"
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete=ondelete)


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def upgrade() -> None:
    """Create the tables, parents before children."""
    op.create_table(
        "transformation_presets",
        *_id("transformation_presets"),
        _text("name"),
        _text("description", nullable=True),
        _json("parameters", "{}"),
        _flag("is_default", default=False),
        _flag("is_active", default=True),
        *_changes(),
        _unique("transformation_presets", "name"),
    )
    op.create_table(
        "music",
        *_id("music"),
        _text("name"),
        _text("artist", nullable=True),
        _text("spotify_track_id", nullable=True),
        _text("file_path", nullable=True),
        sa.Column("duration_seconds", sa.Float()),
        _json("metadata", "{}"),
        _count("usage_count", "0"),
        _flag("is_active", default=True),
        *_changes(),
        _unique("music", "spotify_track_id"),
    )
    op.create_index("ix_music_usage", "music", ["is_active", "usage_count", "id"])
    _create_channels()
    _create_videos()
    _create_jobs()
    for owner, counts in (
        ("channel", ("subscriber_count", "view_count", "video_count")),
        ("video", ("view_count", "like_count", "comment_count")),
    ):
        table, key = f"{owner}_statistics", f"{owner}_id"
        op.create_table(
            table,
            *_id(table),
            _uuid(key),
            _time_now("timestamp"),
            *(_count(count) for count in counts),
            _refers_to(table, key, f"{owner}s", "CASCADE"),
        )
        op.create_index(f"ix_{table}_series", table, [key, "timestamp", "id"])
    op.create_table(
        "system_configuration",
        _text("key"),
        _json("value"),
        _text("description", nullable=True),
        _flag("encrypted", default=False),
        *_changes(),
        sa.PrimaryKeyConstraint("key", name="pk_system_configuration"),
    )
    _create_configuration_changes()


def _create_channels() -> None:
    op.create_table(
        "channels",
        *_id("channels"),
        _text("channel_id"),
        _text("name"),
        _text("youtube_channel_id", nullable=True),
        _flag("is_active", default=True),
        _count("max_concurrent", "2"),
        _json("credentials", nullable=True),
        _json("settings", "{}"),
        _json("schedule", "{}"),
        _json("filters", "{}"),
        _json("metadata", "{}"),
        _text("quota_project", nullable=True),
        _uuid("default_preset_id", nullable=True),
        _time("last_publication_at"),
        *_changes(),
        _unique("channels", "channel_id"),
        _unique("channels", "youtube_channel_id"),
        _refers_to("channels", "default_preset_id", "transformation_presets", "SET NULL"),
    )
    op.create_index("ix_channels_default_preset_id", "channels", ["default_preset_id"])


def _create_videos() -> None:
    op.create_table(
        "videos",
        *_id("videos"),
        _uuid("channel_id"),
        _text("source_url"),
        _text("source_title"),
        _text("source_creator", nullable=True),
        _text("source_platform"),
        _text("download_status", "pending"),
        _text("transformation_status", "pending"),
        _text("publication_status", "pending"),
        _time("scheduled_publication_at"),
        _time("published_at"),
        _text("youtube_video_id", nullable=True),
        _uuid("music_id", nullable=True),
        _uuid("preset_id", nullable=True),
        _json("metadata", "{}"),
        _json("processing_history", "[]"),
        *_changes(),
        _unique("videos", "channel_id", "source_url"),
        _refers_to("videos", "channel_id", "channels"),
        _refers_to("videos", "music_id", "music", "SET NULL"),
        _refers_to("videos", "preset_id", "transformation_presets", "SET NULL"),
    )
    op.create_index("ix_videos_newest", "videos", ["channel_id", "id"])
    op.create_index(
        "ix_videos_scheduled", "videos", ["publication_status", "scheduled_publication_at", "id"]
    )
    op.create_index("ix_videos_youtube_video_id", "videos", ["youtube_video_id", "id"])
    op.create_index("ix_videos_music_id", "videos", ["music_id"])
    op.create_index("ix_videos_preset_id", "videos", ["preset_id"])


def _create_jobs() -> None:
    table = "video_processing_jobs"
    op.create_table(
        table,
        *_id(table),
        _uuid("video_id", nullable=True),
        _uuid("channel_id"),
        _text("job_type"),
        _text("status", "queued"),
        _count("priority", "0"),
        _count("attempts", "0"),
        _count("max_attempts", "3"),
        _text("error_message", nullable=True),
        _json("error_details", nullable=True),
        _time_now("queued_at"),
        _time("started_at"),
        _time("completed_at"),
        _text("github_workflow_run_id", nullable=True),
        _text("worker", nullable=True),
        _count("lease_token", "0"),
        _time("due_at"),
        *_changes(),
        _refers_to(table, "video_id", "videos", "CASCADE"),
        _refers_to(table, "channel_id", "channels"),
    )
    op.create_index(
        "ix_video_processing_jobs_video_id",
        table,
        ["video_id"],
        postgresql_where=sa.text("video_id IS NOT NULL"),
        sqlite_where=sa.text("video_id IS NOT NULL"),
    )
    op.create_index("ix_video_processing_jobs_channel_id", table, ["channel_id"])
    op.create_index(
        "ix_video_processing_jobs_ready",
        table,
        ["job_type", sa.text("priority DESC"), "queued_at", "id"],
        postgresql_where=READY,
        sqlite_where=READY,
    )
    op.create_index(
        "ix_video_processing_jobs_due",
        table,
        ["due_at"],
        postgresql_where=IS_DUE_SOMETIME,
        sqlite_where=IS_DUE_SOMETIME,
    )


def _create_configuration_changes() -> None:
    table = "configuration_changes"
    op.create_table(
        table,
        *_id(table),
        _time_now("changed_at"),
        _text("changed_by", "system"),
        _text("layer"),
        _uuid("channel_id", nullable=True),
        _text("key"),
        _json("old_value", nullable=True),
        _json("new_value", nullable=True),
    )
    op.create_index("ix_configuration_changes_key", table, ["key", "changed_at", "id"])
    op.create_index("ix_configuration_changes_changed_at", table, ["changed_at", "id"])


def downgrade() -> None:
    """Remove the tables, children before parents."""
    for table in (
        "configuration_changes",
        "system_configuration",
        "video_statistics",
        "channel_statistics",
        "video_processing_jobs",
        "videos",
        "channels",
        "music",
        "transformation_presets",
    ):
        op.drop_table(table)
