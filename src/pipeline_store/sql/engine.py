"""Engines: how a URL becomes connections that keep the package's promises."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from pipeline_store.errors import InvalidValue, StoreUnavailable
from pipeline_store.sql.forks import share_no_connection
from pipeline_store.sql.server_options import for_asyncpg, for_psycopg
from pipeline_store.sql.urls import SYNCHRONOUS, fixed_in_place, sqlite_file, synchronous_level

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine
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

RESTED_SECONDS: Final = 0.1
"""After this long unused, a connection is asked whether it still stands before it is used."""

DRIVERS: Final = {
    ("sqlite", False): "pysqlite",
    ("sqlite", True): "aiosqlite",
    ("postgresql", False): "psycopg",
    ("postgresql", True): "asyncpg",
}
"""The driver for (database, awaited), where the URL names none that can serve."""

SERVES_BOTH: Final = {"psycopg"}

_POOL_SIZES: Final = {"pool_size", "max_overflow"}

_NEVER_WRITES: Final = {"SELECT", "PRAGMA", "EXPLAIN", "VALUES", "BEGIN", "COMMIT", "ROLLBACK"}
"""First words of statements that need no transaction to be undone by."""


def make_engine(url: URL, *, awaited: bool = False, **options: Any) -> Engine:
    """Return an engine that has not connected yet.

    `options` go to SQLAlchemy's `create_engine`. With `awaited`, the engine is the synchronous face
    of an asynchronous one and must be used inside SQLAlchemy's greenlet bridge.
    """
    if str(options.get("isolation_level")).upper() == "AUTOCOMMIT":
        raise InvalidValue("isolation_level: AUTOCOMMIT would leave nothing that can be undone")
    url = fixed_in_place(url)
    backend = url.get_backend_name()
    driver = url.get_driver_name() if "+" in url.drivername else ""
    if driver not in SERVES_BOTH and driver != DRIVERS[backend, awaited]:
        url = url.set(drivername=f"{backend}+{DRIVERS[backend, awaited]}")
    settings: dict[str, Any] = {"hide_parameters": True}
    level = synchronous_level(url)
    if backend == "sqlite":
        url = url.difference_update_query([SYNCHRONOUS])
        url, pool = _sqlite_settings(url, awaited)
        settings |= pool
    else:
        by_psycopg = url.get_driver_name() in SERVES_BOTH
        url, connecting = for_psycopg(url) if by_psycopg else for_asyncpg(url)
        settings |= {"pool_size": 10, "max_overflow": 5, "pool_pre_ping": True}
        settings["connect_args"] = connecting
    if "poolclass" in options:
        # Another kind of pool may know no sizes.
        settings = {name: settings[name] for name in settings if name not in _POOL_SIZES}
    connect = {**settings.get("connect_args", {}), **options.get("connect_args", {})}
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
    except (ArgumentError, ValueError) as error:
        raise StoreUnavailable(f"the database URL holds a bad value: {error}") from None
    share_no_connection(engine)
    if backend == "postgresql":
        _spare_pings(engine)
        _leave_writing_to_server(engine)
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
    opened = f"file:{quote(os.fsencode(file))}"
    query = {"mode": "rw", "uri": "true", **url.query}
    return url.set(database=opened, query=query), settings | {"pool_size": 10, "max_overflow": 5}


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


def _leave_writing_to_server(engine: Engine) -> None:
    """Let a transaction be read-only where we ask for it, and else as the server has it.

    After one that was, SQLAlchemy has psycopg ask for the next to be READ WRITE. That would write
    where an administrator allows no writes by default, and cannot even read on a standby.
    """
    dialect: Any = engine.dialect
    set_read_only = dialect.set_readonly

    def ask(connection: object, value: bool) -> None:
        set_read_only(connection, value or None)

    dialect.set_readonly = ask


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
