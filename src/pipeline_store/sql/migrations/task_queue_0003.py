"""What the queue of tasks does inside the database, as revision 0003 makes it.

Whatever makes it possible to hand out a task tells the channel's row in task_turns so, whoever
writes it: triggers do, so that also a single statement does.
"""

from __future__ import annotations

from typing import Final

WAITS: Final = (
    "{0}lease_expires_at IS NULL AND {0}status IN ('queued', 'claimed', 'generating_assets', "
    "'assets_approved', 'generating_composites', 'composites_ready', 'generating_video', "
    "'video_approved', 'generating_audio', 'audio_approved', 'generating_sfx', 'sfx_ready', "
    "'assembling', 'assembly_ready', 'approved', 'uploading')"
)
"""A task that can be claimed; to be given what stands before the names of its columns."""

_NEW_WAITS: Final = WAITS.format("NEW.")
_OLD_WAITS: Final = WAITS.format("OLD.")

BEGINS_TO_WAIT: Final = (
    f"({_NEW_WAITS}) AND NOT ({_OLD_WAITS} AND OLD.rank = NEW.rank"
    " AND OLD.channel_id = NEW.channel_id)"
)
LEASE_ENDS: Final = (
    "OLD.lease_expires_at IS NOT NULL"
    " AND (NEW.lease_expires_at IS NULL OR OLD.channel_id <> NEW.channel_id)"
)
CHANNEL_OPENS: Final = (
    "(NEW.is_active AND NOT OLD.is_active) OR NEW.max_concurrent > OLD.max_concurrent"
    " OR NEW.channel_id <> OLD.channel_id"
)

_LOWER: Final = """
    UPDATE task_turns SET best_rank = NEW.rank
    WHERE channel_id = NEW.channel_id AND (best_rank IS NULL OR best_rank > NEW.rank);
"""
_FREE: Final = """
    UPDATE task_turns SET blocked = NULL WHERE channel_id = OLD.channel_id AND blocked = 'full';
"""

SQLITE_UP: Final = (
    """
    CREATE TRIGGER channels_take_turns AFTER INSERT ON channels
    BEGIN INSERT INTO task_turns (channel_id) VALUES (NEW.id); END
    """,
    f"""
    CREATE TRIGGER channels_open AFTER UPDATE OF is_active, max_concurrent, channel_id ON channels
    WHEN {CHANNEL_OPENS}
    BEGIN
        UPDATE task_turns SET blocked = NULL, wake_at = NULL
        WHERE channel_id = NEW.id AND blocked IS NOT NULL;
    END
    """,  # noqa: S608 - our words
    f"""
    CREATE TRIGGER tasks_wait_when_added AFTER INSERT ON tasks
    WHEN {_NEW_WAITS} BEGIN {_LOWER} END
    """,
    f"""
    CREATE TRIGGER tasks_begin_to_wait
    AFTER UPDATE OF status, rank, lease_expires_at, channel_id ON tasks
    WHEN {BEGINS_TO_WAIT} BEGIN {_LOWER} END
    """,
    f"""
    CREATE TRIGGER tasks_leave_room AFTER UPDATE OF lease_expires_at, channel_id ON tasks
    WHEN {LEASE_ENDS} BEGIN {_FREE} END
    """,
    f"""
    CREATE TRIGGER tasks_leave_room_when_removed AFTER DELETE ON tasks
    WHEN OLD.lease_expires_at IS NOT NULL BEGIN {_FREE} END
    """,
)

SQLITE_DOWN: Final = (
    "DROP TRIGGER channels_take_turns",
    "DROP TRIGGER channels_open",
)
"""What does not go with its table."""

POSTGRESQL_UP: Final[tuple[str, ...]] = ()
POSTGRESQL_DOWN: Final[tuple[str, ...]] = ()
