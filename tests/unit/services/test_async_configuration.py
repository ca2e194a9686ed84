"""`AsyncConfiguration` keeps the promises of `Configuration`, awaited."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_async_store
from pipeline_store.channels import Channel
from pipeline_store.errors import Conflict, InvalidValue, NotFound
from pipeline_store.secrets import Keyring, Secret, new_key
from pipeline_store.services.async_configuration import AsyncConfiguration
from pipeline_store.services.configuration import Configuration
from pipeline_store.services.configuration_cache import ATTEMPTS
from pipeline_store.services.settings import Settings
from tests.unit.services.configured import LIMIT, SPEED, TOKEN, SteadyClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from pipeline_store import AsyncStore, AsyncUnitOfWork


class CountedStore:
    """A store that counts its units of work, and in which others may be faster."""

    def __init__(self, store: AsyncStore) -> None:
        self.store = store
        self.opened = 0
        self.overtaken = 0
        self.when_read: Callable[[], Coroutine[Any, Any, object]] | None = None

    @asynccontextmanager
    async def unit_of_work(self, *, read_only: bool = False) -> AsyncIterator[AsyncUnitOfWork]:
        self.opened += 1
        async with self.store.unit_of_work(read_only=read_only) as uow:
            yield uow
        if self.when_read:
            overtaking, self.when_read = self.when_read, None
            await overtaking()

    async def run(self, service: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        if self.overtaken:
            self.overtaken -= 1
            raise Conflict("somebody was faster")
        return await self.store.run(service, *given, **named)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def store(runner: asyncio.Runner) -> CountedStore:
    """A channel and no settings."""
    store = open_async_store("memory://")
    runner.run(store.run(lambda uow: uow.channels.add(Channel(channel_id="nature1", name="n"))))
    return CountedStore(store)


@pytest.fixture
def clock() -> SteadyClock:
    return SteadyClock()


@pytest.fixture
def configuration(store: CountedStore, clock: SteadyClock) -> AsyncConfiguration:
    return AsyncConfiguration(
        store,
        Settings([LIMIT, SPEED, TOKEN]),
        environ={},
        keyring=Keyring([new_key()]),
        monotonic=clock,
    )


def test_it_has_the_same_face() -> None:
    """The same names, arguments and defaults, in the same order."""
    for name, method in vars(Configuration).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            wanted = inspect.signature(method).parameters
            assert inspect.signature(vars(AsyncConfiguration)[name]).parameters == wanted
            assert inspect.iscoroutinefunction(vars(AsyncConfiguration)[name])
    made, wanted = (
        list(inspect.signature(kind).parameters.values())[1:]
        for kind in (AsyncConfiguration, Configuration)
    )
    assert made == wanted


def test_what_is_set_is_read(runner: asyncio.Runner, configuration: AsyncConfiguration) -> None:
    async def work() -> None:
        assert await configuration.get("speed", "nature1") == 1.0
        made = await configuration.set("speed", 2, channel="nature1", by="anna")
        assert await configuration.get("speed", "nature1") == 2.0
        assert await configuration.get("speed") == 1.0
        told = await configuration.explain("speed", "nature1")
        assert (told.layer, told.value) == ("channel", 2.0)
        assert told in await configuration.all("nature1")
        await configuration.set("api.token", "hunter2", system=True)
        assert await configuration.get("api.token") == Secret("hunter2")
        gone = await configuration.unset("speed", channel="nature1")
        assert gone is not None
        assert await configuration.get("speed", "nature1") == 1.0
        assert await configuration.unset("speed") is None
        assert [change.key for change in await configuration.history()] == [
            "speed",
            "api.token",
            "speed",
        ]
        [newest] = await configuration.history("speed", limit=1)
        assert (newest.old_value, newest.new_value) == (2.0, None)
        assert made.changed_by == "anna"

    runner.run(work())


def test_what_is_refused(runner: asyncio.Runner, configuration: AsyncConfiguration) -> None:
    def refused(kind: type[Exception], asked: Coroutine[Any, Any, object], told: str) -> None:
        with pytest.raises(kind, match=told):
            runner.run(asked)

    refused(InvalidValue, configuration.get("sped"), "'speed'")
    refused(InvalidValue, configuration.set("sped", 1), "'speed'")
    refused(InvalidValue, configuration.set("speed", "1"), "number expected")
    refused(NotFound, configuration.get("speed", "nature9"), "nature9")
    assert runner.run(configuration.history()) == []


def test_many_reads_are_one_reading(
    runner: asyncio.Runner,
    configuration: AsyncConfiguration,
    store: CountedStore,
    clock: SteadyClock,
) -> None:
    """Of all tasks together, until it is too old."""

    async def read() -> None:
        await asyncio.gather(*(configuration.get("speed", "nature1") for _ in range(50)))

    runner.run(read())
    assert store.opened == 1
    runner.run(store.run(lambda uow: uow.config_overrides.set("speed", "3")))
    clock.seconds += 4.9
    assert runner.run(configuration.get("speed")) == 1.0
    clock.seconds += 0.1
    assert runner.run(configuration.get("speed")) == 3.0
    assert store.opened == 2


def test_a_change_during_a_reading_is_seen_after_it(
    runner: asyncio.Runner, configuration: AsyncConfiguration, store: CountedStore
) -> None:
    """The reading that had begun before is not kept."""
    store.when_read = lambda: configuration.set("speed", 2)
    assert runner.run(configuration.get("speed")) == 1.0
    assert runner.run(configuration.get("speed")) == 2.0


def test_a_channel_that_is_new_is_not_missed_by_a_reading_under_way(
    runner: asyncio.Runner, configuration: AsyncConfiguration, store: CountedStore
) -> None:
    """Who asks for it waits for that reading, which had begun before, and then reads anew."""
    asking: list[asyncio.Task[object]] = []

    async def add_and_ask() -> None:
        channel = Channel(channel_id="nature3", name="n", settings={"speed": 3})
        await store.store.run(lambda uow: uow.channels.add(channel))
        asking.append(asyncio.create_task(configuration.get("speed", "nature3")))
        # As far as to where it waits.
        await asyncio.sleep(0)

    async def read() -> object:
        store.when_read = add_and_ask
        assert await configuration.get("speed") == 1.0
        return await asking[0]

    assert runner.run(read()) == 3.0


def test_others_in_the_way(
    runner: asyncio.Runner, configuration: AsyncConfiguration, store: CountedStore
) -> None:
    """The change is tried again, and given up after many attempts."""
    store.overtaken = 3
    assert runner.run(configuration.set("speed", 2)).new_value == 2.0
    store.overtaken = ATTEMPTS
    with pytest.raises(Conflict):
        runner.run(configuration.set("speed", 3))
    assert store.overtaken == 0
    assert runner.run(configuration.get("speed")) == 2.0
