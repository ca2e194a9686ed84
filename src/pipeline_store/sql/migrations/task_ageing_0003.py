"""The function by which PostgreSQL lets old tasks count as more urgent; revision 0003 makes it."""

from __future__ import annotations

from typing import Final

from pipeline_store.sql.migrations.task_queue_0003 import WAITS

_WAITS: Final = WAITS.format("k.")

AGE: Final = f"""
CREATE FUNCTION age_tasks(p_now timestamp, p_ageing interval) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_raised integer;
BEGIN
    INSERT INTO task_ageing (id, looked_at) VALUES (1, p_now)
    ON CONFLICT (id) DO UPDATE SET looked_at = excluded.looked_at
    WHERE task_ageing.looked_at <= p_now - p_ageing / 20 OR task_ageing.looked_at > p_now;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    UPDATE tasks
    SET rank = CASE WHEN rank = 2 AND created_at > p_now - 2 * p_ageing THEN 1 ELSE 0 END
    WHERE id IN (
        SELECT k.id FROM tasks k WHERE k.id IN (
            SELECT o.id FROM task_turns t CROSS JOIN LATERAL (
                SELECT k.id FROM tasks k
                WHERE k.channel_id = t.channel_id AND k.rank = 2
                    AND k.created_at <= p_now - p_ageing AND {_WAITS}
                UNION ALL
                SELECT k.id FROM tasks k
                WHERE k.channel_id = t.channel_id AND k.rank = 1
                    AND k.created_at <= p_now - p_ageing
                    AND (k.priority = 'normal' OR k.created_at <= p_now - 2 * p_ageing)
                    AND {_WAITS}
            ) o LIMIT 1000
        )
        -- In one order for everybody; what somebody else writes now is raised the next time.
        ORDER BY k.channel_id, k.id FOR NO KEY UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_raised = ROW_COUNT;
    IF v_raised = 1000 THEN
        DELETE FROM task_ageing;
    END IF;
    RETURN v_raised;
END
$$
"""  # noqa: S608 - our words

DROP_AGE: Final = "DROP FUNCTION age_tasks(timestamp, interval)"
