"""The function by which PostgreSQL hands out tasks, as revision 0003 makes it.

One claim is one call. It holds the row in task_turns of the channel that it claims from, so that
two claims cannot fill the same place; it takes rows that others hold at no time, so that it waits
for nobody while it holds one. A hint is made worse only under the strongest lock on its row, which
no writer of tasks has let go of before its work is to be seen: see the triggers.
"""

from __future__ import annotations

from typing import Final

from pipeline_store.sql.migrations.task_endings_0003 import (
    END_WHAT_IS_OVER,
    ERROR_AFTER,
    GIVE_UP,
    IS_PAUSED,
    WAKES_AT_ONCE,
)
from pipeline_store.sql.migrations.task_queue_0003 import (
    GOES_BY_INDEXES,
    OF_RANK,
    QUEUE_BEGINS,
    QUEUE_ENDS,
    WAITING_STATUSES,
    WAITS,
)
from pipeline_store.sql.migrations.task_rounds_0003 import (
    DECLARED,
    FIRST_RANK,
    FIRST_ROUND,
    HOLD,
    MARK_FULL,
    TAKE_ROUNDS,
)

MOST_VISITS: Final = 50
"""Channels that one call looks at in vain before it ends, to be repeated."""

_WAITS: Final = WAITS.format("k.")
_ALL_STAGES: Final = f"ARRAY[{WAITING_STATUSES}]"
_OPEN: Final = (
    "{0}.best_rank IS NOT NULL AND {0}.blocked IS NULL AND {0}.channel_id <> ALL (v_passed)"
)
_AFFORDED: Final = """(
    SELECT array_agg(s.stage) FROM channels c CROSS JOIN unnest(v_stages) AS s (stage)
    WHERE c.id = t.channel_id
        AND coalesce(c.quota_project, 'default') || '/' || s.stage <> ALL (v_shut)
)"""
_LOOKED_INTO: Final = f"""
    {_OPEN.format("t")} AND t.best_rank <= v_rank AND EXISTS (
        SELECT 1 FROM tasks k
        WHERE k.channel_id = t.channel_id AND k.rank = v_rank AND {_WAITS}
            AND k.status = ANY (CASE WHEN v_shut IS NULL THEN v_stages ELSE {_AFFORDED} END)
    )
"""  # noqa: S608 - our words
_ROUNDS: Final = TAKE_ROUNDS.format(paused=IS_PAUSED)
CLAIM: Final = f"""
CREATE FUNCTION claim_tasks(
    p_worker text, p_count integer, p_lease interval, p_now timestamp, p_most_attempts bigint,
    p_stages text[], p_turns timestamp
) RETURNS SETOF tasks LANGUAGE plpgsql VOLATILE {GOES_BY_INDEXES} AS $$
DECLARE
    v_clock timestamp;
    v_due timestamp;
    v_again timestamp;
    v_wakes boolean;
    v_ends boolean;
    v_woken integer := 0;
    v_served bigint;
    v_channel uuid;
    v_turn bigint;
    v_is_any boolean;
    v_state record;
    v_task tasks%ROWTYPE;
    v_from text;
    v_since timestamp;
    v_why text;
    v_error text;
    v_passed uuid[] := '{{}}';
    v_stages text[] := p_stages;
    -- Which stages cost something, and for which projects, with a slash between, that is not left.
    v_metered text[];
    v_shut text[];
    v_here text[];
    v_is_short boolean;
    -- What is known of a channel is known of all stages together: for some, look into each.
    v_thorough boolean := p_stages IS NOT NULL;
    v_left_out boolean := false;
    v_rank bigint := 0;
    v_best bigint;
    -- The channel of which the hint may be made worse.
    v_strong uuid;
    v_may_tell boolean;
    v_holds boolean := false;
    v_patience integer := 20;
    v_visits integer := 0;
    v_found integer := 0;
{DECLARED}
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'tasks are claimed at READ COMMITTED only'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    v_clock := timezone('utc', clock_timestamp());
    v_due := greatest(v_clock, p_now);
    -- By the later of both clocks too, or who is looked at again would be due again at once.
    v_again := v_due + interval '30 seconds';
{END_WHAT_IS_OVER}
    IF p_count > 1 AND p_stages IS NULL THEN
{_ROUNDS}
    END IF;

    WHILE v_found < p_count LOOP
        IF v_visits >= {MOST_VISITS} THEN
            RETURN NEXT NULL::tasks;
            RETURN;
        END IF;

        -- The channel whose turn it is, or another of the same round: waiting a moment is better
        -- than to hand out what is less urgent only because the right row is locked.
        IF v_thorough THEN
            SELECT t.turn INTO v_turn FROM task_turns t
            WHERE {_LOOKED_INTO} ORDER BY t.turn, t.served, t.channel_id LIMIT 1;
            v_is_any := FOUND;
            SELECT t.channel_id INTO v_channel FROM task_turns t
            WHERE {_LOOKED_INTO} AND (t.turn <= v_turn + 1 OR v_patience <= 0)
            ORDER BY t.turn, t.served, t.channel_id LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED;
        ELSIF v_patience > 0 THEN
            SELECT t.channel_id INTO v_channel FROM task_turns t
            WHERE {_OPEN.format("t")} AND {FIRST_RANK.format(open=_OPEN.format("f"))}
                AND {FIRST_ROUND.format(open=_OPEN.format("f"))}
            ORDER BY t.best_rank, t.turn, t.served, t.channel_id LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED;
        ELSE
            SELECT t.channel_id INTO v_channel FROM task_turns t
            WHERE {_OPEN.format("t")} ORDER BY t.best_rank, t.turn, t.served, t.channel_id LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED;
        END IF;
        IF NOT FOUND THEN
            IF NOT v_thorough THEN
                v_is_any := EXISTS (SELECT 1 FROM task_turns t WHERE {_OPEN.format("t")});
            END IF;
            IF v_is_any AND v_patience > 0 THEN
                IF v_holds THEN
                    -- Others may wait for what this call holds: it does not sleep.
                    v_patience := 0;
                ELSE
                    v_patience := v_patience - 1;
                    PERFORM pg_sleep(0.0005);
                END IF;
            ELSIF v_thorough THEN
                EXIT WHEN v_rank = 2;
                v_rank := v_rank + 1;
                v_passed := '{{}}';
            ELSE
                EXIT WHEN v_is_any OR v_found > 0 OR NOT v_left_out;
                -- A hint could not be corrected, so what it hides is looked for.
                v_thorough := true;
                v_rank := 0;
                v_passed := '{{}}';
                v_stages := {_ALL_STAGES};
            END IF;
            CONTINUE;
        END IF;
        v_holds := true;

        -- Only now that the row is held is it known who else holds a place.
        SELECT c.is_active, c.max_concurrent, {IS_PAUSED} AS is_paused, t.best_rank,
            coalesce(c.quota_project, 'default') AS project,
            (
                SELECT count(*) FROM task_leases l WHERE l.channel_id = v_channel
            ) AS held
        INTO v_state FROM channels c JOIN task_turns t ON t.channel_id = c.id
        WHERE c.id = v_channel;
        IF NOT v_thorough THEN
            v_rank := v_state.best_rank;
        END IF;
        IF NOT v_state.is_active OR v_state.is_paused OR v_state.held >= v_state.max_concurrent THEN
            IF v_channel IS DISTINCT FROM v_strong THEN
                -- What is seen under the strongest lock only may stand in the hint.
                PERFORM 1 FROM task_turns t WHERE t.channel_id = v_channel FOR UPDATE SKIP LOCKED;
                IF FOUND THEN
                    v_strong := v_channel;
                ELSE
                    v_visits := v_visits + 1;
                    v_passed := v_passed || v_channel;
                END IF;
                CONTINUE;
            END IF;
            v_visits := v_visits + 1;
            IF NOT v_state.is_active THEN
                UPDATE task_turns SET blocked = 'inactive' WHERE channel_id = v_channel;
            ELSIF v_state.is_paused THEN
                UPDATE task_turns SET blocked = 'paused', wake_at = v_again
                WHERE channel_id = v_channel;
            ELSE
                UPDATE task_turns SET blocked = 'full' WHERE channel_id = v_channel;
            END IF;
            CONTINUE;
        END IF;

        v_here := v_stages;
        v_is_short := false;
        IF v_shut IS NOT NULL THEN
            v_here := ARRAY(
                SELECT s.stage FROM unnest(coalesce(v_stages, {_ALL_STAGES})) AS s (stage)
                WHERE v_state.project || '/' || s.stage <> ALL (v_shut)
            );
            v_is_short := cardinality(v_here) < cardinality(coalesce(v_stages, {_ALL_STAGES}));
        END IF;

        -- Its oldest task.
        IF v_thorough OR v_is_short THEN
            SELECT o.* INTO v_task FROM unnest(v_here) AS s (stage) CROSS JOIN LATERAL (
                SELECT k.* FROM tasks k
                WHERE k.channel_id = v_channel AND k.status = s.stage AND {OF_RANK}
                    AND {_WAITS}
                ORDER BY k.rank, k.created_at, k.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
            ) o ORDER BY o.created_at, o.id LIMIT 1;
        ELSE
            SELECT k.* INTO v_task FROM tasks k
            WHERE k.channel_id = v_channel AND {OF_RANK} AND {_WAITS}
            ORDER BY k.rank, k.created_at, k.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
        END IF;
        IF NOT FOUND THEN
            v_visits := v_visits + 1;
            PERFORM 1 FROM task_turns t WHERE t.channel_id = v_channel FOR UPDATE SKIP LOCKED;
            v_may_tell := FOUND;
            -- Without regard to locks: who holds one may yet leave the task as it is.
            IF v_is_short THEN
                SELECT min(o.rank) INTO v_best FROM unnest(v_here) AS s (stage) CROSS JOIN LATERAL (
                    SELECT k.rank FROM tasks k
                    WHERE k.channel_id = v_channel AND k.status = s.stage AND {_WAITS}
                    ORDER BY k.rank LIMIT 1
                ) o;
            ELSE
                SELECT k.rank INTO v_best FROM tasks k WHERE k.channel_id = v_channel AND {_WAITS}
                ORDER BY k.rank LIMIT 1;
            END IF;
            IF v_thorough OR NOT v_may_tell OR v_best <= v_rank THEN
                v_passed := v_passed || v_channel;
                v_left_out := true;
            ELSE
                UPDATE task_turns SET best_rank = v_best, wake_at = CASE WHEN v_is_short
                    THEN CASE WHEN p_turns > v_due THEN least(v_again, p_turns) ELSE v_again END
                    ELSE wake_at END
                WHERE channel_id = v_channel;
            END IF;
            CONTINUE;
        END IF;

        v_from := v_task.status;
        IF v_from = ANY (v_metered) AND NOT reserve_quota(
            v_state.project, v_from, v_task.id, v_task.lease_token + 1, p_turns, p_now
        ) THEN
            v_visits := v_visits + 1;
            v_shut := exhausted_quota_stages(p_turns);
            CONTINUE;
        END IF;
        v_error := {ERROR_AFTER};
        IF v_task.attempts >= p_most_attempts AND v_error IS NOT NULL THEN
            v_visits := v_visits + 1;
            {GIVE_UP}
            CONTINUE;
        END IF;

        {QUEUE_BEGINS}
        UPDATE tasks SET {HOLD} WHERE id = v_task.id RETURNING * INTO v_task;
        {QUEUE_ENDS}
        INSERT INTO task_leases (task_id, channel_id, expires_at)
        VALUES (v_task.id, v_channel, v_task.lease_expires_at);
        IF v_from = 'queued' THEN
            INSERT INTO task_transitions
                (id, task_id, moved_at, from_status, to_status, actor, review_token)
            VALUES (new_task_transition_key(), v_task.id, v_task.status_since, v_from, 'claimed',
                p_worker, v_task.review_token);
        END IF;
        v_found := v_found + 1;
        v_served := coalesce(v_served, nextval('task_turns_served'));
        UPDATE task_turns t SET
            -- Whoever was idle joins the present round, and does not make up for earlier ones.
            turn = greatest(t.turn + 1, (SELECT max(a.turn) FROM task_turns a)),
            served = v_served + v_found
        WHERE t.channel_id = v_channel;
        IF v_state.held + 1 >= v_state.max_concurrent THEN
            v_full := ARRAY[v_channel];
            {MARK_FULL}
        END IF;
        RETURN NEXT v_task;
    END LOOP;
    IF v_found = 0 AND v_woken >= {WAKES_AT_ONCE} THEN
        RETURN NEXT NULL::tasks;
    END IF;
END
$$
"""  # noqa: S608 - our words

DROP_CLAIM: Final = (
    "DROP FUNCTION claim_tasks(text, integer, interval, timestamp, bigint, text[], timestamp)"
)
