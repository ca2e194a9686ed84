"""Accounts, schemas and settings of a server as administrators make them, for either driver."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from pipeline_store.channels import Channel
from pipeline_store.errors import ReadOnly, SchemaOutOfDate, StoreFailure, StoreUnavailable
from pipeline_store.tasks import Task, TaskStatus
from tests.integration.test_connections import COLOURS, log, messages, opened, upgraded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store import Store
    from tests.postgres_server import PostgresServer

LEASE = timedelta(minutes=1)

pytestmark = pytest.mark.postgres


def with_settings(url: str, **settings: str) -> str:
    """The URL of a session that begins with these settings."""
    spelled = {name: value.replace(" ", "\\ ") for name, value in settings.items()}
    options = " ".join(f"-c {name}={value}" for name, value in spelled.items())
    return f"{url}?options={quote(options)}"


def change(url: str, *commands: str, **names: str) -> None:
    """Run statements as the administrator, with names quoted."""
    quoted = {name: sql.Identifier(value) for name, value in names.items()}
    with psycopg.connect(url, autocommit=True) as connection:
        for command in commands:
            connection.execute(sql.SQL(command).format(**quoted))


@pytest.fixture
def accounts(empty_postgres_url: str) -> Iterator[tuple[str, str]]:
    """The names of an account that upgrades and of one that works."""
    owner, worker = (f"store_{uuid.uuid4().hex}" for _ in range(2))
    for name in (owner, worker):
        change(empty_postgres_url, "CREATE ROLE {name}", name=name)
    yield owner, worker
    for name in (owner, worker):
        change(empty_postgres_url, "DROP OWNED BY {name} CASCADE", "DROP ROLE {name}", name=name)


def use_queue(store: Store) -> None:
    """Store a task, and do what workers do."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="history1", name="history"))
        values: dict[str, Any] = {"title": "t", "topic": "t", "story_direction": "d"}
        task = Task(channel_id=channel.id, notion_page_id="1", status=TaskStatus.QUEUED, **values)
        uow.tasks.add(task)
        uow.commit()
    claim = store.claim_next("w1", lease=LEASE, queue="tasks")
    assert claim
    store.complete(claim)


RIGHTS = (
    "GRANT USAGE ON SCHEMA {owner} TO {worker}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {owner} TO {worker}",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {owner} TO {worker}",
)


@pytest.mark.parametrize("colour", COLOURS)
def test_one_account_upgrades_and_another_works(
    empty_postgres_url: str, accounts: tuple[str, str], colour: str
) -> None:
    """Tables in the schema that is named like their owner serve an account of other rights."""
    owner, worker = accounts
    url = empty_postgres_url
    change(url, "CREATE SCHEMA {owner} AUTHORIZATION {owner}", owner=owner)
    upgraded(with_settings(url, role=owner))
    with opened(colour, with_settings(url, role=worker, search_path=owner)) as store:
        change(url, RIGHTS[0], owner=owner, worker=worker)
        with pytest.raises(StoreFailure, match="SELECT"):
            log(store, "without rights")
        change(url, *RIGHTS, owner=owner, worker=worker)
        log(store, "with rights")
        assert messages(store) == ["with rights"]
        use_queue(store)


@pytest.mark.parametrize("colour", COLOURS)
def test_an_account_that_may_make_no_tables(
    empty_postgres_url: str, accounts: tuple[str, str], colour: str
) -> None:
    """An upgrade by an account without the right says which right that is."""
    _, worker = accounts
    with opened(colour, with_settings(empty_postgres_url, role=worker)) as store:
        with pytest.raises(StoreFailure, match="CREATE"):
            store.upgrade()
        assert store.current() is None


@pytest.mark.parametrize("colour", COLOURS)
def test_a_schema_that_is_not_there(empty_postgres_url: str, colour: str) -> None:
    """An upgrade into a schema that nobody made says so, and does not call for an upgrade."""
    with opened(colour, with_settings(empty_postgres_url, search_path="missing")) as store:
        with pytest.raises(SchemaOutOfDate, match="upgrade"):
            log(store, "nowhere")
        with pytest.raises(StoreFailure, match="search path names no schema"):
            store.upgrade()


