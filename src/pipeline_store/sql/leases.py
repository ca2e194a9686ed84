"""Leases in SQL: by whose clock they are judged, when they end, and what a holder may write.

On PostgreSQL the server's clock judges, so that workers on many machines agree; on SQLite, where
all are on one machine, the store's does.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from pipeline_store.sql.columns import Instant

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy.sql.compiler import SQLCompiler

LOOKED_AT_AT_ONCE: Final = 100
"""Leases and waits that one call ends; those that are over beyond that wait for the next call."""


class server_clock(FunctionElement[datetime]):  # noqa: N801 - reads like a SQL function
    """PostgreSQL's present instant in UTC; within a transaction it does not stand still."""

    inherit_cache = True
    name = "server_clock"
    type = sa.DateTime()


@compiles(server_clock, "postgresql")
def _server_clock(_element: server_clock, _compiler: SQLCompiler, **_kw: Any) -> str:
    return "timezone('utc', clock_timestamp())"


class after_wait(FunctionElement[datetime]):  # noqa: N801 - reads like a SQL function
    """An instant, later by the wait after so many attempts: 1 s x 2^(attempts - 1)."""

    inherit_cache = True
    name = "after_wait"
    type = Instant()


@compiles(after_wait, "postgresql")
def _after_wait(element: after_wait, compiler: SQLCompiler, **kw: Any) -> str:
    instant, attempts = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({instant} + make_interval(secs => power(2::float8, greatest({attempts} - 1, 0))))"


@compiles(after_wait, "sqlite")
def _after_wait_sqlite(element: after_wait, compiler: SQLCompiler, **kw: Any) -> str:
    instant, attempts = (compiler.process(clause, **kw) for clause in element.clauses)
    # Whole seconds only go through strftime, which rounds fractions to milliseconds.
    whole = f"substr({instant}, 1, 19)"
    later = f"strftime('%Y-%m-%d %H:%M:%S', {whole}, (1 << max({attempts} - 1, 0)) || ' seconds')"
    return f"({later} || substr({instant}, 20))"


class microseconds_between(FunctionElement[int]):  # noqa: N801 - reads like a SQL function
    """The microseconds from the first instant to the second."""

    inherit_cache = True
    name = "microseconds_between"
    type = sa.BigInteger()


@compiles(microseconds_between, "postgresql")
def _microseconds_between(element: microseconds_between, compiler: SQLCompiler, **kw: Any) -> str:
    earlier, later = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(extract(epoch from {later} - {earlier}) * 1000000)::bigint"


@compiles(microseconds_between, "sqlite")
def _microseconds_between_sqlite(
    element: microseconds_between, compiler: SQLCompiler, **kw: Any
) -> str:
    earlier, later = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({_microseconds(later)} - {_microseconds(earlier)})"


def _microseconds(instant: str) -> str:
    # In two parts, since SQLite's own functions round to milliseconds; the second may be missing.
    whole = f"CAST(strftime('%s', {instant}) AS INTEGER)"
    fraction = f"CAST(substr(substr({instant}, 21) || '000000', 1, 6) AS INTEGER)"
    return f"({whole} * 1000000 + {fraction})"


class LeaseClock(Protocol):
    """The clock that judges leases, as it stands in statements and in their parameters."""

    @property
    def now(self) -> sa.ColumnElement[datetime]:
        """The present instant."""
        ...

    @property
    def end(self) -> sa.ColumnElement[datetime]:
        """The end of a lease that begins now."""
        ...

    def parameters(self, now: datetime, lease: timedelta | None = None) -> dict[str, Any]:
        """Return what a statement with these needs when the store's clock shows `now`."""
        ...


class ServerClock:
    """The database server's clock."""

    now: sa.ColumnElement[datetime] = server_clock()
    end: sa.ColumnElement[datetime] = server_clock() + sa.bindparam("lease", type_=sa.Interval())

    def parameters(self, now: datetime, lease: timedelta | None = None) -> dict[str, Any]:
        """See `LeaseClock.parameters`; the store's clock has no say."""
        del now
        return {} if lease is None else {"lease": lease}


class StoreClock:
    """The store's own clock."""

    now: sa.ColumnElement[datetime] = sa.bindparam("lease_clock", type_=Instant())
    end: sa.ColumnElement[datetime] = sa.bindparam("lease_end", type_=Instant())

    def parameters(self, now: datetime, lease: timedelta | None = None) -> dict[str, Any]:
        """See `LeaseClock.parameters`."""
        ends = {} if lease is None else {"lease_end": now + lease}
        return {"lease_clock": now, **ends}


CLOCKS: Final[dict[str, LeaseClock]] = {"postgresql": ServerClock(), "sqlite": StoreClock()}
"""The clock that judges leases, by kind of database."""
