"""Statements that are compiled once and run on the driver's own cursor, each committing itself.

For the few calls that a worker makes all day: SQLAlchemy's way from a statement to rows costs as
much as the database needs to answer.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from pipeline_store.sql.failures import translated

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    import sqlalchemy as sa
    from sqlalchemy.engine import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import PoolProxiedConnection
    from sqlalchemy.sql.elements import ClauseElement
    from sqlalchemy.types import TypeEngine


class DirectStatement:
    """A statement on one kind of database, whose text never changes."""

    def __init__(
        self,
        statement: ClauseElement,
        dialect: Dialect,
        columns: Iterable[sa.ColumnElement[Any]] = (),
    ) -> None:
        """Compile it; `columns` are those it returns, in that order."""
        compiled: Any = statement.compile(dialect=_spelling(dialect))
        self.text = str(compiled)
        # Drivers take parameters by name or by place.
        self._places: list[str] | None = compiled.positiontup
        self._given: dict[str, Any] = {}
        self._always: dict[str, Any] = {}
        for bind, name in compiled.bind_names.items():
            process = _sends(bind.type, dialect)
            if bind.required:
                self._given[name] = process
            else:
                self._always[name] = process(bind.value) if process else bind.value
        receives = ((place, _receives(each.type, dialect)) for place, each in enumerate(columns))
        self._receives = [(place, process) for place, process in receives if process]

    def parameters(self, given: Mapping[str, Any]) -> Any:
        """Return what the driver is handed for these values; those it does not need are ignored."""
        ready = dict(self._always)
        for name, process in self._given.items():
            value = given[name]
            ready[name] = process(value) if process else value
        return ready if self._places is None else tuple(map(ready.__getitem__, self._places))

    def read(self, row: Iterable[Any]) -> list[Any]:
        """Return the values of a row as the package knows them; NULL is None to every type."""
        found = list(row)
        for place, process in self._receives:
            value = found[place]
            if value is not None:
                found[place] = process(value)
        return found


def _has_raw_cursor(dialect: Dialect) -> bool:
    """Whether the driver has a cursor that takes a statement as the server reads it.

    psycopg's own looks for named places in it and puts their values in order at every execution.
    """
    return dialect.driver == "psycopg" and not dialect.is_async


def _spelling(dialect: Dialect) -> Dialect:
    if not _has_raw_cursor(dialect):
        return dialect
    numbered: Any = type(dialect)
    spelling: Dialect = numbered(paramstyle="numeric_dollar")
    return spelling


def _sends(kind: TypeEngine[Any], dialect: Dialect) -> Any:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _receives(kind: TypeEngine[Any], dialect: Dialect) -> Any:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


class DirectConnection:
    """A connection of the pool, on which every statement commits itself."""

    def __init__(self, driver: DBAPIConnection, dialect: Dialect) -> None:
        """Send statements on `driver`."""
        self._driver = driver
        self._raw: Any = dialect.loaded_dbapi.RawCursor if _has_raw_cursor(dialect) else None

    def rows(self, statement: DirectStatement, given: Mapping[str, Any]) -> list[list[Any]]:
        """Run a statement and return its rows."""
        cursor = self._cursor()
        try:
            cursor.execute(statement.text, statement.parameters(given))
            return [statement.read(row) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def rows_unless(
        self, written: int, statement: DirectStatement, given: Mapping[str, Any]
    ) -> list[list[Any]] | None:
        """Run a statement and return its rows, or None when it wrote just so many.

        Who knows which rows those are need not wait until they are read.
        """
        cursor = self._cursor()
        try:
            cursor.execute(statement.text, statement.parameters(given))
            if cursor.rowcount == written:
                return None
            return [statement.read(row) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def count(self, statement: DirectStatement, given: Mapping[str, Any]) -> int:
        """Run a statement that returns no rows, and return how many it wrote."""
        cursor = self._cursor()
        try:
            cursor.execute(statement.text, statement.parameters(given))
            written: int = cursor.rowcount
        finally:
            cursor.close()
        return written

    def _cursor(self) -> Any:
        return self._raw(self._driver) if self._raw else self._driver.cursor()


class Driver:
    """The driver's own cursor in the transaction of a connection.

    For many statements that take microseconds each: SQLAlchemy's way takes longer than they do.
    """

    def __init__(self, connection: sa.Connection) -> None:
        """Send statements past SQLAlchemy, which has begun the transaction."""
        self._dialect = connection.dialect
        self._error = self._dialect.loaded_dbapi.Error
        self._cursor: Any = connection.connection.cursor()

    def run(self, statement: str, given: tuple[Any, ...] = ()) -> list[Any]:
        """Run a statement and return its rows, if it has any."""
        try:
            self._cursor.execute(statement, given)
            found: list[Any] = self._cursor.fetchall()
        except self._error as error:
            raise _as_sqlalchemy(error, self._dialect) from None
        return found

    def run_many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Run a statement that returns nothing for each of the rows."""
        try:
            self._cursor.executemany(statement, rows)
        except self._error as error:
            raise _as_sqlalchemy(error, self._dialect) from None


def _run(driver: Any, statement: str) -> None:
    cursor = driver.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()


@contextmanager
def directly(engine: sa.Engine, *, committing: bool = False) -> Generator[DirectConnection]:
    """Take a connection for the time of the block, and translate the errors of both.

    On SQLite the block is alone, and its statements are committed together.
    With `committing`, a connection lost in the block leaves the outcome of its statement unknown.
    """
    dialect = engine.dialect
    driver_error = dialect.loaded_dbapi.Error
    with translated():
        try:
            pooled = engine.raw_connection()
        except driver_error as error:
            raise _as_sqlalchemy(error, dialect) from None
    driver: Any = pooled.dbapi_connection
    switched = dialect.name == "postgresql"
    try:
        with translated(committing=committing):
            try:
                if switched:
                    driver.autocommit = True
                    yield DirectConnection(driver, dialect)
                else:
                    # The lock first, so that the block looks at the clock when it is alone.
                    _run(driver, "BEGIN IMMEDIATE")
                    yield DirectConnection(driver, dialect)
                    _run(driver, "COMMIT")
            except driver_error as error:
                raise _as_sqlalchemy(error, dialect, pooled) from None
    except BaseException as error:
        if not isinstance(error, Exception):
            # Whoever is interrupted leaves the answer to a statement on the connection.
            pooled.invalidate()
        raise
    finally:
        if switched and pooled.is_valid:
            driver.autocommit = False
        pooled.close()


def _as_sqlalchemy(
    error: Any, dialect: Dialect, pooled: PoolProxiedConnection | None = None
) -> Exception:
    """Return a driver's error as SQLAlchemy raises it, and give up a connection that is lost."""
    lost = dialect.is_disconnect(error, pooled.dbapi_connection if pooled else None, None)
    if lost and pooled:
        pooled.invalidate(error)
    instance: Any = DBAPIError.instance  # pyright: ignore[reportUnknownMemberType]
    wrapped: Exception = instance(
        None,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    )
    return wrapped
