"""What the queue of tasks says to SQLite, a statement for each step of a claim or completion."""

from __future__ import annotations

from typing import Final

from pipeline_store.pauses import CHANNEL_PAUSED
from pipeline_store.pauses import PAUSED as IS_PAUSED
from pipeline_store.sql.tasks.tables import IS_OPEN, IS_WAITING
from pipeline_store.tasks.claiming import AGED_AT_ONCE

WAKES_AT_ONCE: Final = 20

PAUSED: Final = (
    "EXISTS (SELECT 1 FROM channels JOIN config_overrides"  # noqa: S608 - our words
    f" ON config_overrides.key = '{CHANNEL_PAUSED}' || channels.channel_id"
    f" AND config_overrides.value = '{IS_PAUSED}' WHERE channels.id = task_turns.channel_id)"
)
# The second time finds what a clock that was ahead has set aside; nothing else waits that long.
# To ask for an order would cost a sorting, and the index gives the earliest first anyhow.
END_PAUSES: Final = (
    f"UPDATE task_turns SET blocked = CASE WHEN {PAUSED} THEN 'paused' END,"  # noqa: S608
    " best_rank = (SELECT rank FROM tasks WHERE tasks.channel_id = task_turns.channel_id"
    f" AND {IS_WAITING.text} ORDER BY rank LIMIT 1),"
    f" wake_at = CASE WHEN {PAUSED} THEN ? END WHERE channel_id IN (SELECT channel_id"
    f" FROM task_turns WHERE wake_at <= ? OR wake_at > ? LIMIT {WAKES_AT_ONCE})"
    " RETURNING channel_id"
)
END_LEASES: Final = (
    "UPDATE tasks SET worker = NULL, lease_expires_at = NULL, updated_at = ?"
    " WHERE id IN (SELECT task_id FROM task_leases WHERE expires_at <= ?) RETURNING id, status"
)
CHANNEL: Final = (
    f"SELECT task_turns.channel_id, best_rank, is_active, {PAUSED}, max_concurrent,"  # noqa: S608
    " (SELECT count(*) FROM task_leases WHERE task_leases.channel_id = task_turns.channel_id),"
    " coalesce(quota_project, 'default')"
    " FROM task_turns JOIN channels ON channels.id = task_turns.channel_id"
    f" WHERE {IS_OPEN.text}{{}} ORDER BY {{}}turn, served, task_turns.channel_id LIMIT 1"
)
ANY_CHANNEL: Final = CHANNEL.format("", "best_rank, ")
HAS_TASK: Final = (
    " AND best_rank <= ? AND EXISTS (SELECT 1 FROM tasks"  # noqa: S608 - our words
    f" WHERE tasks.channel_id = task_turns.channel_id AND status IN ({{}}) AND rank = ?"
    f" AND {IS_WAITING.text})"
)
HAS_AFFORDED_TASK: Final = (
    " AND best_rank <= ? AND EXISTS (SELECT 1 FROM (VALUES {}) AS stages"  # noqa: S608 - our words
    " WHERE (coalesce(channels.quota_project, 'default'), stages.column1) NOT IN (VALUES {})"
    " AND EXISTS (SELECT 1 FROM tasks WHERE tasks.channel_id = task_turns.channel_id"
    f" AND status = stages.column1 AND rank = ? AND {IS_WAITING.text}))"
)
OLDEST: Final = (
    "SELECT id, status, attempts, review_token, status_since,"  # noqa: S608 - our words
    " created_at, lease_token,"
    " EXISTS (SELECT 1 FROM quota_costs WHERE stage = tasks.status) AS is_metered FROM tasks"
    f" WHERE channel_id = ? AND rank = ? AND {IS_WAITING.text}{{}} ORDER BY created_at, id LIMIT 1"
)
ANY_TASK: Final = OLDEST.format("")
OLDEST_IN_STAGE: Final = OLDEST.format(" AND status = ?")
CORRECT_RANK: Final = (
    "UPDATE task_turns SET best_rank = (SELECT rank FROM tasks"  # noqa: S608 - our words
    f" WHERE channel_id = ? AND {IS_WAITING.text} ORDER BY rank LIMIT 1) WHERE channel_id = ?"
)
SET_ASIDE: Final = "UPDATE task_turns SET best_rank = ?, wake_at = ? WHERE channel_id = ?"
BLOCK: Final = (
    "UPDATE task_turns SET blocked = ?, wake_at = coalesce(?, wake_at) WHERE channel_id = ?"
)
GIVE_UP: Final = (
    "UPDATE tasks SET status = ?, failed_stage = status, attempts = 0, warned_at = NULL,"
    " held_at = NULL, status_since = ?, updated_at = ?,"
    " error_log = coalesce(error_log || char(10), '') || ? WHERE id = ?"
)
HOLD: Final = (
    "UPDATE tasks SET attempts = attempts + 1, lease_token = lease_token + 1, worker = ?,"
    " lease_expires_at = ?, updated_at = ?{} WHERE id = ?"
)
HOLD_CLAIMED: Final = HOLD.format(
    ", status = 'claimed', failed_stage = NULL, warned_at = NULL, held_at = NULL, status_since = ?"
)
HOLD_AGAIN: Final = HOLD.format("")
TAKE_TURN: Final = (
    "UPDATE task_turns SET turn = (SELECT max(turn) FROM task_turns) + 1, blocked = ?"
    " WHERE channel_id = ?"
)
MOVED: Final = (
    "INSERT INTO task_transitions"
    " (id, task_id, moved_at, from_status, to_status, actor, reason, review_token)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
FIND_HELD: Final = (
    "SELECT id, status, review_token, status_since, channel_id, lease_token, EXISTS (SELECT 1"
    " FROM quota_reservations WHERE task_id = tasks.id AND state = 'held') FROM tasks"
    " WHERE id = ? AND lease_token = ? AND lease_expires_at > ?"
)
METERED: Final = "SELECT stage FROM quota_costs"
MOVE_ON: Final = (
    "UPDATE tasks SET status = ?, attempts = 0, failed_stage = NULL, warned_at = NULL,"
    " held_at = NULL, status_since = ?, updated_at = ?{} WHERE id = ?"
)
MOVE_ON_HELD: Final = MOVE_ON.format("")
MOVE_ON_UNHELD: Final = MOVE_ON.format(", worker = NULL, lease_expires_at = NULL, review_token = ?")
AGES_ARE_DUE: Final = (
    "INSERT INTO task_ageing (id, looked_at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE"
    " SET looked_at = excluded.looked_at WHERE looked_at <= ? OR looked_at > ? RETURNING id"
)
AGES_STAY_DUE: Final = "DELETE FROM task_ageing"
AGED: Final = (
    "SELECT tasks.id FROM task_turns JOIN tasks"  # noqa: S608 - our words
    " ON tasks.channel_id = task_turns.channel_id AND rank = 2 AND created_at <= ?"
    f" AND {IS_WAITING.text} UNION ALL SELECT tasks.id FROM task_turns JOIN tasks"
    " ON tasks.channel_id = task_turns.channel_id AND rank = 1 AND created_at <= ?"
    f" AND (priority = 'normal' OR created_at <= ?) AND {IS_WAITING.text} LIMIT {AGED_AT_ONCE}"
)
RAISE: Final = (
    "UPDATE tasks SET rank = CASE WHEN rank = 2 AND created_at > ? THEN 1 ELSE 0 END WHERE id = ?"
)
LET_GO: Final = "UPDATE tasks SET worker = NULL, lease_expires_at = NULL WHERE id = ?"
