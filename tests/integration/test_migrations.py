"""The schema's revisions: up, down, in a race and through a crash."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from pipeline_store.errors import SchemaOutOfDate, StoreFailure
from pipeline_store.sql import SqlStore, metadata, revisions, schema
from pipeline_store.sql.channels import CHANNELS_TABLES
from pipeline_store.sql.production import PRODUCTION_TABLES
from pipeline_store.sql.tasks import TASKS_TABLES
from tests.conftest import is_on
from tests.integration.contract.sample_values import PARENT_IN
from tests.integration.contract.samples import CHILDREN_FIRST, NO_PARENTS, sample
from tests.integration.meanwhile import impatient, meanwhile
from tests.integration.racing import at_once, killed_along
from tests.integration.schema_fingerprint import differences, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def upgrade(url: str) -> str:
    """Brings the database up."""
    SqlStore(url).upgrade()
    return "done"


def downgrade(url: str) -> str:
    """Takes everything down."""
    SqlStore(url).downgrade("base")
    return "done"


@pytest.fixture
def new_store(new_empty_url: Callable[[], str]) -> Iterator[SqlStore]:
    """A store on an empty database, nothing created yet."""
    with closing(SqlStore(new_empty_url())) as store:
        yield store


@pytest.fixture
def store(new_url: Callable[[], str]) -> Iterator[SqlStore]:
    """A store on a database at the newest revision, without rows."""
    with closing(SqlStore(new_url())) as store:
        yield store


def run(store: SqlStore, *statements: str) -> list[list[object]]:
    """What each statement answers, when run past the package."""
    with store.engine.begin() as connection:
        results = [connection.execute(sa.text(statement)) for statement in statements]
        return [[row[0] for row in result] if result.returns_rows else [] for result in results]


def tables(store: SqlStore) -> set[str]:
    """The names of all tables in the database."""
    with store.engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def fill(store: SqlStore) -> None:
    """One row in each table, with every field set, referring to each other."""
    parents = NO_PARENTS
    with store.unit_of_work() as uow:
        for collection in reversed(CHILDREN_FIRST):
            added = getattr(uow, collection).add(sample(collection, parents))
            if collection in PARENT_IN:
                parents = parents.with_key(collection, added.id)
        uow.commit()


def rows(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but the record of the revision, read past the package."""
    with store.engine.connect() as connection:
        return {
            name: sorted(
                (
                    tuple(row)
                    for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"')  # noqa: S608
                ),
                key=repr,
            )
            for name in sorted(tables(store) - {schema.VERSION_TABLE, "sqlite_sequence"})
        }


def test_the_names_of_the_files_tell_the_revisions() -> None:
    """What is read from the names is what Alembic runs, in its order."""
    config = Config()
    config.set_main_option("script_location", "pipeline_store.sql:migrations")
    config.set_main_option("path_separator", "os")
    in_order = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert list(schema.known_revisions()) == in_order
    assert schema.newest_revision() == in_order[0]


def test_up_and_down_again_with_rows(new_store: SqlStore) -> None:
    """A full database goes down to nothing and up again, and works."""
    for _ in range(2):
        new_store.upgrade()
        assert new_store.current() == schema.newest_revision()
        fill(new_store)
        new_store.downgrade("base")
        assert new_store.current() is None
        assert tables(new_store) <= {"sqlite_sequence"}


@pytest.mark.parametrize("revision", schema.known_revisions())
def test_down_from_any_revision(store: SqlStore, revision: str) -> None:
    """Every revision can be gone back to, be left for the newest one, and be removed."""
    fill(store)
    full = rows(store)
    shipped = {name: full[name] for name in ("quota_limits", "quota_costs")}
    filled = full.keys() - shipped - {"task_ageing"}
    assert all(len(full[name]) == 1 for name in filled)
    assert all(shipped.values())
    store.downgrade(revision)
    assert store.current() == revision
    left = rows(store)
    assert left == {name: full[name] for name in left}
    store.upgrade()
    assert store.current() == schema.newest_revision()
    again = rows(store)
    # Every channel has its row there, also one that was made before tasks were.
    assert len(again["task_turns"]) == len(left.get("channels", []))
    left_or_made = {"task_turns": again["task_turns"], **shipped, **left}
    assert again == {name: left_or_made.get(name, []) for name in full}
    store.downgrade(revision)
    assert rows(store) == left
    store.downgrade("base")
    assert tables(store) <= {"sqlite_sequence"}


