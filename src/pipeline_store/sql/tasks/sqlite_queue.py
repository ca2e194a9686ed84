"""Which task in an SQLite file is handed out next, and what a finished one becomes.

Everything here is done inside a transaction that holds the write lock, so nothing needs a lock of
its own. The statements go straight to the driver, since there are many and each takes microseconds.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final
from uuid import UUID

from pipeline_store.sql.bulk import spelled_instant
from pipeline_store.sql.columns import read_instant
from pipeline_store.sql.direct import Driver
from pipeline_store.sql.tasks import sqlite_statements as say
from pipeline_store.sql.tasks.quota_ledger import QuotaLedger
from pipeline_store.tasks import ReservationState
from pipeline_store.tasks.claiming import (
    AGED_AT_ONCE,
    LOOKS_PER_AGEING,
    QUEUE,
    is_given_up,
    too_many_attempts,
)
from pipeline_store.tasks.history import moved_at
from pipeline_store.tasks.quota import after_loss
from pipeline_store.tasks.state import (
    CLAIMABLE,
    RANKS,
    STAGES,
    UNHELD,
    TaskStatus,
    onward_from,
)
from pipeline_store.tasks.task import error_line
from pipeline_store.uuid_keys import new_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import sqlalchemy as sa

    from pipeline_store.tasks.claiming import ClaimRequest

LOOK_AGAIN: Final = timedelta(seconds=30)
"""How long a pause that another program has ended may go unnoticed."""


class Waiting(NamedTuple):
    """A row of `sqlite_statements.OLDEST`."""

    id: str
    status: str
    attempts: int
    review_token: int
    status_since: str
    created_at: str
    lease_token: int
    is_metered: int


class Held(NamedTuple):
    """A row of `sqlite_statements.FIND_HELD`."""

    id: str
    status: str
    review_token: int
    status_since: str
    channel_id: str
    lease_token: int
    has_reserved: int


@final
class SqliteTaskQueue:
    """The queue as a transaction sees it that may write."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        """Send statements by `connection`; the store's clock shows `now`."""
        self._driver = Driver(connection)
        self._run = self._driver.run
        self._ledger = QuotaLedger(connection.execute, now)
        #: For which projects the cost of which stages is known to be not left.
        self._exhausted: frozenset[tuple[str, str]] = frozenset()
        self._instant = now
        self._now = spelled_instant(now)

    def hand_out(self, wanted: ClaimRequest) -> list[str]:
        """Return the keys of the tasks that are next, leased to the worker, in their order."""
        self._end_leases()
        if wanted.ageing is not None:
            self._age(wanted.ageing)
        found: list[str] = []
        woken = say.WAKES_AT_ONCE
        # Those that are looked at again may not be those that have something.
        while not found and woken == say.WAKES_AT_ONCE:
            again = spelled_instant(self._instant + LOOK_AGAIN)
            woken = len(self._run(say.END_PAUSES, (again, self._now, again)))
            found = self._take(wanted)
        return found

    def _take(self, wanted: ClaimRequest) -> list[str]:
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
            elif is_given_up(TaskStatus(task.status), task.attempts, wanted.most_attempts):
                self._give_up(task)
            else:
                self._hold(task, wanted)
                self._run(say.TAKE_TURN, ("full" if held + 1 >= capacity else None, key))
                found.append(task.id)
        return found

    def _end_leases(self) -> None:
        for key, status in self._run(say.END_LEASES, (self._now, self._now)):
            self._ledger.settle([UUID(key)], after_loss(TaskStatus(status)))

    def _age(self, ageing: timedelta) -> None:
        """Let tasks that have waited long count as more urgent."""
        once, twice = (spelled_instant(self._instant - ageing * times) for times in (1, 2))
        not_yet = spelled_instant(self._instant - ageing / LOOKS_PER_AGEING)
        if not self._run(say.AGES_ARE_DUE, (self._now, not_yet, self._now)):
            return
        keys = [row[0] for row in self._run(say.AGED, (once, once, twice))]
        for key in keys:
            self._run(say.RAISE, (twice, key))
        if len(keys) == AGED_AT_ONCE:
            self._run(say.AGES_STAY_DUE)

    def _reserve(self, task: Waiting, project: str) -> bool:
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
            return self._first(say.ANY_CHANNEL)
        # What is known of a channel is known of all stages together, so each is looked into.
        places = ", ".join("?" * len(wanted.stages))
        statement = say.CHANNEL.format(say.HAS_TASK.format(places), "")
        among: tuple[str, ...] = tuple(wanted.stages)
        if self._exhausted:
            rows = ", ".join(["(?)"] * len(wanted.stages))
            pairs = ", ".join(["(?, ?)"] * len(self._exhausted))
            statement = say.CHANNEL.format(say.HAS_AFFORDED_TASK.format(rows, pairs), "")
            among += tuple(name for pair in self._exhausted for name in pair)
        for rank in RANKS.values():
            found = self._first(statement, (rank, *among, rank))
            if found is not None:
                return (found[0], rank, *found[2:])
        return None

    def _oldest(
        self, stages: tuple[TaskStatus, ...] | None, channel: str, rank: int
    ) -> Waiting | None:
        if stages is None:
            row = self._first(say.ANY_TASK, (channel, rank))
            return Waiting(*row) if row else None
        if not stages:
            return None
        of_stage = f"SELECT * FROM ({say.OLDEST_IN_STAGE})"  # noqa: S608 - our words
        of_stages = " UNION ALL ".join([of_stage] * len(stages))
        first = f"SELECT * FROM ({of_stages}) ORDER BY created_at, id LIMIT 1"  # noqa: S608
        given = [each for stage in stages for each in (channel, rank, stage.value)]
        row = self._first(first, tuple(given))
        return Waiting(*row) if row else None

    def _correct_rank(self, stages: tuple[TaskStatus, ...] | None, channel: str) -> None:
        if stages is None:
            self._run(say.CORRECT_RANK, (channel, channel))
            return
        afforded = [rank for rank in RANKS.values() if self._oldest(stages, channel, rank)]
        again = min(self._instant + LOOK_AGAIN, self._ledger.turns_at)
        self._run(say.SET_ASIDE, (min(afforded, default=None), spelled_instant(again), channel))

    def _block(self, channel: str, is_active: bool, is_paused: bool) -> None:
        if is_paused and is_active:
            self._run(say.BLOCK, ("paused", spelled_instant(self._instant + LOOK_AGAIN), channel))
        else:
            self._run(say.BLOCK, ("full" if is_active else "inactive", None, channel))

    def _give_up(self, task: Waiting) -> None:
        status = TaskStatus(task.status)
        error, why = STAGES[status].error, too_many_attempts(task.attempts)
        line = error_line(status, why, QUEUE)
        moved = self._moved_at(task)
        self._run(say.GIVE_UP, (error, moved, self._now, line, task.id))
        self._write_history([(task, moved, error, QUEUE, why, task.review_token)])
        if task.is_metered:
            self._ledger.settle([UUID(task.id)], ReservationState.REFUNDED)

    def _hold(self, task: Waiting, wanted: ClaimRequest) -> None:
        held = (wanted.worker, spelled_instant(self._instant + wanted.lease), self._now)
        if task.status == TaskStatus.QUEUED:
            moved = self._moved_at(task)
            self._run(say.HOLD_CLAIMED, (*held, moved, task.id))
            claimed = (task, moved, TaskStatus.CLAIMED, wanted.worker, None, task.review_token)
            self._write_history([claimed])
        else:
            self._run(say.HOLD_AGAIN, (*held, task.id))

    def complete(self, pairs: Iterable[tuple[str, int, str]]) -> set[str]:
        """Move tasks on, given by key, token and worker; return the keys of those still held."""
        moves: list[tuple[Held, str, TaskStatus, str, None, int]] = []
        for key, token, worker in pairs:
            row = self._first(say.FIND_HELD, (key, token, self._now))
            if row is None:
                continue
            task = Held(*row)
            following: Any = onward_from(TaskStatus(task.status))
            review, moved = task.review_token, self._moved_at(task)
            if following in UNHELD:
                review += following != TaskStatus.PUBLISHED
                given = (following, moved, self._now, review, key)
                self._run(say.MOVE_ON_UNHELD, given)
            else:
                self._run(say.MOVE_ON_HELD, (following, moved, self._now, key))
            self._account_for(task, following)
            moves.append((task, moved, following, worker, None, review))
        self._write_history(moves)
        return {each[0].id for each in moves}

    def _account_for(self, task: Held, following: TaskStatus) -> None:
        key = UUID(task.id)
        if task.has_reserved:
            self._ledger.settle([key], ReservationState.SPENT)
        if following in UNHELD or following not in self._metered:
            return
        project = self._ledger.project_of(UUID(task.channel_id))
        if not self._ledger.take_for(project, following, key, task.lease_token):
            # Where the next stage costs what is not left, the task waits for it in nobody's hands.
            self._run(say.LET_GO, (task.id,))

    @cached_property
    def _metered(self) -> frozenset[str]:
        return frozenset(row[0] for row in self._run(say.METERED))

    def _first(self, statement: str, given: tuple[Any, ...] = ()) -> Any:
        return next(iter(self._run(statement, given)), None)

    def _moved_at(self, task: Waiting | Held) -> str:
        return spelled_instant(moved_at(self._instant, read_instant(task.status_since)))

    def _write_history(self, moves: list[Any]) -> None:
        rows = [
            (new_key().hex, task.id, moved, task.status, to, actor, reason, review)
            for task, moved, to, actor, reason, review in moves
        ]
        if rows:
            self._driver.run_many(say.MOVED, rows)