@pytest.mark.parametrize(
    "taken",
    [
        "CREATE FUNCTION age_tasks(timestamp, interval) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE tasks AS ENUM ('mine')",
        "CREATE VIEW clips AS SELECT 1 AS mine",
        "CREATE SEQUENCE task_turns_served",
    ],
)
def test_names_that_others_have_taken(empty_postgres_url: str, taken: str) -> None:
    """Whatever another program has made under a name of ours, the upgrade names the cure."""
    change(empty_postgres_url, taken)
    with (
        opened("psycopg", empty_postgres_url) as store,
        pytest.raises(StoreFailure, match="rename it"),
    ):
        store.upgrade()


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_server_with_another_isolation(postgres_url: str, colour: str, level: str) -> None:
    """Claims of tasks need READ COMMITTED, and where it is not the default they say so."""
    settings = {"default_transaction_isolation": level}
    with opened(colour, with_settings(postgres_url, **settings)) as store:
        log(store, "kept")
        with pytest.raises(StoreFailure, match="default_transaction_isolation"):
            use_queue(store)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_server_that_takes_no_writes(postgres_url: str, colour: str) -> None:
    """Where transactions are read-only, writes are refused and everything can be read."""
    settings = {"default_transaction_read_only": "on"}
    with opened(colour, with_settings(postgres_url, **settings)) as store:
        for _ in range(2):
            assert messages(store) == []
            with pytest.raises(ReadOnly, match="standby"):
                log(store, "lost")
        with store.unit_of_work() as uow:
            assert uow.errors.count() == 0


@pytest.mark.parametrize("colour", COLOURS)
def test_a_database_that_is_closed(
    postgres_server: PostgresServer, empty_postgres_url: str, colour: str
) -> None:
    """A database that takes no connections for a while is unavailable, so that workers wait."""
    name = empty_postgres_url.rpartition("/")[2]
    with opened(colour, empty_postgres_url) as store:
        for allowed in ("false", "true"):
            command = f"ALTER DATABASE {{name}} ALLOW_CONNECTIONS {allowed}"
            change(postgres_server.url, command, name=name)
            with pytest.raises(StoreUnavailable) if allowed == "false" else nullcontext():
                assert store.current() is None


# -- how sessions spell things ------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"timezone": "Asia/Kolkata"},
        {"datestyle": "German"},
        {"datestyle": "SQL, DMY"},
        {"intervalstyle": "sql_standard"},
        {"intervalstyle": "iso_8601"},
        {"standard_conforming_strings": "off"},
    ],
)
@pytest.mark.parametrize("colour", COLOURS)
def test_how_a_session_spells_values(
    postgres_url: str, colour: str, settings: dict[str, str]
) -> None:
    """Times and leases are the same, however the server is told to spell them."""
    with opened(colour, postgres_url) as plain, plain.unit_of_work() as uow:
        log(plain, "back\\slash ' quote")
        (expected,) = uow.errors.page()
    with opened(colour, with_settings(postgres_url, **settings)) as store:
        with store.unit_of_work() as uow:
            (found,) = uow.errors.page()
            assert (found.occurred_at, found.error_message) == (
                expected.occurred_at,
                expected.error_message,
            )
            channel = uow.channels.add(Channel(channel_id="history1", name="history"))
            uow.commit()
            began = uow.now()
        values: dict[str, Any] = {"title": "t", "topic": "t", "story_direction": "d"}
        store.enqueue(
            [Task(channel_id=channel.id, notion_page_id="1", status=TaskStatus.QUEUED, **values)]
        )
        claim = store.claim_next("w1", lease=timedelta(days=2, hours=3), queue="tasks")
        assert claim
        assert timedelta(days=2, hours=2) < claim.expires_at - began < timedelta(days=2, hours=4)
