"""Column types that mean the same on SQLite and on PostgreSQL, and the metadata that holds them."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import attributes, registry
from sqlalchemy.sql.functions import FunctionElement

from pipeline_store import json_value, values
from pipeline_store.errors import InvalidValue

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.types import TypeEngine

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
mapper_registry = registry(metadata=metadata)


def map_class(kind: type[Any], table: sa.Table) -> None:
    """Map a domain class to its table.

    Objects get SQLAlchemy's state when it is first asked for, not when they are made: those made
    before this moment can be read, changed and added like any other, and making one stays cheap.
    """
    construct = kind.__init__
    mapper_registry.map_imperatively(kind, table)
    setattr(kind, "__init__", construct)  # noqa: B010 - mypy forbids the other way
    manager: Any = attributes.manager_of_class(kind)
    wanted = manager.STATE_ATTR

    def give_state(instance: Any, name: str) -> Any:
        if name != wanted:
            message = f"{kind.__name__!r} object has no attribute {name!r}"
            raise AttributeError(message)
        manager.setup_instance(instance)
        held: dict[str, Any] = instance.__dict__
        return held[name]

    kind.__getattr__ = give_state
    mapper_registry.configure()


RowKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""An integer key: 64 bits, and on SQLite the type that an automatic key must have there."""


def read_instant(stored: object) -> datetime:
    """Return the aware instant that a text in an SQLite file stands for; UTC where it says no zone.

    Raises:
        InvalidValue: it is no such text.
    """
    if isinstance(stored, str):
        with suppress(OverflowError, ValueError):
            return _aware(datetime.fromisoformat(stored))
    raise InvalidValue(f"a stored time cannot be read: {stored!r:.60}")


def _aware(value: datetime) -> datetime:
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    # What `value.replace(tzinfo=UTC)` says, in a sixth of its time.
    return datetime.combine(value, value.time(), UTC)


def _zoned(value: datetime | None) -> datetime | None:
    # The same as `_aware`, without a call of it: rows are full of times.
    if value is None or value.tzinfo is not None:
        return None if value is None else _aware(value)
    return datetime.combine(value, value.time(), UTC)


class _SqliteInstant(sqlite.DATETIME):
    """Text in UTC. Reads what other programs write: with or without fraction, "T" or zone."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return a function from the stored text to a datetime."""

        def parse(stored: Any) -> Any:
            try:
                return None if stored is None else read_instant(stored)
            except InvalidValue as error:
                # Neither the table nor the key is known here.
                cure = "`pipeline-store adopt` names its row, to be corrected in the file"
                raise InvalidValue(f"{error}; {cure}") from None

        return parse


def _sqlite_type(kind: Any) -> TypeEngine[Any]:
    # SQLAlchemy leaves the constructor of its SQLite times untyped.
    made: TypeEngine[Any] = kind()
    return made


class Instant(sa.TypeDecorator[datetime]):
    """An aware UTC datetime, kept as UTC without zone."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Read SQLite's text ourselves; every other database has a real type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_sqlite_type(_SqliteInstant))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value: Any, dialect: Dialect) -> datetime | None:
        """Convert to UTC and drop the zone."""
        if value is None:
            return None
        return values.as_instant("time", value).replace(tzinfo=None)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return a function to the instant with its zone, by the shortest way: rows are full of it.

        What is read from SQLite has its zone already.
        """
        return super().result_processor(dialect, coltype) if dialect.name == "sqlite" else _zoned


class _SqliteShortInstant(_SqliteInstant):
    """Text with no more fraction than needed: sorts before every other spelling of the instant."""

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return a function from a datetime to its shortest text."""

        def spell(value: datetime | None) -> str | None:
            if value is None:
                return None
            text = value.isoformat(" ")
            return text.rstrip("0") if value.microsecond else text

        return spell


class _EarlyInstant(Instant):
    """An instant to compare with, spelled so that no stored spelling of it sorts before it."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Spell it short on SQLite, where times are compared as text."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_sqlite_type(_SqliteShortInstant))
        return super().load_dialect_impl(dialect)


class by_code_point(FunctionElement[str]):  # noqa: N801 - reads like a SQL function
    """A text in an order that is the same on every database, whatever its language is set to."""

    inherit_cache = True
    name = "by_code_point"
    type = sa.Text()


@compiles(by_code_point)
def _in_order_of_bytes(element: by_code_point, compiler: SQLCompiler, **kw: Any) -> str:
    return f'({compiler.process(element.clauses, **kw)} COLLATE "C")'


