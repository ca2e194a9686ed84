"""How PostgreSQL hands out tasks to a whole round of channels at once, as revision 0003 makes it.

It is a part of the function that hands out tasks, and gives what its other part would, which looks
at one channel after the other: that part does what this one leaves undone.

Channels take turns, so the n-th task of a channel comes in its n-th round. Whoever was idle begins
in the present round, at the latest with its second task; the rounds of the others follow theirs.
"""

from __future__ import annotations

from typing import Final

from pipeline_store.sql.migrations.task_queue_0003 import (
    MOVED_AT,
    OF_RANK,
    QUEUE_BEGINS,
    QUEUE_ENDS,
    WAITS,
)

_OPEN: Final = "{0}.best_rank IS NOT NULL AND {0}.blocked IS NULL"

DECLARED: Final = """
    v_round bigint;
    v_each integer;
    v_odd integer;
    -- What is handed out, in order: keys, their channels, and the room that is left there then.
    v_keys uuid[];
    v_of uuid[];
    v_left bigint[];
    v_channels uuid[];
    v_full uuid[];
    v_queue text;
"""

FIRST_RANK: Final = """
    t.best_rank = (SELECT f.best_rank FROM task_turns f WHERE {open} ORDER BY f.best_rank LIMIT 1)
"""
FIRST_ROUND: Final = """
    t.turn <= 1 + (
        SELECT f.turn FROM task_turns f WHERE {open} ORDER BY f.best_rank, f.turn LIMIT 1
    )
"""
"""Two subqueries, not one row, since then the index on turns gives the order."""

HOLD: Final = f"""
    attempts = attempts + 1, lease_token = lease_token + 1, worker = p_worker, updated_at = p_now,
    lease_expires_at = timezone('utc', clock_timestamp()) + p_lease,
    status = CASE status WHEN 'queued' THEN 'claimed' ELSE status END,
    status_since = CASE status WHEN 'queued' THEN {MOVED_AT.format("")} ELSE status_since END,
    failed_stage = CASE WHEN status <> 'queued' THEN failed_stage END,
    warned_at = CASE WHEN status <> 'queued' THEN warned_at END,
    held_at = CASE WHEN status <> 'queued' THEN held_at END
"""

MARK_FULL: Final = """
    v_full := ARRAY(
        SELECT t.channel_id FROM task_turns t WHERE t.channel_id = ANY (v_full)
        ORDER BY t.channel_id FOR UPDATE SKIP LOCKED
    );
    -- Counted again, since only under that lock no lease can end unnoticed.
    UPDATE task_turns t SET blocked = 'full' FROM channels c
    WHERE t.channel_id = ANY (v_full) AND c.id = t.channel_id AND c.max_concurrent <= (
        SELECT count(*) FROM task_leases l WHERE l.channel_id = c.id
    );
"""

