"""Rows of another program that break a rule of ours: named, never changed.

The rules are those of the domain classes, so each row is offered to its class.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs
from attrs import setters

from pipeline_store.errors import InvalidValue
from pipeline_store.production import LONGEST_CLIP_SECONDS
from pipeline_store.production.clip import is_longer
from pipeline_store.sql.columns import Instant, mapper_registry, read_instant
from pipeline_store.sql.production import clips, pipeline_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import sqlalchemy as sa

_ROWS_PER_STATEMENT: Final = 5_000

_KNOWN_SPELLING: Final = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[-+]\d\d:\d\d)?", re.ASCII
)
"""Times that are found and ordered right, whatever is mixed with them."""

_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")


@attrs.frozen
class Finding:
    """Something that breaks a rule; with `row` None, in the table itself."""

    table: str
    #: The row's id; its key in config_overrides.
    row: int | str | None
    text: str

    def __str__(self) -> str:
        """Say where and what in one line."""
        row = "" if self.row is None else f" {self.row}"
        return f"{self.table}{row}: {self.text}"


class RowCheck:
    """The rows of one table, read once; `count` is how many there were."""

    def __init__(self, connection: sa.Connection, table: sa.Table) -> None:
        """Read `table` through `connection`."""
        self._connection = connection
        self._table = table
        self._kind = next(m.class_ for m in mapper_registry.mappers if m.local_table is table)
        self._fields = {a.name: a for a in attrs.fields(self._kind) if a.init}
        self._times = [c.name for c in table.columns if isinstance(c.type, Instant)]
        self._first_of_cycle: dict[tuple[Any, Any], Any] = {}
        self.count = 0

    def findings(self) -> Iterator[Finding]:
        """Yield what breaks a rule in the rows, then the rows that refer to nothing."""
        (key,) = self._table.primary_key.columns.keys()
        for row in self._rows():
            self.count += 1
            for text in self._broken_rules(row):
                yield Finding(self._table.name, row[key], text)
        yield from self._orphans()

    def _rows(self) -> Iterator[dict[str, Any]]:
        """Read in portions, so that a program that wants to write need not wait for all of them."""
        driver: Any = self._connection.connection.driver_connection
        driver.text_factory = _decoded
        names = self._table.columns.keys()
        statement = (
            f"SELECT rowid, {', '.join(names)} FROM {self._table.name} "  # noqa: S608 - our names
            "WHERE rowid > ? ORDER BY rowid LIMIT ?"
        )
        last = -(2**63)
        while True:
            portion = self._connection.exec_driver_sql(statement, (last, _ROWS_PER_STATEMENT))
            rows = portion.all()
            for row in rows:
                yield dict(zip(names, row[1:], strict=True))
            if len(rows) < _ROWS_PER_STATEMENT:
                return
            last = rows[-1][0]

    def _broken_rules(self, row: dict[str, Any]) -> Iterator[str]:
        readable = dict(row)
        for name in self._times:
            if row[name] is None:
                continue
            try:
                readable[name] = read_instant(row[name])
            except InvalidValue as error:
                del readable[name]
                yield f"{name}: {error}"
            else:
                if not _KNOWN_SPELLING.fullmatch(row[name]):
                    yield f"{name}: {row[name]!r} is spelled unusually and may sort wrongly"
        yield from self._refused(readable)
        if self._table is clips:
            yield from _too_long(readable)
        if self._table is pipeline_runs and "cycle_start" in readable:
            yield from self._repeated(readable)

    def _refused(self, readable: dict[str, Any]) -> Iterator[str]:
        """Yield what the class refuses: value by value, or else all of them together."""
        given = {name: readable[name] for name in self._fields if name in readable}
        together = ""
        try:
            self._kind(**given)
        except InvalidValue as error:
            together = str(error)
        except TypeError:
            # An unreadable time is left out, so there can be no object.
            pass
        else:
            return
        one_by_one = [
            text
            for name, value in given.items()
            for text in _refused_value(self._fields[name], value)
        ]
        yield from one_by_one or ([together] if together else [])

    def _repeated(self, row: Mapping[str, Any]) -> Iterator[str]:
        cycle = (row["niche"], row["cycle_start"])
        first = self._first_of_cycle.setdefault(cycle, row["id"])
        if first != row["id"]:
            yield f"the same niche and cycle_start as row {first}"

    def _orphans(self) -> Iterator[Finding]:
        """Ask for them by the schema's references, whether or not the file declares them."""
        table = self._table.name
        for column in self._table.columns:
            for reference in column.foreign_keys:
                other, key = reference.column.table.name, reference.column.name
                rows = self._connection.exec_driver_sql(
                    f"SELECT id, {column.name} FROM {table} "  # noqa: S608 - our names
                    f"WHERE {column.name} IS NOT NULL "
                    f"AND {column.name} NOT IN (SELECT {key} FROM {other}) ORDER BY id"
                )
                for row in rows:
                    text = f"{column.name}: {row[1]!r:.60} is no row of {other}"
                    yield Finding(table, row[0], text)


def _refused_value(field: attrs.Attribute[Any], value: object) -> Iterator[str]:
    if isinstance(value, str) and _NOT_UTF8.search(value):
        yield f"{field.name}: not UTF-8, so the row cannot be read"
        return
    try:
        converted = setters.convert(None, field, value)
        setters.validate(None, field, converted)
    except InvalidValue as error:
        yield str(error)


def _too_long(row: Mapping[str, Any]) -> Iterator[str]:
    seconds = row["clip_duration_seconds"]
    if isinstance(seconds, (int, float)) and is_longer(seconds, LONGEST_CLIP_SECONDS):
        yield f"clip_duration_seconds: {seconds}, the limit is {LONGEST_CLIP_SECONDS:g}"


def _decoded(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogateescape")
