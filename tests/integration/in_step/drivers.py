"""A store, the way its calls are made, and the clock that it sees."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from pipeline_store import open_async_store, open_store
from tests.integration.in_step.kinds import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pipeline_store import UnitOfWork

_EMPTYING = "; ".join(f"DELETE FROM {table}" for table in TABLES)  # noqa: S608 - our names


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, start: datetime) -> None:
        self.instant = start

    def __call__(self) -> datetime:
        return self.instant


class Driver(Protocol):
    """One store and the way its calls are made."""

    name: str

    def open(self, *, read_only: bool) -> None:
        """Leaves the present unit of work, if any, and enters a new one."""

    def call(self, function: Callable[[UnitOfWork], Any]) -> Any:
        """Calls the function with the present unit of work."""

    def call_store(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Calls a method of the store itself; no unit of work is open."""

    def commit(self) -> None:
        """Commits the present unit of work."""

    def rollback(self) -> None:
        """Rolls the present unit of work back."""

    def leave(self) -> None:
        """Leaves the present unit of work."""

    def empty(self) -> None:
        """Removes all rows."""

    def set_clock(self) -> None:
        """Lets the database's own clock show what the store's shows, if it has one."""

    def is_undone(self) -> bool:
        """Whether an error undid the present unit of work."""


class Database(Protocol):
    """What keeps the rows of a store, seen from outside the store."""

    def empty(self) -> None:
        """Removes all rows."""

    def set_clock(self, instant: datetime) -> None:
        """Lets its clock, if it has one, show that instant from now on."""

    def close(self) -> None:
        """Lets go of it."""


class File:
    """An SQLite file; it has no clock."""

    def __init__(self, url: str) -> None:
        path = url.removeprefix("sqlite:///").partition("?")[0]
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous=OFF")
        self.close = self._connection.close

    def empty(self) -> None:
        self._connection.executescript(f"BEGIN; {_EMPTYING}; COMMIT")

    def set_clock(self, instant: datetime) -> None:
        pass


_LET_FUNCTIONS_SEE_THE_CLOCK = """
    DO $$ DECLARE function text; BEGIN
        FOR function IN
            SELECT oid::regprocedure FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND proconfig::text LIKE '%search_path%'
        LOOP
            EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_catalog', function);
        END LOOP;
    END $$
"""


class Server:
    """A PostgreSQL database in which time passes when it is told to.

    A name is looked up in the schemas of the search path, so that a function in the first of them
    stands in for the clock of the server.
    """

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("CREATE TABLE simulated_clock (instant timestamptz NOT NULL)")
        self._connection.execute("INSERT INTO simulated_clock VALUES (now())")
        self._connection.execute(
            "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql "
            "AS 'SELECT instant FROM public.simulated_clock'"
        )
        # Functions that look names up in schemas of their own.
        self._connection.execute(_LET_FUNCTIONS_SEE_THE_CLOCK)
        name = self._connection.info.dbname
        self._connection.execute(
            f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog'.encode()
        )
        self.close = self._connection.close

    def empty(self) -> None:
        self._connection.execute(_EMPTYING.encode())

    def set_clock(self, instant: datetime) -> None:
        self._connection.execute("UPDATE simulated_clock SET instant = %s", [instant])


def _database(url: str) -> Database | None:
    """The database at the URL, with the schema, as seen from outside; None in memory."""
    if url == "memory://":
        return None
    store = open_store(url)
    store.upgrade()
    store.close()
    return File(url) if url.startswith("sqlite") else Server(url)


class Plain:
    """A synchronous store."""

    def __init__(self, name: str, url: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._uow: Any = None
        self._database = _database(url)
        self._open_store = partial(open_store, url, clock=clock)
        self.store = self._open_store()

    def open(self, *, read_only: bool) -> None:
        self.leave()
        self._uow = self.store.unit_of_work(read_only=read_only)
        self._uow.__enter__()

    def call(self, function: Callable[[UnitOfWork], Any]) -> Any:
        return function(self._uow)

    def call_store(self, name: str, *arguments: Any, **named: Any) -> Any:
        return getattr(self.store, name)(*arguments, **named)

    def commit(self) -> None:
        self._uow.commit()

    def rollback(self) -> None:
        self._uow.rollback()

    def leave(self) -> None:
        uow, self._uow = self._uow, None
        if uow is not None:
            uow.__exit__(None, None, None)

    def empty(self) -> None:
        if self._database is None:
            self.store = self._open_store()
        else:
            self._database.empty()

    def set_clock(self) -> None:
        if self._database is not None:
            self._database.set_clock(self._clock.instant)

    def is_undone(self) -> bool:
        return self._uow is not None and bool(self._uow.session.undone)

    def close(self) -> None:
        self.leave()
        self.store.close()
        if self._database is not None:
            self._database.close()


class Awaited:
    """An asynchronous store, each call awaited on a loop of its own."""

    def __init__(self, name: str, url: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._uow: Any = None
        self._runner = asyncio.Runner()
        self._database = _database(url)
        self._open_store = partial(open_async_store, url, clock=clock)
        self.store = self._open_store()

    def open(self, *, read_only: bool) -> None:
        self.leave()
        self._uow = self.store.unit_of_work(read_only=read_only)
        self._runner.run(self._uow.__aenter__())

    def call(self, function: Callable[[UnitOfWork], Any]) -> Any:
        return self._runner.run(self._uow.run(function))

    def call_store(self, name: str, *arguments: Any, **named: Any) -> Any:
        return self._runner.run(getattr(self.store, name)(*arguments, **named))

    def commit(self) -> None:
        self._runner.run(self._uow.commit())

    def rollback(self) -> None:
        self._runner.run(self._uow.rollback())

    def leave(self) -> None:
        uow, self._uow = self._uow, None
        if uow is not None:
            self._runner.run(uow.__aexit__(None, None, None))

    def empty(self) -> None:
        if self._database is None:
            self.store = self._open_store()
        else:
            self._database.empty()

    def set_clock(self) -> None:
        if self._database is not None:
            self._database.set_clock(self._clock.instant)

    def is_undone(self) -> bool:
        return self._uow is not None and bool(self._uow.counterpart.session.undone)

    def close(self) -> None:
        self.leave()
        self._runner.run(self.store.close())
        self._runner.close()
        if self._database is not None:
            self._database.close()