@pytest.mark.parametrize("revision", schema.known_revisions())
def test_going_back_leads_where_coming_up_did(
    store: SqlStore, new_store: SqlStore, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schema of a revision is the same in every detail, whichever way it was reached."""
    down, up = store, new_store
    down.downgrade(revision)
    original = revisions.command.upgrade
    monkeypatch.setattr(revisions.command, "upgrade", lambda config, _: original(config, revision))
    up.upgrade()
    assert (up.current(), down.current()) == (revision, revision)
    assert differences(fingerprint(up.engine), fingerprint(down.engine)) == []


def test_the_first_revision_is_the_ten_tables(store: SqlStore) -> None:
    """What databases in the field have already is what the first revision builds."""
    store.downgrade(schema.ADOPTED_REVISION)
    found = tables(store) - {schema.VERSION_TABLE, "sqlite_sequence"}
    assert found == {table.name for table in PRODUCTION_TABLES}
    assert set(metadata.tables) - found == {
        table.name for table in (*CHANNELS_TABLES, *TASKS_TABLES)
    }


def test_an_upgrade_keeps_rows(store: SqlStore) -> None:
    """An upgrade of a database that is there already changes none of its rows."""
    fill(store)
    before = rows(store)
    store.upgrade()
    assert rows(store) == before
    assert set(before) == set(metadata.tables)


def test_an_unknown_revision_to_go_back_to(store: SqlStore) -> None:
    """A downgrade to a revision that does not exist says so and changes nothing."""
    for unknown in ("nine", "", "@"):
        with pytest.raises(StoreFailure, match=f"cannot downgrade to '{unknown}'"):
            store.downgrade(unknown)
    assert store.current() == schema.newest_revision()


def test_a_host_keeps_its_own_history(store: SqlStore) -> None:
    """The tables of a host program and its own Alembic version stay as they are, up and down."""
    store.downgrade("base")
    run(
        store,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('host7')",
        "CREATE TABLE users (name TEXT)",
        "INSERT INTO users VALUES ('ada')",
    )
    host = ("SELECT version_num FROM alembic_version", "SELECT name FROM users")
    before = tables(store)
    store.upgrade()
    assert run(store, *host) == [["host7"], ["ada"]]
    assert tables(store) - before >= {schema.VERSION_TABLE, *metadata.tables}
    store.downgrade("base")
    assert run(store, *host) == [["host7"], ["ada"]]
    assert tables(store) == before


def test_eight_processes_upgrade_one_empty_database(new_empty_url: Callable[[], str]) -> None:
    """Upgrades that start at the same moment all succeed, and the schema is there once."""
    url = new_empty_url()
    if url.startswith("sqlite"):
        # The file is there, so that all of them find it empty.
        Path(url.removeprefix("sqlite:///")).touch()
    assert at_once(upgrade, url) == ["done"] * 8
    store = SqlStore(url)
    assert store.current() == schema.newest_revision()
    fill(store)
    store.close()


@pytest.mark.parametrize("transaction", [1, 2, 3])
def test_another_process_upgrades_meanwhile(
    new_empty_url: Callable[[], str], transaction: int
) -> None:
    """Before whichever transaction of an upgrade: its tables are not taken for those of others."""
    url = new_empty_url()
    transactions = count(1)

    def upgrade_too(*_: object) -> None:
        if next(transactions) == transaction:
            with closing(SqlStore(url)) as other:
                other.upgrade()

    with closing(SqlStore(url)) as store:
        sa.event.listen(store.engine.pool, "checkout", upgrade_too)
        store.upgrade()
        assert next(transactions) > transaction
        assert store.current() == schema.newest_revision()


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_another_process_downgrades_meanwhile(new_empty_url: Callable[[], str]) -> None:
    """To nothing: the table of the revision may go between two looks, on a server."""
    url = new_empty_url()
    with closing(SqlStore(url)) as store, closing(SqlStore(impatient(url))) as theirs:
        store.upgrade()
        # The first look is whether there is a table, the second is into it.
        with meanwhile(partial(theirs.downgrade, "base"), before=2) as other:
            assert store.current() is None
        assert other.has_acted
        store.upgrade()
        with meanwhile(partial(theirs.downgrade, "base"), before=2) as other:
            store.upgrade()
        assert other.has_acted
        assert store.current() == schema.newest_revision()


KILLS = 10 if is_on("PIPELINE_STORE_SOAK") else 3
"""Spread over all statements."""


@pytest.mark.parametrize("job", [upgrade, downgrade])
def test_killed_half_way(
    new_url: Callable[[], str],
    new_empty_url: Callable[[], str],
    job: Callable[[str], object],
) -> None:
    """A migration that dies at any of its statements leaves nothing behind; the next one works."""
    going_down = job is downgrade
    urls = [new_url() if going_down else new_empty_url() for _ in range(1 + KILLS)]
    stores = [SqlStore(url) for url in urls]
    if going_down:
        for store in stores:
            fill(store)
    sample, *killed = urls
    before = [state(url) for url in killed]
    statements, landed = killed_along(job, sample, killed)
    assert statements > 10
    assert landed == KILLS, "a kill that did not land inside the migration proves nothing"
    assert [state(url) for url in killed] == before
    for store in stores:
        if going_down:
            store.downgrade("base")
            assert tables(store) <= {"sqlite_sequence"}
        # Where nothing is left, one upgrade is like the next.
        if not going_down or store is stores[-1]:
            store.upgrade()
            fill(store)
        store.close()


def state(url: str) -> list[str]:
    """The tables that a fresh connection of the bare driver finds."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    else:
        with psycopg.connect(url) as server:
            rows = server.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "ORDER BY relname"
            ).fetchall()
    return [row[0] for row in rows]


