"""Claiming tasks: whose turn it is, leases, and what their holders may do."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pipeline_store.channels import Channel
from pipeline_store.errors import (
    Conflict,
    IllegalTransition,
    InvalidValue,
    LeaseLost,
    ReadOnly,
)
from pipeline_store.pauses import CHANNEL_PAUSED, PAUSED
from pipeline_store.tasks import CLAIMABLE, GATES, STAGES, Task, TaskStatus
from pipeline_store.tasks.state import onward_from
from pipeline_store.values import LONGEST_TEXT
from tests.integration.contract.conftest import SteppedClock
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import values_of
from tests.integration.contract.test_tasks import a_task, moves_of, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from pipeline_store import Store
    from pipeline_store.claim import Claim

S = TaskStatus
LEASE = timedelta(minutes=5)
START = datetime(2026, 3, 1, 11, tzinfo=UTC)


@pytest.fixture
def time_passes(database_url: str, clock: SteppedClock) -> Callable[[timedelta], None]:
    """Lets time pass by the clock that judges leases; none of the test's own work may be open."""

    def let_pass(step: timedelta) -> None:
        clock.instant += step
        if database_url.startswith("postgresql"):
            # The server's clock cannot be set, so what it is compared with is moved instead.
            with psycopg.connect(database_url) as connection:
                for column in ("tasks.lease_expires_at", "task_turns.wake_at"):
                    table, _, name = column.partition(".")
                    connection.execute(
                        f"UPDATE {table} SET {name} = {name} - %s::interval",  # noqa: S608 - ours
                        [step],
                    )

    return let_pass


def add_channel(store: Store, name: str, **values: Any) -> UUID:
    """The key of a new channel, which many workers may serve unless said otherwise."""
    with store.unit_of_work() as uow:
        sound: dict[str, Any] = {"name": name, "max_concurrent": 10}
        channel = uow.channels.add(Channel(channel_id=name, **sound | values))
        uow.commit()
    return channel.id


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    return add_channel(store, "history1")


def change_channel(store: Store, channel_id: UUID, **values: Any) -> None:
    """Set fields of a channel."""
    with store.unit_of_work() as uow:
        channel = uow.channels.get(channel_id)
        for name, value in values.items():
            setattr(channel, name, value)
        uow.commit()


PLAIN: dict[str, Any] = {}
_pages = iter(range(1, 1_000_000))


def add_tasks(store: Store, channel_id: UUID, *tasks: dict[str, Any]) -> list[Task]:
    """Committed tasks, queued unless said otherwise."""
    with store.unit_of_work() as uow:
        added = uow.tasks.add_many(
            a_task(channel_id, next(_pages), **{"status": S.QUEUED} | each) for each in tasks
        )
        uow.commit()
    return added


def add_task(store: Store, channel_id: UUID, **values: Any) -> Task:
    """One such task."""
    (task,) = add_tasks(store, channel_id, values)
    return task


def remove_all(store: Store) -> None:
    """Removes the tasks, for a case that comes after this one."""
    with store.unit_of_work() as uow:
        for task in uow.tasks.page():
            uow.tasks.remove(task)
        uow.commit()


def claim_one(
    store: Store, worker: str = "w1", lease: timedelta = LEASE, **options: Any
) -> Claim[Task]:
    """A committed claim; there is a task to be claimed."""
    with store.unit_of_work() as uow:
        claim = uow.tasks.claim_next(worker, lease, **options)
        uow.commit()
    assert claim is not None
    return claim


def claim_shortly(store: Store, worker: str = "w1", **options: Any) -> Claim[Task]:
    """The same, the short way."""
    claim = store.claim_next(worker, lease=LEASE, queue="tasks", **options)
    assert claim is not None
    return claim


@pytest.fixture(params=[claim_one, claim_shortly])
def claim_a_task(request: pytest.FixtureRequest) -> Callable[..., Claim[Task]]:
    """Both ways to claim."""
    way: Callable[..., Claim[Task]] = request.param
    return way


def nothing_to_claim(store: Store, **options: Any) -> bool:
    """Whether neither way of claiming finds a task."""
    with store.unit_of_work() as uow:
        found = uow.tasks.claim_next("idle", LEASE, **options)
    short = store.claim_next("idle", lease=LEASE, queue="tasks", **options)
    return found is None and short is None


