"""Servers that stop, connections that are lost, locks that are not given: typed errors, and on."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pipeline_store import open_async_store, open_store
from pipeline_store.errors import CommitUnknown, InvalidValue, StoreBusy, StoreUnavailable
from pipeline_store.production import ErrorLog
from tests.conftest import skip_without_postgres
from tests.integration.contract.blocking import blocking
from tests.integration.cut_at_commit import CutAtCommit
from tests.postgres_server import (
    LocalPostgresServer,
    PostgresMissingError,
    find_binaries,
    wheel_binaries,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import AsyncStore, Store, UnitOfWork
    from tests.postgres_server import PostgresServer

    Opener = Callable[..., Any]

START = datetime(2026, 3, 1, tzinfo=UTC)
LEASE = timedelta(minutes=1)
COLOURS = ["psycopg", "asyncpg"]

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def own_server() -> Iterator[LocalPostgresServer]:
    """A server that these tests may stop."""
    try:
        binaries = find_binaries(os.environ, wheel_binaries())
    except PostgresMissingError as missing:
        skip_without_postgres(str(missing), os.environ)
    # What was committed survives its crash only if it was written.
    with LocalPostgresServer(binaries, {"fsync": "on"}) as server:
        yield server


@contextmanager
def opened(colour: str, url: str, **options: Any) -> Iterator[Store]:
    """The synchronous store, or the awaited one behind the same face."""
    if colour == "psycopg":
        store = open_store(url, **options)
        yield store
        store.close()
    else:
        with blocking(open_async_store(url, **options)) as store:
            yield store


def pool_of(store: Any) -> Any:
    lifted = getattr(store, "lifted", None)
    return (lifted.counterpart if lifted else store).engine.pool


def an_error(message: str = "broken") -> ErrorLog:
    return ErrorLog(module="cut", error_type="ValueError", error_message=message)


def messages(store: Store) -> list[str]:
    with store.unit_of_work(read_only=True) as uow:
        return [error.error_message for error in uow.errors.page()]


def log(store: Store, message: str) -> None:
    with store.unit_of_work() as uow:
        uow.errors.add(an_error(message))
        uow.commit()


def upgraded(url: str) -> str:
    store = open_store(url)
    store.upgrade()
    store.close()
    return url


# -- a server that stops ------------------------------------------------------------------------


@pytest.mark.parametrize("colour", COLOURS)
def test_a_store_outlives_a_crash_of_its_server(
    own_server: LocalPostgresServer, colour: str
) -> None:
    """A stopped server is StoreUnavailable in and between units of work; restarted, it serves."""
    url = upgraded(own_server.create_database())
    with opened(colour, url) as store:
        log(store, "before")
        with pytest.raises(StoreUnavailable), store.unit_of_work() as uow:  # noqa: PT012
            uow.errors.add(an_error("lost"))
            own_server.stop()
            uow.errors.add(an_error("lost"))
        with pytest.raises(StoreUnavailable):
            log(store, "nobody there")
        with pytest.raises(StoreUnavailable):
            messages(store)
        assert pool_of(store).checkedout() == 0
        own_server.start()
        log(store, "after")
        assert messages(store) == ["before", "after"]
    own_server.drop_database(url)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_store_outlives_an_orderly_restart(own_server: LocalPostgresServer, colour: str) -> None:
    """After a restart between two units of work the second one never notices."""
    url = upgraded(own_server.create_database())
    with opened(colour, url) as store:
        log(store, "before")
        own_server.stop("fast")
        own_server.start()
        log(store, "after")
        assert messages(store) == ["before", "after"]
    own_server.drop_database(url)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_closed_port_is_store_unavailable(colour: str) -> None:
    """No server at the address is StoreUnavailable from every call that connects."""
    url = "postgresql://somebody:canary@127.0.0.1:1/nothing"
    with opened(colour, url) as store:
        for call in (store.upgrade, store.current, lambda: store.downgrade("base")):
            with pytest.raises(StoreUnavailable):
                call()
        with pytest.raises(StoreUnavailable), store.unit_of_work() as uow:
            uow.errors.count()


@pytest.mark.parametrize("colour", COLOURS)
def test_a_server_that_keeps_silent(colour: str) -> None:
    """Where nobody answers in the time that the URL allows, the error says so."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://somebody:canary@127.0.0.1:{port}/nothing?connect_timeout=2"
        with opened(colour, url) as store, pytest.raises(StoreUnavailable, match="time"):
            store.current()


