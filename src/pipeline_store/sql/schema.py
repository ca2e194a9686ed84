"""The schema's revisions: which one a database is at, and the way up and down.

Upgrades run one at a time (a lock on PostgreSQL, the write lock on SQLite) and in one transaction,
tables included, so that one which dies half way leaves nothing behind.
"""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from pipeline_store.errors import SchemaOutOfDate, StoreBusy, StoreFailure
from pipeline_store.sql.columns import metadata
from pipeline_store.sql.engine import BEGIN_OPTION, BUSY_TIMEOUT_SECONDS, read_only
from pipeline_store.sql.failures import UPGRADE_HINT, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sqlalchemy.pool import PoolProxiedConnection

VERSION_TABLE: Final = "pipeline_store_version"
ADOPT_HINT: Final = "call store.adopt() or run `pipeline-store adopt`"
ADOPTED_REVISION: Final = "0001"
"""The revision that creates just the ten tables which databases in the field have already."""

_UPGRADE_LOCK: Final = 7_306_090_331_178_116_710
"""An arbitrary number that names our upgrades among PostgreSQL's advisory locks."""

_NAME_THE_SCHEMAS: Final = sa.text(
    "SELECT set_config('search_path', array_to_string(ARRAY("
    "SELECT quote_ident(name) FROM unnest(current_schemas(false)) WITH ORDINALITY AS each (name, n)"
    " ORDER BY n), ', '), true)"
)
"""Functions keep the search path of who made them; "$user" in it would be somebody else later."""

_REVISION_FILE: Final = re.compile(r"([0-9]{4})_\w+\.py")
_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def newest_revision() -> str:
    """Return the revision that this package needs."""
    known = known_revisions()
    if not known:
        raise StoreFailure("the package was installed without its migrations")
    return known[0]


@cache
def known_revisions() -> tuple[str, ...]:
    """Return the revisions that this package knows, the newest first.

    They stand in the names of the files, so that nothing need be run to know them.
    """
    files = resources.files("pipeline_store.sql.migrations").joinpath("versions").iterdir()
    found = (_REVISION_FILE.fullmatch(file.name) for file in files)
    return tuple(sorted((match[1] for match in found if match), reverse=True))


def upgrade(engine: sa.Engine) -> None:
    """Bring the database to the newest revision; do nothing when it is there already.

    Raises:
        SchemaOutOfDate: a newer release made the database, or another program did.
    """
    with translated(subject="upgrade"):
        found = current(engine)
        _refuse_unknown(found)
        if found is None:
            with read_only(engine).connect() as connection:
                _refuse_tables_of_others(connection)
        use_write_ahead_log(engine)
        if found == newest_revision():
            return
        from pipeline_store.sql import revisions  # noqa: PLC0415 - loads Alembic

        with _migrating(engine) as connection:
            found = current_of(connection)
            _refuse_unknown(found)
            if found is None:
                _refuse_tables_of_others(connection)
            revisions.upgrade(connection)


def adopt(engine: sa.Engine, compare: Callable[[sa.Connection], object]) -> bool:
    """Record that the ten tables are there already, and bring the database to the newest revision.

    `compare` raises to refuse; it runs when nobody else can change the tables. Returns whether the
    database was without a revision before.
    """
    from pipeline_store.sql import revisions  # noqa: PLC0415 - loads Alembic

    with translated(subject="adopt"):
        with _migrating(engine) as connection:
            found = current_of(connection)
            _refuse_unknown(found)
            if found is None:
                compare(connection)
                revisions.record(connection, ADOPTED_REVISION)
            revisions.upgrade(connection)
        # Only now is the file ours to change.
        use_write_ahead_log(engine)
        return found is None


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the database back to `revision`; "base" removes every table of this package.

    Raises:
        StoreFailure: there is no such revision.
    """
    from pipeline_store.sql import revisions  # noqa: PLC0415 - loads Alembic

    with translated(subject="downgrade"), _migrating(engine) as connection:
        _refuse_unknown(current_of(connection))
        revisions.downgrade(connection, revision)
        if current_of(connection) is None:
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {VERSION_TABLE}"))


def current(engine: sa.Engine) -> str | None:
    """Return the revision that the database is at, or None."""
    try:
        with translated(), read_only(engine).connect() as connection:
            return current_of(connection)
    except SchemaOutOfDate:
        # Its table went between the two looks: somebody else took the database back to nothing.
        return None


def current_of(connection: sa.Connection) -> str | None:
    """Return the revision that the connection's database is at, or None."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    asked = sa.text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - our name
    found: str | None = connection.scalar(asked)
    return found


