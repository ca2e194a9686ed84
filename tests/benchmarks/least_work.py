"""What a queue on the table of tasks could reach at best, beside other queues.

Of the schema only what the workflow asks of any store is left: the columns, the foreign key, seven
indexes and a history. On it psycopg says the plainest statements: no turns, no capacity, no pauses,
no quotas, and no trigger that notes anything. A queue that does all that is slower than this one,
so no more than these ratios can be asked of ours.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import psycopg

from pipeline_store import open_store
from pipeline_store.tasks import TaskStatus
from pipeline_store.uuid_keys import new_keys
from tests.benchmarks import filled_tasks, peers
from tests.benchmarks.claims import BATCH, BATCHES, CHANNELS, CYCLES, LEASE, WORKER, filled_with
from tests.benchmarks.enqueuing import AT_ONCE, TASKS, made
from tests.benchmarks.result import Result, quiet_seconds
from tests.benchmarks.rivals import PGQUEUER, PROCRASTINATE, database, settle, write_down

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.postgres_server import PostgresServer

    Rows = Sequence[tuple[Any, ...]]

LEAST = "the least work"
IN_ONE_CALL = "the least work, in one call"

_ASKED_FOR: Final = [
    "pk_tasks",
    "uq_tasks_notion_page_id",
    "ix_tasks_status",
    "ix_tasks_channel_id",
    "ix_tasks_created_at",
    "ix_tasks_channel_id_status",
    "ix_tasks_queued",
]
_OTHERS: Final = """
    SELECT format('DROP INDEX %%I', indexrelid::regclass) FROM pg_index
    WHERE indrelid = 'tasks'::regclass AND indexrelid::regclass::text <> ALL (%s)
"""
_LEAST: Final = (
    "ALTER TABLE tasks DISABLE TRIGGER USER",
    "ALTER TABLE task_transitions DROP CONSTRAINT pk_task_transitions",
    "ALTER TABLE task_transitions DROP CONSTRAINT fk_task_transitions_task_id_tasks",
)

_CLAIM: Final = """
    UPDATE tasks SET worker = %(worker)s, lease_token = lease_token + 1, attempts = attempts + 1,
        lease_expires_at = timezone('utc', now()) + %(lease)s, updated_at = timezone('utc', now())
    WHERE id IN (
        SELECT id FROM tasks WHERE status = 'generating_assets' AND lease_expires_at IS NULL
        LIMIT {count} FOR NO KEY UPDATE SKIP LOCKED
    ) RETURNING id, lease_token, tasks.*
"""
_FINISHED: Final = """
    WITH finished AS (
        UPDATE tasks SET status = 'assets_ready', worker = NULL, lease_expires_at = NULL,
            attempts = 0, review_token = review_token + 1, status_since = timezone('utc', now()),
            updated_at = timezone('utc', now())
        FROM unnest(%(ids)s::uuid[], %(tokens)s::bigint[]) AS held (id, token)
        WHERE tasks.id = held.id AND lease_token = held.token
            AND lease_expires_at > timezone('utc', now())
        RETURNING tasks.id, status_since, review_token
    ), history AS (
        INSERT INTO task_transitions
            (id, task_id, moved_at, from_status, to_status, actor, review_token)
        SELECT gen_random_uuid(), id, status_since, 'generating_assets', 'assets_ready', %(worker)s,
            review_token
        FROM finished
    )
"""
_FINISH: Final = _FINISHED + "SELECT id FROM finished"  # noqa: S608 - our words
_GIVEN: Final = ("channel_id", "notion_page_id", "title", "topic", "story_direction", "status")
_TYPES: Final = ("uuid", "uuid", "varchar", "varchar", "varchar", "text", "text")
_ENQUEUE: Final = f"COPY tasks (id, {', '.join(_GIVEN)}) FROM STDIN (FORMAT BINARY)"

_GOES_BY_INDEXES: Final = (
    "-c enable_seqscan=off -c enable_bitmapscan=off -c jit=off"
    " -c plan_cache_mode=force_generic_plan"
)
"""As the store's own functions do: what was finished is never stepped over."""


def on_postgresql(server: PostgresServer) -> Iterator[Result]:
    """Claims and completions, one at a time and fifty, and enqueuing."""
    yield from _claiming(server, 1, CYCLES)
    yield from _claiming(server, BATCH, BATCHES)
    yield from _enqueuing(server)


