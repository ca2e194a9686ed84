"""What the store says to its drivers, noted so that it can be said again by hand."""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self
from unittest.mock import patch
from uuid import UUID

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

PING = ";"

KEY_IN_TEXT = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Said:
    """A statement, what it was given, and how many rows it returned or wrote."""

    text: Any
    values: Any
    rows: int
    #: The values are many sets of them, for each of which the statement was run.
    for_many: bool = False
    #: The values are rows that were copied, of columns of these types.
    copied: Sequence[str] | None = None

    def again(self, connection: psycopg.Connection[Any], values: Any) -> None:
        """Say it with other values."""
        with connection.cursor() as cursor:
            if self.copied is not None:
                with cursor.copy(self.text) as copy:
                    copy.set_types(self.copied)
                    for row in values:
                        copy.write_row(row)
            elif self.for_many:
                cursor.executemany(self.text, values)
            else:
                cursor.execute(self.text, values)
            # Whoever changes nothing is fast.
            assert cursor.rowcount == self.rows


class NotingCursor(psycopg.Cursor[Any]):
    """A cursor of psycopg that notes what is executed on it."""

    said: ClassVar[list[Said]] = []

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        super().execute(query, params, **options)
        # Whether the connection still stands is no part of the work.
        if query != PING:
            self.said.append(Said(query, params, self.rowcount))
        return self

    def executemany(
        self, query: Any, params_seq: Iterable[Any], *, returning: bool = False
    ) -> None:
        several = list(params_seq)
        super().executemany(query, several, returning=returning)
        self.said.append(Said(query, several, self.rowcount, for_many=True))

    @contextmanager
    def copy(self, statement: Any, params: Any = None, *, writer: Any = None) -> Iterator[Any]:
        with super().copy(statement, params, writer=writer) as copy:
            noting = NotingCopy(copy)
            yield noting
        self.said.append(Said(statement, noting.rows, self.rowcount, copied=noting.types))


class NotingRawCursor(psycopg.RawCursor[Any]):
    """The same of statements as the server reads them, which the store's short way sends."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        super().execute(query, params, **options)
        NotingCursor.said.append(Said(query, params, self.rowcount))
        return self


class NotingCopy:
    """What rows are copied by."""

    def __init__(self, copy: psycopg.Copy) -> None:
        self._copy = copy
        self.types: Sequence[str] = ()
        self.rows: list[Sequence[Any]] = []

    def set_types(self, types: Sequence[str]) -> None:
        self._copy.set_types(types)
        self.types = types

    def write_row(self, row: Sequence[Any]) -> None:
        self._copy.write_row(row)
        self.rows.append(row)


class NotingConnection(sqlite3.Connection):
    """A connection of sqlite3 that notes what is executed on its cursors."""

    said: ClassVar[list[Said]] = []

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or NotingSqliteCursor)

    def commit(self) -> None:
        if self.in_transaction:
            self.said.append(Said("COMMIT", (), -1))
        super().commit()

    def rollback(self) -> None:
        if self.in_transaction:
            self.said.append(Said("ROLLBACK", (), -1))
        super().rollback()


class NotingSqliteCursor(sqlite3.Cursor):
    """A cursor of such a connection."""

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        super().execute(sql, parameters)
        NotingConnection.said.append(Said(sql, parameters, self.rowcount))
        return self

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        several = list(parameters)
        super().executemany(sql, several)
        NotingConnection.said.append(Said(sql, several, self.rowcount, for_many=True))
        return self


def noted(
    call: Callable[[], Any], by: type[NotingCursor | NotingConnection] = NotingCursor
) -> tuple[Any, list[Said]]:
    """The answer of the call, and what was noted meanwhile."""
    by.said.clear()
    with patch.object(psycopg, "RawCursor", NotingRawCursor):
        answer = call()
    return answer, list(by.said)


def renames(noted_ids: Iterable[UUID], ids: Iterable[UUID]) -> dict[object, object]:
    """What stands for what, when the same is said of others."""
    pairs = list(zip(noted_ids, ids, strict=True))
    return {**dict(pairs), **{noted.hex: found.hex for noted, found in pairs}}


def renamed(values: Any, names: Mapping[object, object]) -> Any:
    """The same parameters, for others."""
    if isinstance(values, dict):
        return {name: renamed(value, names) for name, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [renamed(value, names) for value in values]
    if isinstance(values, str):
        # Keys of several may be sent as one text.
        return KEY_IN_TEXT.sub(lambda found: _renamed_in_text(found[0], names), values)
    return names.get(values, values) if isinstance(values, UUID) else values


def _renamed_in_text(key: str, names: Mapping[object, object]) -> str:
    found = names.get(UUID(key) if "-" in key else key, key)
    return str(found)
