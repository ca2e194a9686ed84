"""Warnings, holds and decisions at gates, on databases, also at the same moment."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_async_store, open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import Conflict
from pipeline_store.services import gates
from pipeline_store.tasks import Task, TaskStatus
from tests.integration.conftest import ON_POSTGRES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from pipeline_store import Store

HOUR = timedelta(hours=1)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    return new_url()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    with closing(open_store(url, clock=clock)) as opened:
        opened.upgrade()
        yield opened


@pytest.fixture
def task_id(store: Store) -> UUID:
    """A task that has just come to a gate."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="history1", name="History"))
        task = Task(
            channel_id=channel.id,
            notion_page_id="1",
            title="The bridge",
            topic="",
            story_direction="",
            status=TaskStatus.ASSEMBLY_READY,
        )
        uow.tasks.advance(uow.tasks.add(task), TaskStatus.FINAL_REVIEW, "w1")
        uow.commit()
    return task.id


def read(store: Store, task_id: UUID) -> Task:
    with store.unit_of_work(read_only=True) as uow:
        return uow.tasks.get(task_id)


def test_warned_of_held_and_decided(store: Store, task_id: UUID, clock: Clock) -> None:
    """Each once, and each seen by the next unit of work."""
    for hours, warned, held in [(21, 0, 0), (1, 1, 0), (1, 0, 0), (1, 0, 1), (1, 0, 0)]:
        clock.now += hours * HOUR
        for repeated in (1, 0):
            with store.unit_of_work() as uow:
                assert len(gates.warn(uow)) == warned * repeated
                assert len(gates.hold_overdue(uow)) == held * repeated
                uow.commit()
    task = read(store, task_id)
    assert task.warned_at == task.status_since + 22 * HOUR
    assert task.held_at == task.status_since + 24 * HOUR
    with store.unit_of_work() as uow:
        uow.tasks.approve(task_id, "ann", review=1)
        uow.commit()
    task = read(store, task_id)
    assert (task.status, task.warned_at, task.held_at) == (TaskStatus.APPROVED, None, None)


@pytest.mark.usefixtures("task_id")
def test_awaited(store: Store, url: str, clock: Clock) -> None:
    """The same services in one await each, which commit."""
    assert store.current() is not None
    clock.now += 24 * HOUR

    async def sweep() -> list[int]:
        awaited = open_async_store(url, clock=clock)
        counts = [len(await awaited.run(gates.hold_overdue)) for _ in range(2)]
        counts.append(len(await awaited.run(gates.waiting)))
        await awaited.close()
        return counts

    assert asyncio.run(sweep()) == [1, 0, 1]


@pytest.mark.parametrize("database_kind", [ON_POSTGRES], indirect=True)
class TestAtTheSameMoment:
    """Of two units of work the later one gets a Conflict; an SQLite file has one at a time."""

    @pytest.mark.parametrize("sweep", [gates.warn, gates.hold_overdue])
    def test_the_decision_comes_first(
        self, store: Store, task_id: UUID, clock: Clock, sweep: Callable[..., list[object]]
    ) -> None:
        clock.now += 23 * HOUR if sweep is gates.warn else 24 * HOUR
        with store.unit_of_work() as late:
            assert len(sweep(late)) == 1
            with store.unit_of_work() as uow:
                uow.tasks.approve(task_id, "ann", review=1)
                uow.commit()
            with pytest.raises(Conflict):
                late.commit()
        task = read(store, task_id)
        assert (task.status, task.warned_at, task.held_at) == (TaskStatus.APPROVED, None, None)
        with store.unit_of_work() as uow:
            assert sweep(uow) == []

    def test_the_hold_comes_first(self, store: Store, task_id: UUID, clock: Clock) -> None:
        """The decision is made anew and stands."""
        clock.now += 24 * HOUR
        with store.unit_of_work() as late:
            late.tasks.get(task_id)
            with store.unit_of_work() as uow:
                gates.hold_overdue(uow)
                uow.commit()
            with pytest.raises(Conflict):
                late.tasks.approve(task_id, "ann", review=1)
        assert read(store, task_id).held_at == clock.now
        with store.unit_of_work() as uow:
            uow.tasks.approve(task_id, "ann", review=1)
            uow.commit()
        assert read(store, task_id).status == TaskStatus.APPROVED

    def test_two_who_hold(self, store: Store, task_id: UUID, clock: Clock) -> None:
        """One of them tells of it."""
        clock.now += 24 * HOUR
        with store.unit_of_work() as late:
            assert len(gates.hold_overdue(late)) == 1
            with store.unit_of_work() as uow:
                assert len(gates.hold_overdue(uow)) == 1
                uow.commit()
            clock.now += HOUR
            with pytest.raises(Conflict):
                late.commit()
        assert read(store, task_id).held_at == clock.now - HOUR
