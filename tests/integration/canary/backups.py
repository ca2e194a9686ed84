"""Everything that a backup of a database holds, and what the server itself has written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from tests.integration.canary.scanner import Evidence


def back_up(url: str, evidence: Evidence) -> None:
    """Adds what is in the files of SQLite, or in all tables of PostgreSQL."""
    if url.startswith("sqlite:///"):
        _back_up_file(Path(url.removeprefix("sqlite:///")), evidence)
    else:
        _dump(url, evidence)


def _back_up_file(file: Path, evidence: Evidence) -> None:
    for each in sorted(file.parent.glob(f"{file.name}*")):
        evidence.add(f"file {each.name.removeprefix(file.name) or 'database'}", each.read_bytes())
    copy = file.with_name("backup.db")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        evidence.add("backup dump", *target.iterdump())
    evidence.add("backup file", copy.read_bytes())


def _dump(url: str, evidence: Evidence) -> None:
    """Copies each table to text, which is what pg_dump writes, and what statements were run."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for names in tables:
            copy = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(*names))
            with connection.cursor().copy(copy) as rows:
                evidence.add(f"backup {names[1]}", *map(bytes, rows))
        activity = "SELECT query FROM pg_stat_activity"
        evidence.add("server", *(str(row[0]) for row in connection.execute(activity)))
