"""The function by which PostgreSQL moves finished tasks on, as revision 0003 makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline_store.sql.migrations.task_queue_0003 import (
    GOES_BY_INDEXES,
    MOVED_AT,
    QUEUE_BEGINS,
    QUEUE_ENDS,
)
from pipeline_store.sql.migrations.task_quota_0003 import ONE_AT_A_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ONWARD: Final = {
    "claimed": "generating_assets",
    "generating_assets": "assets_ready",
    "assets_approved": "generating_composites",
    "generating_composites": "composites_ready",
    "composites_ready": "generating_video",
    "generating_video": "video_ready",
    "video_approved": "generating_audio",
    "generating_audio": "audio_ready",
    "audio_approved": "generating_sfx",
    "generating_sfx": "sfx_ready",
    "sfx_ready": "assembling",
    "assembling": "assembly_ready",
    "assembly_ready": "final_review",
    "approved": "uploading",
    "uploading": "published",
}
_BACK: Final = {following: before for before, following in _ONWARD.items()}
_GATE_AFTER: Final = "'generating_assets', 'generating_video', 'generating_audio', 'assembly_ready'"
_ENDS_AFTER: Final = f"{_GATE_AFTER}, 'uploading'"


_IS_GATE_AFTER: Final = f"k.status IN ({_GATE_AFTER})"
_GOES_ON: Final = f"k.status NOT IN ({_ENDS_AFTER})"


def _texts(values: Iterable[str]) -> str:
    return f"ARRAY[{', '.join(map(repr, values))}]"


def _looked_up(status: str, follow: Mapping[str, str]) -> str:
    # Not as one condition for each, which the server would prepare anew for every statement.
    place = f"array_position({_texts(follow)}, {status})"
    return f"({_texts(follow.values())})[{place}]"


_MOVE: Final = f"""
    status = {_looked_up("k.status", _ONWARD)},
    review_token = k.review_token + ({_IS_GATE_AFTER})::integer,
    worker = CASE WHEN {_GOES_ON} THEN k.worker END,
    lease_expires_at = CASE WHEN {_GOES_ON} THEN k.lease_expires_at END,
    attempts = 0, failed_stage = NULL, warned_at = NULL, held_at = NULL,
    status_since = {MOVED_AT.format("k.")}, updated_at = p_now
"""
_COSTS_NEXT: Final = f"{_looked_up('k.status', _ONWARD)} = ANY (v_metered)"
_IS_HELD_FREELY: Final = f"""
    k.lease_expires_at > v_clock AND k.id <> ALL (v_reserved) AND ({_COSTS_NEXT}) IS NOT TRUE
"""

NEW_KEY: Final = """
CREATE FUNCTION new_task_transition_key() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    -- A UUID of version 7: 48 bits of milliseconds, 12 of what is left of one, so that moves of one
    -- instant of a store's clock sort in the order in which they were made, then chance.
    SELECT (overlay(
        lpad(to_hex((extract(epoch FROM clock_timestamp()) * 4096000)::bigint), 15, '0')
        PLACING '7' FROM 13 FOR 0
    ) || encode(substring(uuid_send(gen_random_uuid()) FROM 9), 'hex'))::uuid
$$
"""

COMPLETE: Final = f"""
CREATE FUNCTION complete_tasks(
    p_keys text, p_tokens text, p_workers text[], p_now timestamp, p_turns timestamp
) RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE {GOES_BY_INDEXES} AS $$
DECLARE
    v_keys uuid[] := string_to_array(p_keys, ',');
    v_tokens bigint[] := string_to_array(p_tokens, ',');
    v_clock timestamp := timezone('utc', clock_timestamp());
    v_task record;
    v_to text;
    v_since timestamp;
    v_ends boolean;
    v_metered text[];
    v_reserved uuid[];
    v_freed uuid[] := '{{}}';
    v_paying uuid[] := '{{}}';
    v_moved uuid[] := '{{}}';
    v_queue text;
    v_is_full boolean;
