"""How the rank of a task follows its priority, as revision 0003 makes it.

This package writes the rank itself. What other programs write in plain SQL names a priority at
most, and would be handed out as if it were of the normal one.
"""

from __future__ import annotations

from typing import Final

UNRANKED: Final = "-1"
"""The default of the column, which no task keeps."""

RANK_OF_NEW: Final = "CASE NEW.priority WHEN 'high' THEN 0 WHEN 'low' THEN 2 ELSE 1 END"

_CHANGES_ALONE: Final = (
    f"NEW.priority <> OLD.priority AND NEW.rank = OLD.rank AND NEW.rank <> {RANK_OF_NEW}"
)
"""A change of priority that leaves the rank behind; ours change both."""

_RANK: Final = f"UPDATE tasks SET rank = {RANK_OF_NEW} WHERE id = NEW.id;"  # noqa: S608 - our words

RANK_ADDED: Final = f"""
        IF EXISTS (SELECT FROM added a WHERE a.rank < 0) THEN
            UPDATE tasks k SET rank = {RANK_OF_NEW.replace("NEW.", "a.")}
            FROM added a WHERE a.rank < 0 AND k.id = a.id;
        END IF;
"""  # noqa: S608 - our words
"""What the trigger of the queue does after an insert; as one of its own it would slow ours down."""

SQLITE_UP: Final = (
    f"""
    CREATE TRIGGER tasks_are_ranked AFTER INSERT ON tasks
    WHEN NEW.rank < 0 BEGIN {_RANK} END
    """,
    f"""
    CREATE TRIGGER tasks_change_priority AFTER UPDATE OF priority ON tasks
    WHEN {_CHANGES_ALONE} BEGIN {_RANK} END
    """,
)

POSTGRESQL_UP: Final = (
    f"""
    CREATE FUNCTION tasks_change_priority() RETURNS trigger
    LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $$
    BEGIN
        {_RANK}
        RETURN NULL;
    END
    $$
    """,
    f"""
    CREATE TRIGGER tasks_change_priority AFTER UPDATE OF priority ON tasks
    FOR EACH ROW WHEN ({_CHANGES_ALONE}) EXECUTE FUNCTION tasks_change_priority()
    """,
)

POSTGRESQL_DOWN: Final = (
    "DROP TRIGGER tasks_change_priority ON tasks",
    "DROP FUNCTION tasks_change_priority()",
)
