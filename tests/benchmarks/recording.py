"""`analytics.record_many` beside the bare drivers' fastest way, in one transaction each."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from pipeline_store import open_async_store, open_store
from pipeline_store.production import Analytics
from tests.benchmarks.readings import FIELDS, readings
from tests.benchmarks.result import Result, best_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline_store.production import Snapshot
    from pipeline_store.unit_of_work import Store
    from tests.postgres_server import PostgresServer

ROWS = 100_000
BARE = "bare"
MAPPINGS = "mappings"
ENTITIES = "entities, made in that time"
AWAITED = "mappings, awaited"
COLUMNS = ", ".join(FIELDS)


def on_postgresql(server: PostgresServer) -> list[Result]:
    """Beside COPY."""
    targets = {MAPPINGS: 0.6, ENTITIES: 0.2}
    results = partial(_results, "PostgreSQL", "psycopg COPY", targets)
    mappings = list(readings(ROWS))
    tuples = [
        tuple({**row, "measured_at": row["measured_at"].replace(tzinfo=None)}.values())
        for row in mappings
    ]
    url = server.create_database()
    store = open_store(url)
    store.upgrade()
    with (
        closing(store),
        psycopg.connect(url) as bare,
        psycopg.connect(url, autocommit=True) as admin,
        asyncio.Runner() as runner,
    ):

        def empty() -> None:
            admin.execute("TRUNCATE analytics")
            admin.execute("CHECKPOINT")

        def copy() -> None:
            with (
                bare.cursor() as cursor,
                cursor.copy(f"COPY analytics ({COLUMNS}) FROM STDIN") as to,
            ):
                for row in tuples:
                    to.write_row(row)
            bare.commit()

        awaited = open_async_store(url)

        async def record_awaited() -> None:
            async with awaited.unit_of_work() as uow:
                await uow.analytics.record_many(mappings)
                await uow.commit()

        best = best_seconds(
            {
                BARE: copy,
                MAPPINGS: lambda: record(store, mappings),
                ENTITIES: lambda: record(store, (Analytics(**row) for row in mappings)),
                AWAITED: lambda: runner.run(record_awaited()),
            },
            empty,
            lambda best: not any(result.is_missed for result in results(best)),
        )
        runner.run(awaited.close())
    server.drop_database(url)
    return results(best)


def on_sqlite(folder: Path) -> list[Result]:
    """Beside executemany."""
    results = partial(_results, "SQLite", "sqlite3 executemany", {MAPPINGS: 0.5})
    mappings = list(readings(ROWS))
    tuples = [
        tuple({**row, "measured_at": f"{row['measured_at']:%Y-%m-%d %H:%M:%S.%f}"}.values())
        for row in mappings
    ]
    file = folder / "recording.db"
    store = open_store(f"sqlite:///{file}")
    store.upgrade()
    places = ", ".join("?" for _ in FIELDS)
    insert = f"INSERT INTO analytics ({COLUMNS}) VALUES ({places})"  # noqa: S608 - our names
    with closing(store), closing(sqlite3.connect(file, isolation_level=None)) as bare:
        # The write-ahead log is kept in the file; these two are what the store asks for as well.
        bare.execute("PRAGMA synchronous=FULL")
        bare.execute("PRAGMA foreign_keys=ON")

        def empty() -> None:
            bare.execute("DELETE FROM analytics")
            bare.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        def executemany() -> None:
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany(insert, tuples)
            bare.execute("COMMIT")

        best = best_seconds(
            {
                BARE: executemany,
                MAPPINGS: lambda: record(store, mappings),
                ENTITIES: lambda: record(store, (Analytics(**row) for row in mappings)),
            },
            empty,
            lambda best: not any(result.is_missed for result in results(best)),
        )
    return results(best)


def record(store: Store, snapshots: Iterable[Snapshot]) -> None:
    """One unit of work."""
    with store.unit_of_work() as uow:
        uow.analytics.record_many(snapshots)
        uow.commit()


def _results(
    database: str, beside: str, targets: Mapping[str, float], seconds: Mapping[str, float]
) -> list[Result]:
    return [
        Result(
            what=f"{database}: record_many, {ROWS:,} {rival}",
            unit="rows/s",
            ours=ROWS / seconds[rival],
            beside=beside,
            other=ROWS / seconds[BARE],
            target=targets.get(rival),
        )
        for rival in seconds
        if rival != BARE
    ]
