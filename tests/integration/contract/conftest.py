"""The six stores that keep the same promises."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pipeline_store import Store, open_async_store, open_store
from pipeline_store.clock import utc_now
from tests.integration.contract.blocking import Blocking, blocking
from tests.integration.contract.samples import (
    CHILDREN_FIRST,
    KEY_TYPES,
    STORED_ROWS,
    TABLE_OF,
    Parents,
    add_parents,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.migrated_databases import MigratedDatabases

STORES = [
    pytest.param("memory"),
    pytest.param("sqlite"),
    pytest.param("postgres", marks=pytest.mark.postgres),
    pytest.param("aio-memory"),
    pytest.param("aio-sqlite"),
    pytest.param("aio-postgres", marks=pytest.mark.postgres),
]

TABLES_TO_EMPTY = (
    "task_ageing",
    *(TABLE_OF[collection] for collection in CHILDREN_FIRST),
    "quota_days",
)
HAS_ROWS = "EXISTS (SELECT 1 FROM {})"
WHICH_HAVE_ROWS = f"SELECT {', '.join(HAS_ROWS.format(table) for table in TABLES_TO_EMPTY)}"
NUMBERED_TABLES = tuple(TABLE_OF[name] for name, kind in KEY_TYPES.items() if kind is int)
"""The tables whose keys the database counts up."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "differs(*stores, reason): these stores keep the promise in another way"
    )


class SteppedClock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.instant

    def advance(self, **step: float) -> None:
        """Move by a `timedelta` of these arguments."""
        self.instant += timedelta(**step)


@pytest.fixture(scope="session")
def clock_of_all_tests() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def clock(clock_of_all_tests: SteppedClock) -> SteppedClock:
    """The clock of the store, at noon of 1 March 2026."""
    clock_of_all_tests.instant = SteppedClock().instant
    return clock_of_all_tests


@pytest.fixture(params=STORES)
def store_id(request: pytest.FixtureRequest) -> str:
    """Which of the six stores the test runs on."""
    name: str = request.param
    for mark in request.node.iter_markers("differs"):
        if name.removeprefix("aio-") in mark.args:
            pytest.skip(mark.kwargs["reason"])
    return name


@contextmanager
def opened(store_id: str, url: str, clock: Callable[[], datetime]) -> Iterator[Store]:
    """The store at the URL, in the colour that the id names; closed at the end."""
    if store_id.startswith("aio-"):
        with blocking(open_async_store(url, clock=clock)) as store:
            yield store
    else:
        store = open_store(url, clock=clock)
        yield store
        store.close()


