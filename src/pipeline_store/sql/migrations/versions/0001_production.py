"""The ten tables of the production context.

Databases that other programs made hold these tables already and are stamped with this revision, so
it must never create anything but the ten tables and their seven indexes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _table(name: str, *columns: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(name, *columns, sqlite_autoincrement=True)


def _row_key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id(table: str) -> list[sa.Column[object] | sa.Constraint]:
    return [
        sa.Column("id", _row_key(), nullable=False, autoincrement=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    ]


def _refers_to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime())


def _time_now(name: str) -> sa.Column[object]:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    now = "CURRENT_TIMESTAMP" if is_sqlite else "timezone('utc', now())"
    return sa.Column(name, sa.DateTime(), server_default=sa.text(now))


def _text(name: str, default: str | None = None, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, server_default=default)


def _count(name: str, default: str | None = None, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, server_default=default)


def _float(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.Float(), nullable=nullable)


def _run() -> sa.Column[object]:
    return sa.Column("pipeline_run_id", _row_key(), nullable=False)


def upgrade() -> None:
    """Create the ten tables, parents before children."""
    _table(
        "discovered_videos",
        *_id("discovered_videos"),
        _text("video_id", nullable=False),
        _text("title", nullable=False),
        _text("channel_name", nullable=False),
        _text("channel_id", nullable=False),
        _text("url", nullable=False),
        _count("category_id"),
        _count("duration_seconds"),
        _count("view_count"),
        _count("like_count"),
        _count("comment_count"),
        _float("view_velocity"),
        _float("viral_score"),
        _text("niche", nullable=False),
        _text("discovery_source"),
        _time_now("discovered_at"),
        sa.Column("processed", sa.Integer(), server_default="0"),
        _text("content_id_risk", "unknown"),
        sa.UniqueConstraint("video_id", name="uq_discovered_videos_video_id"),
    )
    op.create_index("idx_discovered_videos_niche", "discovered_videos", ["niche", "discovered_at"])
    op.create_index("idx_discovered_videos_processed", "discovered_videos", ["processed"])
    _table(
        "pipeline_runs",
        *_id("pipeline_runs"),
        _text("niche", nullable=False),
        sa.Column("cycle_start", sa.DateTime(), nullable=False),
        sa.Column("cycle_end", sa.DateTime(), nullable=False),
        _text("status", "pending"),
        _time("started_at"),
        _time("completed_at"),
        _text("video_file_path"),
        _float("video_duration_seconds"),
        _count("video_file_size_bytes"),
        _text("youtube_video_id"),
        _text("youtube_url"),
        _text("error_message"),
        _count("retry_count", "0"),
    )
    op.create_index("idx_pipeline_runs_status", "pipeline_runs", ["status"])
    op.create_index("idx_pipeline_runs_niche", "pipeline_runs", ["niche", "cycle_start"])
    _table(
        "clips",
        *_id("clips"),
        _run(),
        sa.Column("discovered_video_id", _row_key(), nullable=False),
        _count("rank_position", nullable=False),
        _float("start_time_seconds", nullable=False),
        _float("end_time_seconds", nullable=False),
        _float("clip_duration_seconds", nullable=False),
        _text("extraction_method"),
        _text("clip_file_path"),
        _text("content_id_risk", "unknown"),
        _refers_to("clips", "pipeline_run_id", "pipeline_runs"),
        _refers_to("clips", "discovered_video_id", "discovered_videos"),
    )
    op.create_index("idx_clips_pipeline", "clips", ["pipeline_run_id"])
    _table(
        "scripts",
        *_id("scripts"),
        _run(),
        _text("opening_text"),
        _text("closing_text"),
        _text("full_script_json"),
        _count("total_char_count"),
        _float("estimated_duration_seconds"),
        _text("llm_model_used"),
        _time_now("generated_at"),
        _refers_to("scripts", "pipeline_run_id", "pipeline_runs"),
    )
    _table(
        "tts_audio",
        *_id("tts_audio"),
        _run(),
        _text("engine_used", nullable=False),
        _text("voice_profile"),
        _text("audio_file_path"),
        _float("duration_seconds"),
        _time_now("generated_at"),
        _refers_to("tts_audio", "pipeline_run_id", "pipeline_runs"),
    )
    _table(
        "shorts",
        *_id("shorts"),
        _run(),
        sa.Column("clip_id", _row_key()),
        _text("file_path"),
        _float("duration_seconds"),
        _text("title"),
        _text("description"),
        _text("youtube_video_id"),
        _text("youtube_url"),
        _text("status", "pending"),
        _time("uploaded_at"),
        _refers_to("shorts", "pipeline_run_id", "pipeline_runs"),
        _refers_to("shorts", "clip_id", "clips"),
    )
    _table(
        "analytics",
        *_id("analytics"),
        _text("youtube_video_id", nullable=False),
        _time_now("measured_at"),
        _count("view_count"),
        _count("like_count"),
        _count("comment_count"),
        _float("average_view_duration_seconds"),
        _float("click_through_rate"),
        _count("subscriber_gain"),
        _float("estimated_revenue_usd"),
    )
    op.create_index("idx_analytics_video", "analytics", ["youtube_video_id", "measured_at"])
    _table(
        "review_log",
        *_id("review_log"),
        _run(),
        _time_now("sent_at"),
        _time("responded_at"),
        _text("action"),
        _text("response_detail"),
        _count("auto_held", "0"),
        _refers_to("review_log", "pipeline_run_id", "pipeline_runs"),
    )
    op.create_table(
        "config_overrides",
        _text("key", nullable=False),
        _text("value", nullable=False),
        _time_now("updated_at"),
        _text("updated_by", "system"),
        sa.PrimaryKeyConstraint("key", name="pk_config_overrides"),
    )
    _table(
        "error_log",
        *_id("error_log"),
        sa.Column("pipeline_run_id", _row_key()),
        _text("module", nullable=False),
        _text("error_type", nullable=False),
        _text("error_message", nullable=False),
        _text("stack_trace"),
        _time_now("occurred_at"),
        _count("resolved", "0"),
        _refers_to("error_log", "pipeline_run_id", "pipeline_runs"),
    )
    op.create_index("idx_error_log_module", "error_log", ["module", "occurred_at"])


def downgrade() -> None:
    """Remove the ten tables, children before parents."""
    for table in (
        "error_log",
        "config_overrides",
        "review_log",
        "analytics",
        "shorts",
        "tts_audio",
        "scripts",
        "clips",
        "pipeline_runs",
        "discovered_videos",
    ):
        op.drop_table(table)
