"""Rows in bulk, past the unit of work's objects but inside its transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_store.sql.session import GuardedSession

_COPY_TYPES: Final[Mapping[type[Any], str]] = {
    sa.BigInteger: "int8",
    sa.Float: "float8",
    sa.Text: "text",
}


def append_rows(
    session: GuardedSession, table: sa.Table, columns: Mapping[str, Sequence[Any]]
) -> None:
    """Insert rows given as checked columns, without giving their keys back.

    psycopg copies them in binary; the other drivers run one prepared INSERT for all rows.
    """
    with session.guarded(table.name) as raw:
        connection = raw.connection()
        if connection.dialect.driver == "psycopg":
            _copy(connection, table, columns)
        else:
            _insert(connection, table, columns)


def _copy(connection: sa.Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]]) -> None:
    names = ", ".join(columns)
    types = [_COPY_TYPES.get(type(table.c[name].type), "timestamp") for name in columns]
    prepared = [_without_zone(values) for values in columns.values()]
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(types)
        write_row = copy.write_row
        for row in zip(*prepared, strict=True):
            write_row(row)


def _insert(
    connection: sa.Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]]
) -> None:
    if connection.dialect.name != "sqlite":
        connection.execute(sa.insert(table), _as_mappings(columns))
        return
    names = ", ".join(columns)
    places = ", ".join("?" for _ in columns)
    rows = list(zip(*(_as_text(values) for values in columns.values()), strict=True))
    if rows:
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608 - our names
        connection.exec_driver_sql(statement, rows)


def _as_mappings(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _without_zone(values: Sequence[Any]) -> Sequence[Any]:
    if not values or not isinstance(values[0], datetime):
        return values
    return [value.replace(tzinfo=None) for value in values]


def _as_text(values: Sequence[Any]) -> Sequence[Any]:
    if not values or not isinstance(values[0], datetime):
        return values
    return [value.replace(tzinfo=None).isoformat(" ", "microseconds") for value in values]
