"""Enqueuing tasks: many at once, in a unit of work or by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from pipeline_store.errors import (
    AlreadyExists,
    InvalidValue,
    NotFound,
    PipelineStoreError,
    ReadOnly,
    RolledBack,
)
from pipeline_store.tasks import PriorityLevel, Task, TaskStatus
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import NO_ROW, Parents, content, sample, values_of
from tests.integration.contract.test_task_claims import (
    LEASE,
    add_channel,
    add_task,
    claim_shortly,
)
from tests.integration.contract.test_tasks import a_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline_store import Store
    from tests.integration.contract.conftest import SteppedClock

    Enqueue = Callable[[Iterable[Task]], int]

S = TaskStatus
HIGH, NORMAL, LOW = PriorityLevel
PER_COPY = 3
ABOVE = 10**6
"""A number that no page has that was made elsewhere."""


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a database writes in parts, it writes in small ones."""
    monkeypatch.setattr("pipeline_store.sql.tasks.task.TASKS_PER_COPY", PER_COPY)


@pytest.fixture(params=["unit of work", "short way"])
def enqueue(request: pytest.FixtureRequest, store: Store) -> Enqueue:
    """Each way in, committed."""

    def in_a_unit_of_work(tasks: Iterable[Task]) -> int:
        with store.unit_of_work() as uow:
            written = uow.tasks.enqueue(tasks)
            uow.commit()
        return written

    return store.enqueue if request.param == "short way" else in_a_unit_of_work


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    return add_channel(store, "history1")


def new_tasks(channel_id: UUID, count: int) -> Iterator[Task]:
    """New tasks that can be claimed, called Bridge 1 and so on."""
    for number in range(count):
        title = f"Bridge {number + 1}"
        yield a_task(channel_id, ABOVE + number, title=title, status=S.QUEUED)


def titles(store: Store) -> list[str]:
    """The titles of all tasks, in the order of their keys."""
    with store.unit_of_work(read_only=True) as uow:
        return [task.title for task in uow.tasks.page()]


