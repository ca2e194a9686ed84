"""Workers in processes of their own: woken, stopped and killed, on real databases."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest

from pipeline_store import open_async_store, open_store
from pipeline_store.channels import Channel
from pipeline_store.services.async_work import AsyncWorker
from pipeline_store.services.work import Worker
from pipeline_store.sql.listeners import AsyncpgListener
from pipeline_store.tasks import TaskStatus
from tests.integration.contract.test_task_claims import add_channel, add_task
from tests.integration.contract.test_tasks import a_task, moves_of, read
from tests.integration.contract.workers import LONG, happens, has_happened
from tests.integration.racing import Child, at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from uuid import UUID

    from pipeline_store import Store
    from tests.postgres_server import PostgresServer

S = TaskStatus
NEVER = timedelta(days=1)
SHORT = timedelta(seconds=0.5)
LONG_LEASE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema and a channel."""
    path = tmp_path_factory.mktemp("workers") / "empty.db"
    store = open_store(f"sqlite:///{path}")
    store.upgrade()
    add_channel(store, "history1")
    store.close()
    return path


@pytest.fixture(scope="module")
def postgres_template(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database with the schema and a channel."""
    url = postgres_server.create_database()
    store = open_store(url)
    store.upgrade()
    add_channel(store, "history1")
    store.close()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with a channel."""
    if request.param == "sqlite":
        path = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("sqlite_file"), path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
        yield f"sqlite:///{path}"
        return
    yield from _database(
        request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
    )


@pytest.fixture
def postgres(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """Such a database on PostgreSQL."""
    yield from _database(postgres_server, postgres_template)


def _database(server: PostgresServer, template: str) -> Iterator[str]:
    made = server.create_database(template)
    yield made
    server.drop_database(made)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """The store there."""
    store = open_store(url)
    yield store
    store.close()


def channel_of(store: Store) -> UUID:
    """The key of its channel."""
    with store.unit_of_work(read_only=True) as uow:
        channel = uow.channels.by_channel_id("history1")
        assert channel
        return channel.id


def working(
    url: str, name: str, handler: Callable[[Any], None], lease: timedelta = LONG_LEASE
) -> Child:
    """A forked process with a worker, until it is stopped; it says that it has ended."""

    def run(say: Callable[[str], None]) -> None:
        store = open_store(url)
        Worker(store, handler, name=name, poll=timedelta(seconds=0.1), lease=lease).run()
        store.close()
        say("ended")

    return Child(run)


def do_nothing(_work: Any) -> None:
    """Do everything there is to do."""


class LongWork:
    """A handler that goes on until the worker is to stop, or until the process ends."""

    def __init__(self, folder: Path, *, for_ever: bool = False) -> None:
        self._begun = folder / "begun"
        self._for_ever = for_ever

    def __call__(self, work: Any) -> None:
        self._begun.touch()
        while self._for_ever or not work.is_stopping:
            time.sleep(0.01)

    def has_begun(self) -> bool:
        """Whether it is at work, in whatever process."""
        return self._begun.exists()


class TestEnds:
    """How the process of a worker can end."""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal(self, store: Store, url: str, number: int, tmp_path: Path) -> None:
        """It finishes what its handler is at, and holds nothing when it is gone."""
        task = add_task(store, channel_of(store))
        work = LongWork(tmp_path)
        child = working(url, "w1", work)
        has_happened(work.has_begun)
        os.kill(child.process, number)
        assert child.line() == "ended"
        os.waitpid(child.process, 0)
        found = read(store, task.id)
        assert (found.status, found.worker) == (S.ASSETS_READY, None)

    def test_a_second_signal(self, store: Store, url: str, tmp_path: Path) -> None:
        """It interrupts the handler, and the task is given back at once."""
        task = add_task(store, channel_of(store))
        work = LongWork(tmp_path, for_ever=True)
        child = working(url, "w1", work)
        has_happened(work.has_begun)
        os.kill(child.process, signal.SIGTERM)
        os.kill(child.process, signal.SIGINT)
        assert child.line() == "raised KeyboardInterrupt()"
        os.waitpid(child.process, 0)
        found = read(store, task.id)
        assert (found.status, found.worker, found.attempts) == (S.GENERATING_ASSETS, None, 0)

    def test_a_kill(self, store: Store, url: str, tmp_path: Path) -> None:
        """What it held is finished by another worker, without help, when its lease is over."""
        task = add_task(store, channel_of(store))
        work = LongWork(tmp_path, for_ever=True)
        killed = working(url, "w1", work, SHORT)
        has_happened(work.has_begun)
        other = working(url, "w2", do_nothing)
        os.kill(killed.process, signal.SIGKILL)
        os.waitpid(killed.process, 0)
        has_happened(lambda: read(store, task.id).status == S.ASSETS_READY)
        os.kill(other.process, signal.SIGTERM)
        assert other.line() == "ended"
        os.waitpid(other.process, 0)
        assert [move[:3] for move in moves_of(store, task.id)] == [
            ("queued", "claimed", "w1"),
            ("claimed", "generating_assets", "w1"),
            ("generating_assets", "assets_ready", "w2"),
        ]


@contextmanager
def worker_beside(url: str, *, awaited: bool = False, **settings: Any) -> Iterator[Any]:
    """A worker in a thread that would look by itself only tomorrow."""
    settings = {"poll": NEVER, "name": "w1", **settings}
    if awaited:
        asynchronous = open_async_store(url)
        async_worker = AsyncWorker(asynchronous, do_nothing, **settings)
        loop = asyncio.new_event_loop()

        async def run() -> None:
            await async_worker.run(handle_signals=False)
            await asynchronous.close()

        thread = Thread(target=loop.run_until_complete, args=(run(),))
        thread.start()
        try:
            yield async_worker
        finally:
            loop.call_soon_threadsafe(async_worker.stop)
            thread.join()
            loop.close()
        return
    store = open_store(url)
    worker = Worker(store, do_nothing, **settings)
    thread = Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()
        store.close()


LISTENING = "query LIKE 'LISTEN%' AND datname = current_database()"
HOW_MANY_LISTEN = f"SELECT count(*) FROM pg_stat_activity WHERE {LISTENING}"  # noqa: S608 - ours
END_THEM = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {LISTENING}"  # noqa: S608
DRIVERS = [
    pytest.param(("postgresql", False), id="psycopg"),
    pytest.param(("postgresql", True), id="asyncpg"),
    pytest.param(("postgresql+psycopg", True), id="psycopg-awaited"),
]


@pytest.mark.parametrize("driver", DRIVERS)
class TestListening:
    """Hints on PostgreSQL, with each of its drivers."""

    def test_added_by_another_process(self, postgres: str, driver: tuple[str, bool]) -> None:
        """A task is taken at once by a worker that would look by itself only tomorrow."""
        with (
            worker_of(postgres, driver),
            watching(postgres) as ask,
        ):
            has_happened(lambda: ask(HOW_MANY_LISTEN))
            for _ in range(3):
                # It waits again.
                time.sleep(0.1)
                (key,) = at_once(add_elsewhere, postgres, 1)
                arrives(ask, key)

    def test_the_connection_is_lost(self, postgres: str, driver: tuple[str, bool]) -> None:
        """It is made again, and what was announced meanwhile is found."""
        with (
            worker_of(postgres, driver),
            watching(postgres) as ask,
        ):
            for _ in range(2):
                has_happened(lambda: ask(HOW_MANY_LISTEN))
                assert ask(END_THEM)
                arrives(ask, add_elsewhere(postgres))
                arrives(ask, add_elsewhere(postgres))

    def test_idle(self, postgres: str, driver: tuple[str, bool]) -> None:
        """A worker that waits sends nothing."""
        with worker_of(postgres, driver), watching(postgres) as ask:
            has_happened(lambda: ask(HOW_MANY_LISTEN))
            # It looks once more after it has begun to listen, on a slow machine some time later.
            has_happened(lambda: is_silent(ask))
            before = last_words(ask)
            time.sleep(0.7)
            assert last_words(ask) == before


def test_the_connection_is_lost_as_it_begins(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of an answer asyncpg calls that an error of its own; workers go on."""

    def break_off(_listener: AsyncpgListener, _connection: object) -> None:
        message = "cannot switch to state 12; another operation (2) is in progress"
        raise asyncpg.InternalClientError(message)

    monkeypatch.setattr(AsyncpgListener, "begin", break_off)

    async def look() -> bool:
        store = open_async_store(postgres_url)
        async with store.wakeups() as wakeups:
            found = await wakeups.wait(timedelta(milliseconds=1))
        await store.close()
        return found

    assert asyncio.run(look()) is False


def worker_of(url: str, driver: tuple[str, bool]) -> AbstractContextManager[Any]:
    """A worker over that driver, which the scheme of the URL chooses."""
    scheme, awaited = driver
    return worker_beside(scheme + url[url.index("://") :], awaited=awaited)


def add_elsewhere(url: str) -> str:
    """Add a task through a store of its own; return its key."""
    store = open_store(url)
    key = str(add_task(store, channel_of(store), notion_page_id=uuid4().hex).id)
    store.close()
    return key


@contextmanager
def watching(url: str) -> Iterator[Callable[..., Any]]:
    """A function that asks the database for one value."""
    with psycopg.connect(url, autocommit=True) as connection:

        def ask(query: Any, *values: object) -> Any:
            done = connection.execute(query, values or None)
            row = done.fetchone() if done.description else None
            return row and row[0]

        yield ask


def arrives(ask: Callable[..., Any], key: str) -> None:
    """Wait until the task has come to its first gate."""
    has_happened(lambda: ask("SELECT status FROM tasks WHERE id = %s", key) == "assets_ready")


def last_words(ask: Callable[..., Any]) -> Any:
    """When each other connection of the database said something last."""
    return ask(
        "SELECT array_agg((pid, query_start)::text ORDER BY pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )


def is_silent(ask: Callable[..., Any]) -> bool:
    """Whether nobody says anything for longer than a worker that polls would keep silent."""
    before = last_words(ask)
    time.sleep(1)
    return bool(last_words(ask) == before)


def test_many_workers_wait(postgres: str) -> None:
    """Eight of them that wait take what is added together, each task once."""
    store = open_store(postgres)
    children = [working(postgres, f"w{number}", do_nothing) for number in range(8)]
    keys = [add_task(store, channel_of(store)).id for _ in range(24)]
    has_happened(lambda: all(read(store, key).status == S.ASSETS_READY for key in keys))
    for child in children:
        os.kill(child.process, signal.SIGTERM)
        assert child.line() == "ended"
        os.waitpid(child.process, 0)
    assert all(len(moves_of(store, key)) == 3 for key in keys)
    store.close()


def test_an_idle_worker_on_a_file(sqlite_file: Path, tmp_path: Path) -> None:
    """A worker that waits on an SQLite file claims nothing while nobody writes."""
    path = tmp_path / "store.db"
    shutil.copy(sqlite_file, path)
    store: Any = open_store(f"sqlite:///{path}")
    claims: list[float] = []
    claim = store.claim_next
    store.claim_next = lambda *given, **named: claims.append(0) or claim(*given, **named)
    worker = Worker(store, do_nothing, poll=NEVER)
    thread = Thread(target=worker.run)
    thread.start()
    has_happened(lambda: claims)
    time.sleep(1)
    worker.stop()
    thread.join()
    store.close()
    assert len(claims) == 1


def test_a_database_that_is_away(postgres: str, postgres_server: PostgresServer) -> None:
    """A worker goes on when the database is there again."""
    with worker_beside(postgres, poll=timedelta(seconds=0.1)):
        with watching(postgres) as ask:
            has_happened(lambda: ask(HOW_MANY_LISTEN))
        name = postgres.rpartition("/")[2].partition("?")[0]
        with watching(postgres_server.url) as elsewhere:
            elsewhere(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            elsewhere(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s",
                name,
            )
            time.sleep(0.5)
            elsewhere(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        with watching(postgres) as ask:
            arrives(ask, add_elsewhere(postgres))


@pytest.mark.parametrize("awaited", [False, True], ids=["plain", "awaited"])
def test_hints_of_a_database_in_memory(awaited: bool) -> None:
    """A database in memory has one connection, whose own writes are the hints."""

    async def use_awaited() -> list[bool]:
        store = open_async_store("sqlite://")
        await store.upgrade()
        async with store.wakeups() as wakeups:
            found = [await wakeups.wait(timedelta(seconds=0.1))]
            async with store.unit_of_work() as uow:
                await uow.channels.add(Channel(channel_id="history1", name="History"))
                await uow.commit()
            found.append(await wakeups.wait(timedelta(seconds=10)))
        await store.close()
        return found

    if awaited:
        assert asyncio.run(use_awaited()) == [False, True]
        return
    store = open_store("sqlite://")
    store.upgrade()
    with store.wakeups() as wakeups:
        assert not wakeups.wait(timedelta(seconds=0.1))
        add_channel(store, "history1")
        assert wakeups.wait(timedelta(seconds=10))
    store.close()


@pytest.mark.parametrize("at_work", [False, True], ids=["waiting", "at work"])
@pytest.mark.parametrize("where", ["memory", "database"])
def test_an_awaited_worker_that_is_cancelled(url: str, where: str, at_work: bool) -> None:
    """Its task is given back, and it leaves no connection and no thread behind."""

    async def take_long(_work: Any) -> None:
        await asyncio.sleep(600)

    async def cancel() -> None:
        store = open_async_store("memory://" if where == "memory" else url)
        async with store.unit_of_work() as uow:
            channel = await uow.channels.by_channel_id("history1")
            if channel is None:
                channel = await uow.channels.add(Channel(channel_id="history1", name="History"))
            task = a_task(channel.id, status=S.QUEUED if at_work else S.DRAFT)
            await uow.tasks.add(task)
            await uow.commit()
        worker = AsyncWorker(store, take_long, name="w1", poll=NEVER)
        running = asyncio.create_task(worker.run())
        while at_work:
            async with store.unit_of_work(read_only=True) as uow:
                if (await uow.tasks.get(task.id)).status == S.GENERATING_ASSETS:
                    break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with store.unit_of_work(read_only=True) as uow:
            assert (await uow.tasks.get(task.id)).lease_expires_at is None
        await store.close()

    asyncio.run(cancel())


def test_an_awaited_worker_is_told_of_signals(store: Store, url: str) -> None:
    """SIGTERM lets it finish, a second one gives its task back at once."""

    def run(say: Callable[[str], None]) -> None:
        async def work(work: Any) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
            assert work.is_stopping
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(600)

        async def main() -> None:
            awaited = open_async_store(url)
            try:
                await AsyncWorker(awaited, work, name="w1").run()
            except asyncio.CancelledError:
                say("cancelled")
            await awaited.close()

        asyncio.run(main())

    task = add_task(store, channel_of(store))
    child = Child(run)
    assert child.line() == "cancelled"
    os.waitpid(child.process, 0)
    found = read(store, task.id)
    assert (found.status, found.worker, found.attempts) == (S.GENERATING_ASSETS, None, 0)


@pytest.mark.parametrize("kills", [1, 2])
def test_all_workers_of_a_loop_are_told_of_signals(kills: int) -> None:
    """One that has ended before leaves them to the others; afterwards all is as it was."""

    def run(say: Callable[[str], None]) -> None:
        at_work: list[str] = []

        async def work(held: Any) -> None:
            at_work.append(held.claim.worker)
            await happens(lambda: kills == 1 and held.is_stopping)

        async def main() -> str:
            awaited = open_async_store("memory://")
            async with awaited.unit_of_work() as uow:
                channel = Channel(channel_id="history1", name="History", max_concurrent=3)
                await uow.channels.add(channel)
                pages = [f"page{number}" for number in range(3)]
                await uow.tasks.add_many(
                    a_task(channel.id, status=S.QUEUED, notion_page_id=page) for page in pages
                )
                await uow.commit()
            ending = AsyncWorker(awaited, {S.UPLOADING: work})
            workers = [AsyncWorker(awaited, work, name=f"w{number}") for number in range(3)]
            running = [asyncio.create_task(each.run()) for each in (*workers, ending)]
            await happens(lambda: len(at_work) == 3)
            ending.stop()
            await running.pop()
            for number in range(kills):
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.sleep(0.05 * number)
            done, _ = await asyncio.wait(running, timeout=LONG)
            async with awaited.unit_of_work(read_only=True) as uow:
                held = sum(task.worker is not None for task in await uow.tasks.page())
            return f"{len(done)} of {sorted(at_work)} ended, {held} tasks are held"

        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        came_of_it = asyncio.run(main())
        after = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        say(f"{came_of_it}, signals are {'as before' if after == before else after}")

    child = Child(run)
    told = "3 of ['w0', 'w1', 'w2'] ended, 0 tasks are held, signals are as before"
    assert child.line() == told
    os.waitpid(child.process, 0)
