"""Fixtures of databases: empty ones, those of today's code bases, those of other programs."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from itertools import count
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.legacy import get_session, init_db
from tests.integration.foreign_schemas import ROWS, SPELLINGS, make_foreign
from tests.shared_statements import share_compiled_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from tests.migrated_databases import MigratedDatabases
    from tests.postgres_server import PostgresServer

share_compiled_statements()

ON_POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at the newest revision without rows, to be copied: many tests need one."""
    file = tmp_path_factory.mktemp("migrated") / "migrated.db"
    store = open_store(f"sqlite:///{file}")
    store.upgrade()
    store.close()
    return file


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """The URL of an SQLite file at the newest revision, without rows."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'a.db')}"


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which of the two kinds of database the test runs on."""
    return str(request.param)


@pytest.fixture
def new_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], str]]:
    """Gives the URL of another database with every call, at the newest revision, without rows."""
    if database_kind == "postgresql":
        databases: MigratedDatabases = request.getfixturevalue("migrated_databases")
        with ExitStack() as undo:

            def take() -> str:
                url = databases.take()
                undo.callback(databases.give_back, url)
                return url

            yield take
        return
    migrated_file: Path = request.getfixturevalue("migrated_file")
    numbers = count()

    def copy() -> str:
        return f"sqlite:///{shutil.copy(migrated_file, tmp_path / f'{next(numbers)}.db')}"

    yield copy


@pytest.fixture
def new_empty_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], str]]:
    """Gives the URL of another database without tables with every call."""
    if database_kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with ExitStack() as undo:

            def create() -> str:
                url = server.create_database()
                undo.callback(server.drop_database, url)
                return url

            yield create
        return
    numbers = count()
    yield lambda: f"sqlite:///{tmp_path / f'empty{next(numbers)}.db'}"


@pytest.fixture(params=SPELLINGS)
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of another program, in either spelling, with rows, in a directory of its own."""
    return make_foreign(tmp_path / "a.db", SPELLINGS[request.param], ROWS)


@pytest.fixture(params=["path", ":memory:", ON_POSTGRES])
def empty_legacy_path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What today's code bases give to init_db, for a database that is not there yet."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("empty_postgres_url"))
    return str(tmp_path / "a.db") if request.param == "path" else ":memory:"


@pytest.fixture(params=["path", ":memory:", ON_POSTGRES])
def legacy_path(request: pytest.FixtureRequest) -> str:
    """What today's code bases give to init_db, for a database that it has made before."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    if request.param == ":memory:":
        return ":memory:"
    return str(request.getfixturevalue("sqlite_url")).removeprefix("sqlite:///")


@pytest.fixture
def legacy_engine(legacy_path: str) -> Iterator[Engine]:
    """What init_db gives back."""
    engine = init_db(legacy_path)
    yield engine
    engine.dispose()


@pytest.fixture
def legacy_session(legacy_engine: Engine) -> Iterator[Session]:
    """A plain session on it."""
    with get_session(legacy_engine) as session:
        yield session