class ReusedDatabase:
    """A database that is emptied for each test, with its stores: faster than new ones."""

    def __init__(
        self,
        url: str,
        connection: sqlite3.Connection | psycopg.Connection[Any],
        run_together: Callable[[str], object],
        count_from_one: str,
        clock: SteppedClock,
    ) -> None:
        self.url = url
        self._connection: Any = connection
        self._run_together = run_together
        self._count_from_one = count_from_one
        self._clock = clock
        self._stores: dict[str, Store] = {}
        self._undo = ExitStack()

    def store(self, store_id: str) -> Store:
        """The store on this database, connected since an earlier test."""
        if store_id not in self._stores:
            opening = opened(store_id, self.url, self._clock)
            store = self._undo.enter_context(opening)
            STORED_ROWS[store] = self.rows
            self._stores[store_id] = store
        return self._stores[store_id]

    def tables_with_rows(self) -> list[str]:
        """The tables that have rows, in an order in which they can be emptied."""
        answer = self._connection.execute(WHICH_HAVE_ROWS).fetchone()
        return [name for name, has_rows in zip(TABLES_TO_EMPTY, answer, strict=True) if has_rows]

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that is stored, by table and key: faster than by the store."""
        found: dict[str, list[dict[str, Any]]] = {}
        for table in self.tables_with_rows():
            cursor = self._connection.execute(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - our names
            names = [column[0] for column in cursor.description]
            found[table] = [dict(zip(names, row, strict=True)) for row in cursor]
        return found

    def empty(self) -> None:
        """Remove all rows, from the tables that have any: most have none."""
        deletions = [f"DELETE FROM {table}" for table in self.tables_with_rows()]  # noqa: S608 - our names
        self._run_together("; ".join([*deletions, self._count_from_one]))

    def close(self) -> None:
        self._undo.close()


@contextmanager
def reused_file(migrated_file: Path, path: Path, clock: SteppedClock) -> Iterator[ReusedDatabase]:
    """An SQLite file with the schema, emptied for each test."""
    shutil.copy(migrated_file, path)
    # No power cut is tested here.
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        # What a channel or a task leaves in tables of its own goes with it.
        connection.execute("PRAGMA foreign_keys=ON")

        def run_together(script: str) -> None:
            try:
                connection.executescript(f"BEGIN IMMEDIATE; {script}; COMMIT")
            finally:
                if connection.in_transaction:
                    connection.rollback()

        count_from_one = "DELETE FROM sqlite_sequence"
        url = f"sqlite:///{path}?synchronous=OFF"
        database = ReusedDatabase(url, connection, run_together, count_from_one, clock)
        yield database
        database.close()


@contextmanager
def reused_on_server(databases: MigratedDatabases, clock: SteppedClock) -> Iterator[ReusedDatabase]:
    """A PostgreSQL database with the schema, emptied for each test."""
    url = databases.take()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '10s'")
        sequences = [f"setval('{table}_id_seq', 1, false)" for table in NUMBERED_TABLES]
        count_from_one = f"SELECT {', '.join(sequences)}"
        database = ReusedDatabase(url, connection, connection.execute, count_from_one, clock)
        yield database
        database.close()
    databases.give_back(url)


@pytest.fixture(scope="session")
def sqlite_database(
    migrated_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
    clock_of_all_tests: SteppedClock,
) -> Iterator[ReusedDatabase]:
    """The SQLite file of the store."""
    path = tmp_path_factory.mktemp("reused") / "store.db"
    with reused_file(migrated_file, path, clock_of_all_tests) as database:
        yield database


@pytest.fixture(scope="session")
def another_sqlite_database(
    migrated_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
    clock_of_all_tests: SteppedClock,
) -> Iterator[ReusedDatabase]:
    """The SQLite file of the second store."""
    path = tmp_path_factory.mktemp("another") / "store.db"
    with reused_file(migrated_file, path, clock_of_all_tests) as database:
        yield database


@pytest.fixture(scope="session")
def postgres_database(
    migrated_databases: MigratedDatabases, clock_of_all_tests: SteppedClock
) -> Iterator[ReusedDatabase]:
    """The PostgreSQL database of the store."""
    with reused_on_server(migrated_databases, clock_of_all_tests) as database:
        yield database


@pytest.fixture(scope="session")
def another_postgres_database(
    migrated_databases: MigratedDatabases, clock_of_all_tests: SteppedClock
) -> Iterator[ReusedDatabase]:
    """The PostgreSQL database of the second store."""
    with reused_on_server(migrated_databases, clock_of_all_tests) as database:
        yield database


@pytest.fixture
def emptied_database(store_id: str, request: pytest.FixtureRequest) -> ReusedDatabase | None:
    """The database that the test uses, without rows; none in memory."""
    kind = store_id.removeprefix("aio-")
    if kind == "memory":
        return None
    database: ReusedDatabase = request.getfixturevalue(f"{kind}_database")
    database.empty()
    return database


@pytest.fixture
def database_url(emptied_database: ReusedDatabase | None) -> str:
    """Where the store of the test is."""
    return emptied_database.url if emptied_database else "memory://"


@pytest.fixture
def store(
    store_id: str, emptied_database: ReusedDatabase | None, clock: SteppedClock
) -> Iterator[Store]:
    """An empty store; the same test runs on all six."""
    if emptied_database:
        yield emptied_database.store(store_id)
        return
    with opened(store_id, "memory://", clock) as store:
        yield store


@pytest.fixture
def going_store(store_id: str, database_url: str) -> Iterator[Store]:
    """An empty store whose clock goes, for what waits until a lease has ended."""
    with opened(store_id, database_url, utc_now) as store:
        yield store


@pytest.fixture
def beside(going_store: Store, database_url: str) -> Iterator[Store]:
    """The same store as other threads use it, synchronously."""
    if database_url == "memory://":
        yield going_store.lifted.counterpart if isinstance(going_store, Blocking) else going_store
        return
    other = open_store(database_url)
    yield other
    other.close()


@pytest.fixture
def another_store(
    store_id: str, request: pytest.FixtureRequest, clock: SteppedClock
) -> Iterator[Store]:
    """A second empty store of the same kind, with a database of its own."""
    kind = store_id.removeprefix("aio-")
    if kind == "memory":
        with opened(store_id, "memory://", clock) as store:
            yield store
        return
    database: ReusedDatabase = request.getfixturevalue(f"another_{kind}_database")
    database.empty()
    yield database.store(store_id)


@pytest.fixture
def parents(store: Store, request: pytest.FixtureRequest) -> Parents:
    """The keys of objects that those of the collection can refer to; of every one without any."""
    called_with = request.node.callspec.params
    where = called_with.get("reference")
    collection = where.collection if where else called_with.get("collection")
    return add_parents(store, *([collection] if collection else []))
