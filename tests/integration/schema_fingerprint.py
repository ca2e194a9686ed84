"""What a database's schema is, down to its constraints, so that two of them can be compared."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from pipeline_store.sql.schema import VERSION_TABLE

Fingerprint = dict[str, Any]
"""From the place of something, such as "clips.rank_position nullable", to what it is."""


def fingerprint(engine: sa.Engine) -> Fingerprint:
    """Everything that the database knows about its tables, the record of the revision apart."""
    found: Fingerprint = {}
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in set(inspector.get_table_names()) - {VERSION_TABLE}:
            found[table] = "table"
            _columns(inspector, table, found)
            _constraints(inspector, table, found)
            _automatic_keys(connection, table, found)
    return found


def differences(ours: Fingerprint, theirs: Fingerprint) -> list[str]:
    """One line for each place where the two differ."""
    places = sorted(ours.keys() | theirs.keys())
    return [
        f"{place}: {ours.get(place)} != {theirs.get(place)}"
        for place in places
        if ours.get(place) != theirs.get(place)
    ]


def _columns(inspector: sa.Inspector, table: str, found: Fingerprint) -> None:
    for position, column in enumerate(inspector.get_columns(table)):
        place = f"{table}.{column['name']}"
        found[f"{place} position"] = position
        found[f"{place} type"] = str(column["type"])
        found[f"{place} nullable"] = column["nullable"]
        found[f"{place} default"] = column["default"]
        found[f"{place} identity"] = column.get("identity")
        found[f"{place} computed"] = column.get("computed")


def _constraints(inspector: sa.Inspector, table: str, found: Fingerprint) -> None:
    key = inspector.get_pk_constraint(table)
    found[f"{table} primary key"] = (key["name"], key["constrained_columns"])
    for reference in inspector.get_foreign_keys(table):
        found[f"{table} foreign key {reference['name']}"] = (
            reference["constrained_columns"],
            reference["referred_table"],
            reference["referred_columns"],
            reference["options"],
        )
    for unique in inspector.get_unique_constraints(table):
        found[f"{table} unique {unique['name']}"] = unique["column_names"]
    for index in inspector.get_indexes(table):
        found[f"{table} index {index['name']}"] = (
            index["column_names"],
            index["unique"],
            index.get("column_sorting"),
            sorted((name, str(each)) for name, each in index.get("dialect_options", {}).items()),
        )
    for check in inspector.get_check_constraints(table):
        found[f"{table} check {check['name']}"] = check["sqltext"]


def _automatic_keys(connection: sa.Connection, table: str, found: Fingerprint) -> None:
    if connection.dialect.name == "sqlite":
        made = sa.text("SELECT sql FROM sqlite_master WHERE name = :table")
        sql = str(connection.scalar(made, {"table": table}))
        found[f"{table} autoincrement"] = "AUTOINCREMENT" in sql
        found[f"{table} options"] = sql.rpartition(")")[2].strip()
        return
    owned = sa.text(
        "SELECT pg_get_serial_sequence(:table, attname) FROM pg_attribute "
        "WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 ORDER BY attnum"
    )
    found[f"{table} sequences"] = [row[0] for row in connection.execute(owned, {"table": table})]
