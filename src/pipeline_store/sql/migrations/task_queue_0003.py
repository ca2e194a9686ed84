"""What the queue of tasks does inside the database, as revision 0003 makes it.

Whatever makes it possible to hand out a task tells the channel's row in task_turns so, whoever
writes it: triggers do, so that also a single statement does.
"""

from __future__ import annotations

from typing import Final

from pipeline_store.sql.migrations.task_hints_0003 import ANNOUNCE
from pipeline_store.sql.migrations.task_ranks_0003 import RANK_ADDED

WAITING_STATUSES: Final = (
    "'queued', 'claimed', 'generating_assets', 'assets_approved', 'generating_composites', "
    "'composites_ready', 'generating_video', 'video_approved', 'generating_audio', "
    "'audio_approved', 'generating_sfx', 'sfx_ready', 'assembling', 'assembly_ready', "
    "'approved', 'uploading'"
)

WAITS: Final = f"{{0}}lease_expires_at IS NULL AND {{0}}status IN ({WAITING_STATUSES})"
"""A task that can be claimed; to be given what stands before the names of its columns."""

MOVED_AT: Final = """
    CASE WHEN p_now < {0}status_since THEN {0}status_since + interval '1 microsecond' ELSE p_now END
"""
"""When a move is said to be made, as `pipeline_store.tasks.history.moved_at` says; to be given what
stands before the name of the column."""

OF_RANK: Final = "k.rank BETWEEN v_rank AND v_rank"
"""A task of the rank looked for; as a range, so that only the index by rank and age gives the order
and no other is taken for it."""

GOES_BY_INDEXES: Final = """
    SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
"""
"""What a function of the queue runs with: few rows are looked at, however large the tables are, and
plans that are made while they are small serve them later too."""

_NEW_WAITS: Final = WAITS.format("NEW.")
_OLD_WAITS: Final = WAITS.format("OLD.")

BEGINS_TO_WAIT: Final = (
    f"({_NEW_WAITS}) AND NOT ({_OLD_WAITS} AND OLD.rank = NEW.rank"
    " AND OLD.channel_id = NEW.channel_id)"
)
BY_OTHERS: Final = "current_setting('pipeline_store.queue', true) IS DISTINCT FROM 'on'"
"""What the queue's own functions set while they write many tasks at once, and do the work of the
triggers for all of them together."""

QUEUE_BEGINS: Final = "v_queue := set_config('pipeline_store.queue', 'on', true);"
QUEUE_ENDS: Final = "v_queue := set_config('pipeline_store.queue', '', true);"

LEASE_CHANGES: Final = (
    "OLD.lease_expires_at IS DISTINCT FROM NEW.lease_expires_at OR OLD.channel_id <> NEW.channel_id"
)
LEASE_ENDS: Final = (
    "OLD.lease_expires_at IS NOT NULL"
    " AND (NEW.lease_expires_at IS NULL OR OLD.channel_id <> NEW.channel_id)"
)
CHANNEL_OPENS: Final = (
    "(NEW.is_active AND NOT OLD.is_active) OR NEW.max_concurrent > OLD.max_concurrent"
    " OR NEW.channel_id <> OLD.channel_id"
    " OR coalesce(NEW.quota_project, '') <> coalesce(OLD.quota_project, '')"
)

_LOOK_AGAIN: Final = """
    blocked = NULL,
    -- What was set aside for want of quota is looked for again, or it would stay so.
    wake_at = CASE WHEN wake_at IS NOT NULL THEN timestamp '1970-01-01 00:00:00' END
"""
_LOOK_AGAIN_ON_SQLITE: Final = (
    "blocked = NULL, wake_at = CASE WHEN wake_at IS NOT NULL THEN '1970-01-01 00:00:00.000000' END"
)

