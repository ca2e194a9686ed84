"""Fixtures of databases: empty ones, those of today's code bases, those of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store.legacy import get_session, init_db
from tests.integration.foreign_schemas import ROWS, SPELLINGS, make_foreign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from tests.postgres_server import PostgresServer

ON_POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Gives the URL of another empty database with every call."""
    made: list[str] = []
    server: PostgresServer | None = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")

    def make() -> str:
        file = tmp_path / f"{len(made)}.db"
        made.append(server.create_database() if server else f"sqlite:///{file}")
        return made[-1]

    yield make
    for url in made:
        if server:
            server.drop_database(url)


@pytest.fixture(params=SPELLINGS)
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of another program, in either spelling, with rows, in a directory of its own."""
    return make_foreign(tmp_path / "a.db", SPELLINGS[request.param], ROWS)


@pytest.fixture(params=["path", ":memory:", ON_POSTGRES])
def legacy_path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What today's code bases give to init_db."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return str(tmp_path / "a.db") if request.param == "path" else ":memory:"


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
