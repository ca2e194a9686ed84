"""What fairness costs: our claim of a task beside the plainest one, of the call alone.

The plainest claim is one statement, said by psycopg in autocommit: it takes the first task of the
queue, whatever its channel, skips what others have locked, and writes the task's history. It knows
no turns, no capacity, no pauses, no quotas, and no tasks but queued ones. It has a copy of our
database, with the index that it needs beside ours. Its index costs it nothing in a claim: what
leaves a partial index is not written to it.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import psycopg

from pipeline_store import open_store
from pipeline_store.tasks import TaskStatus
from tests.benchmarks.claims import LEASE, WORKER
from tests.benchmarks.crowds import claim_and_finish
from tests.benchmarks.filled_tasks import fill_many
from tests.benchmarks.rivals import OURS, compare, database, rates, settle, write_down

if TYPE_CHECKING:
    from tests.benchmarks.result import Result
    from tests.postgres_server import PostgresServer

WAITING, CHANNELS = 100_000, 10
CLAIMS = 10
PLAIN = "plainest SKIP LOCKED"

_INDEX: Final = """
    CREATE INDEX ix_tasks_plain ON tasks (rank, created_at, id) WHERE status = 'queued'
"""
_CLAIM: Final = """
    WITH claimed AS (
        UPDATE tasks SET status = 'claimed', worker = %(worker)s, attempts = attempts + 1,
            lease_token = lease_token + 1, lease_expires_at = timezone('utc', now()) + %(lease)s,
            status_since = timezone('utc', now()), updated_at = timezone('utc', now())
        WHERE id = (
            SELECT id FROM tasks WHERE status = 'queued' ORDER BY rank, created_at, id LIMIT 1
            FOR UPDATE SKIP LOCKED
        ) RETURNING *
    ), moved AS (
        INSERT INTO task_transitions
            (id, task_id, moved_at, from_status, to_status, actor, review_token)
        SELECT gen_random_uuid(), id, status_since, 'queued', status, worker, review_token
        FROM claimed
    )
    SELECT * FROM claimed
"""
_FINISH: Final = """
    UPDATE tasks SET status = 'assets_ready', worker = NULL, lease_expires_at = NULL
    WHERE worker = %s
"""


def on_postgresql(server: PostgresServer) -> list[Result]:
    """Two databases, in turns."""
    results = partial(rates, "PostgreSQL: claim 1, the call alone", "tasks", CLAIMS, {PLAIN: 0.5})
    with ExitStack() as stack:
        url = database(server, stack)
        fill_many(url, CHANNELS, [(TaskStatus.QUEUED, WAITING)])
        copy = database(server, stack, template=url)
        store = stack.enter_context(closing(open_store(url)))
        plain = stack.enter_context(psycopg.connect(copy, autocommit=True, prepare_threshold=0))
        plain.execute(_INDEX)
        settle(copy)
        write_down(server)
        return compare(
            {
                OURS: lambda: sum(claim_and_finish(store) for _ in range(CLAIMS)),
                PLAIN: lambda: sum(_claim_and_finish(plain) for _ in range(CLAIMS)),
            },
            results,
        )


def _claim_and_finish(connection: psycopg.Connection[Any]) -> float:
    start = time.perf_counter()
    rows = connection.execute(_CLAIM, {"worker": WORKER, "lease": LEASE}).fetchall()
    seconds = time.perf_counter() - start
    assert len(rows) == 1
    connection.execute(_FINISH, [WORKER])
    return seconds
