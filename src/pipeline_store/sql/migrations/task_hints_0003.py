"""What tells waiting workers on PostgreSQL that there may be a task, as revision 0003 makes it.

A hint is sent with the commit that makes it possible to claim something: a task begins to wait, or
a channel has room again. It says nothing of what there is, so that a transaction sends only one.
"""

from __future__ import annotations

from typing import Final

from pipeline_store.sql.migrations.task_queue_0003 import BEGINS_TO_WAIT, WAITS

CHANNEL: Final = "pipeline_store_tasks"
"""What a worker listens to; of the server, nothing to do with the channels of the store."""

HINTS_UP: Final = (
    f"""
    CREATE FUNCTION tasks_are_announced() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_notify('{CHANNEL}', '');
        RETURN NULL;
    END
    $$
    """,
    f"""
    CREATE FUNCTION added_tasks_are_announced() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM 1 FROM added a WHERE {WAITS.format("a.")} LIMIT 1;
        IF FOUND THEN
            PERFORM pg_notify('{CHANNEL}', '');
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER tasks_are_announced_when_added AFTER INSERT ON tasks
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION added_tasks_are_announced()
    """,
    f"""
    CREATE TRIGGER tasks_are_announced
    AFTER UPDATE OF status, rank, lease_expires_at, channel_id ON tasks
    FOR EACH ROW WHEN ({BEGINS_TO_WAIT}) EXECUTE FUNCTION tasks_are_announced()
    """,
    """
    CREATE TRIGGER room_is_announced AFTER UPDATE OF blocked ON task_turns
    FOR EACH ROW
    WHEN (OLD.blocked IS NOT NULL AND NEW.blocked IS NULL AND NEW.best_rank IS NOT NULL)
    EXECUTE FUNCTION tasks_are_announced()
    """,
)

HINTS_DOWN: Final = (
    "DROP TRIGGER tasks_are_announced_when_added ON tasks",
    "DROP TRIGGER tasks_are_announced ON tasks",
    "DROP TRIGGER room_is_announced ON task_turns",
    "DROP FUNCTION added_tasks_are_announced(), tasks_are_announced()",
)