# -- a connection that is lost ------------------------------------------------------------------


def terminate_others(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("colour", COLOURS)
def test_a_terminated_backend_ends_its_unit_of_work_only(postgres_url: str, colour: str) -> None:
    """A connection ended by the server is StoreUnavailable once; the next unit of work works."""
    with opened(colour, postgres_url) as store:
        with pytest.raises(StoreUnavailable), store.unit_of_work() as uow:  # noqa: PT012
            uow.errors.add(an_error("lost"))
            terminate_others(postgres_url)
            uow.errors.count()
        assert pool_of(store).checkedout() == 0
        log(store, "kept")
        assert messages(store) == ["kept"]


@pytest.mark.parametrize("colour", COLOURS)
def test_leaving_after_the_connection_is_lost_is_quiet(postgres_url: str, colour: str) -> None:
    """A unit of work that is left without commit raises nothing, even with its connection gone."""
    with opened(colour, postgres_url) as store:
        with store.unit_of_work() as uow:
            uow.errors.add(an_error("lost"))
            terminate_others(postgres_url)
        assert pool_of(store).checkedout() == 0
        assert messages(store) == []


@pytest.mark.parametrize("delivered", [True, False])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_connection_lost_at_the_commit_is_commit_unknown(
    postgres_url: str, colour: str, delivered: bool
) -> None:
    """When the answer to a commit is lost the caller is told that it may have happened, or not."""
    with CutAtCommit(postgres_url) as proxy, opened(colour, proxy.url) as store:
        messages(store)
        with pytest.raises(CommitUnknown), store.unit_of_work() as uow:  # noqa: PT012
            uow.errors.add(an_error("perhaps"))
            proxy.arm(delivered=delivered)
            uow.commit()
        assert proxy.cuts == 1
        assert pool_of(store).checkedout() == 0
        assert messages(store) == (["perhaps"] if delivered else [])


@pytest.mark.parametrize("colour", COLOURS)
def test_an_idle_transaction_ended_by_the_server_is_store_unavailable(
    postgres_url: str, colour: str
) -> None:
    """A unit of work that idled longer than the server allows has lost its connection."""
    settings = server_settings(colour, idle_in_transaction_session_timeout="100")
    with opened(colour, postgres_url, connect_args=settings) as store:
        with pytest.raises(StoreUnavailable), store.unit_of_work() as uow:  # noqa: PT012
            uow.errors.add(an_error("lost"))
            with psycopg.connect(postgres_url) as watching:
                watching.execute("SELECT pg_sleep(0.5)")
            uow.errors.count()
        assert messages(store) == []


def server_settings(colour: str, **settings: str) -> dict[str, Any]:
    if colour == "psycopg":
        return {"options": " ".join(f"-c {name}={value}" for name, value in settings.items())}
    return {"server_settings": settings}


@pytest.mark.parametrize("colour", COLOURS)
def test_waiting_goes_on_when_the_server_refuses_connections(
    postgres_server: PostgresServer, colour: str
) -> None:
    """Hints are waited for as long as they may be where the server answers, but lets nobody in."""
    url = postgres_server.create_database()
    postgres_server.drop_database(url)
    with opened(colour, url) as store, store.wakeups() as wakeups:
        assert wakeups.wait(timedelta(seconds=0.3)) is False


# -- locks and pools ----------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["lock_timeout", "statement_timeout"])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_lock_held_too_long_is_store_busy(postgres_url: str, colour: str, setting: str) -> None:
    """A row locked by others for longer than the server waits is StoreBusy, and later it works."""
    settings = server_settings(colour, **{setting: "200"})
    with opened(colour, postgres_url, connect_args=settings) as store:
        log(store, "old")
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT * FROM error_log FOR UPDATE")
            with pytest.raises(StoreBusy), store.unit_of_work() as uow:  # noqa: PT012
                (error,) = uow.errors.page()
                error.error_message = "new"
                uow.commit()
        assert messages(store) == ["old"]
        with store.unit_of_work() as uow:
            (error,) = uow.errors.page()
            error.error_message = "new"
            uow.commit()
        assert messages(store) == ["new"]


@pytest.mark.parametrize("colour", COLOURS)
def test_an_exhausted_pool_is_store_busy(postgres_url: str, colour: str) -> None:
    """With every connection in use the next unit of work is StoreBusy, until one is back."""
    options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1}
    with opened(colour, postgres_url, **options) as store:
        messages(store)
        with store.unit_of_work() as uow:
            uow.errors.count()
            with pytest.raises(StoreBusy, match="pool_size"):
                log(store, "no room")
        log(store, "room")
        assert messages(store) == ["room"]