_LOWER: Final = """
    UPDATE task_turns SET best_rank = NEW.rank
    WHERE channel_id = NEW.channel_id AND (best_rank IS NULL OR best_rank > NEW.rank);
"""
_KEEP: Final = """
    INSERT INTO task_leases (task_id, channel_id, expires_at)
    VALUES (NEW.id, NEW.channel_id, NEW.lease_expires_at)
    ON CONFLICT (task_id) DO UPDATE
    SET channel_id = excluded.channel_id, expires_at = excluded.expires_at;
"""
_FORGET: Final = """
    DELETE FROM task_leases WHERE task_id = OLD.id AND channel_id = OLD.channel_id;
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
    CREATE TRIGGER channels_open
    AFTER UPDATE OF is_active, max_concurrent, channel_id, quota_project ON channels
    WHEN {CHANNEL_OPENS}
    BEGIN
        UPDATE task_turns SET {_LOOK_AGAIN_ON_SQLITE}
        WHERE channel_id = NEW.id AND (blocked IS NOT NULL OR wake_at IS NOT NULL);
    END
    """,  # noqa: S608 - our words
    f"""
    CREATE TRIGGER tasks_wait_when_added AFTER INSERT ON tasks
    WHEN NEW.rank >= 0 AND {_NEW_WAITS} BEGIN {_LOWER} END
    """,
    f"""
    CREATE TRIGGER tasks_begin_to_wait
    AFTER UPDATE OF status, rank, lease_expires_at, channel_id ON tasks
    WHEN {BEGINS_TO_WAIT} BEGIN {_LOWER} END
    """,
    f"""
    CREATE TRIGGER tasks_are_leased_when_added AFTER INSERT ON tasks
    WHEN NEW.lease_expires_at IS NOT NULL BEGIN {_KEEP} END
    """,
    f"""
    CREATE TRIGGER tasks_are_leased AFTER UPDATE OF lease_expires_at, channel_id ON tasks
    WHEN NEW.lease_expires_at IS NOT NULL BEGIN {_KEEP} END
    """,
    f"""
    CREATE TRIGGER tasks_leave_room AFTER UPDATE OF lease_expires_at, channel_id ON tasks
    WHEN {LEASE_ENDS} BEGIN {_FORGET} {_FREE} END
    """,
    f"""
    CREATE TRIGGER tasks_leave_room_when_removed AFTER DELETE ON tasks
    WHEN OLD.lease_expires_at IS NOT NULL BEGIN {_FORGET} {_FREE} END
    """,
)

SQLITE_DOWN: Final = (
    "DROP TRIGGER channels_take_turns",
    "DROP TRIGGER channels_open",
)
"""What does not go with its table."""

_FUNCTION: Final = """
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
"""

