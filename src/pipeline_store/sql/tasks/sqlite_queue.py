"""Which task in an SQLite file is handed out next, and what a finished one becomes.

Everything here is done inside a transaction that holds the write lock, so nothing needs a lock of
its own. The statements go straight to the driver, since there are many and each takes microseconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, final
from uuid import UUID

from pipeline_store.pauses import CHANNEL_PAUSED, PAUSED
from pipeline_store.sql.bulk import spelled_instant
from pipeline_store.sql.tasks.quota_ledger import QuotaLedger
from pipeline_store.sql.tasks.tables import IS_OPEN, IS_WAITING
from pipeline_store.tasks import ReservationState
from pipeline_store.tasks.claiming import (
    AGED_AT_ONCE,
    LOOKS_PER_AGEING,
    QUEUE,
    too_many_attempts,
)
from pipeline_store.tasks.quota import after_loss
from pipeline_store.tasks.state import (
    CLAIMABLE,
    RANKS,
    STAGES,
    UNHELD,
    TaskStatus,
    onward_from,
)
from pipeline_store.uuid_keys import new_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    import sqlalchemy as sa

    from pipeline_store.tasks.claiming import ClaimRequest

LOOK_AGAIN: Final = timedelta(seconds=30)
"""How long a pause that another program has ended may go unnoticed."""

WAKES_AT_ONCE: Final = 20

_PAUSED: Final = (
    "EXISTS (SELECT 1 FROM channels JOIN config_overrides"  # noqa: S608 - our words
    f" ON config_overrides.key = '{CHANNEL_PAUSED}' || channels.channel_id"
    f" AND config_overrides.value = '{PAUSED}' WHERE channels.id = task_turns.channel_id)"
)
_END_PAUSES: Final = (
    f"UPDATE task_turns SET blocked = CASE WHEN {_PAUSED} THEN 'paused' END,"  # noqa: S608
    " best_rank = (SELECT rank FROM tasks WHERE tasks.channel_id = task_turns.channel_id"
    f" AND {IS_WAITING.text} ORDER BY rank LIMIT 1),"
    f" wake_at = CASE WHEN {_PAUSED} THEN ? END WHERE channel_id IN (SELECT channel_id"
    f" FROM task_turns WHERE wake_at <= ? ORDER BY wake_at LIMIT {WAKES_AT_ONCE})"
)
_END_LEASES: Final = (
    "UPDATE tasks SET worker = NULL, lease_expires_at = NULL, updated_at = ?"
    " WHERE id IN (SELECT task_id FROM task_leases WHERE expires_at <= ?) RETURNING id, status"
)
_CHANNEL: Final = (
    f"SELECT task_turns.channel_id, best_rank, is_active, {_PAUSED}, max_concurrent,"  # noqa: S608
    " (SELECT count(*) FROM task_leases WHERE task_leases.channel_id = task_turns.channel_id),"
    " coalesce(quota_project, 'default')"
    " FROM task_turns JOIN channels ON channels.id = task_turns.channel_id"
    f" WHERE {IS_OPEN.text}{{}} ORDER BY {{}}turn, served, task_turns.channel_id LIMIT 1"
)
_ANY_CHANNEL: Final = _CHANNEL.format("", "best_rank, ")
_HAS_TASK: Final = (
    " AND best_rank <= ? AND EXISTS (SELECT 1 FROM tasks"  # noqa: S608 - our words
    f" WHERE tasks.channel_id = task_turns.channel_id AND status IN ({{}}) AND rank = ?"
    f" AND {IS_WAITING.text})"
)
_HAS_AFFORDED_TASK: Final = (
    " AND best_rank <= ? AND EXISTS (SELECT 1 FROM (VALUES {}) AS stages"  # noqa: S608 - our words
    " WHERE (coalesce(channels.quota_project, 'default'), stages.column1) NOT IN (VALUES {})"
    " AND EXISTS (SELECT 1 FROM tasks WHERE tasks.channel_id = task_turns.channel_id"
    f" AND status = stages.column1 AND rank = ? AND {IS_WAITING.text}))"
)
_OLDEST: Final = (
    "SELECT id, status, attempts, review_token, created_at, lease_token,"  # noqa: S608 - our words
    " EXISTS (SELECT 1 FROM quota_costs WHERE stage = tasks.status) AS is_metered FROM tasks"
    f" WHERE channel_id = ? AND rank = ? AND {IS_WAITING.text}{{}} ORDER BY created_at, id LIMIT 1"
)
_ANY_TASK: Final = _OLDEST.format("")
_CORRECT_RANK: Final = (
    "UPDATE task_turns SET best_rank = (SELECT rank FROM tasks"  # noqa: S608 - our words
    f" WHERE channel_id = ? AND {IS_WAITING.text} ORDER BY rank LIMIT 1) WHERE channel_id = ?"
)
_SET_ASIDE: Final = "UPDATE task_turns SET best_rank = ?, wake_at = ? WHERE channel_id = ?"
_BLOCK: Final = (
    "UPDATE task_turns SET blocked = ?, wake_at = coalesce(?, wake_at) WHERE channel_id = ?"
)
_GIVE_UP: Final = (
    "UPDATE tasks SET status = ?, failed_stage = status, attempts = 0, warned_at = NULL,"
    " held_at = NULL, status_since = ?, updated_at = ?,"
    " error_log = coalesce(error_log || char(10), '') || ? WHERE id = ?"
)
_HOLD: Final = (
    "UPDATE tasks SET attempts = attempts + 1, lease_token = lease_token + 1, worker = ?,"
    " lease_expires_at = ?, updated_at = ?{} WHERE id = ?"
)
_HOLD_CLAIMED: Final = _HOLD.format(
    ", status = 'claimed', failed_stage = NULL, warned_at = NULL, held_at = NULL, status_since = ?"
)
_TAKE_TURN: Final = (
    "UPDATE task_turns SET turn = (SELECT max(turn) FROM task_turns) + 1, blocked = ?"
    " WHERE channel_id = ?"
)
_MOVED: Final = (
    "INSERT INTO task_transitions"
    " (id, task_id, moved_at, from_status, to_status, actor, reason, review_token)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_FIND_HELD: Final = (
    "SELECT id, status, review_token, channel_id, lease_token, EXISTS (SELECT 1"
    " FROM quota_reservations WHERE task_id = tasks.id AND state = 'held') AS has_reserved,"
    " (SELECT group_concat(stage) FROM quota_costs) AS metered FROM tasks"
    " WHERE id = ? AND lease_token = ? AND lease_expires_at > ?"
)
_MOVE_ON: Final = (
    "UPDATE tasks SET status = ?, attempts = 0, failed_stage = NULL, warned_at = NULL,"
    " held_at = NULL, status_since = ?, updated_at = ?{} WHERE id = ?"
)
_MOVE_ON_UNHELD: Final = _MOVE_ON.format(
    ", worker = NULL, lease_expires_at = NULL, review_token = ?"
)
_AGES_ARE_DUE: Final = (
    "INSERT INTO task_ageing (id, looked_at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE"
    " SET looked_at = excluded.looked_at WHERE looked_at <= ? OR looked_at > ? RETURNING id"
)
_AGES_STAY_DUE: Final = "DELETE FROM task_ageing"
_AGED: Final = (
    "SELECT tasks.id FROM task_turns JOIN tasks"  # noqa: S608 - our words
    " ON tasks.channel_id = task_turns.channel_id AND rank = 2 AND created_at <= ?"
    f" AND {IS_WAITING.text} UNION ALL SELECT tasks.id FROM task_turns JOIN tasks"
    " ON tasks.channel_id = task_turns.channel_id AND rank = 1 AND created_at <= ?"
    f" AND (priority = 'normal' OR created_at <= ?) AND {IS_WAITING.text} LIMIT {AGED_AT_ONCE}"
)
_RAISE: Final = (
    "UPDATE tasks SET rank = CASE WHEN rank = 2 AND created_at > ? THEN 1 ELSE 0 END WHERE id = ?"
)
_LET_GO: Final = "UPDATE tasks SET worker = NULL, lease_expires_at = NULL WHERE id = ?"


@final
class SqliteTaskQueue:
    """The queue as a transaction sees it that may write."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        """Send statements by `connection`; the store's clock shows `now`."""
        self._run = connection.exec_driver_sql
        self._ledger = QuotaLedger(connection.execute, now)
        #: For which projects the cost of which stages is known to be not left.
        self._exhausted: frozenset[tuple[str, str]] = frozenset()
        self._instant = now
        self._now = spelled_instant(now)

    def hand_out(self, wanted: ClaimRequest) -> list[str]:
        """Return the keys of the tasks that are next, leased to the worker, in their order."""
        self._run(_END_PAUSES, (spelled_instant(self._instant + LOOK_AGAIN), self._now))
        self._end_leases()
        if wanted.ageing is not None:
            self._age(wanted.ageing)
        found: list[str] = []
        while len(found) < wanted.count:
            channel = self._next_channel(wanted)
            if channel is None:
                break
            key, rank, is_active, is_paused, capacity, held, project = channel
            if is_paused or not is_active or held >= capacity:
                self._block(key, is_active, is_paused)
                continue
            stages = self._afforded(project, wanted.stages)
            task = self._oldest(stages, key, rank)
            if task is None:
                self._correct_rank(stages, key)
            elif task.is_metered and not self._reserve(task, project):
                continue
            elif task.attempts >= wanted.most_attempts and STAGES[task.status].error is not None:
                self._give_up(task)
            else:
                self._hold(task, wanted)
                self._run(_TAKE_TURN, ("full" if held + 1 >= capacity else None, key))
                found.append(task.id)
        return found

    def _end_leases(self) -> None:
        for key, status in self._run(_END_LEASES, (self._now, self._now)).all():
            self._ledger.settle([UUID(key)], after_loss(TaskStatus(status)))

    def _age(self, ageing: timedelta) -> None:
        """Let tasks that have waited long count as more urgent."""
        once, twice = (spelled_instant(self._instant - ageing * times) for times in (1, 2))
        not_yet = spelled_instant(self._instant - ageing / LOOKS_PER_AGEING)
        if not self._run(_AGES_ARE_DUE, (self._now, not_yet, self._now)).all():
            return
        keys = [row[0] for row in self._run(_AGED, (once, once, twice)).all()]
        for key in keys:
            self._run(_RAISE, (twice, key))
        if len(keys) == AGED_AT_ONCE:
            self._run(_AGES_STAY_DUE)

    def _reserve(self, task: Any, project: str) -> bool:
        key, token = UUID(task.id), task.lease_token + 1
        if self._ledger.take_for(project, task.status, key, token):
            return True
        self._exhausted = self._ledger.exhausted()
        return False

    def _afforded(
        self, project: str, wanted: tuple[TaskStatus, ...] | None
    ) -> tuple[TaskStatus, ...] | None:
        """Return the stages to look into whose cost is left; None for all of them."""
        if not any(each == project for each, _ in self._exhausted):
            return wanted
        stages = CLAIMABLE if wanted is None else wanted
        return tuple(each for each in stages if (project, each) not in self._exhausted)

    def _next_channel(self, wanted: ClaimRequest) -> Any:
        if wanted.stages is None:
            return self._run(_ANY_CHANNEL).first()
        # What is known of a channel is known of all stages together, so each is looked into.
        places = ", ".join("?" * len(wanted.stages))
        statement = _CHANNEL.format(_HAS_TASK.format(places), "")
        among: tuple[str, ...] = tuple(wanted.stages)
        if self._exhausted:
            rows = ", ".join(["(?)"] * len(wanted.stages))
            pairs = ", ".join(["(?, ?)"] * len(self._exhausted))
            statement = _CHANNEL.format(_HAS_AFFORDED_TASK.format(rows, pairs), "")
            among += tuple(name for pair in self._exhausted for name in pair)
        for rank in RANKS.values():
            found = self._run(statement, (rank, *among, rank)).first()
            if found is not None:
                return (found[0], rank, *found[2:])
        return None

    def _oldest(self, stages: tuple[TaskStatus, ...] | None, channel: str, rank: int) -> Any:
        if stages is None:
            return self._run(_ANY_TASK, (channel, rank)).first()
        if not stages:
            return None
        of_stage = f"SELECT * FROM ({_OLDEST.format(' AND status = ?')})"  # noqa: S608 - our words
        of_stages = " UNION ALL ".join([of_stage] * len(stages))
        first = f"SELECT * FROM ({of_stages}) ORDER BY created_at, id LIMIT 1"  # noqa: S608
        given = [each for stage in stages for each in (channel, rank, stage.value)]
        return self._run(first, tuple(given)).first()

    def _correct_rank(self, stages: tuple[TaskStatus, ...] | None, channel: str) -> None:
        if stages is None:
            self._run(_CORRECT_RANK, (channel, channel))
            return
        afforded = [rank for rank in RANKS.values() if self._oldest(stages, channel, rank)]
        again = min(self._instant + LOOK_AGAIN, self._ledger.turns_at)
        self._run(_SET_ASIDE, (min(afforded, default=None), spelled_instant(again), channel))

    def _block(self, channel: str, is_active: bool, is_paused: bool) -> None:
        if is_paused and is_active:
            self._run(_BLOCK, ("paused", spelled_instant(self._instant + LOOK_AGAIN), channel))
        else:
            self._run(_BLOCK, ("full" if is_active else "inactive", None, channel))

    def _give_up(self, task: Any) -> None:
        error = STAGES[TaskStatus(task.status)].error
        why = too_many_attempts(task.attempts)
        line = f"{task.status}: {why} ({QUEUE})"
        self._run(_GIVE_UP, (error, self._now, self._now, line, task.id))
        self._write_history([(task, error, QUEUE, why, task.review_token)])
        if task.is_metered:
            self._ledger.settle([UUID(task.id)], ReservationState.REFUNDED)

    def _hold(self, task: Any, wanted: ClaimRequest) -> None:
        held = (wanted.worker, spelled_instant(self._instant + wanted.lease), self._now)
        if task.status == TaskStatus.QUEUED:
            self._run(_HOLD_CLAIMED, (*held, self._now, task.id))
            moved = (task, TaskStatus.CLAIMED, wanted.worker, None, task.review_token)
            self._write_history([moved])
        else:
            self._run(_HOLD.format(""), (*held, task.id))

    def complete(self, pairs: Iterable[tuple[str, int, str]]) -> set[str]:
        """Move tasks on, given by key, token and worker; return the keys of those still held."""
        moved: list[Any] = []
        for key, token, worker in pairs:
            task: Any = self._run(_FIND_HELD, (key, token, self._now)).first()
            if task is None:
                continue
            following: Any = onward_from(TaskStatus(task.status))
            review = task.review_token
            if following in UNHELD:
                review += following != TaskStatus.PUBLISHED
                given = (following, self._now, self._now, review, key)
                self._run(_MOVE_ON_UNHELD, given)
            else:
                self._run(_MOVE_ON.format(""), (following, self._now, self._now, key))
            self._account_for(task, following)
            moved.append((task, following, worker, None, review))
        self._write_history(moved)
        return {each[0].id for each in moved}

    def _account_for(self, task: Any, following: TaskStatus) -> None:
        key = UUID(task.id)
        if task.has_reserved:
            self._ledger.settle([key], ReservationState.SPENT)
        if following in UNHELD or following not in (task.metered or "").split(","):
            return
        project = self._ledger.project_of(UUID(task.channel_id))
        if not self._ledger.take_for(project, following, key, task.lease_token):
            # Where the next stage costs what is not left, the task waits for it in nobody's hands.
            self._run(_LET_GO, (task.id,))

    def _write_history(self, moves: list[Any]) -> None:
        rows = [
            (new_key().hex, task.id, self._now, task.status, to, actor, reason, review)
            for task, to, actor, reason, review in moves
        ]
        if rows:
            self._run(_MOVED, rows)
