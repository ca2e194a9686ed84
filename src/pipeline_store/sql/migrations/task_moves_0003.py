"""The function by which PostgreSQL moves finished tasks on, as revision 0003 makes it."""

from __future__ import annotations

from typing import Final

NEW_KEY: Final = """
CREATE FUNCTION new_task_transition_key() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    -- A UUID of version 7: 48 bits of milliseconds, then chance.
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid()) PLACING substring(int8send(
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid
$$
"""

COMPLETE: Final = """
CREATE FUNCTION complete_tasks(
    p_keys uuid[], p_tokens bigint[], p_workers text[], p_now timestamp, p_turns timestamp
) RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_task record;
    v_to text;
    v_review bigint;
    v_ends boolean;
    v_metered text[];
    v_is_reserved boolean;
BEGIN
    SELECT array_agg(DISTINCT c.stage) INTO v_metered FROM quota_costs c;
    v_is_reserved := EXISTS (SELECT 1 FROM quota_reservations WHERE state = 'held');
    FOR v_task IN
        SELECT k.id, k.status, k.review_token, k.channel_id, k.lease_token, given.worker
        FROM unnest(p_keys, p_tokens, p_workers) AS given (id, token, worker)
        JOIN tasks k ON k.id = given.id AND k.lease_token = given.token
        WHERE k.lease_expires_at > (SELECT timezone('utc', clock_timestamp()))
        ORDER BY k.id FOR NO KEY UPDATE OF k
    LOOP
        v_to := CASE v_task.status
            WHEN 'claimed' THEN 'generating_assets'
            WHEN 'generating_assets' THEN 'assets_ready'
            WHEN 'assets_approved' THEN 'generating_composites'
            WHEN 'generating_composites' THEN 'composites_ready'
            WHEN 'composites_ready' THEN 'generating_video'
            WHEN 'generating_video' THEN 'video_ready'
            WHEN 'video_approved' THEN 'generating_audio'
            WHEN 'generating_audio' THEN 'audio_ready'
            WHEN 'audio_approved' THEN 'generating_sfx'
            WHEN 'generating_sfx' THEN 'sfx_ready'
            WHEN 'sfx_ready' THEN 'assembling'
            WHEN 'assembling' THEN 'assembly_ready'
            WHEN 'assembly_ready' THEN 'final_review'
            WHEN 'approved' THEN 'uploading'
            WHEN 'uploading' THEN 'published'
        END;
        v_ends := v_to IN
            ('assets_ready', 'video_ready', 'audio_ready', 'final_review', 'published');
        v_review := v_task.review_token;
        IF v_ends AND v_to <> 'published' THEN
            v_review := v_review + 1;
        END IF;
        UPDATE tasks SET status = v_to, attempts = 0, failed_stage = NULL, warned_at = NULL,
            held_at = NULL, status_since = p_now, updated_at = p_now, review_token = v_review,
            worker = CASE WHEN NOT v_ends THEN worker END,
            lease_expires_at = CASE WHEN NOT v_ends THEN lease_expires_at END
        WHERE id = v_task.id;
        INSERT INTO task_transitions
            (id, task_id, moved_at, from_status, to_status, actor, review_token)
        VALUES (new_task_transition_key(), v_task.id, p_now, v_task.status, v_to, v_task.worker,
            v_review);
        IF v_is_reserved THEN
            UPDATE quota_reservations SET state = 'spent'
            WHERE task_id = v_task.id AND state = 'held';
        END IF;
        -- Where the next stage costs what is not left, the task waits for it in nobody's hands.
        IF NOT v_ends AND v_to = ANY (v_metered) AND NOT reserve_quota(
            (SELECT coalesce(c.quota_project, 'default') FROM channels c
                WHERE c.id = v_task.channel_id),
            v_to, v_task.id, v_task.lease_token, p_turns, p_now
        ) THEN
            UPDATE tasks SET worker = NULL, lease_expires_at = NULL WHERE id = v_task.id;
        END IF;
        RETURN NEXT v_task.id;
    END LOOP;
END
$$
"""

DROP_KEY: Final = "DROP FUNCTION new_task_transition_key()"
DROP_COMPLETE: Final = (
    "DROP FUNCTION complete_tasks(uuid[], bigint[], text[], timestamp, timestamp)"
)