def test_no_schema_is_refused(store: SqlStore) -> None:
    """A database without schema is refused with what was found, what is needed and the cure."""
    store.downgrade("base")
    needed = schema.newest_revision()
    with (
        pytest.raises(
            SchemaOutOfDate,
            match=rf"found no schema, needed revision {needed}: .*`pipeline-store upgrade`",
        ),
        store.unit_of_work(),
    ):
        pass


@pytest.mark.parametrize("older", schema.known_revisions()[1:])
def test_an_older_schema_is_refused(store: SqlStore, older: str) -> None:
    """A database at an older revision is refused with both revisions and the cure."""
    store.downgrade(older)
    needed = schema.newest_revision()
    message = rf"found schema revision {older}, needed revision {needed}: .*store\.upgrade\(\)"
    for read_only in (False, True):
        with (
            pytest.raises(SchemaOutOfDate, match=message),
            store.unit_of_work(read_only=read_only),
        ):
            pass
    with pytest.raises(SchemaOutOfDate, match=message):
        store.claim_next("worker-1", lease=timedelta(minutes=1))
    store.upgrade()
    fill(store)


def test_a_newer_schema_is_refused(store: SqlStore) -> None:
    """A database of a newer release is refused by every way in, with the cure, and left alone."""
    run(store, "UPDATE pipeline_store_version SET version_num = '9999'")
    message = (
        rf"found schema revision 9999, which this release does not know \(it needs "
        rf"{schema.newest_revision()}\): install a newer pipeline-store"
    )
    with pytest.raises(SchemaOutOfDate, match=message), store.unit_of_work():
        pass
    with pytest.raises(SchemaOutOfDate, match=message):
        store.upgrade()
    with pytest.raises(SchemaOutOfDate, match=message):
        store.downgrade("base")
    assert store.current() == "9999"


def test_tables_of_others_are_not_taken_over_silently(store: SqlStore) -> None:
    """Tables of our names without a revision are refused by name, with the cure."""
    run(store, f"DROP TABLE {schema.VERSION_TABLE}")
    with pytest.raises(SchemaOutOfDate, match=r"tables that others made \(analytics, .*, videos"):
        store.upgrade()
    with pytest.raises(SchemaOutOfDate, match="tables that others made"), store.unit_of_work():
        pass


def test_an_upgrade_leaves_foreign_keys_on(new_store: SqlStore) -> None:
    """The connection that migrated enforces foreign keys again afterwards."""
    new_store.upgrade()
    if new_store.engine.dialect.name == "sqlite":
        assert run(new_store, "PRAGMA foreign_keys") == [[1]]
    with pytest.raises(sa.exc.IntegrityError):
        run(new_store, "INSERT INTO scripts (pipeline_run_id) VALUES (7)")


def test_a_migration_that_breaks_a_reference_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite, where foreign keys rest meanwhile, a migration may not leave an orphan behind."""
    store = SqlStore(f"sqlite:///{tmp_path / 'a.db'}")
    store.upgrade()
    fill(store)

    original = revisions.upgrade
    monkeypatch.setattr(schema, "newest_revision", lambda: "0999")

    def delete_a_parent(connection: sa.Connection) -> None:
        original(connection)
        connection.exec_driver_sql("DELETE FROM pipeline_runs")

    monkeypatch.setattr(revisions, "upgrade", delete_a_parent)
    with pytest.raises(StoreFailure, match=r"left \w+ row 1 referring to a missing pipeline_runs"):
        store.upgrade()
    assert run(store, "SELECT count(*) FROM pipeline_runs") == [[1]]
    store.close()
