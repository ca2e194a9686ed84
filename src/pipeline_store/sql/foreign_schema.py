"""How the ten tables of another program's SQLite file differ from ours.

Two spellings are in the field. One is plain DDL: TEXT, TIMESTAMP, REAL, AUTOINCREMENT, keys that
may be null on paper, no foreign key on error_log. The other is an older ORM's: VARCHAR, DATETIME
NOT NULL, FLOAT, PRIMARY KEY (id). Both hold and accept the same rows, and that is what is compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from pipeline_store.sql.columns import metadata
from pipeline_store.sql.production import PRODUCTION_TABLES, error_log

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGER, REAL, TEXT, NUMERIC, BLOB = "INTEGER", "REAL", "TEXT", "NUMERIC", "BLOB"

_KINDS: Final = (
    (("INT",), INTEGER),
    (("CHAR", "CLOB", "TEXT"), TEXT),
    (("BLOB",), BLOB),
    (("REAL", "FLOA", "DOUB"), REAL),
)
"""What SQLite looks for in a declared type, in this order, to decide how it keeps values."""

_ACCEPTED: Final = {
    INTEGER: {INTEGER, NUMERIC},
    REAL: {REAL, NUMERIC},
    TEXT: {TEXT},
    # Our times are text that looks like no number, which both keep as it is.
    NUMERIC: {NUMERIC, TEXT},
}
"""For each way that we keep values, the ways that keep ours and theirs as they are."""


@attrs.frozen
class Comparison:
    """What was found: differences forbid adoption, the rest is worth knowing."""

    differences: tuple[str, ...]
    #: Names of indexes of the schema that the file lacks; queries are right without them, but slow.
    missing_indexes: tuple[str, ...]
    #: (table, what is unusual) where writing through this package may surprise.
    oddities: tuple[tuple[str, str], ...]


def tables_found(connection: sa.Connection) -> dict[str, str]:
    """Return those of the ten tables that the file has, each with the SQL that made it."""
    made = _tables_of(connection)
    return {table.name: made[table.name] for table in PRODUCTION_TABLES if table.name in made}


def compare(connection: sa.Connection) -> Comparison:
    """Compare the ten tables of the file with the schema, column by column."""
    found = tables_found(connection)
    differences = [
        f"table {name} has a name that this package needs: rename it" for name in _taken(connection)
    ]
    missing_indexes: list[str] = []
    oddities: list[tuple[str, str]] = []
    if not found:
        differences.append("it has none of the ten tables; `pipeline-store init` creates them")
    for table in PRODUCTION_TABLES:
        if table.name not in found:
            differences += [f"table {table.name} is missing"] if found else []
            continue
        theirs = _Theirs(connection, table, found[table.name])
        differences += [f"{table.name}: {text}" for text in theirs.differences()]
        missing_indexes += theirs.missing_indexes()
        oddities += [(table.name, text) for text in theirs.oddities()]
    return Comparison(tuple(differences), tuple(missing_indexes), tuple(oddities))


def _tables_of(connection: sa.Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    return {name: sql or "" for name, sql in rows}


def _taken(connection: sa.Connection) -> list[str]:
    """Return the tables with names of ours that are not among the ten: adoption would make them."""
    ours = set(metadata.tables) - {table.name for table in PRODUCTION_TABLES}
    return sorted(ours.intersection(_tables_of(connection)))


class _Theirs:
    """One of the ten tables, as the file has it."""

    def __init__(self, connection: sa.Connection, table: sa.Table, sql: str) -> None:
        self._connection = connection
        self._table = table
        self._sql = sql
        self._referred = {
            column.name: {key.column.table.name for key in column.foreign_keys}
            for column in table.columns
        }
        # Generated columns are listed here too.
        self._columns = {row["name"]: row for row in self._pragma("table_xinfo", table.name)}
        self._references = {
            row["from"]: row for row in self._pragma("foreign_key_list", table.name)
        }
        self._indexes = {
            row["name"]: (row, [part["name"] for part in self._pragma("index_info", row["name"])])
            for row in self._pragma("index_list", table.name)
        }

    def differences(self) -> Iterator[str]:
        if re.search(r"\bWITHOUT\s+ROWID\b[^)]*$", self._sql, re.IGNORECASE):
            yield "it is made WITHOUT ROWID"
        for column in self._table.columns:
            if column.name in self._columns:
                yield from self._column(column, self._columns[column.name])
            else:
                yield f"column {column.name} is missing"
        for name in self._columns:
            if name not in self._table.columns:
                yield f"column {name} is not in the schema"
        yield from self._keys()

    def missing_indexes(self) -> list[str]:
        return [
            str(index.name)
            for index in sorted(self._table.indexes, key=lambda index: str(index.name))
            if self._indexes.get(str(index.name), (None, None))[1] != list(index.columns.keys())
        ]

    def oddities(self) -> Iterator[str]:
        for name, (index, columns) in self._indexes.items():
            if index["unique"] and index["origin"] != "pk" and columns not in self._unique():
                yield f"{name} makes ({', '.join(map(str, columns))}) unique, the schema does not"
        for column in self._table.columns:
            # Plain DDL has none on error_log.
            expected = self._referred[column.name] and self._table is not error_log
            if expected and column.name not in self._references:
                yield f"{column.name} is not declared as a foreign key, so none is enforced"

    def _column(self, ours: sa.Column[Any], theirs: sa.RowMapping) -> Iterator[str]:
        declared = ours.type.compile(sqlite.dialect())
        if _kind(theirs["type"]) not in _ACCEPTED[_kind(declared)]:
            yield f"column {ours.name} is {theirs['type'] or 'untyped'}, {declared} is needed"
        elif ours.autoincrement is True and theirs["type"].upper() != "INTEGER":
            yield f"column {ours.name} is {theirs['type']}; only INTEGER gives keys by itself"
        if ours.primary_key:
            return
        if not ours.nullable and not theirs["notnull"]:
            yield f"column {ours.name} may be null, the schema says NOT NULL"
        # What has a default is never written as null.
        if ours.nullable and theirs["notnull"] and ours.server_default is None:
            yield f"column {ours.name} is NOT NULL, the schema lets it be null"

    def _keys(self) -> Iterator[str]:
        key = [name for name, row in self._columns.items() if row["pk"]]
        wanted = list(self._table.primary_key.columns.keys())
        if key != wanted:
            yield f"its primary key is ({', '.join(key)}), ({', '.join(wanted)}) is needed"
        unique = [
            columns
            for row, columns in self._indexes.values()
            if row["unique"] and not row["partial"]
        ]
        for columns in self._unique():
            if columns not in unique:
                yield f"({', '.join(columns)}) is not unique"
        for name, theirs in self._references.items():
            if theirs["table"] not in self._referred.get(name, {theirs["table"]}):
                yield f"column {name} refers to {theirs['table']}, in the schema it does not"

    def _unique(self) -> list[list[str]]:
        return [
            list(constraint.columns.keys())
            for constraint in self._table.constraints
            if isinstance(constraint, sa.UniqueConstraint)
        ]

    def _pragma(self, name: str, argument: str) -> list[sa.RowMapping]:
        quoted = self._connection.dialect.identifier_preparer.quote(argument)
        rows = self._connection.exec_driver_sql(f"PRAGMA {name}({quoted})")
        return list(rows.mappings())


def _kind(declared: str) -> str:
    """Return how SQLite keeps values of a column with this declared type (its "affinity")."""
    if not declared:
        return BLOB
    named = declared.upper()
    return next((kind for words, kind in _KINDS if any(word in named for word in words)), NUMERIC)