TAKE_ROUNDS: Final = f"""
        -- The channels whose turn it is.
        SELECT array_agg(t.channel_id), min(t.best_rank), max(t.last_round)
        INTO v_channels, v_rank, v_round FROM (
            SELECT t.channel_id, t.best_rank, (SELECT max(a.turn) FROM task_turns a) AS last_round
            FROM task_turns t
            WHERE {_OPEN.format("t")} AND {FIRST_RANK.format(open=_OPEN.format("f"))}
            ORDER BY t.turn, t.served, t.channel_id LIMIT p_count
            FOR NO KEY UPDATE OF t SKIP LOCKED
        ) t;
        v_holds := v_holds OR v_channels IS NOT NULL;
        v_each := p_count / cardinality(v_channels);
        -- With as many channels as tasks to hand out, there may be more of them.
        IF cardinality(v_channels) < p_count THEN
            v_each := v_each + 2;
        END IF;

        -- Only now that the rows are held is it known who else holds a place.
        WITH open AS MATERIALIZED (
            SELECT t.channel_id, t.turn, t.served, c.max_concurrent - (
                SELECT count(*) FROM task_leases l WHERE l.channel_id = t.channel_id
            ) AS room
            FROM task_turns t JOIN channels c ON c.id = t.channel_id
            WHERE t.channel_id = ANY (v_channels) AND t.best_rank = v_rank
                AND c.is_active AND NOT {{paused}}
        )
        SELECT array_agg(o.id), array_agg(o.channel_id), array_agg(o.room - o.number),
            min(o.place) FILTER (WHERE o.is_odd)
        INTO v_keys, v_of, v_left, v_odd FROM (
            SELECT k.*, row_number() OVER (ORDER BY k.round, k.is_behind, k.turn, k.served,
                k.channel_id) AS place
            FROM (
                SELECT k.id, k.channel_id, k.number, s.room, s.turn, s.served,
                    s.turn < v_round AS is_behind,
                    CASE WHEN k.number = 1 THEN s.turn
                        WHEN s.turn < v_round THEN v_round + k.number - 2
                        ELSE s.turn + k.number - 1 END AS round,
                    k.attempts >= p_most_attempts OR k.status = ANY (v_metered) IS TRUE AS is_odd
                FROM open s CROSS JOIN LATERAL (
                    SELECT k.*, row_number() OVER (ORDER BY k.created_at, k.id) AS number FROM (
                        SELECT k.id, k.channel_id, k.status, k.attempts, k.created_at FROM tasks k
                        WHERE k.channel_id = s.channel_id AND {OF_RANK}
                            AND {WAITS.format("k.")}
                        ORDER BY k.rank, k.created_at, k.id
                        LIMIT greatest(least(s.room, v_each), 0) FOR NO KEY UPDATE SKIP LOCKED
                    ) k
                ) k
            ) k
            ORDER BY place LIMIT p_count
        ) o;
        -- What costs something, and what was tried too often, is looked at by itself.
        v_keys := v_keys[1:coalesce(v_odd - 1, p_count)];

        IF cardinality(v_keys) > 0 THEN
            v_found := cardinality(v_keys);
            v_served := nextval('task_turns_served');
            INSERT INTO task_transitions
                (id, task_id, moved_at, from_status, to_status, actor, review_token)
            SELECT new_task_transition_key(), k.id, {MOVED_AT.format("k.")}, k.status, 'claimed',
                p_worker, k.review_token
            FROM tasks k WHERE k.id = ANY (v_keys) AND k.status = 'queued';
            {QUEUE_BEGINS}
            RETURN QUERY WITH held AS (
                UPDATE tasks k SET {HOLD}
                WHERE k.id = ANY (v_keys) RETURNING k.*
            ), leased AS (
                INSERT INTO task_leases (task_id, channel_id, expires_at)
                SELECT h.id, h.channel_id, h.lease_expires_at FROM held h
            ), served AS (
                UPDATE task_turns t SET
                    turn = CASE WHEN t.turn < v_round THEN v_round - 1 ELSE t.turn END + s.taken,
                    served = v_served + s.last
                FROM (
                    SELECT o.channel_id, count(*) AS taken, max(o.place) AS last
                    FROM unnest(v_of[1:v_found]) WITH ORDINALITY AS o (channel_id, place)
                    GROUP BY o.channel_id
                ) s WHERE t.channel_id = s.channel_id
            )
            SELECT h.* FROM held h ORDER BY array_position(v_keys, h.id);
            {QUEUE_ENDS}
            IF 0 = ANY (v_left[1:v_found]) THEN
                v_full := ARRAY(
                    SELECT o.channel_id
                    FROM unnest(v_of[1:v_found], v_left[1:v_found]) AS o (channel_id, room)
                    WHERE o.room = 0
                );
                {MARK_FULL}
            END IF;
            IF v_found >= p_count THEN
                RETURN;
            END IF;
        END IF;
"""  # noqa: S608 - our words
