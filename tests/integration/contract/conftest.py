"""The six stores that keep the same promises."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pipeline_store import Store, open_async_store, open_store
from tests.integration.contract.blocking import blocking
from tests.integration.contract.samples import Parents, add_parents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres_server import PostgresServer

STORES = [
    pytest.param("memory"),
    pytest.param("sqlite"),
    pytest.param("postgres", marks=pytest.mark.postgres),
    pytest.param("aio-memory"),
    pytest.param("aio-sqlite"),
    pytest.param("aio-postgres", marks=pytest.mark.postgres),
]

TABLES = (
    "discovered_videos",
    "pipeline_runs",
    "clips",
    "scripts",
    "tts_audio",
    "shorts",
    "analytics",
    "review_log",
    "config_overrides",
    "error_log",
)


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


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(params=STORES)
def store_id(request: pytest.FixtureRequest) -> str:
    """Which of the six stores the test runs on."""
    name: str = request.param
    for mark in request.node.iter_markers("differs"):
        if name.removeprefix("aio-") in mark.args:
            pytest.skip(mark.kwargs["reason"])
    return name


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema and no rows."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    store = open_store(f"sqlite:///{path}")
    store.upgrade()
    store.close()
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database with the schema, no rows and nobody connected to it."""
    url = postgres_server.create_database()
    store = open_store(url)
    store.upgrade()
    store.close()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def reused_database(
    postgres_server: PostgresServer, migrated_template: str
) -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    """A PostgreSQL database that is emptied for each test, which is faster than a new one."""
    url = postgres_server.create_database(migrated_template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '10s'")
        yield url, connection
    postgres_server.drop_database(url)


@pytest.fixture
def emptied_database(reused_database: tuple[str, psycopg.Connection[Any]]) -> str:
    """The URL of a PostgreSQL database with the schema and no rows."""
    url, connection = reused_database
    connection.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY")
    return url


@pytest.fixture
def database_url(
    store_id: str, request: pytest.FixtureRequest, tmp_path: Path
) -> str:
    """The URL of the test's own empty database."""
    kind = store_id.removeprefix("aio-")
    if kind == "sqlite":
        path = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        return f"sqlite:///{path}"
    if kind == "postgres":
        url: str = request.getfixturevalue("emptied_database")
        return url
    return "memory://"


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


@pytest.fixture
def store(store_id: str, database_url: str, clock: SteppedClock) -> Iterator[Store]:
    """An empty store; the same test runs on all six."""
    with opened(store_id, database_url, clock) as store:
        yield store


@pytest.fixture
def another_store(
    store_id: str, request: pytest.FixtureRequest, tmp_path: Path, clock: SteppedClock
) -> Iterator[Store]:
    """A second empty store of the same kind, with a database of its own."""
    with ExitStack() as undo:
        kind = store_id.removeprefix("aio-")
        url = "memory://"
        if kind == "sqlite":
            path = tmp_path / "another.db"
            shutil.copy(request.getfixturevalue("migrated_file"), path)
            url = f"sqlite:///{path}"
        elif kind == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = server.create_database(request.getfixturevalue("migrated_template"))
            undo.callback(server.drop_database, url)
        yield undo.enter_context(opened(store_id, url, clock))


@pytest.fixture
def parents(store: Store) -> Parents:
    """The keys of a run, a video and a clip that other objects can refer to."""
    return add_parents(store)