def check(engine: sa.Engine) -> None:
    """Refuse a database that is not at the newest revision.

    Raises:
        SchemaOutOfDate: naming the revision found, the one needed and the cure.
    """
    found = current(engine)
    needed = newest_revision()
    if found == needed:
        return
    _refuse_unknown(found)
    if found is None:
        with translated(), read_only(engine).connect() as connection:
            _refuse_tables_of_others(connection)
    state = "no schema" if found is None else f"schema revision {found}"
    raise SchemaOutOfDate(f"found {state}, needed revision {needed}: {UPGRADE_HINT}")


def _refuse_unknown(found: str | None) -> None:
    if found is not None and found not in known_revisions():
        message = (
            f"found schema revision {found}, which this release does not know (it needs "
            f"{newest_revision()}): install a newer pipeline-store"
        )
        raise SchemaOutOfDate(message)


def _refuse_tables_of_others(connection: sa.Connection) -> None:
    """Refuse a database without revision that has tables of our names: we did not make them."""
    found = set(sa.inspect(connection).get_table_names()) & set(metadata.tables)
    # The revision is read last: another process may have made the tables, and it, in between.
    if not found or current_of(connection) is not None:
        return
    cure = ADOPT_HINT if connection.dialect.name == "sqlite" else "use an empty database or schema"
    message = f"found no schema revision, but tables that others made ({', '.join(sorted(found))})"
    raise SchemaOutOfDate(f"{message}: {cure}")


def use_write_ahead_log(engine: sa.Engine) -> None:
    """Switch an SQLite file to a write-ahead log, where readers and a writer stop nobody.

    The mode is kept in the file, so connections need not ask for it again.
    """
    if engine.dialect.name != "sqlite":
        return
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    with read_only(engine).connect() as connection:
        raw = connection.connection
        while _pragma(raw, "journal_mode") == "delete":
            try:
                _pragma(raw, "journal_mode=WAL")
                # In memory, or where files cannot be shared, the mode stays what it was.
                break
            except sqlite3.OperationalError as error:
                # SQLite does not wait for others here, it gives up at once.
                if error.sqlite_errorcode & 0xFF not in _BUSY:
                    raise
                if time.monotonic() > deadline:
                    raise StoreBusy("other programs keep the file locked; try again") from None
                time.sleep(0.01)


@contextmanager
def _migrating(engine: sa.Engine) -> Generator[sa.Connection, None, None]:
    """Open a transaction that no other upgrade or downgrade runs beside."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
            connection.execute(_NAME_THE_SCHEMAS)
            yield connection
        return
    with engine.connect().execution_options(**{BEGIN_OPTION: "IMMEDIATE"}) as connection:
        raw = connection.connection
        # Rebuilding a table drops it, which would delete the rows that refer to it; and the pragma
        # is ignored inside a transaction.
        _pragma(raw, "foreign_keys=OFF")
        try:
            with connection.begin():
                before = _broken_references(connection)
                yield connection
                broken = _broken_references(connection) - before
                if broken:
                    _refuse_broken_reference(min(broken))
        finally:
            _pragma(raw, "foreign_keys=ON")


def _broken_references(connection: sa.Connection) -> set[tuple[str, int, str]]:
    """Return (table, row, table referred to); an adopted file may have had some for long."""
    broken: set[tuple[str, int, str]] = set()
    for table in sa.inspect(connection).get_table_names():
        # A table of others may refer to something that cannot be referred to.
        with suppress(OperationalError):
            name = connection.dialect.identifier_preparer.quote(table)
            rows = connection.exec_driver_sql(f"PRAGMA foreign_key_check({name})")
            broken |= {(row[0], row[1] or 0, row[2]) for row in rows}
    return broken


def _pragma(raw: PoolProxiedConnection, setting: str) -> object:
    cursor = raw.cursor()
    try:
        cursor.execute(f"PRAGMA {setting}")
        row = cursor.fetchone()
    finally:
        cursor.close()
    return row[0] if row else None


def _refuse_broken_reference(row: tuple[str, int, str]) -> None:
    message = f"the migration left {row[0]} row {row[1]} referring to a missing {row[2]} row"
    raise StoreFailure(message)
