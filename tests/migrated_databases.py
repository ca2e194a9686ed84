"""PostgreSQL databases at the newest revision and without rows, for one test after the other.

Making a database and its tables takes a hundred times as long as emptying one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from pipeline_store.sql import SqlStore, metadata

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer

END_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
COUNT_FROM_ONE = """
    SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence
    JOIN pg_class ON pg_class.oid = seqrelid WHERE relnamespace = 'public'::regnamespace
"""
# Whatever changes a table, an index, a function or a setting writes one of these rows anew.
SHAPE = """
    SELECT
        (SELECT version_num FROM pipeline_store_version),
        (SELECT count(*) FROM pg_namespace),
        (SELECT sum(hashtextextended(attrelid::text || attnum || pg_attribute.xmin::text, 0))
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'public'::regnamespace),
        (SELECT sum(hashtextextended(oid::text || xmin::text, 0))
            FROM pg_class WHERE relnamespace = 'public'::regnamespace),
        (SELECT sum(hashtextextended(oid::text || xmin::text, 0))
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
        (SELECT sum(hashtextextended(oid::text || xmin::text, 0))
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
        (SELECT sum(hashtextextended(oid::text || xmin::text, 0)) FROM pg_trigger),
        (SELECT sum(hashtextextended(oid::text || xmin::text, 0)) FROM pg_rewrite),
        (SELECT count(*) FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
            WHERE datname = current_database())
"""
CHILDREN_FIRST = [table.name for table in reversed(metadata.sorted_tables)]
HAS_ROWS = "EXISTS (SELECT 1 FROM {})"
WHICH_HAVE_ROWS = f"SELECT {', '.join(HAS_ROWS.format(name) for name in CHILDREN_FIRST)}"
SIZE = "SELECT pg_database_size(current_database())"
MOST_LEFT_BEHIND = 2_000_000
"""Bytes; rows that are deleted leave their room behind, which would slow later tests."""


class MigratedDatabases:
    """Databases on a server; one that comes back changed is not handed out again."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._free: list[str] = []
        #: Those to databases that were given back before: a connection that knows the tables asks
        #: of them in a tenth of the time.
        self._connections: dict[str, psycopg.Connection[Any]] = {}
        self.template = server.create_database()
        store = SqlStore(self.template)
        store.upgrade()
        store.close()
        with psycopg.connect(self.template) as connection:
            self._shape = connection.execute(SHAPE).fetchone()
            self._size = _number(connection, SIZE)
            self._shipped = {name: _rows(connection, name) for name in _filled(connection)}

    def take(self) -> str:
        """Returns the URL of a database that nobody else uses."""
        return self._free.pop() if self._free else self._server.create_database(self.template)

    def give_back(self, url: str) -> None:
        """Empties the database for another test, or drops it when that is not enough."""
        if self._is_like_new(url):
            self._free.append(url)
        else:
            self._disconnect(url)
            self._server.drop_database(url)

    def close(self) -> None:
        """Drops them."""
        for url in list(self._connections):
            self._disconnect(url)
        for url in (*self._free, self.template):
            self._server.drop_database(url)

    def _is_like_new(self, url: str) -> bool:
        # A test may have ended the connection that is kept.
        for _ in range(2):
            try:
                return self._emptied(self._connected(url))
            except psycopg.Error:
                self._disconnect(url)
        return False

    def _connected(self, url: str) -> psycopg.Connection[Any]:
        if url not in self._connections:
            connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
            self._connections[url] = connection
            connection.execute("SET lock_timeout = '5s'")
        return self._connections[url]

    def _disconnect(self, url: str) -> None:
        if connection := self._connections.pop(url, None):
            connection.close()

    def _emptied(self, connection: psycopg.Connection[Any]) -> bool:
        connection.execute(END_OTHERS)
        if connection.execute(SHAPE).fetchone() != self._shape:
            return False
        if _number(connection, SIZE) > self._size + MOST_LEFT_BEHIND:
            return False
        # Rows that a new database has, such as the shipped limits, are to be as they were.
        for name, rows in self._shipped.items():
            if _rows(connection, name) != rows:
                return False
        for name in _filled(connection):
            if name not in self._shipped:
                connection.execute(f"DELETE FROM {name}".encode())  # noqa: S608 - our names
        connection.execute(COUNT_FROM_ONE)
        return True


def _filled(connection: psycopg.Connection[Any]) -> list[str]:
    """The tables that have rows, children before their parents."""
    row = connection.execute(WHICH_HAVE_ROWS.encode()).fetchone()
    assert row is not None
    return [name for name, has_rows in zip(CHILDREN_FIRST, row, strict=True) if has_rows]


def _rows(connection: psycopg.Connection[Any], name: str) -> list[Any]:
    return sorted(connection.execute(f"SELECT * FROM {name}".encode()))  # noqa: S608 - our names


def _number(connection: psycopg.Connection[Any], question: str) -> int:
    row = connection.execute(question.encode()).fetchone()
    assert row is not None
    number: int = row[0]
    return number
