"""Which task in memory is handed out next."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, final

from pipeline_store.errors import Conflict
from pipeline_store.memory.tasks.quota_ledger import MemoryQuotaLedger
from pipeline_store.pacific import day_turns_at
from pipeline_store.pauses import CHANNEL_PAUSED, PAUSED
from pipeline_store.tasks.claiming import (
    aged_rank,
    can_be_claimed,
    end_lease,
    give_up,
    hand_out,
    is_due,
    is_given_up,
    raise_rank,
)
from pipeline_store.tasks.quota import ReservationState, after_loss
from pipeline_store.tasks.quota_plans import DEFAULT_PROJECT

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from pipeline_store.claim import Claim
    from pipeline_store.memory.session import MemorySession
    from pipeline_store.tasks import Task, TaskStatus
    from pipeline_store.tasks.claiming import ClaimRequest


@final
class MemoryTaskQueue:
    """Hands out the tasks of one unit of work's view of the store."""

    def __init__(self, session: MemorySession) -> None:
        self._session = session
        #: The channels that had a turn since the last commit, the latest at the end.
        self._turns: list[UUID] = []
        self.ledger = MemoryQuotaLedger(session)

    def hand_out(self, wanted: ClaimRequest, now: datetime) -> list[Claim[Task]]:
        """Return claims on the tasks that are next, in their order."""
        self._end_leases(now)
        if wanted.ageing is not None:
            self._age(wanted.ageing, now)
        room = self._room()
        turns = self._turns_taken()
        waiting: dict[UUID, list[Task]] = defaultdict(list)
        for task in sorted(self._session.looked_at("tasks"), key=_in_order, reverse=True):
            if can_be_claimed(task) and (wanted.stages is None or task.status in wanted.stages):
                waiting[task.channel_id].append(task)
        projects = self._projects()
        claims: list[Claim[Task]] = []
        while len(claims) < wanted.count:
            heads = self._heads(waiting, room, projects, now)
            if not heads:
                break
            first = min(
                heads, key=lambda task: (task.rank, turns[task.channel_id], task.channel_id)
            )
            channel_id = first.channel_id
            waiting[channel_id].remove(first)
            task = self._session.find("tasks", first.id)
            self.ledger.take_for(
                projects[channel_id], task.status, task.id, task.lease_token + 1, now
            )
            if is_given_up(task.status, task.attempts, wanted.most_attempts):
                give_up(task)
                self.ledger.settle([task.id], ReservationState.REFUNDED)
                continue
            claims.append(hand_out(task, wanted.worker, now + wanted.lease))
            room[channel_id] -= 1
            turns[channel_id] = max(turns.values(), default=0) + 1
            self._take_turn(channel_id)
        self._session.flush()
        return claims

    def _age(self, ageing: timedelta, now: datetime) -> None:
        """Let tasks that have waited long count as more urgent."""
        tables = self._session.tables
        if not is_due(tables.aged_at, ageing, now):
            return

        def has_aged(task: Task) -> bool:
            return can_be_claimed(task) and aged_rank(task, ageing, now) < task.rank

        for task in self._session.select("tasks", has_aged):
            raise_rank(task, aged_rank(task, ageing, now))
        self._session.flush()

        def note() -> None:
            tables.aged_at = now

        self._session.on_publish.append(note)

    def _heads(
        self,
        waiting: dict[UUID, list[Task]],
        room: Counter[UUID],
        projects: dict[UUID, str],
        now: datetime,
    ) -> list[Task]:
        """Return the next task of each channel that has room, of those whose cost is left."""
        turns_at = day_turns_at(now)

        @cache
        def is_left(project: str, stage: TaskStatus) -> bool:
            return self.ledger.can_afford(project, stage, turns_at)

        heads: list[Task] = []
        for key, tasks in waiting.items():
            if room[key] > 0:
                afforded = (each for each in reversed(tasks) if is_left(projects[key], each.status))
                heads += islice(afforded, 1)
        return heads

    def _projects(self) -> dict[UUID, str]:
        channels = self._session.looked_at("channels")
        return {each.id: each.quota_project or DEFAULT_PROJECT for each in channels}

    def _room(self) -> Counter[UUID]:
        """Return how many more tasks each channel may have workers on; 0 for those that rest."""
        paused = {
            override.key
            for override in self._session.looked_at("config_overrides")
            if override.value == PAUSED
        }
        room = Counter(
            {
                channel.id: channel.max_concurrent
                for channel in self._session.looked_at("channels")
                if channel.is_active and f"{CHANNEL_PAUSED}{channel.channel_id}" not in paused
            }
        )
        room.subtract(self._held())
        return room

    def _held(self) -> Counter[UUID]:
        tasks = self._session.looked_at("tasks")
        return Counter(task.channel_id for task in tasks if task.lease_expires_at is not None)

    def _turns_taken(self) -> Counter[UUID]:
        turns = self._session.tables.turns.copy()
        latest = max(turns.values(), default=0)
        if self._publish_turns not in self._session.on_publish:
            # They were undone by a rollback, after which nothing is to be published any more.
            self._turns.clear()
        for place, channel_id in enumerate(self._turns, start=1):
            turns[channel_id] = latest + place
        return turns

    def _take_turn(self, channel_id: UUID) -> None:
        if not self._turns:
            self._session.on_publish.append(self._publish_turns)
            self._session.guards.append(self._refuse_too_many)
        self._turns.append(channel_id)

    def _publish_turns(self) -> None:
        self._session.tables.take_turns(self._turns)
        self._turns.clear()

    def _refuse_too_many(self) -> None:
        """Refuse the commit when another one has filled a channel that was claimed from here."""
        held = self._held()
        capacity = {each.id: each.max_concurrent for each in self._session.looked_at("channels")}
        for channel_id in self._turns:
            if held[channel_id] > capacity[channel_id]:
                raise Conflict(f"channels {channel_id}: somebody else has claimed from it first")

    def _end_leases(self, now: datetime) -> None:
        def is_over(task: Task) -> bool:
            return task.lease_expires_at is not None and task.lease_expires_at <= now

        for task in self._session.select("tasks", is_over):
            end_lease(task)
            self.ledger.settle([task.id], after_loss(task.status))
        self._session.flush()


def _in_order(task: Task) -> tuple[Any, ...]:
    return (task.rank, task.created_at, task.id)