class TestOrder:
    """Priority, then channels in turn, then the oldest."""

    def test_priority_then_age(
        self, store: Store, channel_id: UUID, claim_a_task: Callable[..., Claim[Task]]
    ) -> None:
        late = START + timedelta(minutes=1)
        tasks = add_tasks(
            store,
            channel_id,
            {"priority": "low", "created_at": START},
            {"priority": "high", "created_at": late},
            {"priority": "normal", "created_at": START},
            {"priority": "high", "created_at": START},
            {"priority": "high", "created_at": late},
        )
        wanted = [tasks[place].id for place in (3, 1, 4, 2, 0)]
        assert [claim_a_task(store).item.id for _ in tasks] == wanted

    def test_a_changed_priority_counts(self, store: Store, channel_id: UUID) -> None:
        tasks = add_tasks(store, channel_id, {"priority": "low"}, {"priority": "low"})
        with store.unit_of_work() as uow:
            uow.tasks.get(tasks[1].id).priority = "high"  # type: ignore[assignment]
            uow.commit()
        assert read(store, tasks[1].id).rank == 0
        assert [claim_one(store).item.id for _ in tasks] == [tasks[1].id, tasks[0].id]

    def test_channels_take_turns(
        self, store: Store, claim_a_task: Callable[..., Claim[Task]]
    ) -> None:
        channels = [add_channel(store, f"c{number}") for number in range(3)]
        for channel, backlog in zip(channels, (2, 4, 6), strict=True):
            add_tasks(store, channel, *[PLAIN] * backlog)
        served = [claim_a_task(store).item.channel_id for _ in range(12)]
        _, second, third = channels
        assert served == [*channels * 2, second, third, second, third, third, third]

    def test_priority_goes_before_turns(self, store: Store) -> None:
        first, second = (add_channel(store, f"c{number}") for number in range(2))
        add_tasks(store, first, *[{"priority": "high"}] * 3)
        add_tasks(store, second, *[{"priority": "normal"}] * 2)
        served = [claim_one(store).item.channel_id for _ in range(5)]
        assert served == [first, first, first, second, second]

    def test_a_channel_that_was_idle_does_not_make_up_for_it(self, store: Store) -> None:
        busy, idle = (add_channel(store, f"c{number}") for number in range(2))
        add_tasks(store, busy, *[PLAIN] * 7)
        for _ in range(4):
            claim_shortly(store)
        add_tasks(store, idle, *[PLAIN] * 3)
        served = [claim_shortly(store).item.channel_id for _ in range(6)]
        assert served == [idle, busy, idle, busy, idle, busy]

    def test_uneven_backlogs_are_served_evenly(self, store: Store) -> None:
        """Of 10, 60 and 200 tasks, 90 claims: as many of each channel as it has."""
        channels = [add_channel(store, f"c{number}") for number in range(3)]
        for channel, backlog in zip(channels, (10, 60, 200), strict=True):
            add_tasks(store, channel, *[{"status": S.GENERATING_ASSETS}] * backlog)
        served: Counter[UUID] = Counter()
        for number in range(1, 91):
            claim = claim_shortly(store)
            served[claim.item.channel_id] += 1
            store.complete(claim)
            if number <= 30:
                assert max(served.values()) - min(served[each] for each in channels) <= 1
        assert [served[channel] for channel in channels] == [10, 40, 40]

    def test_of_a_batch(self, store: Store) -> None:
        first, second = (add_channel(store, f"c{number}", max_concurrent=2) for number in range(2))
        one = add_tasks(store, first, {}, {}, {"priority": "high"})
        two = add_tasks(store, second, {}, {}, {})
        wanted = [one[2].id, two[0].id, one[0].id, two[1].id]
        batch = store.claim_batch("w1", 3, lease=LEASE, queue="tasks")
        assert [claim.item.id for claim in batch] == wanted[:3]
        with store.unit_of_work() as uow:
            batch = uow.tasks.claim_batch("w1", 5, LEASE)
            uow.commit()
        assert [claim.item.id for claim in batch] == wanted[3:]
        assert store.claim_batch("w1", 5, lease=LEASE, queue="tasks") == []


