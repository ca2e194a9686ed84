"""Rows in bulk, past the unit of work's objects but inside its transaction."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from pipeline_store.sql.columns import Instant, OpenChoice
from pipeline_store.sql.row_columns import PlainUuid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline_store.sql.session import GuardedSession

    Columns = Mapping[str, Sequence[Any]]
    Conversions = Mapping[type[Any], Callable[[Any], object]]

_BINARY_TYPES: Final[Mapping[type[Any], str]] = {
    sa.BigInteger: "int8",
    sa.Float: "float8",
    sa.Text: "text",
    sa.String: "text",
    OpenChoice: "text",
    PlainUuid: "uuid",
    # On the wire a time without zone is the same 64 bits, and aware values need no conversion.
    Instant: "timestamptz",
}


def append_rows(session: GuardedSession, table: sa.Table, columns: Columns) -> None:
    """Insert rows given as checked columns, without giving their keys back.

    PostgreSQL's drivers copy them in binary; elsewhere one prepared INSERT serves all rows.
    """
    if not any(columns.values()):
        return
    with session.guarded(table.name) as raw:
        connection = raw.connection()
        dialect = connection.dialect
        if dialect.name == "sqlite":
            _insert_prepared(connection, table, columns)
        elif dialect.driver == "asyncpg":
            _copy_with_asyncpg(connection, table, columns)
        elif dialect.is_async:
            rows = [dict(zip(columns, row, strict=True)) for row in _rows(table, columns, {})]
            connection.execute(sa.insert(table), rows)
        else:
            _copy_with_psycopg(connection, table, columns)


def _copy_with_psycopg(connection: sa.Connection, table: sa.Table, columns: Columns) -> None:
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_BINARY_TYPES[type(table.c[name].type)] for name in columns])
            write_row = copy.write_row
            for row in _rows(table, columns, _IN_BINARY):
                write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_execution_error(connection, statement, error, lost=driver.closed) from error


def _copy_with_asyncpg(connection: sa.Connection, table: sa.Table, columns: Columns) -> None:
    module: Any = connection.dialect.loaded_dbapi
    adapter: Any = connection.connection.dbapi_connection
    driver: Any = connection.connection.driver_connection
    if not driver.is_in_transaction():
        # SQLAlchemy begins with the first statement; before it, a COPY would commit by itself.
        connection.exec_driver_sql("SELECT 1")
    rows = _rows(table, columns, _AS_RECORDS)

    def copy(driver: Any) -> Any:
        return driver.copy_records_to_table(table.name, records=rows, columns=list(columns))

    try:
        adapter.run_async(copy)
    except (module.asyncpg.PostgresError, module.asyncpg.InterfaceError) as error:
        raise _as_execution_error(connection, "COPY", error, lost=driver.is_closed()) from error


def _insert_prepared(connection: sa.Connection, table: sa.Table, columns: Columns) -> None:
    names = ", ".join(columns)
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608 - our names
    connection.exec_driver_sql(statement, list(_rows(table, columns, _AS_TEXT)))


def _rows(table: sa.Table, columns: Columns, conversions: Conversions) -> Iterator[tuple[Any, ...]]:
    """Return the rows, their values as a driver takes them."""
    sent: list[Sequence[Any]] = []
    for name, column in columns.items():
        convert = conversions.get(type(table.c[name].type))
        sent.append(column if convert is None else [v if v is None else convert(v) for v in column])
    return zip(*sent, strict=True)


def _without_zone(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)


def spelled_instant(instant: datetime) -> str:
    """Return an aware UTC instant the way SQLAlchemy writes it to SQLite, which is without zone."""
    return instant.isoformat(" ", "microseconds")[:26]


def _as_execution_error(
    connection: sa.Connection, statement: str, error: Exception, *, lost: bool
) -> DBAPIError:
    """Return what SQLAlchemy would have raised, had the driver not been used past it."""
    if lost:
        connection.invalidate(error)
    return DBAPIError(statement, None, error, connection_invalidated=lost)


_value: Final = attrgetter("value")
_IN_BINARY: Final[Conversions] = {OpenChoice: _value}
_AS_RECORDS: Final[Conversions] = {OpenChoice: _value, Instant: _without_zone}
_AS_TEXT: Final[Conversions] = {
    OpenChoice: _value,
    Instant: spelled_instant,
    PlainUuid: attrgetter("hex"),
}
