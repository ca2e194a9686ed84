"""Engines: how a URL becomes connections that keep the package's promises."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from pipeline_store.errors import StoreUnavailable
from pipeline_store.sql.failures import translated

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_SECONDS: Final = 30
"""How long SQLite waits for another writer; its queue is not fair, so waits have a long tail."""

BEGIN_OPTION: Final = "pipeline_store_sqlite_begin"
"""Execution option: when SQLite's transaction starts, and with which lock.

IMMEDIATE takes the write lock at once, DEFERRED takes none for reading, and WHEN_WRITING starts
nothing until the first statement that writes, and then takes the write lock.
"""

WHEN_WRITING: Final = "WHEN_WRITING"

SYNCHRONOUS: Final = "synchronous"
"""In the query of an SQLite URL: how a commit waits for the disk, FULL unless said otherwise."""

_SYNCHRONOUS_LEVELS: Final = {"OFF", "NORMAL", "FULL", "EXTRA"}

RESTED_SECONDS: Final = 0.1
"""After this long unused, a connection is asked whether it still stands before it is used."""

DRIVERS: Final = {
    ("sqlite", False): "pysqlite",
    ("sqlite", True): "aiosqlite",
    ("postgresql", False): "psycopg",
    ("postgresql", True): "asyncpg",
}
"""The driver for (database, awaited), where the URL names none that can serve."""

_PASSWORD: Final = "password"  # noqa: S105 - the name of it
_KEY_PASSWORD: Final = "sslpassword"  # noqa: S105 - the name of it
"""Secrets that a PostgreSQL URL may hold in its query; the first one also before its host."""

SERVES_BOTH: Final = {"psycopg"}

_POOL_SIZES: Final = {"pool_size", "max_overflow"}

_NEVER_WRITES: Final = {"SELECT", "PRAGMA", "EXPLAIN", "VALUES", "BEGIN", "COMMIT", "ROLLBACK"}
"""First words of statements that need no transaction to be undone by."""


def parse_url(url: str | URL) -> URL:
    """Return the parsed URL.

    Raises:
        StoreUnavailable: it is no URL of SQLite or PostgreSQL; a password in it is not repeated.
    """
    with translated():
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):  # ValueError: a port that is no number
            raise StoreUnavailable(
                "not a database URL; expected memory://, sqlite:///FILE or postgresql://..."
            ) from None
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        found = parsed.get_backend_name()
        raise StoreUnavailable(
            f"{found} is not supported; memory://, sqlite:///FILE or postgresql://... expected"
        )
    if _synchronous_level(parsed) not in _SYNCHRONOUS_LEVELS:
        choices = ", ".join(sorted(_SYNCHRONOUS_LEVELS))
        raise StoreUnavailable(f"{SYNCHRONOUS}: one of {choices} expected in the URL")
    if parsed.get_backend_name() == "sqlite" and parsed.host:
        raise StoreUnavailable("a file has three slashes: sqlite:///FILE, or four from the root")
    if "\x00" in (parsed.database or ""):
        raise StoreUnavailable("the name of a database cannot hold the NUL character")
    if _PASSWORD in parsed.query:
        password = str(parsed.query[_PASSWORD])
        parsed = parsed.difference_update_query([_PASSWORD]).set(password=password)
    return parsed


def _synchronous_level(url: URL) -> str:
    return str(url.query.get(SYNCHRONOUS, "FULL")).upper()


def refuse_missing_file(url: URL) -> None:
    """Refuse an SQLite URL whose file is not there, rather than have an empty one made."""
    file = sqlite_file(url)
    if file is None or file.is_file():
        return
    if file.is_dir():
        raise StoreUnavailable(f"{file} is a directory, not a database")
    cure = "create it with store.upgrade() or `pipeline-store init`"
    raise StoreUnavailable(f"there is no database {file}: {cure}")


def sqlite_file(url: URL) -> Path | None:
    """Return the file of an SQLite URL, or None for a database in memory or on a server."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)


