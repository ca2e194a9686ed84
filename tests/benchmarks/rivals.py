"""Ours and the others on one PostgreSQL server, in databases of their own, in turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from tests.benchmarks.result import SHORT_ROUNDS, Result, quiet_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import ExitStack

    from tests.postgres_server import PostgresServer

OURS = "ours"
BARE = "psycopg by hand"
PROCRASTINATE = "procrastinate"
PGQUEUER = "pgqueuer"


def database(server: PostgresServer, stack: ExitStack, template: str | None = None) -> str:
    """The URL of a new database, or of a copy of another one, dropped at the end of the stack."""
    url = server.create_database(template)
    stack.callback(server.drop_database, url)
    return url


def write_down(server: PostgresServer) -> None:
    """What filling left to be written must not be written while somebody is timed."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def settle(url: str) -> None:
    """Let the server know how full the tables are, and what in them is seen by all."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def compare(
    rivals: Mapping[str, Callable[[], float]],
    results: Callable[[Mapping[str, float]], Iterable[Result]],
    at_once: int = SHORT_ROUNDS,
) -> list[Result]:
    """The results of the quiet seconds of all."""
    seconds = quiet_seconds(
        rivals,
        lambda seconds: not any(result.is_missed for result in results(seconds)),
        at_once,
    )
    return list(results(seconds))


def rates(
    what: str,
    unit: str,
    count: int,
    targets: Mapping[str, float | None],
    seconds: Mapping[str, float],
) -> list[Result]:
    """How many of `count` are done in a second, beside each rival that has a target."""
    return [
        Result(
            what=what,
            unit=f"{unit}/s",
            ours=count / seconds[OURS],
            beside=beside,
            other=count / seconds[beside],
            target=target,
        )
        for beside, target in targets.items()
    ]
