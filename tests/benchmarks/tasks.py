"""The queue of tasks, in all that it must be fast at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks import (
    awaited_claims,
    claims,
    crowds,
    enqueuing,
    fair_claims,
    least_work,
    sqlite_claims,
)
from tests.benchmarks.filled_tasks import FILLED_SOON
from tests.postgres_server import LocalPostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.result import Result
    from tests.postgres_server import Binaries, PostgresServer


def on_postgresql(server: PostgresServer) -> Iterator[Result]:
    """A worker and its queue, beside others."""
    yield from claims.on_postgresql(server, claims.TASKS)
    yield from claims.on_postgresql(server, claims.TASKS, in_one_call=True)
    yield from enqueuing.on_postgresql(server)
    yield from least_work.on_postgresql(server)
    yield from awaited_claims.on_postgresql(server)


def on_server_filled_soon(binaries: Binaries) -> Iterator[Result]:
    """What needs many tasks, on a server that waits for its disk too."""
    with LocalPostgresServer(binaries, FILLED_SOON) as server:
        yield from fair_claims.on_postgresql(server)
        yield from crowds.on_postgresql(server)


def on_sqlite(folder: Path) -> Iterator[Result]:
    """A worker, beside the bare driver."""
    yield from sqlite_claims.on_sqlite(folder)