def make_engine(url: URL, *, awaited: bool = False, **options: Any) -> Engine:
    """Return an engine that has not connected yet.

    `options` go to SQLAlchemy's `create_engine`. With `awaited`, the engine is the synchronous face
    of an asynchronous one and must be used inside SQLAlchemy's greenlet bridge.
    """
    backend = url.get_backend_name()
    driver = url.get_driver_name() if "+" in url.drivername else ""
    if driver not in SERVES_BOTH and driver != DRIVERS[backend, awaited]:
        url = url.set(drivername=f"{backend}+{DRIVERS[backend, awaited]}")
    settings: dict[str, Any] = {"hide_parameters": True}
    level = _synchronous_level(url)
    if backend == "sqlite":
        url = url.difference_update_query([SYNCHRONOUS])
        url, pool = _sqlite_settings(url, awaited)
        settings |= pool
    else:
        settings |= {"pool_size": 10, "max_overflow": 5, "pool_pre_ping": True}
    if "poolclass" in options:
        # Another kind of pool may know no sizes.
        settings = {name: settings[name] for name in settings if name not in _POOL_SIZES}
    connect = {**settings.get("connect_args", {}), **options.get("connect_args", {})}
    if _KEY_PASSWORD in url.query:
        # SQLAlchemy shows the query of a URL as it stands.
        connect[_KEY_PASSWORD] = url.query[_KEY_PASSWORD]
        url = url.difference_update_query([_KEY_PASSWORD])
    settings |= options | {"connect_args": connect}
    try:
        if awaited:
            from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - needs greenlet

            engine = create_async_engine(url, **settings).sync_engine
        else:
            engine = sa.create_engine(url, **settings)
    except ModuleNotFoundError as error:
        message = f"{error.name} is missing: pip install 'pipeline-store[postgres]'"
        raise StoreUnavailable(message) from None
    except ValueError as error:
        raise StoreUnavailable(f"the database URL holds a bad value: {error}") from None
    if backend == "postgresql":
        _spare_pings(engine)
    if backend == "sqlite":
        event.listen(engine, "connect", partial(_prepare_sqlite_connection, level))
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _sqlite_settings(url: URL, awaited: bool) -> tuple[URL, dict[str, Any]]:
    file = sqlite_file(url)
    connect: dict[str, Any] = {"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
    settings: dict[str, Any] = {
        "connect_args": connect,
        "poolclass": AsyncAdaptedQueuePool if awaited else QueuePool,
    }
    if file is None:
        # A second connection would be a second, empty database.
        return url, settings | {"pool_size": 1, "max_overflow": 0}
    # mode=rw: a mistyped path is an error, not a new file; `create_sqlite_file` makes one.
    opened = f"file:{quote(os.fspath(file))}"
    query = {"mode": "rw", "uri": "true", **url.query}
    return url.set(database=opened, query=query), settings | {"pool_size": 10, "max_overflow": 5}


def create_sqlite_file(url: URL) -> None:
    """Make the file of an SQLite URL, readable by its owner only, unless it is there."""
    file = sqlite_file(url)
    if file is None:
        return
    try:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        if not file.parent.is_dir():
            message = f"cannot create {file}: there is no directory {file.parent}"
            raise StoreUnavailable(message) from None
        raise StoreUnavailable(f"cannot create {file}: {error.strerror}") from None


def _spare_pings(engine: Engine) -> None:
    """Let the pool ask only those connections whether they still stand that have rested a while.

    A server does not stop and serve again within a moment, and the question is a round trip.
    """
    used_at: WeakKeyDictionary[object, float] = WeakKeyDictionary()
    ask = engine.dialect.do_ping

    # SQLAlchemy's face of an asyncpg connection takes no weak reference, the connection does.
    driver_of = engine.dialect.get_driver_connection

    def note_use(dbapi: Any, _entry: ConnectionPoolEntry) -> None:
        if dbapi is not None:
            used_at[driver_of(dbapi)] = time.monotonic()

    def ask_when_rested(dbapi: Any) -> bool:
        rested = time.monotonic() - used_at.get(driver_of(dbapi), 0.0) >= RESTED_SECONDS
        return ask(dbapi) if rested else True

    event.listen(engine, "checkin", note_use)
    setattr(engine.dialect, "do_ping", ask_when_rested)  # noqa: B010 - mypy forbids the other way


def _prepare_sqlite_connection(
    level: str, dbapi: DBAPIConnection, _entry: ConnectionPoolEntry
) -> None:
    # The driver's own BEGIN comes too late and differs between Python versions: see _begin_sqlite.
    driver_connection: Any = dbapi
    driver_connection.isolation_level = None
    cursor = dbapi.cursor()
    for pragma in (f"synchronous={level}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute("PRAGMA foreign_keys")
    enforced = cursor.fetchone()
    cursor.close()
    if not enforced or not enforced[0]:
        raise StoreUnavailable("this build of SQLite does not enforce foreign keys")


def _begin_sqlite(connection: sa.Connection) -> None:
    mode = connection.get_execution_options().get(BEGIN_OPTION, "IMMEDIATE")
    if mode != WHEN_WRITING:
        connection.exec_driver_sql(f"BEGIN {mode}")


def read_only(engine: Engine) -> Engine:
    """Return an engine on the same connections whose transactions take no write lock."""
    return engine.execution_options(
        **{BEGIN_OPTION: "DEFERRED"}
        if engine.dialect.name == "sqlite"
        else {"postgresql_readonly": True}
    )


def locking_late(engine: Engine) -> Engine:
    """Return an engine on the same connections that takes SQLite's write lock when it first writes.

    Each read before that stands for itself and sees what is committed, as on PostgreSQL.
    """
    if engine.dialect.name != "sqlite":
        return engine
    late = engine.execution_options(**{BEGIN_OPTION: WHEN_WRITING})
    event.listen(late, "before_cursor_execute", _begin_before_writing)
    return late


def _begin_before_writing(
    connection: sa.Connection, _cursor: object, statement: str, *_unused: object
) -> None:
    driver: Any = connection.connection.driver_connection
    if driver.in_transaction:
        return
    words = statement.split(None, 1)
    if words and words[0].upper() not in _NEVER_WRITES:
        # Not BEGIN alone: a lock asked for after a first read fails at once when others wrote.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
