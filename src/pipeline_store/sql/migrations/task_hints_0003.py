"""What tells waiting workers on PostgreSQL that there may be a task, as revision 0003 makes it.

A hint is sent with the commit that makes it possible to claim something: a task begins to wait, or
a channel has room again. It says nothing of what there is, so that a transaction sends only one.
"""

from __future__ import annotations

from typing import Final

CHANNEL: Final = "pipeline_store_tasks"
"""What a worker listens to; of the server, nothing to do with the channels of the store."""

ANNOUNCE: Final = f"PERFORM pg_notify('{CHANNEL}', '');"

HINTS_UP: Final = (
    f"""
    CREATE FUNCTION room_is_announced() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        {ANNOUNCE}
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER room_is_announced AFTER UPDATE OF blocked ON task_turns
    FOR EACH ROW
    WHEN (OLD.blocked IS NOT NULL AND NEW.blocked IS NULL AND NEW.best_rank IS NOT NULL)
    EXECUTE FUNCTION room_is_announced()
    """,
)

HINTS_DOWN: Final = (
    "DROP TRIGGER room_is_announced ON task_turns",
    "DROP FUNCTION room_is_announced()",
)