class TestClaim:
    """What a claim says and writes."""

    def test_a_queued_task_becomes_claimed(
        self,
        store: Store,
        channel_id: UUID,
        clock: SteppedClock,
        claim_a_task: Callable[..., Claim[Task]],
    ) -> None:
        task = add_task(store, channel_id)
        clock.advance(seconds=30)
        claim = claim_a_task(store)
        stored = read(store, task.id)
        assert (stored.status, stored.attempts, stored.worker) == (S.CLAIMED, 1, "w1")
        assert stored.updated_at == stored.status_since == clock.instant
        assert (claim.token, claim.attempt, claim.worker) == (stored.lease_token, 1, "w1")
        assert claim.expires_at == stored.lease_expires_at
        assert values_of(claim.item) == values_of(stored)
        assert moves_of(store, task.id) == [("queued", "claimed", "w1", None)]
        with store.unit_of_work(read_only=True) as uow:
            (move,) = uow.tasks.history(task.id)
        assert (move.moved_at, move.id.version) == (clock.instant, 7)

    @in_turn("status", [each for each in CLAIMABLE if each != S.QUEUED])
    def test_any_other_goes_on_where_it_stands(
        self, store: Store, channel_id: UUID, clock: SteppedClock, status: TaskStatus
    ) -> None:
        task = add_task(store, channel_id, status=status)
        since = task.status_since
        clock.advance(seconds=30)
        claim = claim_shortly(store)
        stored = read(store, task.id)
        assert (stored.status, stored.attempts, stored.worker) == (status, 1, "w1")
        assert (stored.status_since, stored.updated_at) == (since, clock.instant)
        assert values_of(claim.item) == values_of(stored)
        assert moves_of(store, task.id) == []
        remove_all(store)

    def test_only_where_a_task_waits_for_a_worker(self, store: Store, channel_id: UUID) -> None:
        add_tasks(store, channel_id, *[{"status": each} for each in S if each not in CLAIMABLE])
        assert nothing_to_claim(store)

    def test_only_the_wanted_stages(
        self, store: Store, claim_a_task: Callable[..., Claim[Task]]
    ) -> None:
        first, second = (add_channel(store, f"c{number}") for number in range(2))
        add_tasks(store, first, {"priority": "high"}, {"status": S.UPLOADING, "priority": "low"})
        add_tasks(store, second, {"status": S.ASSEMBLING}, {"status": S.GENERATING_SFX})
        stages = [S.UPLOADING, S.ASSEMBLING]
        served = [claim_a_task(store, stages=stages).item.status for _ in range(2)]
        assert served == [S.ASSEMBLING, S.UPLOADING]
        assert nothing_to_claim(store, stages=stages)
        assert claim_a_task(store).item.status == S.CLAIMED

    def test_turns_among_the_wanted_stages(self, store: Store) -> None:
        channels = [add_channel(store, f"c{number}") for number in range(3)]
        for channel in channels:
            add_tasks(store, channel, {}, *[{"status": S.UPLOADING}] * 2)
        batch = store.claim_batch("w1", 6, lease=LEASE, queue="tasks", stages=[S.UPLOADING])
        assert [claim.item.channel_id for claim in batch] == channels * 2

    def test_what_the_short_way_claimed_can_be_changed_later(
        self, store: Store, channel_id: UUID
    ) -> None:
        add_task(store, channel_id)
        claim = claim_shortly(store)
        with store.unit_of_work() as uow:
            claim.item.youtube_url = "https://youtu.be/x"
            assert uow.tasks.add(claim.item) is claim.item
            uow.commit()
        assert read(store, claim.item.id).youtube_url == "https://youtu.be/x"

    def test_one_object_for_one_key(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id)
        with store.unit_of_work() as uow:
            known = uow.tasks.get(task.id)
            claim = uow.tasks.claim_next("w1", LEASE)
            assert claim is not None
            assert claim.item is known
            assert known.status == S.CLAIMED

    def test_undone_with_the_unit_of_work(self, store: Store) -> None:
        first, second = (add_channel(store, f"c{number}") for number in range(2))
        add_task(store, first)
        add_task(store, second)
        with store.unit_of_work() as uow:
            assert uow.tasks.claim_next("w1", LEASE) is not None
        claim = claim_one(store)
        assert (claim.item.channel_id, claim.token, claim.attempt) == (first, 1, 1)
        assert len(moves_of(store, claim.item.id)) == 1

    def test_a_turn_that_was_undone_is_not_taken(self, store: Store) -> None:
        """After a rollback in the same unit of work it is the same channel's turn again."""
        tasks = [add_task(store, add_channel(store, name)) for name in ("first", "second")]
        with store.unit_of_work() as uow:
            for _ in range(3):
                claim = uow.tasks.claim_next("w1", LEASE)
                assert claim is not None
                assert claim.item.id == tasks[0].id
                uow.rollback()

    def test_tasks_added_in_the_same_unit_of_work(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            task = uow.tasks.add(a_task(channel_id, next(_pages), status=S.QUEUED))
            claim = uow.tasks.claim_next("w1", LEASE)
            assert claim is not None
            assert claim.item is task

    def test_what_was_changed_before_comes_before_in_the_history(
        self,
        store: Store,
        channel_id: UUID,
        clock: SteppedClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Also where the clock goes on between any two looks at it."""

        def ticking(_: SteppedClock) -> datetime:
            clock.advance(milliseconds=1)
            return clock.instant

        monkeypatch.setattr(SteppedClock, "__call__", ticking)
        task = add_task(store, channel_id, status=S.DRAFT)
        with store.unit_of_work() as uow:
            uow.tasks.get(task.id).status = S.QUEUED
            assert uow.tasks.claim_next("w1", LEASE) is not None
            uow.commit()
        assert [to for _, to, *_ in moves_of(store, task.id)] == [S.QUEUED, S.CLAIMED]

    @in_turn(
        "arguments",
        [
            {"worker": ""},
            {"worker": None},
            {"worker": "x" * 256},
            {"lease": timedelta(0)},
            {"lease": timedelta(days=8)},
            {"lease": 5},
            {"stages": []},
            {"stages": ["rendering"]},
            {"stages": ["draft"]},
            {"stages": ["video_ready"]},
            {"stages": "queued"},
            {"most_attempts": 0},
            {"most_attempts": True},
            {"most_attempts": None},
        ],
    )
    def test_bad_arguments(self, store: Store, channel_id: UUID, arguments: dict[str, Any]) -> None:
        task = add_task(store, channel_id)
        sound: dict[str, Any] = {"worker": "w1", "lease": LEASE} | arguments
        worker = sound.pop("worker")
        with store.unit_of_work() as uow, pytest.raises(InvalidValue):
            uow.tasks.claim_next(worker, **sound)
        with pytest.raises(InvalidValue):
            store.claim_next(worker, queue="tasks", **sound)
        assert read(store, task.id).status == S.QUEUED

    @in_turn(
        "arguments",
        [
            {"queue": "videos"},
            {"queue": None},
            {"queue": "tasks", "job_types": ["scrape"]},
            {"queue": "jobs", "stages": ["queued"]},
            {"stages": ["queued"]},
        ],
    )
    def test_of_one_queue_only(
        self, store: Store, channel_id: UUID, arguments: dict[str, Any]
    ) -> None:
        add_task(store, channel_id)
        with pytest.raises(InvalidValue):
            store.claim_next("w1", lease=LEASE, **arguments)
        with pytest.raises(InvalidValue):
            store.claim_batch("w1", 2, lease=LEASE, **arguments)

    @in_turn("number", [0, 1_001, True, 1.0, None])
    def test_bad_numbers(self, store: Store, number: Any) -> None:
        with store.unit_of_work() as uow, pytest.raises(InvalidValue):
            uow.tasks.claim_batch("w1", number, LEASE)
        with pytest.raises(InvalidValue):
            store.claim_batch("w1", number, lease=LEASE, queue="tasks")

    def test_not_in_a_unit_of_work_that_only_reads(self, store: Store, channel_id: UUID) -> None:
        add_task(store, channel_id)
        with store.unit_of_work(read_only=True) as uow, pytest.raises(ReadOnly):
            uow.tasks.claim_next("w1", LEASE)


class TestCapacity:
    """A channel has no more workers than it may have, and none while it rests."""

    def test_as_many_as_the_channel_may_have(
        self, store: Store, claim_a_task: Callable[..., Claim[Task]]
    ) -> None:
        channel_id = add_channel(store, "narrow", max_concurrent=2)
        add_tasks(store, channel_id, *[PLAIN] * 4)
        first, second = claim_a_task(store), claim_a_task(store)
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            uow.tasks.release(first)
            uow.commit()
        third = claim_a_task(store)
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            uow.tasks.fail(second, "broken")
            uow.commit()
        assert claim_a_task(store).item.id not in {second.item.id, third.item.id}

    @pytest.mark.parametrize("ending", ["gate", "error", "published", "removed", "forced"])
    def test_a_place_is_free_once_a_lease_ends(self, store: Store, ending: str) -> None:
        channel_id = add_channel(store, "narrow", max_concurrent=1)
        status = S.UPLOADING if ending == "published" else S.GENERATING_VIDEO
        add_tasks(store, channel_id, {"status": status, "created_at": START}, {})
        claim = claim_shortly(store)
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            if ending == "removed":
                uow.tasks.remove(uow.tasks.get(claim.item.id))
            elif ending == "error":
                uow.tasks.fail(claim, "broken")
            elif ending == "forced":
                task = uow.tasks.get(claim.item.id)
                uow.tasks.advance(task, S.VIDEO_ERROR, "ann", force=True)
            else:
                uow.tasks.complete(claim)
            uow.commit()
        assert claim_shortly(store).item.id != claim.item.id

    def test_lowering_it_takes_nothing_away(self, store: Store) -> None:
        channel_id = add_channel(store, "narrow", max_concurrent=3)
        add_tasks(store, channel_id, *[{"status": S.GENERATING_VIDEO}] * 5)
        claims = store.claim_batch("w1", 3, lease=LEASE, queue="tasks")
        change_channel(store, channel_id, max_concurrent=1)
        with store.unit_of_work() as uow:
            uow.tasks.heartbeat(claims[0], LEASE)
            uow.commit()
        for claim in claims[:2]:
            store.complete(claim)
            assert nothing_to_claim(store)
        store.complete(claims[2])
        assert claim_shortly(store).item.id not in {claim.item.id for claim in claims}

    def test_raising_it_is_seen_at_once(self, store: Store) -> None:
        channel_id = add_channel(store, "narrow", max_concurrent=1)
        add_tasks(store, channel_id, {}, {})
        claim_shortly(store)
        assert nothing_to_claim(store)
        change_channel(store, channel_id, max_concurrent=2)
        claim_shortly(store)

    def test_an_inactive_channel(
        self, store: Store, claim_a_task: Callable[..., Claim[Task]]
    ) -> None:
        channel_id = add_channel(store, "resting", is_active=False)
        add_tasks(store, channel_id, {}, {"status": S.GENERATING_VIDEO})
        other = add_task(store, add_channel(store, "other"))
        assert claim_a_task(store).item.id == other.id
        assert nothing_to_claim(store)
        change_channel(store, channel_id, is_active=True)
        claim = claim_a_task(store)
        change_channel(store, channel_id, is_active=False)
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            uow.tasks.advance(claim, S.GENERATING_ASSETS)
            uow.tasks.heartbeat(claim, LEASE)
            uow.commit()

    @pytest.mark.parametrize("way", ["unset", "set", "remove", "assign"])
    def test_a_paused_channel(self, store: Store, channel_id: UUID, way: str) -> None:
        add_task(store, channel_id)
        key = f"{CHANNEL_PAUSED}history1"
        with store.unit_of_work() as uow:
            uow.config_overrides.set(key, PAUSED)
            uow.commit()
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            if way == "unset":
                uow.config_overrides.unset(key)
            elif way == "set":
                uow.config_overrides.set(key, "false")
            elif way == "remove":
                uow.config_overrides.remove(uow.config_overrides.get(key))
            else:
                uow.config_overrides.get(key).value = "no"
            uow.commit()
        claim_shortly(store)

    def test_what_another_program_resumed_is_looked_at_again(
        self,
        store: Store,
        channel_id: UUID,
        database_url: str,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        """A pause that ends past the package is seen within half a minute."""
        add_task(store, channel_id)
        key = f"{CHANNEL_PAUSED}history1"
        with store.unit_of_work() as uow:
            uow.config_overrides.set(key, PAUSED)
            uow.commit()
        assert nothing_to_claim(store)
        time_passes(timedelta(seconds=31))
        assert nothing_to_claim(store)
        remove_past_the_package(store, database_url, key)
        time_passes(timedelta(seconds=31))
        claim_shortly(store)


def remove_past_the_package(store: Store, database_url: str, key: str) -> None:
    """Remove an override as another program would."""
    statement = "DELETE FROM config_overrides WHERE key = '%s'" % key  # noqa: S608, UP031 - ours
    if database_url.startswith("postgresql"):
        with psycopg.connect(database_url) as connection:
            connection.execute(statement.encode())
    elif database_url.startswith("sqlite"):
        path = database_url.removeprefix("sqlite:///").partition("?")[0]
        with closing(sqlite3.connect(path)) as file:
            file.execute(statement)
            file.commit()
    else:
        with store.unit_of_work() as uow:
            uow.config_overrides.unset(key)
            uow.commit()


class TestLease:
    """A lease ends by itself, and from then on its holder writes nothing."""

    @pytest.mark.parametrize("status", [S.QUEUED, S.ASSEMBLING])
    def test_a_task_comes_back_after_its_lease(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        claim_a_task: Callable[..., Claim[Task]],
        status: TaskStatus,
    ) -> None:
        task = add_task(store, channel_id, status=status)
        first = claim_a_task(store)
        time_passes(LEASE - timedelta(milliseconds=500))
        assert nothing_to_claim(store)
        time_passes(timedelta(milliseconds=600))
        second = claim_a_task(store, "w2")
        assert (second.item.id, second.attempt) == (task.id, 2)
        assert second.token == first.token + 1
        assert second.item.status == first.item.status
        assert len(moves_of(store, task.id)) == (status == S.QUEUED)

    def test_what_comes_back_is_not_passed_over(
        self, store: Store, time_passes: Callable[[timedelta], None]
    ) -> None:
        channel_id = add_channel(store, "narrow", max_concurrent=1)
        add_tasks(store, channel_id, {"priority": "high"}, {})
        urgent = claim_shortly(store)
        time_passes(LEASE + timedelta(seconds=1))
        assert claim_shortly(store, "w2").item.id == urgent.item.id

    def test_many_leases_that_end_together(
        self, store: Store, time_passes: Callable[[timedelta], None]
    ) -> None:
        for number in range(6):
            channel_id = add_channel(store, f"c{number}")
            add_tasks(store, channel_id, *[PLAIN] * 10)
        claims = store.claim_batch("w1", 100, lease=LEASE, queue="tasks")
        assert len(claims) == 60
        assert nothing_to_claim(store)
        time_passes(LEASE + timedelta(seconds=1))
        again = store.claim_batch("w2", 100, lease=LEASE, queue="tasks")
        assert sorted(claim.item.id for claim in again) == sorted(each.item.id for each in claims)

    def test_a_heartbeat_lets_it_go_on(
        self, store: Store, channel_id: UUID, time_passes: Callable[[timedelta], None]
    ) -> None:
        add_task(store, channel_id)
        claim = claim_shortly(store)
        time_passes(timedelta(minutes=4))
        with store.unit_of_work() as uow:
            later = uow.tasks.heartbeat(claim, LEASE)
            uow.commit()
        assert later.expires_at == read(store, claim.item.id).lease_expires_at
        assert (later.token, later.item.id) == (claim.token, claim.item.id)
        time_passes(timedelta(minutes=4))
        assert nothing_to_claim(store)
        store.complete(claim)

    @pytest.mark.parametrize("lost", ["ended", "taken", "forced", "gate", "released", "removed"])
    def test_a_late_write_is_refused(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        lost: str,
    ) -> None:
        task = add_task(store, channel_id, status=S.GENERATING_VIDEO)
        claim = claim_shortly(store)
        lose(store, claim, lost, time_passes)
        before = None if lost == "removed" else values_of(read(store, task.id))
        answers = {write: answer_to(store, claim, write) for write in WRITES}
        assert [name for name, said in answers.items() if str(task.id) not in said] == []
        if before is not None:
            assert values_of(read(store, task.id)) == before

    def test_an_operator_waits_or_forces(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id, status=S.GENERATING_VIDEO)
        claim = claim_shortly(store)
        with store.unit_of_work() as uow:
            with pytest.raises(Conflict, match="held by w1"):
                uow.tasks.advance(uow.tasks.get(task.id), S.VIDEO_READY, "ann")
            uow.tasks.advance(uow.tasks.get(task.id), S.VIDEO_READY, "ann", force=True)
            uow.commit()
        stored = read(store, task.id)
        assert (stored.worker, stored.lease_expires_at) == (None, None)
        assert stored.lease_token > claim.token

    def test_a_forced_move_that_is_not_legal(self, store: Store, channel_id: UUID) -> None:
        """It changes nothing: the worker goes on, also when the unit of work is committed."""
        task = add_task(store, channel_id, status=S.GENERATING_VIDEO)
        claim = claim_shortly(store)
        before = values_of(read(store, task.id))
        with store.unit_of_work() as uow:
            with pytest.raises(IllegalTransition):
                uow.tasks.advance(uow.tasks.get(task.id), S.PUBLISHED, "ann", force=True)
            uow.commit()
        assert values_of(read(store, task.id)) == before
        store.complete(claim)


def lose(
    store: Store, claim: Claim[Task], how: str, time_passes: Callable[[timedelta], None]
) -> None:
    """Let a claim's lease be over."""
    if how in {"ended", "taken"}:
        time_passes(LEASE + timedelta(seconds=1))
        if how == "taken":
            claim_shortly(store, "w2")
        return
    with store.unit_of_work() as uow:
        if how == "forced":
            task = uow.tasks.get(claim.item.id)
            uow.tasks.advance(task, S.VIDEO_ERROR, "ann", force=True)
        elif how == "gate":
            uow.tasks.complete(claim)
        elif how == "released":
            uow.tasks.release(claim)
        else:
            uow.tasks.remove(uow.tasks.get(claim.item.id))
        uow.commit()


WRITES = ("heartbeat", "advance", "complete", "short", "several", "fail", "release")


def answer_to(store: Store, claim: Claim[Task], write: str) -> str:
    """What a worker is told whose lease is lost, or nothing when its write was accepted."""
    try:
        write_late(store, claim, write)
    except LeaseLost as lost:
        return str(lost)
    return ""


def write_late(store: Store, claim: Claim[Task], write: str) -> None:
    """One of the writes of a worker."""
    if write == "short":
        store.complete(claim)
        return
    with store.unit_of_work() as uow:
        match write:
            case "heartbeat":
                uow.tasks.heartbeat(claim, LEASE)
            case "advance":
                uow.tasks.advance(claim, S.VIDEO_READY)
            case "complete":
                uow.tasks.complete(claim)
            case "several":
                uow.tasks.complete_many([claim])
            case "fail":
                uow.tasks.fail(claim, "late")
            case _:
                uow.tasks.release(claim)
        uow.commit()


class TestHolder:
    """What the holder of a lease does with the task."""

    @pytest.mark.parametrize("short", [True, False])
    def test_through_all_stages(
        self, store: Store, channel_id: UUID, clock: SteppedClock, short: bool
    ) -> None:
        """A lease lasts over moves and ends at gates; a person lets the task through those."""
        task = add_task(store, channel_id)
        token = 0
        claim: Claim[Task] | None = None
        while (status := read(store, task.id).status) != S.PUBLISHED:
            clock.advance(seconds=1)
            if status in GATES:
                with store.unit_of_work() as uow:
                    uow.tasks.approve(task.id, "ann")
                    uow.commit()
                claim = None
                continue
            if claim is None:
                token += 1
                claim = claim_shortly(store)
                assert claim.token == token
                status = claim.item.status
            following = onward_from(status)
            assert following is not None
            if short:
                store.complete(claim)
            else:
                with store.unit_of_work() as uow:
                    uow.tasks.advance(claim, following)
                    uow.commit()
            stored = read(store, task.id)
            assert stored.status == following
            assert stored.attempts == 0
            held = following in CLAIMABLE
            assert (stored.worker, stored.lease_expires_at is not None) == (
                ("w1", True) if held else (None, False)
            )
            assert stored.updated_at == stored.status_since == clock.instant
            assert (stored.review_token > 0) == (len(gates_passed(store, task.id)) > 0)
        history = moves_of(store, task.id)
        assert [move[0] for move in history[1:]] == [move[1] for move in history[:-1]]
        assert {move[2] for move in history if move[0] not in GATES} == {"w1"}
        assert token == 5

    @pytest.mark.parametrize("short", [True, False])
    def test_moves_of_one_instant_stay_in_their_order(
        self, store: Store, channel_id: UUID, short: bool
    ) -> None:
        """As where a clock goes in steps that are longer than a claim and a move take."""
        add_tasks(store, channel_id, *[PLAIN] * 30)
        for _ in range(30):
            claim = claim_shortly(store)
            if short:
                store.complete(claim)
            else:
                with store.unit_of_work() as uow:
                    uow.tasks.advance(claim, S.GENERATING_ASSETS)
                    uow.commit()
            store.complete(claim)
            history = moves_of(store, claim.item.id)
            assert [to for _, to, *_ in history] == [
                S.CLAIMED,
                S.GENERATING_ASSETS,
                S.ASSETS_READY,
            ]

    def test_an_actor_of_its_own(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id, status=S.ASSEMBLING)
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            moved = uow.tasks.advance(claim, S.ASSEMBLY_READY, "bob", "looks fine")
            assert (moved.id, moved.status) == (task.id, S.ASSEMBLY_READY)
            uow.commit()
        assert moves_of(store, task.id) == [("assembling", "assembly_ready", "bob", "looks fine")]

    def test_an_illegal_move(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id, status=S.ASSEMBLING)
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            with pytest.raises(IllegalTransition):
                uow.tasks.advance(claim, S.UPLOADING)
            uow.tasks.advance(claim, S.ASSEMBLY_READY)
            uow.commit()
        assert read(store, task.id).status == S.ASSEMBLY_READY

    @in_turn("status", CLAIMABLE)
    def test_a_failure(self, store: Store, channel_id: UUID, status: TaskStatus) -> None:
        task = add_task(store, channel_id, status=status)
        claim = claim_shortly(store)
        with store.unit_of_work() as uow:
            assert uow.tasks.fail(claim, "no voice").id == task.id
            uow.commit()
        stored = read(store, task.id)
        at = claim.item.status
        assert (stored.status, stored.failed_stage) == (STAGES[at].error, at)
        assert stored.error_log == f"{at}: no voice (w1)"
        assert (stored.worker, stored.lease_expires_at, stored.attempts) == (None, None, 0)
        assert moves_of(store, task.id)[-1] == (at, STAGES[at].error, "w1", "no voice")
        assert nothing_to_claim(store)

    @pytest.mark.parametrize("message", [None, 1, "\x00"])
    def test_a_failure_says_why(self, store: Store, channel_id: UUID, message: Any) -> None:
        task = add_task(store, channel_id)
        claim = claim_shortly(store)
        with store.unit_of_work() as uow, pytest.raises(InvalidValue):
            uow.tasks.fail(claim, message)
        assert read(store, task.id).status == S.CLAIMED

    def test_several(self, store: Store, channel_id: UUID) -> None:
        """Those that are held move, each as its status says, and the lost ones are named."""
        statuses = [S.QUEUED, S.GENERATING_VIDEO, S.UPLOADING, S.ASSEMBLING, S.SFX_READY]
        tasks = add_tasks(store, channel_id, *[{"status": each} for each in statuses])
        claims = store.claim_batch("w1", 10, lease=LEASE, queue="tasks")
        lost = next(claim for claim in claims if claim.item.id == tasks[3].id)
        with store.unit_of_work() as uow:
            uow.tasks.release(lost)
            uow.commit()
        with pytest.raises(LeaseLost, match=str(lost.item.id)) as error:
            store.complete_many([*claims, claims[0]])
        assert str(tasks[0].id) not in str(error.value)
        assert [read(store, task.id).status for task in tasks] == [
            S.GENERATING_ASSETS,
            S.VIDEO_READY,
            S.PUBLISHED,
            S.ASSEMBLING,
            S.ASSEMBLING,
        ]
        assert moves_of(store, tasks[4].id) == [("sfx_ready", "assembling", "w1", None)]
        store.complete_many([])

    @pytest.mark.parametrize("short", [True, False])
    def test_an_earlier_claim_of_the_same_task(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        short: bool,
    ) -> None:
        """It is lost, also beside the one that is held; that one is moved on."""
        task = add_task(store, channel_id)
        earlier = claim_shortly(store)
        time_passes(LEASE + timedelta(seconds=1))
        later = claim_shortly(store, "w2")
        with store.unit_of_work() as uow:
            complete_many = store.complete_many if short else uow.tasks.complete_many
            with pytest.raises(LeaseLost, match=f"token {earlier.token}") as refused:
                complete_many([earlier, later])
            uow.commit()
        assert f"token {later.token}" not in str(refused.value)
        assert read(store, task.id).status == S.GENERATING_ASSETS

    def test_several_in_a_unit_of_work(self, store: Store, channel_id: UUID) -> None:
        add_tasks(store, channel_id, *[{"status": S.GENERATING_VIDEO}] * 3)
        with store.unit_of_work() as uow:
            claims = uow.tasks.claim_batch("w1", 3, LEASE)
            uow.tasks.complete_many(claims)
            assert {claim.item.status for claim in claims} == {S.VIDEO_READY}
            uow.commit()

    def test_only_claims_on_tasks(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            for call in (uow.tasks.complete, uow.tasks.release):
                with pytest.raises(InvalidValue):
                    call("claim")  # type: ignore[arg-type]
            with pytest.raises(InvalidValue):
                uow.tasks.heartbeat(None, LEASE)  # type: ignore[arg-type]


def gates_passed(store: Store, task_id: UUID) -> list[str]:
    """The gates that the task has come to."""
    return [move[1] for move in moves_of(store, task_id) if move[1] in GATES]


class TestAttempts:
    """A task that nobody brings on is not handed out for ever."""

    @in_turn("status", CLAIMABLE)
    def test_given_up(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        status: TaskStatus,
    ) -> None:
        task = add_task(store, channel_id, status=status)
        for attempt in (1, 2):
            assert claim_shortly(store, most_attempts=2).attempt == attempt
            time_passes(LEASE + timedelta(seconds=1))
        at = read(store, task.id).status
        assert at == (S.CLAIMED if status == S.QUEUED else status)
        other = add_task(store, channel_id)
        assert claim_shortly(store, most_attempts=2).item.id == other.id
        stored = read(store, task.id)
        assert (stored.status, stored.failed_stage) == (STAGES[at].error, at)
        assert (stored.attempts, stored.worker, stored.lease_expires_at) == (0, None, None)
        why = "claimed 2 times without getting on"
        assert moves_of(store, task.id)[-1] == (at, STAGES[at].error, "queue", why)
        assert stored.error_log == f"{at}: {why} (queue)"
        with store.unit_of_work() as uow:
            uow.tasks.retry(task.id, "ann")
            uow.commit()
        assert claim_shortly(store).attempt == 1
        remove_all(store)

    def test_a_full_error_log_keeps_no_task_from_failing(
        self, store: Store, channel_id: UUID
    ) -> None:
        """Neither one that a worker fails nor one that is given up, which would stop the queue."""
        full = "x" * (LONGEST_TEXT - 8)
        at_work = {"status": S.GENERATING_AUDIO, "error_log": full}
        failed, given_up = add_tasks(store, channel_id, at_work, {**at_work, "attempts": 5})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.tasks.fail(claim, "no voice")
            assert uow.tasks.claim_next("w2", LEASE) is None
            uow.commit()
        for task in (failed, given_up):
            stored = read(store, task.id)
            assert stored.status == S.AUDIO_ERROR
            assert (stored.error_log or "").startswith(f"{full}\ngenerat")
        assert moves_of(store, failed.id)[-1][-1] == "no voice"
        remove_all(store)

    def test_five_by_default(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        claim_a_task: Callable[..., Claim[Task]],
    ) -> None:
        task = add_task(store, channel_id, error_log="earlier")
        for attempt in range(1, 6):
            assert claim_a_task(store).attempt == attempt
            time_passes(LEASE + timedelta(seconds=1))
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            assert uow.tasks.claim_next("w1", LEASE) is None
            uow.commit()
        stored = read(store, task.id)
        assert stored.status == S.ASSET_ERROR
        assert (stored.error_log or "").startswith("earlier\nclaimed: claimed 5 times")

    def test_a_move_counts_anew(
        self, store: Store, channel_id: UUID, time_passes: Callable[[timedelta], None]
    ) -> None:
        add_task(store, channel_id, status=S.ASSEMBLING)
        claim_shortly(store)
        time_passes(LEASE + timedelta(seconds=1))
        claim = claim_shortly(store)
        assert claim.attempt == 2
        store.complete(claim)
        time_passes(LEASE + timedelta(seconds=1))
        assert claim_shortly(store).attempt == 1

    @pytest.mark.parametrize("way", ["release", "advance"])
    def test_a_release_does_not_count(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        way: str,
    ) -> None:
        task = add_task(store, channel_id)
        claim_shortly(store)
        time_passes(LEASE + timedelta(seconds=1))
        claim = claim_shortly(store)
        with store.unit_of_work() as uow:
            if way == "release":
                uow.tasks.release(claim)
            else:
                uow.tasks.advance(claim, S.QUEUED, reason="released")
            uow.commit()
        stored = read(store, task.id)
        assert (stored.status, stored.attempts, stored.worker) == (S.QUEUED, 1, None)
        assert moves_of(store, task.id)[-1] == ("claimed", "queued", "w1", "released")
        again = claim_shortly(store)
        assert (again.attempt, again.token) == (2, claim.token + 1)

    def test_a_release_further_on_moves_nothing(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id, status=S.ASSEMBLING)
        claim = claim_shortly(store)
        with store.unit_of_work() as uow:
            uow.tasks.release(claim)
            uow.commit()
        stored = read(store, task.id)
        assert (stored.status, stored.attempts, stored.worker) == (S.ASSEMBLING, 0, None)
        assert moves_of(store, task.id) == []