class TestWhatIsStored:
    """Enqueued tasks are such as `add` would have stored."""

    @pytest.mark.parametrize("full", [True, False])
    def test_values(
        self, store: Store, parents: Parents, clock: SteppedClock, enqueue: Enqueue, full: bool
    ) -> None:
        """Every field is kept, be it given or not."""
        if full:
            added, given = (sample("tasks", parents, number) for number in (11, 12))
        else:
            added, given = (a_task(parents.channel, number) for number in (11, 12))
        with store.unit_of_work() as uow:
            uow.tasks.add(added)
            uow.commit()
        assert enqueue([given]) == 1
        with store.unit_of_work(read_only=True) as uow:
            *_, first, second = (values_of(task) for task in uow.tasks.page())
        own = {"id", "notion_page_id"}
        assert {name for name in first if first[name] != second[name]} == own
        assert second["notion_page_id"] == given.notion_page_id
        assert full or second["created_at"] == second["status_since"] == clock.instant

    def test_an_odd_text(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """What a way in might take for its own signs comes back as it was."""
        odd = "é \\N\t\n\r'\"%s\\."
        enqueue([a_task(channel_id, title=odd, story_direction=odd * 1_000)])
        with store.unit_of_work(read_only=True) as uow:
            (found,) = uow.tasks.page()
        assert (found.title, found.story_direction) == (odd, odd * 1_000)

    def test_history(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """A task that was moved before has no history, as when it is added."""
        task = a_task(channel_id)
        task.advance(S.QUEUED, "ann")
        enqueue([task])
        with store.unit_of_work(read_only=True) as uow:
            (found,) = uow.tasks.page()
            assert found.status == S.QUEUED
            assert uow.tasks.history(found.id) == []

    def test_times(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """A time that was given stays beside those that were not."""
        early = datetime(2026, 1, 1, tzinfo=UTC)
        enqueue([a_task(channel_id, 1, created_at=early), a_task(channel_id, 2)])
        with store.unit_of_work(read_only=True) as uow:
            first, second = uow.tasks.page()
        assert first.created_at == early < second.created_at
        assert first.updated_at == second.updated_at

    def test_the_objects(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """The objects stay as they were: new, and not followed."""
        task = a_task(channel_id)
        before = values_of(task)
        enqueue([task])
        assert values_of(task) == before
        task.title = "Another bridge"
        with store.unit_of_work() as uow:
            assert uow.tasks.page()[0].title == "The bridge"
            with pytest.raises(AlreadyExists):
                uow.tasks.add(task)

    def test_in_their_order(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """Keys are given in the order of the tasks, over all parts, from any iterable."""
        assert enqueue(new_tasks(channel_id, 3 * PER_COPY + 1)) == 3 * PER_COPY + 1
        assert titles(store) == [f"Bridge {number}" for number in range(1, 3 * PER_COPY + 2)]

    def test_none(self, store: Store, enqueue: Enqueue) -> None:
        """Of nothing, nothing is stored."""
        assert enqueue([]) == enqueue(iter(())) == 0
        assert titles(store) == []


class TestTheQueue:
    """What is enqueued can be claimed like any other task."""

    def test_order(self, store: Store, enqueue: Enqueue) -> None:
        """Priority first, then channels in turn, then first in first out."""
        one, other = add_channel(store, "history1"), add_channel(store, "zoo")
        wanted = [(one, NORMAL), (one, HIGH), (one, LOW), (other, NORMAL), (other, HIGH)]
        names = "abcde"
        enqueue(
            a_task(channel, number, title=names[number], priority=priority, status=S.QUEUED)
            for number, (channel, priority) in enumerate(wanted)
        )
        claims = store.claim_batch("w1", 5, lease=LEASE, queue="tasks")
        assert [claim.item.title for claim in claims] == ["b", "e", "a", "d", "c"]

    def test_after_others(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """A task that was added before is older, one that is added later is younger."""
        first = add_task(store, channel_id)
        enqueue([a_task(channel_id, ABOVE, title="second", status=S.QUEUED)])
        third = add_task(store, channel_id)
        found = [claim_shortly(store).item.title for _ in range(3)]
        assert found == [first.title, "second", third.title]

    def test_nothing_was_there(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """A channel that was found empty has a turn again."""
        assert store.claim_next("w1", lease=LEASE, queue="tasks") is None
        enqueue(new_tasks(channel_id, 1))
        assert claim_shortly(store).item.title == "Bridge 1"

    def test_what_does_not_wait(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """A draft and a task at its gate are stored, and not handed out."""
        enqueue([a_task(channel_id, 1), a_task(channel_id, 2, status=S.VIDEO_READY)])
        assert store.claim_next("w1", lease=LEASE, queue="tasks") is None
        with store.unit_of_work(read_only=True) as uow:
            assert len(uow.tasks.pending_reviews()) == 1

    def test_one_that_is_held(self, store: Store, clock: SteppedClock, enqueue: Enqueue) -> None:
        """A lease that comes with a task takes one of the channel's places."""
        narrow = add_channel(store, "zoo", max_concurrent=1)
        later = datetime.now(UTC) + timedelta(days=1)
        clock.instant = later - timedelta(hours=1)
        held = {"status": S.CLAIMED, "worker": "w1", "lease_token": 1, "lease_expires_at": later}
        enqueue([a_task(narrow, 1, **held), *new_tasks(narrow, 1)])
        assert store.claim_next("w2", lease=LEASE, queue="tasks") is None

    def test_a_hint(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """Whoever waits for a task is told."""
        with store.wakeups() as wakeups:
            while wakeups.wait(timedelta(seconds=0.3)):
                pass
            enqueue(new_tasks(channel_id, 1))
            assert wakeups.wait(timedelta(seconds=30)) is True


WRONG: dict[str, tuple[type[PipelineStoreError], Callable[[Task], Any]]] = {
    "page is taken": (
        AlreadyExists,
        lambda stored: a_task(stored.channel_id, notion_page_id=stored.notion_page_id),
    ),
    "page is taken by one of them": (
        AlreadyExists,
        lambda stored: a_task(stored.channel_id, ABOVE),
    ),
    "no channel": (NotFound, lambda _: a_task(NO_ROW[UUID], 999 + ABOVE)),
    "no task": (InvalidValue, lambda _: {"title": "The bridge"}),
    "stored": (InvalidValue, lambda stored: stored),
    "nothing": (InvalidValue, lambda _: None),
}


class TestErrors:
    """All of them are stored or none."""

    @in_turn("wrong", WRONG)
    @pytest.mark.parametrize("good_before", [0, PER_COPY + 1])
    def test_one_wrong_task(
        self, store: Store, channel_id: UUID, enqueue: Enqueue, wrong: str, good_before: int
    ) -> None:
        """One that cannot be stored keeps all others out, those of earlier parts too."""
        error, make = WRONG[wrong]
        stored = add_task(store, channel_id)
        before = content(store)
        good = list(new_tasks(channel_id, max(good_before, 1)))
        bad = make(stored)
        given = [*good, bad] if good_before else [bad, *good]
        with pytest.raises(error):
            enqueue(given)
        assert content(store) == before
        assert all(task.id is None for task in good)

    @pytest.mark.parametrize("wrong", ["no task", "stored"])
    def test_a_refused_value_undoes_its_call_alone(
        self, store: Store, channel_id: UUID, wrong: str
    ) -> None:
        """What else was done in the unit of work stays."""
        with store.unit_of_work() as uow:
            kept = uow.tasks.add(a_task(channel_id, 7 + ABOVE, title="kept"))
            _, make = WRONG[wrong]
            with pytest.raises(InvalidValue, match="expected, found"):
                uow.tasks.enqueue([*new_tasks(channel_id, PER_COPY), make(kept)])
            assert uow.tasks.enqueue(new_tasks(channel_id, 1)) == 1
            uow.commit()
        assert titles(store) == ["kept", "Bridge 1"]

    def test_what_a_database_refuses_undoes_all(self, store: Store, channel_id: UUID) -> None:
        """As with `add`, what else was done in the unit of work goes too."""
        taken = add_task(store, channel_id)
        with store.unit_of_work() as uow:
            uow.tasks.add(a_task(channel_id, 7 + ABOVE))
            with pytest.raises(AlreadyExists):
                uow.tasks.enqueue([a_task(channel_id, notion_page_id=taken.notion_page_id)])
            with pytest.raises(RolledBack):
                uow.tasks.count()
            uow.rollback()
            assert uow.tasks.enqueue(new_tasks(channel_id, 1)) == 1
            uow.commit()
        assert titles(store) == [taken.title, "Bridge 1"]

    def test_an_iterable_that_fails(self, store: Store, channel_id: UUID, enqueue: Enqueue) -> None:
        """Its error comes through, and nothing is stored."""

        def failing() -> Iterator[Task]:
            yield from new_tasks(channel_id, PER_COPY + 1)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            enqueue(failing())
        assert titles(store) == []

    def test_one_of_this_unit_of_work(self, store: Store, channel_id: UUID) -> None:
        """A task that was added is not new, until that is undone."""
        with store.unit_of_work() as uow:
            task = uow.tasks.add(a_task(channel_id))
            with pytest.raises(InvalidValue, match=f"task {task.id}: a new task expected"):
                uow.tasks.enqueue([task])
            uow.rollback()
            assert uow.tasks.enqueue([task]) == 1
            uow.commit()
        assert titles(store) == [task.title]

    def test_read_only(self, store: Store, channel_id: UUID) -> None:
        """A unit of work that is read-only refuses, also when there is nothing to write."""
        with store.unit_of_work(read_only=True) as uow:
            for tasks in ([], [a_task(channel_id)]):
                with pytest.raises(ReadOnly):
                    uow.tasks.enqueue(tasks)


class TestTheUnitOfWork:
    """Enqueuing is a part of the unit of work."""

    def test_seen_at_once(self, store: Store, channel_id: UUID) -> None:
        """The unit of work sees the tasks, others see them when they are committed."""
        with store.unit_of_work() as uow:
            uow.tasks.enqueue(new_tasks(channel_id, 2))
            assert uow.tasks.count() == 2
            found = uow.tasks.by_notion_page_id(f"{ABOVE:032x}")
            assert found is not None
            found.title = "changed"
            claim = uow.tasks.claim_next("w1", LEASE)
            assert claim is not None
            assert claim.item is found
            uow.commit()
        assert titles(store) == ["changed", "Bridge 2"]

    def test_undone(self, store: Store, channel_id: UUID) -> None:
        """Without a commit they are gone, and can be enqueued again."""
        tasks = list(new_tasks(channel_id, 2))
        with store.unit_of_work() as uow:
            uow.tasks.enqueue(tasks)
        assert titles(store) == []
        with store.unit_of_work() as uow:
            uow.tasks.enqueue(tasks)
            uow.rollback()
            assert uow.tasks.count() == 0
            uow.tasks.enqueue(tasks)
            uow.commit()
        assert titles(store) == ["Bridge 1", "Bridge 2"]

    def test_with_what_was_changed_before(self, store: Store, channel_id: UUID) -> None:
        """A page that a change has set free can be enqueued in the same unit of work."""
        stored = add_task(store, channel_id)
        page = stored.notion_page_id
        with store.unit_of_work() as uow:
            uow.tasks.get(stored.id).notion_page_id = "another"
            assert uow.tasks.enqueue([a_task(channel_id, notion_page_id=page)]) == 1
            uow.commit()
        assert len(titles(store)) == 2
