"""The ledger of quotas inside the database, as revision 0003 makes it.

What is reserved and spent of a day is kept beside the reservations by triggers, so that one row
says what is left. Whatever makes more of it available has the channels looked at again that were
set aside for want of it.
"""

from __future__ import annotations

from typing import Final

LONG_AGO: Final = "1970-01-01 00:00:00.000000"

SHIPPED: Final = (
    """
    INSERT INTO quota_limits (project, bucket, units) VALUES
        ('default', 'youtube_uploads', 100),
        ('default', 'youtube_search', 100),
        ('default', 'youtube_other', 10000)
    """,
    """
    INSERT INTO quota_costs (stage, bucket, units) VALUES
        ('uploading', 'youtube_uploads', 1),
        ('search', 'youtube_search', 1),
        ('thumbnail', 'youtube_other', 50),
        ('list', 'youtube_other', 1)
    """,
)

_HELD: Final = "CASE WHEN {0}.state = 'held' THEN {0}.units ELSE 0 END"
_SPENT: Final = "CASE WHEN {0}.state = 'spent' THEN {0}.units ELSE 0 END"

_BOOK: Final = f"""
    INSERT INTO quota_days (project, bucket, turns_at, reserved, used)
    VALUES (NEW.project, NEW.bucket, NEW.turns_at, {_HELD.format("NEW")}, {_SPENT.format("NEW")})
    ON CONFLICT (project, bucket, turns_at) DO UPDATE SET
        reserved = quota_days.reserved + excluded.reserved, used = quota_days.used + excluded.used;
"""  # noqa: S608 - our words
_TAKE_BACK: Final = f"""
    UPDATE quota_days
    SET reserved = reserved - {_HELD.format("OLD")}, used = used - {_SPENT.format("OLD")}
    WHERE project = OLD.project AND bucket = OLD.bucket AND turns_at = OLD.turns_at;
"""  # noqa: S608 - our words
_SET_ASIDE: Final = "wake_at IS NOT NULL AND (blocked IS NULL OR blocked <> 'paused')"
_OF_PROJECT: Final = (
    "channel_id IN (SELECT c.id FROM channels c"
    " WHERE coalesce(c.quota_project, 'default') = OLD.project)"
)
_WAKE_ON_SQLITE: Final = f"UPDATE task_turns SET wake_at = '{LONG_AGO}' WHERE {_SET_ASIDE}"  # noqa: S608
_COMES_BACK: Final = """OLD.state <> 'refunded' AND (
    NEW.state = 'refunded' OR NEW.units < OLD.units OR NEW.project <> OLD.project
    OR NEW.bucket <> OLD.bucket OR NEW.turns_at <> OLD.turns_at)"""
_CHANGED: Final = "project, bucket, turns_at, units, state"


def _on_sqlite(name: str, event: str, body: str, condition: str = "") -> str:
    when = f"WHEN {condition}" if condition else ""
    return f"CREATE TRIGGER {name} AFTER {event} {when} BEGIN {body} END"


SQLITE_UP: Final = (
    _on_sqlite("quota_is_reserved", "INSERT ON quota_reservations", _BOOK),
    _on_sqlite(
        "quota_is_settled", f"UPDATE OF {_CHANGED} ON quota_reservations", _TAKE_BACK + _BOOK
    ),
    _on_sqlite("quota_is_forgotten", "DELETE ON quota_reservations", _TAKE_BACK),
    _on_sqlite(
        "quota_comes_back",
        f"UPDATE OF {_CHANGED} ON quota_reservations",
        f"{_WAKE_ON_SQLITE} AND {_OF_PROJECT};",
        _COMES_BACK,
    ),
    _on_sqlite(
        "quota_comes_back_when_forgotten",
        "DELETE ON quota_reservations",
        f"{_WAKE_ON_SQLITE} AND {_OF_PROJECT};",
    ),
    *(
        _on_sqlite(f"{table}_change_by_{event}", f"{event} ON {table}", f"{_WAKE_ON_SQLITE};")
        for table in ("quota_limits", "quota_costs")
        for event in ("insert", "update", "delete")
    ),
)

_FUNCTION: Final = """
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
"""
_WAKE: Final = f"""
    UPDATE task_turns SET wake_at = '{LONG_AGO}' WHERE channel_id IN (
        SELECT t.channel_id FROM task_turns t WHERE {_SET_ASIDE}{{}}
        ORDER BY t.channel_id
        -- Who holds the row has it looked at again soon anyhow, and nobody is to wait for that.
        FOR NO KEY UPDATE SKIP LOCKED
    );
"""  # noqa: S608 - our words

