"""What the URL of a PostgreSQL database may hold, whichever driver serves it."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from pipeline_store import open_async_store, open_store
from pipeline_store.errors import InvalidValue, StoreUnavailable
from tests.integration.test_connections import COLOURS, log, messages, opened, upgraded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import UnitOfWork
    from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("colour", COLOURS)
def test_settings_of_the_session(empty_postgres_url: str, colour: str) -> None:
    """A URL may set what libpq may set for a session, such as the schema, and name the program."""
    with psycopg.connect(empty_postgres_url) as connection:
        connection.execute("CREATE SCHEMA ours")
    options = quote("-c search_path=ours")
    url = f"{empty_postgres_url}?options={options}&application_name=feeder&connect_timeout=10"
    with opened(colour, url) as store:
        store.upgrade()
        log(store, "kept")
        with psycopg.connect(empty_postgres_url) as connection:
            (found,) = connection.execute("SELECT error_message FROM ours.error_log").fetchall()
            names = connection.execute("SELECT application_name FROM pg_stat_activity").fetchall()
    assert found == ("kept",)
    assert ("feeder",) in names


@pytest.mark.parametrize("colour", COLOURS)
def test_a_url_that_asks_for_encryption(empty_postgres_url: str, colour: str) -> None:
    """A server without encryption serves where the URL prefers it, not where it requires it."""
    with psycopg.connect(empty_postgres_url) as connection:
        if connection.execute("SHOW ssl").fetchone() != ("off",):
            pytest.skip("the server has encryption")
    with opened(colour, f"{empty_postgres_url}?sslmode=prefer") as store:
        assert store.current() is None
    with (
        opened(colour, f"{empty_postgres_url}?sslmode=require") as store,
        pytest.raises(StoreUnavailable, match="SSL"),
    ):
        store.current()


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("nonsense=1", "nonsense"),
        ("connect_timeout=soon", "connect_timeout"),
        ("prepare_threshold=often", "prepare_threshold"),
    ],
)
def test_options_that_mean_nothing(colour: str, query: str, told: str) -> None:
    """An option that nobody knows, or a value that it cannot have, is StoreUnavailable."""
    url = f"postgresql://somebody:canary@127.0.0.1:1/nothing?{query}"
    with (
        pytest.raises(StoreUnavailable, match=told) as raised,
        opened(colour, url) as store,
    ):
        store.current()
    assert "canary" not in str(raised.value)


def test_options_that_one_driver_has() -> None:
    """What asyncpg has nothing for is refused, with the driver that has it."""
    with pytest.raises(StoreUnavailable, match=r"keepalives_idle.*postgresql\+psycopg://"):
        open_async_store("postgresql://127.0.0.1/nothing?keepalives_idle=30")
    open_async_store("postgresql+psycopg://127.0.0.1/nothing?keepalives_idle=30")


@pytest.mark.parametrize("opener", [open_store, open_async_store])
@pytest.mark.parametrize("port", [0, 65536])
def test_ports_that_do_not_exist(opener: Callable[[str], Any], port: int) -> None:
    """A port is a number from 1 to 65535."""
    with pytest.raises(StoreUnavailable, match="port"):
        opener(f"postgresql://somebody:canary@127.0.0.1:{port}/nothing")


@pytest.mark.parametrize("opener", [open_store, open_async_store])
@pytest.mark.parametrize("url", ["postgresql://127.0.0.1/nothing", "sqlite:///nothing.db"])
def test_units_of_work_need_transactions(opener: Callable[..., Any], url: str) -> None:
    """A store is not opened in a mode in which nothing could be rolled back."""
    with pytest.raises(InvalidValue, match="isolation_level"):
        opener(url, isolation_level="AUTOCOMMIT")


# -- statements that are prepared ---------------------------------------------------------------


def prepared_by(uow: UnitOfWork) -> int:
    """How many statements are kept on the server after one of them was used often."""
    for _ in range(20):
        uow.errors.count()
    asked = sa.text("SELECT statement FROM pg_prepared_statements")
    found = uow.session.execute(asked).scalars()  # type: ignore[attr-defined]
    return sum("error_log" in statement for statement in found)


def prepared(colour: str, url: str) -> int:
    async def awaited() -> int:
        store = open_async_store(url)
        found = await store.run(prepared_by)
        await store.close()
        return found

    if colour == "asyncpg":
        return asyncio.run(awaited())
    store = open_store(url)
    with store.unit_of_work() as uow:
        found = prepared_by(uow)
    store.close()
    return found


@pytest.mark.parametrize("colour", COLOURS)
def test_a_url_may_ask_for_no_prepared_statements(postgres_url: str, colour: str) -> None:
    """With prepare_threshold=none nothing is kept on the server, which a pooler could mix up."""
    assert prepared(colour, f"{postgres_url}?prepare_threshold=3") == 1
    assert prepared(colour, f"{postgres_url}?prepare_threshold=none") == 0


# -- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
@pytest.mark.parametrize("colour", COLOURS)
def test_the_environment_prefers_another_encoding(
    postgres_url: str, colour: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any text is kept, whatever encoding programs of this account speak otherwise."""
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    with opened(colour, postgres_url) as store:
        log(store, "ünï 漢字 😀")
        assert messages(store) == ["ünï 漢字 😀"]


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def encoded_url(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Iterator[str]:
    """A database of another encoding than UTF-8."""
    name = f"pipeline_store_{uuid.uuid4().hex}"
    command = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C'")
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(command.format(sql.Identifier(name), sql.Literal(request.param)))
    url = f"{postgres_server.url.rpartition('/')[0]}/{name}"
    yield upgraded(url)
    postgres_server.drop_database(url)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_database_of_another_encoding(encoded_url: str, colour: str) -> None:
    """What the encoding has is kept, and what it does not have is refused as a bad value."""
    with opened(colour, encoded_url) as store:
        log(store, "ünï")
        with psycopg.connect(encoded_url) as connection:
            row = connection.execute("SHOW server_encoding").fetchone()
        if row == ("LATIN1",):
            with pytest.raises(InvalidValue):
                log(store, "漢字")
        assert messages(store) == ["ünï"]