@compiles(by_code_point, "sqlite")
def _as_it_is(element: by_code_point, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


class chronological(FunctionElement[datetime]):  # noqa: N801 - reads like a SQL function
    """A stored time in a spelling that sorts by time; costs the use of an index on SQLite.

    Other programs' files mix "2026-02-28 23:00:00" with "2026-02-28T01:00:00", which sorts later,
    and with "2026-02-28T01:00:00+05:30", which is of another day.
    """

    inherit_cache = True
    name = "chronological"
    type = Instant()


@compiles(chronological)
def _plain(element: chronological, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(chronological, "sqlite")
def _in_utc(element: chronological, compiler: SQLCompiler, **kw: Any) -> str:
    time = compiler.process(element.clauses, **kw)
    # Only hours and minutes go through strftime, which rounds fractions to milliseconds.
    minute = f"strftime('%Y-%m-%d %H:%M:', substr({time}, 1, 16) || substr({time}, -6))"
    rest = f"substr({time}, 18, max(0, length({time}) - 23))"
    return (
        f"CASE WHEN {time} GLOB '*[-+]??:??' THEN {minute} || {rest} "
        f"ELSE replace(rtrim({time}, 'Z'), 'T', ' ') END"
    )


def from_instant(column: sa.ColumnElement[datetime], start: datetime) -> sa.ColumnElement[bool]:
    """Compare: at `start` or later."""
    return column >= sa.bindparam(None, start, type_=_EarlyInstant())


def before_instant(column: sa.ColumnElement[datetime], end: datetime) -> sa.ColumnElement[bool]:
    """Compare: before `end`."""
    return column < sa.bindparam(None, end, type_=_EarlyInstant())


def until_instant(column: sa.ColumnElement[datetime], end: datetime) -> sa.ColumnElement[bool]:
    """Compare: at `end` or earlier; our own spelling sorts behind every other one of an instant."""
    return column <= sa.bindparam(None, end, type_=Instant())


def same_instant(
    column: sa.ColumnElement[datetime], instant: datetime, dialect: str
) -> sa.ColumnElement[bool]:
    """Compare: exactly at `instant`, however it is spelled on SQLite, by use of an index."""
    if dialect != "sqlite":
        return column == instant
    # Whatever its zone, a spelling starts with the day before, the day itself or the day after.
    text = sa.type_coerce(column, sa.Text)
    day = values.as_instant("time", instant).date()
    first, behind = day - timedelta(days=1), day + timedelta(days=2)
    time = chronological(column)
    return sa.and_(
        text >= first.isoformat(),
        text < behind.isoformat(),
        from_instant(time, instant),
        until_instant(time, instant),
    )


class OpenChoice(sa.TypeDecorator[Any]):
    """A member of an enumeration, kept as its value; other stored values load as they stand."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: type[Enum]) -> None:
        """Keep members of `kind`, whose values are all text or all integers."""
        self.kind = kind
        self._members = {member.value: member for member in kind}
        super().__init__()

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Keep integers as integers."""
        del dialect
        numbers = all(isinstance(value, int) for value in self._members)
        # Not through the dialect's type_descriptor, which makes psycopg's VARCHAR of it in DDL.
        return sa.Integer() if numbers else sa.Text()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return the member's plain value: drivers do not all know enumerations."""
        return value.value if isinstance(value, Enum) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return a function to the member, or to the stored value when there is none."""
        del dialect, coltype
        members = self._members

        def find(value: Any) -> Any:
            return members.get(value, value)

        return find


class JsonValue(sa.TypeDecorator[Any]):
    """A JSON value, kept as text and loaded immutable; None is SQL's NULL, or JSON's `null`.

    Not as JSON on SQLite, which turns 1.0 into 1 in a column that is declared so.
    """

    impl = sa.JSON
    cache_ok = True

    def __init__(self, *, none_as_null: bool = True) -> None:
        """Keep None as NULL, or with `none_as_null=False` as JSON's own."""
        super().__init__(none_as_null=none_as_null)
        self._none_as_null = none_as_null

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return super().load_dialect_impl(dialect)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return what the database is given."""
        if dialect.name != "sqlite" or (value is None and self._none_as_null):
            return value
        return json_value.spelled(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return the value, immutable throughout."""
        if dialect.name == "sqlite" and value is not None:
            value = json.loads(value)
        return json_value.thawed(value)

    def compare_values(self, x: Any, y: Any) -> bool:
        """Whether two values are stored alike."""
        return json_value.same(x, y)


class utc_now(FunctionElement[datetime]):  # noqa: N801 - reads like a SQL function
    """The database's present instant, in UTC without zone, for defaults of columns."""

    inherit_cache = True
    name = "utc_now"
    type = sa.DateTime()


@compiles(utc_now)
def _utc_now(_element: utc_now, _compiler: SQLCompiler, **_kw: Any) -> str:
    return "timezone('utc', now())"


@compiles(utc_now, "sqlite")
def _utc_now_sqlite(_element: utc_now, _compiler: SQLCompiler, **_kw: Any) -> str:
    return "CURRENT_TIMESTAMP"