ONE_AT_A_TIME: Final = (
    "PERFORM pg_advisory_xact_lock(hashtextextended('pipeline_store_quotas', 0));"
)
"""What the functions of the queue do before they take from a quota, or give something back, since
one call may do both for several projects. They wait for tasks and turns before that, never after,
or two of them could wait for each other."""

POSTGRESQL_UP: Final = (
    f"""
    CREATE FUNCTION quota_is_booked() RETURNS trigger
    {_FUNCTION}
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            {_TAKE_BACK}
        END IF;
        IF TG_OP <> 'DELETE' THEN
            {_BOOK}
        END IF;
        IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND {_COMES_BACK}) THEN
            {_WAKE.format(f" AND t.{_OF_PROJECT}")}
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER quota_is_reserved AFTER INSERT OR DELETE ON quota_reservations
    FOR EACH ROW EXECUTE FUNCTION quota_is_booked()
    """,
    f"""
    CREATE TRIGGER quota_is_settled AFTER UPDATE OF {_CHANGED} ON quota_reservations
    FOR EACH ROW EXECUTE FUNCTION quota_is_booked()
    """,
    f"""
    CREATE FUNCTION quota_rules_change() RETURNS trigger
    {_FUNCTION}
    BEGIN
        {_WAKE.format("")}
        RETURN NULL;
    END
    $$
    """,
    *(
        f"CREATE TRIGGER {table}_change AFTER INSERT OR UPDATE OR DELETE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION quota_rules_change()"
        for table in ("quota_limits", "quota_costs")
    ),
    f"""
    CREATE FUNCTION reserve_quota(
        p_project text, p_stage text, p_task uuid, p_token bigint, p_turns timestamp,
        p_now timestamp
    ) RETURNS boolean
    {_FUNCTION}
    BEGIN
        {ONE_AT_A_TIME}
        INSERT INTO quota_days (project, bucket, turns_at)
        SELECT p_project, c.bucket, p_turns FROM quota_costs c WHERE c.stage = p_stage
        ORDER BY c.bucket ON CONFLICT DO NOTHING;
        -- In one order for everybody; what the next statement sees then stays as it is.
        PERFORM 1 FROM quota_days d
        WHERE d.project = p_project AND d.turns_at = p_turns
            AND d.bucket IN (SELECT c.bucket FROM quota_costs c WHERE c.stage = p_stage)
        ORDER BY d.bucket FOR NO KEY UPDATE;
        PERFORM 1 FROM quota_costs c
        JOIN quota_days d ON d.project = p_project AND d.bucket = c.bucket AND d.turns_at = p_turns
        LEFT JOIN quota_limits own ON own.project = p_project AND own.bucket = c.bucket
        LEFT JOIN quota_limits shared ON shared.project = 'default' AND shared.bucket = c.bucket
        WHERE c.stage = p_stage
            AND d.used + d.reserved + c.units > coalesce(own.units, shared.units);
        IF FOUND THEN
            RETURN false;
        END IF;
        -- What a lease has left behind that was ended past the queue.
        UPDATE quota_reservations SET state = 'spent' WHERE task_id = p_task AND state = 'held';
        INSERT INTO quota_reservations
            (id, project, bucket, units, state, turns_at, task_id, lease_token, reserved_at)
        SELECT new_task_transition_key(), p_project, c.bucket, c.units, 'held', p_turns, p_task,
            p_token, p_now
        FROM quota_costs c WHERE c.stage = p_stage ORDER BY c.bucket;
        RETURN true;
    END
    $$
    """,  # noqa: S608 - our words
    f"""
    CREATE FUNCTION exhausted_quota_stages(p_turns timestamp) RETURNS text[]
    {_FUNCTION}
    BEGIN
        RETURN (
            SELECT array_agg(d.project || '/' || c.stage) FROM quota_days d
            JOIN quota_costs c ON c.bucket = d.bucket
            LEFT JOIN quota_limits own ON own.project = d.project AND own.bucket = c.bucket
            LEFT JOIN quota_limits shared ON shared.project = 'default' AND shared.bucket = c.bucket
            WHERE d.turns_at = p_turns
                AND d.used + d.reserved + c.units > coalesce(own.units, shared.units)
        );
    END
    $$
    """,  # noqa: S608 - our words
)

POSTGRESQL_DOWN: Final = (
    "DROP TABLE quota_reservations, quota_days, quota_limits, quota_costs",
    "DROP FUNCTION quota_is_booked(), quota_rules_change(), exhausted_quota_stages(timestamp)",
    "DROP FUNCTION reserve_quota(text, text, uuid, bigint, timestamp, timestamp)",
)

SQLITE_DOWN: Final = tuple(
    f"DROP TABLE {table}"
    for table in ("quota_reservations", "quota_days", "quota_limits", "quota_costs")
)