BEGIN
    SELECT ARRAY(SELECT c.stage FROM quota_costs c), ARRAY(
        SELECT r.task_id FROM quota_reservations r
        WHERE r.task_id = ANY (v_keys) AND r.state = 'held'
    ) INTO v_metered, v_reserved;

    -- What neither has cost nor will cost anything: as a rule, all of them.
    {QUEUE_BEGINS}
    IF cardinality(v_keys) = 1 THEN
        UPDATE tasks k SET {_MOVE}
        WHERE k.id = v_keys[1] AND k.lease_token = v_tokens[1] AND {_IS_HELD_FREELY}
        RETURNING k.id, k.channel_id, k.status, k.status_since, k.review_token, k.lease_expires_at
        INTO v_task;
        IF FOUND THEN
            INSERT INTO task_transitions
                (id, task_id, moved_at, from_status, to_status, actor, review_token)
            VALUES (new_task_transition_key(), v_task.id, v_task.status_since,
                {_looked_up("v_task.status", _BACK)}, v_task.status, p_workers[1],
                v_task.review_token);
            v_moved := v_keys;
            IF v_task.lease_expires_at IS NULL THEN
                DELETE FROM task_leases WHERE task_id = v_task.id;
                v_freed := ARRAY[v_task.channel_id];
            END IF;
        END IF;
    ELSE
        WITH moved AS (
            UPDATE tasks k SET {_MOVE}
            FROM unnest(v_keys, v_tokens, p_workers) AS given (id, token, worker)
            WHERE k.id = given.id AND k.lease_token = given.token AND {_IS_HELD_FREELY}
            RETURNING k.id, k.channel_id, k.status, k.status_since, k.review_token,
                k.lease_expires_at,
                coalesce(given.worker, p_workers[1]) AS actor
        ), history AS (
            INSERT INTO task_transitions
                (id, task_id, moved_at, from_status, to_status, actor, review_token)
            SELECT new_task_transition_key(), m.id, m.status_since, {_looked_up("m.status", _BACK)},
                m.status, m.actor, m.review_token
            FROM moved m
        ), ended AS (
            DELETE FROM task_leases l WHERE l.task_id IN (
                SELECT m.id FROM moved m WHERE m.lease_expires_at IS NULL
            )
        )
        SELECT coalesce(array_agg(m.id), '{{}}'), coalesce(
            array_agg(DISTINCT m.channel_id) FILTER (WHERE m.lease_expires_at IS NULL), '{{}}'
        ) INTO v_moved, v_freed FROM moved m;
    END IF;
    RETURN QUERY SELECT unnest(v_moved);

    IF cardinality(v_moved) < cardinality(v_keys) THEN
        -- Not below a condition, which may be asked first: all of them are to be locked here.
        SELECT v_freed || coalesce(
            array_agg(k.channel_id) FILTER (WHERE k.status IN ({_ENDS_AFTER})), '{{}}'
        ), coalesce(array_agg(k.channel_id) FILTER (WHERE {_COSTS_NEXT}), '{{}}')
        INTO v_freed, v_paying FROM (
            SELECT k.channel_id, k.status FROM unnest(v_keys, v_tokens) AS given (id, token)
            JOIN tasks k ON k.id = given.id AND k.lease_token = given.token
            WHERE k.lease_expires_at > v_clock AND k.id <> ALL (v_moved)
            ORDER BY k.id FOR NO KEY UPDATE OF k
        ) k;
        -- What cannot be paid for is told to its channel, which must not be waited for then.
        IF cardinality(v_paying) > 0 THEN
            PERFORM 1 FROM task_turns t WHERE t.channel_id = ANY (v_freed || v_paying)
            ORDER BY t.channel_id FOR NO KEY UPDATE;
        END IF;
    END IF;

    -- In one order for everybody, and as `wake_task_turn` does.
    SELECT bool_or(t.blocked = 'full') INTO v_is_full FROM (
        SELECT t.blocked FROM task_turns t WHERE t.channel_id = ANY (v_freed)
        ORDER BY t.channel_id FOR KEY SHARE
    ) t;
    IF v_is_full
        OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
    THEN
        UPDATE task_turns t SET blocked = CASE WHEN t.blocked <> 'full' THEN t.blocked END
        WHERE t.channel_id = ANY (v_freed);
    END IF;

    IF cardinality(v_moved) < cardinality(v_keys) THEN
        {ONE_AT_A_TIME}
        FOR v_task IN
            SELECT k.id, k.status, k.review_token, k.channel_id, k.lease_token,
                coalesce(given.worker, p_workers[1]) AS worker
            FROM unnest(v_keys, v_tokens, p_workers) AS given (id, token, worker)
            JOIN tasks k ON k.id = given.id AND k.lease_token = given.token
            WHERE k.lease_expires_at > v_clock AND k.id <> ALL (v_moved)
            ORDER BY k.id FOR NO KEY UPDATE OF k
        LOOP
            v_to := {_looked_up("v_task.status", _ONWARD)};
            v_ends := v_task.status IN ({_ENDS_AFTER});
            UPDATE tasks k SET {_MOVE} WHERE k.id = v_task.id RETURNING k.status_since INTO v_since;
            INSERT INTO task_transitions
                (id, task_id, moved_at, from_status, to_status, actor, review_token)
            VALUES (new_task_transition_key(), v_task.id, v_since, v_task.status, v_to,
                v_task.worker, v_task.review_token + (v_task.status IN ({_GATE_AFTER}))::integer);
            IF v_task.id = ANY (v_reserved) THEN
                UPDATE quota_reservations SET state = 'spent'
                WHERE task_id = v_task.id AND state = 'held';
            END IF;
            -- Where the next stage costs what is not left, the task waits for it in nobody's hands.
            IF NOT v_ends AND v_to = ANY (v_metered) THEN
                IF NOT reserve_quota(
                    (SELECT coalesce(c.quota_project, 'default') FROM channels c
                        WHERE c.id = v_task.channel_id),
                    v_to, v_task.id, v_task.lease_token, p_turns, p_now
                ) THEN
                    {QUEUE_ENDS}
                    UPDATE tasks SET worker = NULL, lease_expires_at = NULL WHERE id = v_task.id;
                    {QUEUE_BEGINS}
                END IF;
            END IF;
            IF v_ends THEN
                DELETE FROM task_leases WHERE task_id = v_task.id;
            END IF;
            RETURN NEXT v_task.id;
        END LOOP;
    END IF;
    {QUEUE_ENDS}
END
$$
"""  # noqa: S608 - our words

DROP_KEY: Final = "DROP FUNCTION new_task_transition_key()"
DROP_COMPLETE: Final = "DROP FUNCTION complete_tasks(text, text, text[], timestamp, timestamp)"
