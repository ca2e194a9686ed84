"""Taking over an SQLite file whose ten tables another program made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pipeline_store.errors import AdoptionRefused
from pipeline_store.sql import schema
from pipeline_store.sql.engine import make_engine
from pipeline_store.sql.foreign_rows import Finding, RowCheck
from pipeline_store.sql.foreign_schema import Comparison, compare, tables_found
from pipeline_store.sql.peek import opened_without_trace
from pipeline_store.sql.production import PRODUCTION_TABLES
from pipeline_store.sql.urls import parse_url, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import sqlalchemy as sa


@attrs.frozen(kw_only=True)
class AdoptionReport:
    """What was adopted, and what is unusual in it."""

    database: str
    #: False: the file had a revision already, and was only brought to the newest one.
    adopted: bool
    revision: str
    #: How many rows each of the ten tables holds.
    rows: Mapping[str, int]
    #: What breaks a rule; it was listed, not changed.
    findings: tuple[Finding, ...]
    #: Indexes of the schema that the file lacks. They are not made: nothing in the ten is touched.
    missing_indexes: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the ten tables, parents before children."""
        return tuple(self.rows)


def adopt(url: str | sa.URL) -> AdoptionReport:
    """Take over the SQLite file at `url`, keeping every row and the ten tables as they are.

    The tables are compared first, read-only. Where they are those of the schema, its revision is
    recorded and the other tables of this package are added, in one transaction. Several processes
    may do so at once, and one that dies half way leaves nothing behind. A file that has a revision
    is brought to the newest one. The file uses a write-ahead log afterwards.

    Raises:
        AdoptionRefused: it is not an SQLite file, or its tables differ; the file was not touched.
        SchemaOutOfDate: a newer release of this package made the file.
        StoreUnavailable: there is no such file, or it is no database.
        ReadOnly: the file cannot be written.
        StoreBusy: other programs kept the file locked for too long.
    """
    parsed = parse_url(url)
    file = _file_of(parsed)
    with opened_without_trace(parsed) as connection:
        report = _examined(connection, file)
    engine = make_engine(parsed)
    try:
        # Compared again, since somebody may have changed the tables in between.
        adopted = schema.adopt(engine, lambda locked: _compared(locked, file))
    finally:
        engine.dispose()
    return attrs.evolve(report, adopted=adopted)


def waits_for_adoption(url: sa.URL) -> bool:
    """Whether there is an SQLite file with some of the ten tables, and no revision in it."""
    with opened_without_trace(url) as connection:
        return bool(tables_found(connection)) and schema.current_of(connection) is None


def _file_of(url: sa.URL) -> Path:
    file = sqlite_file(url)
    if file is not None:
        return file
    found = "a database in memory" if url.get_backend_name() == "sqlite" else url.get_backend_name()
    raise AdoptionRefused(str(url.database), [f"only SQLite files can be adopted, not {found}"])


def _compared(connection: sa.Connection, file: Path) -> Comparison:
    """Compare the file with the schema, and refuse one that differs and has no revision."""
    comparison = compare(connection)
    # The revision is read last: another process may have adopted the file in between.
    if comparison.differences and schema.current_of(connection) is None:
        raise AdoptionRefused(str(file), comparison.differences)
    return comparison


def _examined(connection: sa.Connection, file: Path) -> AdoptionReport:
    comparison = _compared(connection, file)
    findings = [Finding(table, None, text) for table, text in comparison.oddities]
    rows: dict[str, int] = {}
    for table in PRODUCTION_TABLES:
        check = RowCheck(connection, table)
        findings += check.findings()
        rows[table.name] = check.count
    return AdoptionReport(
        database=str(file),
        adopted=False,
        revision=schema.newest_revision(),
        rows=rows,
        findings=tuple(findings),
        missing_indexes=comparison.missing_indexes,
    )
