"""A process that has a store open and forks: parent and child go on, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_async_store, open_store
from pipeline_store.production import ErrorLog
from tests.integration.racing import Child, lines_of
from tests.integration.test_sqlite_files import log, messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import AsyncStore, Store

EACH = 15


def log_some(store: Store, name: str) -> None:
    for _ in range(EACH):
        log(store, name)


def with_the_same_store(store: Store, _url: str) -> None:
    log_some(store, "child")


def with_one_of_its_own(_store: Store, url: str) -> None:
    own = open_store(url)
    log_some(own, "child")
    own.close()


USES = {use.__name__: use for use in (with_the_same_store, with_one_of_its_own)}


def write_after_the_parent_closed(url: str, use: str) -> None:
    """The child writes when its parent, which had written, has closed the store."""
    store = open_store(url)
    log(store, "parent")
    waiting, closed = os.pipe()

    def work(say: Callable[[str], None]) -> None:
        os.close(closed)
        os.read(waiting, 1)
        USES[use](store, url)
        say("done")

    child = Child(work)
    store.close()
    os.close(closed)
    print(child.line())  # noqa: T201 - the answer to the caller
    os.waitpid(child.process, 0)


def write_with_children(url: str) -> None:
    """Parent and children write at the same time."""
    store = open_store(url)
    log(store, "parent")

    def work(say: Callable[[str], None]) -> None:
        log_some(store, "child")
        say("done")

    children = [Child(work) for _ in range(3)]
    log_some(store, "parent")
    for child in children:
        print(child.line())  # noqa: T201 - the answer to the caller
        os.waitpid(child.process, 0)
    log(store, "parent")
    store.close()


def write_while_somebody_waits(url: str) -> None:
    """A thread of the parent waits for tasks when the parent forks, and then ends."""
    store = open_store(url)
    log(store, "parent")
    waiting, closed = os.pipe()

    def work(say: Callable[[str], None]) -> None:
        os.close(closed)
        os.read(waiting, 1)
        log_some(store, "child")
        say("done")

    with store.wakeups() as wakeups:
        wakeups.wait(timedelta(0))
        waits = threading.Thread(target=wakeups.wait, args=(timedelta(seconds=20),))
        waits.start()
        child = Child(work)
        wakeups.wake()
        waits.join()
    store.close()
    os.close(closed)
    print(child.line())  # noqa: T201 - the answer to the caller
    os.waitpid(child.process, 0)


async def note(store: AsyncStore, message: str) -> None:
    async with store.unit_of_work() as uow:
        await uow.errors.add(ErrorLog(module="cut", error_type="ValueError", error_message=message))
        await uow.commit()


def write_when_a_parent_that_awaits_closes(url: str, parent: str) -> None:
    """The child has begun to write when its parent closes an awaited store, and goes on."""
    waiting, closed = os.pipe()
    beginning, begun = os.pipe()

    def work(say: Callable[[str], None]) -> None:
        os.close(closed)
        own = open_store(url)
        log(own, "child")
        os.write(begun, b"!")
        os.read(waiting, 1)
        log_some(own, "child")
        own.close()
        say("done")

    async def main() -> Child:
        store = open_async_store(url)
        await note(store, "parent")
        if parent == "rests":
            child = Child(work)
            os.read(beginning, 1)
        else:
            async with store.wakeups() as wakeups:
                await wakeups.wait(timedelta(0))
                child = Child(work)
                os.read(beginning, 1)
                await wakeups.wait(timedelta(seconds=0.5))
        if parent == "goes on":
            await note(store, "parent")
        await store.close()
        return child

    child = asyncio.run(main())
    os.close(closed)
    print(child.line())  # noqa: T201 - the answer to the caller
    os.waitpid(child.process, 0)


def write_in_a_loop_of_its_own(url: str) -> None:
    """The child of a process with an awaited store uses that store in an event loop of its own."""

    async def main() -> None:
        store = open_async_store(url)
        await note(store, "parent")

        def work(say: Callable[[str], None]) -> None:
            thread = threading.Thread(target=lambda: asyncio.run(note(store, "child")), daemon=True)
            thread.start()
            thread.join(20)
            say("waits for ever" if thread.is_alive() else "done")

        child = Child(work)
        print(await asyncio.to_thread(child.line))  # noqa: T201 - the answer to the caller
        await asyncio.to_thread(os.waitpid, child.process, 0)
        await note(store, "parent")
        await store.close()

    asyncio.run(main())


def found(url: str) -> list[str]:
    store = open_store(url)
    try:
        return sorted(messages(store))
    finally:
        store.close()


@pytest.mark.parametrize("use", USES)
def test_a_child_outlives_the_store_of_its_parent(new_url: Callable[[], str], use: str) -> None:
    """What a child was told is stored is there, also when its parent closed the store meanwhile."""
    url = new_url()
    assert lines_of(write_after_the_parent_closed, url, use) == ["done"]
    assert found(url) == ["child"] * EACH + ["parent"]


def test_parent_and_children_write_at_once(new_url: Callable[[], str]) -> None:
    """Whoever uses a store on both sides of a fork has connections of its own."""
    url = new_url()
    assert lines_of(write_with_children, url) == ["done"] * 3
    assert found(url) == ["child"] * 3 * EACH + ["parent"] * (EACH + 2)


def test_a_child_of_a_parent_that_waited(new_url: Callable[[], str]) -> None:
    """A connection that looks for tasks is not shared with a child either."""
    url = new_url()
    assert lines_of(write_while_somebody_waits, url) == ["done"]
    assert found(url) == ["child"] * EACH + ["parent"]


@pytest.mark.parametrize("parent", ["rests", "waits", "goes on"])
def test_a_child_outlives_the_awaited_store_of_its_parent(
    new_url: Callable[[], str], parent: str
) -> None:
    """What the child was told is stored is there, whatever the parent did when it forked."""
    url = new_url()
    assert lines_of(write_when_a_parent_that_awaits_closes, url, parent) == ["done"]
    written_by_parent = ["parent"] * (2 if parent == "goes on" else 1)
    assert found(url) == ["child"] * (EACH + 1) + written_by_parent


def test_an_awaited_store_in_the_loop_of_a_child(new_url: Callable[[], str]) -> None:
    """A child that runs a loop of its own may use the awaited store that its parent opened."""
    url = new_url()
    assert lines_of(write_in_a_loop_of_its_own, url) == ["done"]
    assert found(url) == ["child", "parent", "parent"]