# -- event loops --------------------------------------------------------------------------------


@pytest.fixture(params=["aiosqlite", "asyncpg"])
def awaited_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database for an awaited store."""
    on_a_server = request.param == "asyncpg"
    return str(request.getfixturevalue("postgres_url" if on_a_server else "sqlite_url"))


async def log_awaited(store: AsyncStore, message: str) -> int:
    """Log a message; return how many there are."""
    async with store.unit_of_work() as uow:
        await uow.errors.add(an_error(message))
        await uow.commit()
        return await uow.errors.count()


def test_a_store_in_two_event_loops_is_refused(awaited_url: str) -> None:
    """The second one is told what to do; once the store is closed in the first it may use it."""
    store = open_async_store(awaited_url)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        assert first.run(log_awaited(store, "first")) == 1
        for call in (log_awaited(store, "second"), store.claim_next("w", lease=LEASE)):
            with pytest.raises(InvalidValue, match=r"another event loop.*open one store for each"):
                second.run(call)
        assert first.run(log_awaited(store, "first")) == 2
        first.run(store.close())
        assert second.run(log_awaited(store, "second")) == 3
        second.run(store.close())


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_a_store_outlives_an_event_loop_in_which_it_was_not_closed(awaited_url: str) -> None:
    """Its connections are those of a loop that has ended; new ones are made in the next."""
    store = open_async_store(awaited_url)
    counts = [asyncio.run(log_awaited(store, "again")) for _ in range(3)]
    asyncio.run(store.close())
    assert counts == [1, 2, 3]
    # The connections that nobody could close warn of that here, and not in another test.
    gc.collect()


# -- tasks that are cancelled -------------------------------------------------------------------


def add_many_slowly(uow: UnitOfWork, number: int) -> None:
    for _ in range(20):
        uow.errors.add(an_error(str(number)))


def test_a_cancelled_task_leaves_nothing_behind(awaited_url: str) -> None:
    """A task cancelled anywhere in a unit of work is rolled back, and the pool is whole."""

    async def attempt(store: AsyncStore, number: int) -> None:
        async with store.unit_of_work() as uow:
            await uow.run(add_many_slowly, number)
            await uow.commit()

    async def main() -> tuple[dict[str, int], int, int]:
        store = open_async_store(awaited_url)
        await attempt(store, -1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await attempt(store, -2)
        usual = loop.time() - began
        cancelled = 0
        for number in range(24):
            task = asyncio.create_task(attempt(store, number))
            await asyncio.sleep(usual * number / 20)
            task.cancel()
            if number % 2:
                # Some are cancelled once more, while they roll back.
                await asyncio.sleep(0)
                task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            cancelled += task.cancelled()
            if not task.cancelled():
                # The machine had more to do when the usual time was taken.
                usual *= 0.8
        pool: Any = store.counterpart.engine.pool  # type: ignore[attr-defined]
        for _ in range(100):
            # What a cancelled task has begun on a file goes on to its end in a thread.
            if not pool.checkedout():
                break
            await asyncio.sleep(0.1)
        out = pool.checkedout()
        await attempt(store, -3)
        async with store.unit_of_work(read_only=True) as uow:
            counts: dict[str, int] = {}
            for error in await uow.errors.page(limit=10_000):
                counts[error.error_message] = counts.get(error.error_message, 0) + 1
        await store.close()
        return counts, cancelled, out

    counts, cancelled, out = asyncio.run(main())
    assert set(counts.values()) == {20}
    assert {"-1", "-2", "-3"} <= set(counts)
    # Without any that was cancelled this would show nothing.
    assert cancelled >= 5
    assert out == 0


ENOUGH_CANCELLED = 40


def test_cancelled_tasks_leave_no_lock_on_a_file(sqlite_url: str) -> None:
    """Wherever tasks are cancelled, also while they connect, the next one can write at once."""

    async def attempt(store: AsyncStore) -> None:
        async with store.unit_of_work() as uow:
            await uow.errors.add(an_error("one"))
            await uow.errors.recent()
            await uow.commit()

    async def main() -> None:
        store = open_async_store(sqlite_url, connect_args={"timeout": 0})
        # As often as it takes, since nobody knows how long an attempt does.
        cancelled, tried = 0, 0
        while cancelled < ENOUGH_CANCELLED:
            task = asyncio.create_task(attempt(store))
            await asyncio.sleep(tried % 40 * 0.0005)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            cancelled += task.cancelled()
            tried += 1
        async with asyncio.timeout(30):
            await attempt(store)
            await store.close()

    asyncio.run(main())


def test_a_task_that_waits_for_a_lock_can_be_cancelled(postgres_url: str) -> None:
    """Cancelling a task that waits for a row ends it at once, and nothing of it is kept."""

    async def main() -> None:
        store = open_async_store(postgres_url)
        async with store.unit_of_work() as uow:
            error = await uow.errors.add(an_error("old"))
            await uow.commit()

        async def change() -> None:
            async with store.unit_of_work() as uow:
                found = await uow.errors.get(error.id)
                await uow.errors.add(an_error("another"))
                found.error_message = "new"
                await uow.commit()

        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT * FROM error_log FOR UPDATE")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(change(), timeout=0.5)
        assert store.counterpart.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        await change()
        async with store.unit_of_work(read_only=True) as uow:
            found = [error.error_message for error in await uow.errors.page()]
        assert found == ["new", "another"]
        await store.close()

    asyncio.run(main())


def test_a_cancelled_call_undoes_the_unit_of_work(postgres_url: str) -> None:
    """A unit of work in which a call was cancelled is undone, and says so to who goes on."""

    async def main() -> list[str]:
        store = open_async_store(postgres_url)
        async with store.unit_of_work() as uow:
            await uow.errors.add(an_error("old"))
            await uow.commit()
        async with store.unit_of_work() as uow:
            (error,) = await uow.errors.page()
            await uow.errors.add(an_error("another"))
            with psycopg.connect(postgres_url) as other:
                other.execute("SELECT * FROM error_log FOR UPDATE")
                error.error_message = "new"
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(uow.errors.count(), timeout=0.3)
            with pytest.raises(Exception, match="undid this unit of work") as raised:
                await uow.commit()
        async with store.unit_of_work(read_only=True) as uow:
            found = [error.error_message for error in await uow.errors.page()]
        await store.close()
        return [type(raised.value).__name__, *found]

    assert asyncio.run(main()) == ["RolledBack", "old"]


def test_leaving_a_store_closes_it(sqlite_url: str) -> None:
    """It is a context manager in both colours."""
    with open_store(sqlite_url) as store:
        with store.unit_of_work() as uow:
            uow.errors.count()
        pool: Any = store.engine.pool  # type: ignore[attr-defined]
        assert pool.checkedin() == 1
    assert store.engine.pool.checkedin() == 0  # type: ignore[attr-defined]

    async def main() -> None:
        async with open_async_store(sqlite_url) as store:
            async with store.unit_of_work() as uow:
                await uow.errors.count()
            engine: Any = store.counterpart.engine  # type: ignore[attr-defined]
            assert engine.pool.checkedin() == 1
        assert engine.pool.checkedin() == 0

    asyncio.run(main())