POSTGRESQL_UP: Final = (
    # A claim has as many numbers as it may hand out tasks.
    "CREATE SEQUENCE task_turns_served INCREMENT BY 1000",
    # Room on its page for the row as a claim writes it: then no index is written.
    "ALTER TABLE tasks SET (fillfactor = 50)",
    # Small and changed with every claim.
    *(
        f"""
        ALTER TABLE {table} SET (
            fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0
        )
        """
        for table in ("task_turns", "task_leases")
    ),
    f"""
    CREATE FUNCTION wake_task_turn(p_channel uuid, p_rank bigint, p_frees boolean) RETURNS void
    {_FUNCTION}
    BEGIN
        -- Waits for a claim that is making the hint worse, and keeps later ones from it until
        -- what this transaction has written is there to be seen.
        PERFORM 1 FROM task_turns t WHERE t.channel_id = p_channel FOR KEY SHARE;
        UPDATE task_turns t SET
            best_rank = least(t.best_rank, p_rank),
            blocked = CASE WHEN NOT p_frees OR t.blocked <> 'full' THEN t.blocked END
        WHERE t.channel_id = p_channel AND (
            p_rank < t.best_rank OR (t.best_rank IS NULL AND p_rank IS NOT NULL)
            OR (p_frees AND t.blocked = 'full')
            -- Where the row may be another than the one seen here, writing it finds out.
            OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
        );
    END
    $$
    """,  # noqa: S608 - our words
    f"""
    CREATE FUNCTION channels_take_turns() RETURNS trigger
    {_FUNCTION}
    BEGIN
        INSERT INTO task_turns (channel_id) VALUES (NEW.id);
        RETURN NULL;
    END
    $$
    """,  # noqa: S608 - our words
    """
    CREATE TRIGGER channels_take_turns AFTER INSERT ON channels
    FOR EACH ROW EXECUTE FUNCTION channels_take_turns()
    """,
    f"""
    CREATE FUNCTION channels_open() RETURNS trigger
    {_FUNCTION}
    BEGIN
        PERFORM 1 FROM task_turns t WHERE t.channel_id = NEW.id FOR KEY SHARE;
        UPDATE task_turns t SET {_LOOK_AGAIN}
        WHERE t.channel_id = NEW.id AND (t.blocked IS NOT NULL OR t.wake_at IS NOT NULL);
        RETURN NULL;
    END
    $$
    """,  # noqa: S608 - our words
    f"""
    CREATE TRIGGER channels_open
    AFTER UPDATE OF is_active, max_concurrent, channel_id, quota_project ON channels
    FOR EACH ROW WHEN ({CHANNEL_OPENS}) EXECUTE FUNCTION channels_open()
    """,
    f"""
    CREATE FUNCTION tasks_wait_when_added() RETURNS trigger
    {_FUNCTION}
    BEGIN
        -- In one order for everybody.
        PERFORM wake_task_turn(each.channel_id, each.rank, false) FROM (
            SELECT a.channel_id, min(a.rank) AS rank FROM added a
            WHERE a.rank >= 0 AND {WAITS.format("a.")}
            GROUP BY a.channel_id ORDER BY a.channel_id
        ) each;
        IF FOUND THEN
            {ANNOUNCE}
        END IF;
        INSERT INTO task_leases (task_id, channel_id, expires_at)
        SELECT a.id, a.channel_id, a.lease_expires_at FROM added a
        WHERE a.lease_expires_at IS NOT NULL;
        {RANK_ADDED}
        RETURN NULL;
    END
    $$
    """,  # noqa: S608 - our words
    """
    CREATE TRIGGER tasks_wait_when_added AFTER INSERT ON tasks REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION tasks_wait_when_added()
    """,
    f"""
    CREATE FUNCTION tasks_change() RETURNS trigger
    {_FUNCTION}
    BEGIN
        IF {LEASE_CHANGES} THEN
            IF NEW.lease_expires_at IS NULL THEN
                {_FORGET}
            ELSE
                {_KEEP}
            END IF;
        END IF;
        IF {LEASE_ENDS} THEN
            PERFORM wake_task_turn(OLD.channel_id, NULL, true);
        END IF;
        IF {BEGINS_TO_WAIT} THEN
            PERFORM wake_task_turn(NEW.channel_id, NEW.rank, false);
            {ANNOUNCE}
        END IF;
        RETURN NULL;
    END
    $$
    """,
    f"""
    CREATE TRIGGER tasks_change
    AFTER UPDATE OF status, rank, lease_expires_at, channel_id ON tasks
    -- The rest of what matters is asked in the function: a condition here is read anew from its
    -- text for every statement, which takes longer than that.
    FOR EACH ROW WHEN ({BY_OTHERS}) EXECUTE FUNCTION tasks_change()
    """,
    f"""
    CREATE FUNCTION tasks_are_removed() RETURNS trigger
    {_FUNCTION}
    BEGIN
        {_FORGET}
        PERFORM wake_task_turn(OLD.channel_id, NULL, true);
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER tasks_are_removed AFTER DELETE ON tasks
    FOR EACH ROW WHEN (OLD.lease_expires_at IS NOT NULL) EXECUTE FUNCTION tasks_are_removed()
    """,
)

POSTGRESQL_DOWN: Final = (
    "DROP TRIGGER channels_take_turns ON channels",
    "DROP TRIGGER channels_open ON channels",
    "DROP TRIGGER tasks_wait_when_added ON tasks",
    "DROP TRIGGER tasks_change ON tasks",
    "DROP TRIGGER tasks_are_removed ON tasks",
    "DROP FUNCTION channels_take_turns(), channels_open(), tasks_wait_when_added()",
    "DROP FUNCTION tasks_change(), tasks_are_removed(), wake_task_turn(uuid, bigint, boolean)",
    "DROP SEQUENCE task_turns_served",
)
