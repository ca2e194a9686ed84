"""The latest reading of 100 videos, in a small and in a ten times larger table."""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg

from pipeline_store import open_store
from tests.benchmarks.readings import FIELDS, VIDEOS, readings, video_id
from tests.benchmarks.result import AT_MOST, Result

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store.unit_of_work import Store
    from tests.postgres_server import PostgresServer

# What is written is not measured here: no log of rows that are inserted into a truncated table.
FILLED_SOON = {"wal_level": "minimal", "max_wal_senders": "0", "maintenance_work_mem": "512MB"}

ASKED = 100
CALLS = 300

FILL = f"""
    INSERT INTO analytics ({", ".join(FIELDS)})
    SELECT substr(md5((i %% {VIDEOS})::text), 1, 11),
           timestamp '2025-01-01' + i * interval '1 second' / 10,
           (random() * 10000000)::bigint,
           CASE WHEN i %% 3 = 0 THEN NULL ELSE (random() * 400000)::bigint END,
           (random() * 25000)::bigint,
           random() * 600,
           CASE WHEN i %% 5 = 0 THEN NULL ELSE random() END,
           (random() * 550)::bigint - 50,
           CASE WHEN i %% 2 = 0 THEN NULL ELSE random() * 21000 END
    FROM generate_series(0, %s::bigint - 1) AS i
"""  # noqa: S608 - our names


def on_postgresql(server: PostgresServer, few: int = 1_000_000) -> Result:
    """The larger table may cost twice as much."""
    urls = {rows: server.create_database() for rows in (few, 10 * few)}
    for rows, url in urls.items():
        _fill_postgresql(url, rows)
    result = _compare("PostgreSQL", urls, target=2.0)
    for url in urls.values():
        server.drop_database(url)
    return result


def on_sqlite(folder: Path, few: int = 100_000) -> Result:
    """For information."""
    urls = {rows: f"sqlite:///{folder / f'latest-{rows}.db'}" for rows in (few, 10 * few)}
    for rows, url in urls.items():
        _fill_sqlite(url, rows)
    return _compare("SQLite", urls, target=None)


def _fill_postgresql(url: str, rows: int) -> None:
    _upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        # An index is built faster than it is kept.
        kept = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'idx_analytics_video'"
        ).fetchone()
        assert kept is not None
        with connection.transaction():
            connection.execute("DROP INDEX idx_analytics_video")
            connection.execute("TRUNCATE analytics")
            connection.execute(FILL, [rows])
            connection.execute(kept[0])
        connection.execute("VACUUM ANALYZE analytics")
        connection.execute("CHECKPOINT")


def _fill_sqlite(url: str, rows: int) -> None:
    _upgrade(url)
    insert = f"INSERT INTO analytics ({', '.join(FIELDS)}) VALUES (?,?,?,?,?,?,?,?,?)"  # noqa: S608
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.executemany(
            insert,
            (
                tuple({**row, "measured_at": f"{row['measured_at']:%Y-%m-%d %H:%M:%S.%f}"}.values())
                for row in readings(rows)
            ),
        )


def _upgrade(url: str) -> None:
    store = open_store(url)
    store.upgrade()
    store.close()


def _compare(database: str, urls: dict[int, str], target: float | None) -> Result:
    """The tables take turns, so that foreign load meets both."""
    stores = {rows: open_store(url) for rows, url in urls.items()}
    times: dict[int, list[float]] = {rows: [] for rows in urls}
    chance = random.Random(1)  # noqa: S311 - nothing secret
    for call in range(-20, CALLS):
        asked = [video_id(number) for number in chance.sample(range(VIDEOS), ASKED)]
        for rows, store in stores.items():
            seconds = _time(store, asked)
            if call >= 0:
                times[rows].append(seconds)
    for store in stores.values():
        store.close()
    few, many = urls
    p50 = {rows: statistics.median(seconds) * 1000 for rows, seconds in times.items()}
    return Result(
        what=f"{database}: latest_for, {ASKED} of {VIDEOS:,} videos, {many:,} rows",
        unit="ms p50",
        ours=p50[many],
        beside=f"{few:,} rows",
        other=p50[few],
        target=target,
        bound=AT_MOST,
    )


def _time(store: Store, asked: list[str]) -> float:
    start = time.perf_counter()
    with store.unit_of_work(read_only=True) as uow:
        found = uow.analytics.latest_for(asked)
    seconds = time.perf_counter() - start
    assert found.keys() == set(asked)
    return seconds
