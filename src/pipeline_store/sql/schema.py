"""The schema's revisions: which one a database is at, and the way up and down.

Upgrades run one at a time (a lock on PostgreSQL, the write lock on SQLite) and in one transaction,
tables included, so that one which dies half way leaves nothing behind.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from pipeline_store.errors import SchemaOutOfDate, StoreFailure
from pipeline_store.sql.failures import UPGRADE_HINT, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION_TABLE: Final = "pipeline_store_version"
ADOPTED_REVISION: Final = "0001"
"""The revision that creates just the ten tables which databases in the field have already."""

_UPGRADE_LOCK: Final = 7_306_090_331_178_116_710
"""An arbitrary number that names our upgrades among PostgreSQL's advisory locks."""


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", "pipeline_store.sql:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@cache
def newest_revision() -> str:
    """Return the revision that this package needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise StoreFailure("the package was installed without its migrations")
    return head


def upgrade(engine: sa.Engine) -> None:
    """Bring the database to the newest revision; do nothing when it is there already."""
    with translated(subject="upgrade"):
        if engine.dialect.name == "sqlite":
            _write_ahead(engine)
        with _migrating(engine) as connection:
            _refuse_unknown(current_of(connection))
            command.upgrade(_config(connection), "head")


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the database back to `revision`; "base" removes every table of this package.

    Raises:
        StoreFailure: there is no such revision.
    """
    with translated(subject="downgrade"), _migrating(engine) as connection:
        _refuse_unknown(current_of(connection))
        try:
            command.downgrade(_config(connection), revision)
        except CommandError as error:
            raise StoreFailure(f"cannot downgrade to {revision!r}: {error}") from None
        if current_of(connection) is None:
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {VERSION_TABLE}"))


def stamp(connection: sa.Connection, revision: str) -> None:
    """Record `revision` without running anything: the tables are there already."""
    command.stamp(_config(connection), revision)


def current(engine: sa.Engine) -> str | None:
    """Return the revision that the database is at, or None."""
    with translated(), engine.connect() as connection:
        return current_of(connection)


def current_of(connection: sa.Connection) -> str | None:
    """Return the revision that the connection's database is at, or None."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608


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
    state = "no schema" if found is None else f"schema revision {found}"
    raise SchemaOutOfDate(f"found {state}, needed revision {needed}: {UPGRADE_HINT}")


def _refuse_unknown(found: str | None) -> None:
    scripts = ScriptDirectory.from_config(_config())
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        message = (
            f"found schema revision {found}, which this release does not know (it needs "
            f"{newest_revision()}): install a newer pipeline-store"
        )
        raise SchemaOutOfDate(message)


def _write_ahead(engine: sa.Engine) -> None:
    """Switch the file to a write-ahead log, in which readers and a writer do not stop each other.

    The mode is kept in the file, so connections need not ask for it again.
    """
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.close()
    finally:
        raw.close()


@contextmanager
def _migrating(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that no other upgrade or downgrade runs beside."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
            yield connection
        return
    with engine.connect() as connection:
        raw: Any = connection.connection
        # Rebuilding a table drops it, which would delete the rows that refer to it; and the pragma
        # is ignored inside a transaction.
        _pragma(raw, "foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                if broken is not None and current_of(connection) is not None:
                    _refuse_broken_reference(broken)
        finally:
            _pragma(raw, "foreign_keys=ON")


def _pragma(raw: Any, setting: str) -> None:
    cursor = raw.cursor()
    cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _refuse_broken_reference(row: Any) -> None:
    message = f"the migration left {row[0]} row {row[1]} referring to a missing {row[2]} row"
    raise StoreFailure(message)
