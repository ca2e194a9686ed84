"""What PostgreSQL brings to its end before it hands out a task, as revision 0003 makes it.

It is a part of the function that hands out tasks: pauses and days of quotas that may be over,
leases whose time is, and tasks that were tried too often.
"""

from __future__ import annotations

from typing import Final

from pipeline_store.sql.migrations.task_queue_0003 import MOVED_AT, WAITS
from pipeline_store.sql.migrations.task_quota_0003 import ONE_AT_A_TIME

_WAITS: Final = WAITS.format("k.")

IS_PAUSED: Final = """
    EXISTS (
        SELECT 1 FROM config_overrides o
        WHERE o.key = 'paused.channel.' || c.channel_id AND o.value = 'true'
    )
"""

WAKES_AT_ONCE: Final = 20
"""Channels that one call looks at again; with so many there may be more."""

END_WHAT_IS_OVER: Final = f"""
    SELECT EXISTS (SELECT 1 FROM task_turns t WHERE t.wake_at <= v_due),
        EXISTS (SELECT 1 FROM task_leases l WHERE l.expires_at <= v_clock),
        (SELECT array_agg(c.stage) FROM quota_costs c)
    INTO v_wakes, v_ends, v_metered;

    IF v_wakes THEN
        -- Pauses that another program may have ended, and quotas that may be there again.
        WITH d AS MATERIALIZED (
            -- Apart, so that no plan runs it twice and locks others the second time.
            SELECT t.channel_id FROM task_turns t WHERE t.wake_at <= v_due
            ORDER BY t.wake_at LIMIT {WAKES_AT_ONCE} FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE task_turns t SET
            blocked = CASE WHEN due.is_paused THEN 'paused' END,
            best_rank = least(t.best_rank, (
                SELECT k.rank FROM tasks k WHERE k.channel_id = t.channel_id AND {_WAITS}
                ORDER BY k.rank LIMIT 1
            )),
            wake_at = CASE WHEN due.is_paused THEN v_again END
        FROM (
            SELECT d.channel_id, {IS_PAUSED} AS is_paused
            FROM d JOIN channels c ON c.id = d.channel_id
        ) due
        WHERE t.channel_id = due.channel_id;
        GET DIAGNOSTICS v_woken = ROW_COUNT;
        v_holds := true;
    END IF;

    IF v_ends THEN
        -- A lease ends by this write, never by the clock alone: a heartbeat may be on its way.
        FOR v_channel IN
            SELECT DISTINCT e.channel_id FROM (
                SELECT l.channel_id FROM task_leases l WHERE l.expires_at <= v_clock
                ORDER BY l.expires_at LIMIT greatest(20, p_count)
            ) e ORDER BY e.channel_id
        LOOP
            PERFORM 1 FROM task_turns t WHERE t.channel_id = v_channel
            FOR NO KEY UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND;
            v_holds := true;
            IF EXISTS (
                SELECT 1 FROM task_leases l JOIN quota_reservations r ON r.task_id = l.task_id
                WHERE l.channel_id = v_channel AND l.expires_at <= v_clock AND r.state = 'held'
            ) THEN
                {ONE_AT_A_TIME}
            END IF;
            WITH ended AS (
                UPDATE tasks SET worker = NULL, lease_expires_at = NULL, updated_at = p_now
                WHERE id IN (
                    SELECT k.id FROM task_leases l JOIN tasks k ON k.id = l.task_id
                    WHERE l.channel_id = v_channel AND k.lease_expires_at <= v_clock
                    FOR NO KEY UPDATE OF k SKIP LOCKED
                ) RETURNING id, status
            )
            -- Nobody knows how far an upload came.
            UPDATE quota_reservations r
            SET state = CASE WHEN ended.status = 'uploading' THEN 'spent' ELSE 'refunded' END
            FROM ended WHERE r.task_id = ended.id AND r.state = 'held';
        END LOOP;
    END IF;
"""  # noqa: S608 - our words

ERROR_AFTER: Final = """
    CASE
        WHEN v_task.status IN ('claimed', 'generating_assets', 'assets_approved',
            'generating_composites') THEN 'asset_error'
        WHEN v_task.status IN ('composites_ready', 'generating_video', 'sfx_ready', 'assembling',
            'assembly_ready') THEN 'video_error'
        WHEN v_task.status IN ('video_approved', 'generating_audio', 'audio_approved',
            'generating_sfx') THEN 'audio_error'
        WHEN v_task.status IN ('approved', 'uploading') THEN 'upload_error'
    END
"""

GIVE_UP: Final = f"""
            v_why := 'claimed ' || v_task.attempts || ' times without getting on';
            UPDATE tasks SET status = v_error, failed_stage = v_from, attempts = 0,
                warned_at = NULL, held_at = NULL, status_since = {MOVED_AT.format("")},
                updated_at = p_now, error_log = coalesce(error_log || chr(10), '')
                    || v_from || ': ' || v_why || ' (queue)'
            WHERE id = v_task.id RETURNING status_since INTO v_since;
            UPDATE quota_reservations SET state = 'refunded'
            WHERE task_id = v_task.id AND state = 'held';
            INSERT INTO task_transitions
                (id, task_id, moved_at, from_status, to_status, actor, reason, review_token)
            VALUES (new_task_transition_key(), v_task.id, v_since, v_from, v_error, 'queue', v_why,
                v_task.review_token);
"""  # noqa: S608 - our words
