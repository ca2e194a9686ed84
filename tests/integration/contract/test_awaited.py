"""What holds on the awaited side alone: tasks that share, and tasks that are cancelled."""

from __future__ import annotations

import asyncio
import gc
import warnings
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel
from pipeline_store.errors import NotFound, RolledBack
from pipeline_store.production import ErrorLog, Script
from pipeline_store.services.async_work import AsyncWorker
from pipeline_store.tasks import TaskStatus
from tests.integration.contract.blocking import Blocking
from tests.integration.contract.test_tasks import a_task
from tests.integration.contract.workers import LONG

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from pipeline_store import AsyncStore, AsyncUnitOfWork, Store, UnitOfWork
    from pipeline_store.aio.wakeups import AsyncWakeups

MANY = 8
LONG_TIME = timedelta(seconds=LONG)
ENOUGH = timedelta(seconds=2)


@pytest.fixture(
    params=[
        pytest.param("aio-memory"),
        pytest.param("aio-sqlite"),
        pytest.param("aio-postgres", marks=pytest.mark.postgres),
    ]
)
def store_id(request: pytest.FixtureRequest) -> str:
    """Which of the three awaited stores the test runs on."""
    name: str = request.param
    return name


class Awaited:
    """An awaited store and the loop that it is used in."""

    def __init__(self, store: Store) -> None:
        assert isinstance(store, Blocking)
        lifted: Any = store.lifted
        self.store: AsyncStore = lifted
        self._loop = store.loop

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do it in the loop."""
        return self._loop.run_until_complete(asyncio.wait_for(work, LONG))


@pytest.fixture
def awaited(store: Store) -> Awaited:
    """An empty awaited store."""
    return Awaited(store)


@pytest.fixture
def going(going_store: Store) -> Awaited:
    """An empty awaited store whose clock goes."""
    return Awaited(going_store)


def an_error(message: str) -> ErrorLog:
    return ErrorLog(module="m", error_type="ValueError", error_message=message)


async def go_on_waiting(wakeups: AsyncWakeups) -> None:
    while True:
        await wakeups.wait(LONG_TIME)


async def messages(store: AsyncStore) -> list[str]:
    async with store.unit_of_work(read_only=True) as uow:
        return sorted(error.error_message for error in await uow.errors.page())


async def add(store: AsyncStore, message: str) -> None:
    async with store.unit_of_work() as uow:
        await uow.errors.add(an_error(message))
        await uow.commit()


def calls_on(uow: AsyncUnitOfWork) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(uow.errors.add(an_error(str(number)))) for number in range(MANY)]


class TestOneUnitOfWork:
    """It is one transaction, in which the calls of several tasks come one after the other."""

    def test_calls_at_once_all_count(self, awaited: Awaited) -> None:
        """Tasks that write at once lose nothing, and none of them is told that it failed."""
        store = awaited.store

        async def main() -> list[str]:
            async with store.unit_of_work() as uow:
                await asyncio.gather(
                    *(uow.errors.add(an_error(str(number))) for number in range(MANY))
                )
                assert set(await asyncio.gather(*(uow.errors.count() for _ in range(MANY)))) == {
                    MANY
                }
                await uow.commit()
            return await messages(store)

        assert awaited.run(main()) == [str(number) for number in range(MANY)]

    def test_an_error_of_one_call_undoes_those_of_all(self, awaited: Awaited) -> None:
        """Nothing of it is written, before, beside or after the call that failed."""
        store = awaited.store

        async def main() -> list[str]:
            async with store.unit_of_work() as uow:
                results = await asyncio.gather(
                    uow.errors.add(an_error("before")),
                    uow.scripts.add(Script(pipeline_run_id=1, opening_text="of no run")),
                    uow.errors.add(an_error("after")),
                    return_exceptions=True,
                )
                kinds = [type(result) for result in results]
                assert kinds == [ErrorLog, NotFound, RolledBack]
                with pytest.raises(RolledBack):
                    await uow.commit()
            return await messages(store)

        assert awaited.run(main()) == []

    def test_a_task_that_goes_on_after_the_end(self, awaited: Awaited) -> None:
        """It is told so, what it did is undone, and the next unit of work is free to write."""
        store = awaited.store

        async def main() -> list[str]:
            going_on: list[asyncio.Task[Any]] = []
            with suppress(ZeroDivisionError):
                async with store.unit_of_work() as uow:
                    going_on += calls_on(uow)
                    await asyncio.sleep(0)
                    raise ZeroDivisionError
            for result in await asyncio.gather(*going_on, return_exceptions=True):
                assert isinstance(result, ErrorLog | RolledBack)
            await add(store, "free")
            return await messages(store)

        assert awaited.run(main()) == ["free"]

    def test_one_that_is_left_twice(self, awaited: Awaited) -> None:
        """A task cancelled while it waits for the calls of others still gives everything back."""
        store = awaited.store
        going_on: list[asyncio.Task[Any]] = []
        begun = asyncio.Event()

        async def leave() -> None:
            async with store.unit_of_work() as uow:
                going_on.extend(calls_on(uow))
                await asyncio.sleep(0)
                begun.set()

        async def main() -> list[str]:
            leaving = asyncio.create_task(leave())
            await begun.wait()
            leaving.cancel()
            with suppress(asyncio.CancelledError):
                await leaving
            await asyncio.gather(*going_on, return_exceptions=True)
            await add(store, "free")
            return await messages(store)

        assert awaited.run(main()) == ["free"]

    def test_a_cancelled_task_that_waits_for_its_turn(self, awaited: Awaited) -> None:
        """It has done nothing, and the unit of work goes on without it."""
        store = awaited.store

        async def main() -> list[str]:
            async with store.unit_of_work() as uow:
                first = asyncio.create_task(uow.errors.add(an_error("first")))
                second = asyncio.create_task(uow.errors.add(an_error("second")))
                await asyncio.sleep(0)
                was_waiting = not second.done()
                second.cancel()
                await asyncio.wait([first, second])
                assert second.cancelled() is was_waiting
                await uow.commit()
            found = await messages(store)
            return found if was_waiting else found[:1]

        assert awaited.run(main()) == ["first"]


class TestCancelling:
    """A cancelled task leaves nothing behind that others would miss or wait for."""

    def test_a_wait_for_hints(self, awaited: Awaited) -> None:
        """The next wait is told of what comes after it."""
        store = awaited.store

        async def main() -> list[bool]:
            async with store.wakeups() as wakeups:
                for _ in range(MANY):
                    waiting = asyncio.create_task(go_on_waiting(wakeups))
                    await asyncio.wait([waiting], timeout=0.01)
                    waiting.cancel()
                    await asyncio.wait([waiting])
                    wakeups.wake()
                    told.append(await wakeups.wait(ENOUGH))
            return told

        told: list[bool] = []
        assert awaited.run(main()) == [True] * MANY

    def test_the_beginning_of_hints(self, awaited: Awaited) -> None:
        """It leaves no connection to the garbage collector, which would complain."""
        store = awaited.store

        async def begin() -> None:
            async with store.wakeups():
                pass

        async def main() -> None:
            for steps in range(MANY):
                beginning = asyncio.create_task(begin())
                for _ in range(steps):
                    await asyncio.sleep(0)
                beginning.cancel()
                await asyncio.wait([beginning])

        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter("always")
            awaited.run(main())
            gc.collect()
        assert [str(each.message) for each in complaints] == []

    def test_a_worker_that_claims(self, going: Awaited) -> None:
        """What it has taken by then it gives back, wherever it is cancelled."""
        store = going.store

        async def work(_work: Any) -> None:
            await asyncio.sleep(0)

        async def cancelled_after(steps: int) -> bool:
            worker = AsyncWorker(store, work, name="w1")
            running = asyncio.create_task(worker.run_until_idle())
            await pass_by(steps)
            running.cancel()
            await asyncio.wait([running])
            return running.cancelled()

        async def main() -> int:
            await add_tasks(store)
            cancelled = [await cancelled_after(steps) for steps in range(MANY * 3)]
            assert any(cancelled)
            return await held(store)

        assert going.run(main()) == 0

    def test_all_tasks_are_cancelled_and_kept(self, going: Awaited) -> None:
        """Nothing holds a lock, also while tasks know where they were cancelled."""
        store = going.store
        kept: list[asyncio.Task[Any]] = []

        def write_and_read(uow: UnitOfWork) -> None:
            uow.errors.add(ErrorLog(module="m", error_type="t", error_message="m"))
            for _ in range(20):
                uow.errors.page()

        async def main() -> None:
            ours = asyncio.all_tasks()
            for pause in range(MANY):
                writing = asyncio.create_task(store.run(write_and_read))
                await asyncio.sleep(0.002 * (pause + 1))
                left = asyncio.all_tasks() - ours
                for task in left:
                    task.cancel()
                kept.extend(left)
                await asyncio.wait([writing])
            async with asyncio.timeout(LONG / 3):
                await store.run(write_and_read)

        going.run(main())

    def test_a_worker_that_gives_back(self, going: Awaited) -> None:
        """It does so also when everything is cancelled again, as `asyncio.run` does at its end."""
        store = going.store

        async def cancelled_twice(steps: int) -> None:
            at_work = asyncio.Event()

            async def work(_work: Any) -> None:
                at_work.set()
                await asyncio.sleep(LONG)

            running = asyncio.create_task(AsyncWorker(store, work).run_until_idle())
            await at_work.wait()
            running.cancel()
            await pass_by(steps)
            # Kept until all have ended, with what is known of where they were cancelled.
            left = asyncio.all_tasks() - ours
            for task in left:
                task.cancel()
            await asyncio.wait([running])
            assert running.cancelled()

        async def main() -> int:
            ours.update(asyncio.all_tasks())
            await add_tasks(store)
            for steps in range(MANY):
                await cancelled_twice(steps * 2)
            return await held(store)

        ours: set[asyncio.Task[Any]] = set()
        assert going.run(main()) == 0


async def pass_by(steps: int) -> None:
    """Let other tasks go on a little."""
    for _ in range(steps):
        await asyncio.sleep(0)


async def add_tasks(store: AsyncStore) -> None:
    channel = Channel(channel_id="history1", name="History", max_concurrent=10)
    async with store.unit_of_work() as uow:
        await uow.channels.add(channel)
        for page in range(MANY):
            await uow.tasks.add(a_task(channel.id, page, status=TaskStatus.QUEUED))
        await uow.commit()


async def held(store: AsyncStore) -> int:
    """How many tasks a worker holds."""
    async with store.unit_of_work(read_only=True) as uow:
        return sum(task.worker is not None for task in await uow.tasks.page())