def _claiming(server: PostgresServer, at_once: int, cycles: int) -> Iterator[Result]:
    tasks = filled_with(at_once * cycles, more=at_once)
    with ExitStack() as stack:
        own = partial(database, server, stack)
        two_calls = stack.enter_context(closing(LeastWork(own(), tasks, at_once)))
        one_call = stack.enter_context(closing(LeastWork(own(), tasks, at_once)))
        others = {PGQUEUER: stack.enter_context(peers.pgqueuer(own(), tasks, batch=at_once))}
        if at_once == 1:
            others[PROCRASTINATE] = stack.enter_context(peers.procrastinate(own(), tasks))
        write_down(server)
        seconds = quiet_seconds(
            {
                LEAST: partial(two_calls.claim_and_finish, cycles),
                IN_ONE_CALL: partial(one_call.go_on, cycles),
                **{name: partial(work, cycles) for name, work in others.items()},
            },
            lambda _: True,
        )
    for least in (LEAST, IN_ONE_CALL):
        what = f"claim {at_once}, finish {at_once}, {least}"
        yield from _results(what, at_once * cycles, seconds, least)


def _enqueuing(server: PostgresServer) -> Iterator[Result]:
    with ExitStack() as stack:
        own = partial(database, server, stack)
        least = stack.enter_context(closing(LeastWork(own(), TASKS)))
        pgqueuer = stack.enter_context(peers.pgqueuer_enqueuing(own(), TASKS))
        write_down(server)
        rivals = {LEAST: least.enqueue, PGQUEUER: pgqueuer}
        seconds = quiet_seconds(rivals, lambda _: True, AT_ONCE)
    yield from _results(f"enqueue {TASKS:,} at once, {LEAST}", TASKS, seconds, LEAST)


def _results(what: str, count: int, seconds: Mapping[str, float], least: str) -> Iterator[Result]:
    for other in seconds.keys() - {LEAST, IN_ONE_CALL}:
        yield Result(
            what=f"PostgreSQL: {what}",
            unit="tasks/s",
            ours=count / seconds[least],
            beside=other,
            other=count / seconds[other],
        )


class LeastWork:
    """The table and the statements, in an empty database that is filled with so many tasks."""

    def __init__(self, url: str, tasks: int, at_once: int = 1) -> None:
        filled_tasks.fill(url, tasks, CHANNELS, TaskStatus.GENERATING_ASSETS)
        with closing(open_store(url)) as store, store.unit_of_work(read_only=True) as uow:
            self._channels = [channel.id for channel in uow.channels.page()]
        self._connection: psycopg.Connection[Any] = psycopg.connect(
            url, autocommit=True, prepare_threshold=0, options=_GOES_BY_INDEXES
        )
        others = self._connection.execute(_OTHERS, [_ASKED_FOR]).fetchall()
        for statement in (*(statement for (statement,) in others), *_LEAST):
            self._connection.execute(statement)
        settle(url)
        self._at_once = at_once
        # As a number in the text, for which the server plans better than for a parameter.
        self._claiming = _CLAIM.format(count=at_once)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def claim_and_finish(self, cycles: int) -> float:
        """Claim and finish so often; the seconds that took."""
        start = time.perf_counter()
        for _ in range(cycles):
            self._finish(self._claim())
        return time.perf_counter() - start

    def go_on(self, cycles: int) -> float:
        """Do so, finishing some and claiming the next by the same statement."""
        held = self._claim()
        start = time.perf_counter()
        for _ in range(cycles):
            held = self._rows(_FINISHED + self._claiming, held)
        seconds = time.perf_counter() - start
        self._finish(held)
        return seconds

    def enqueue(self) -> float:
        """Copy as many tasks as the enqueuing of a store is measured with; the seconds of that."""
        tasks = made(self._channels)
        keys = new_keys(len(tasks))
        rows = [
            (key, *map(task.__getattribute__, _GIVEN))
            for key, task in zip(keys, tasks, strict=True)
        ]
        start = time.perf_counter()
        with self._connection.cursor() as cursor, cursor.copy(_ENQUEUE) as copy:
            copy.set_types(_TYPES)
            for row in rows:
                copy.write_row(row)
        return time.perf_counter() - start

    def _claim(self) -> Rows:
        return self._rows(self._claiming)

    def _finish(self, held: Rows) -> None:
        self._rows(_FINISH, held)

    def _rows(self, statement: str, held: Rows = ()) -> Rows:
        given = {
            "worker": WORKER,
            "lease": LEASE,
            "ids": [row[0] for row in held],
            "tokens": [row[1] for row in held],
        }
        rows = self._connection.execute(statement, given).fetchall()
        # Whoever changes nothing is fast.
        assert len(rows) == self._at_once
        return rows
