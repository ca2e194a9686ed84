"""Workers that claim tasks all at once; run by `racing`."""

from __future__ import annotations

import os
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.sql import SqlStore
from pipeline_store.sql.engine import BEGIN_OPTION, WHEN_WRITING
from pipeline_store.sql.migrations.task_claims_0003 import CLAIM
from pipeline_store.tasks import Task, TaskStatus
from tests.integration.meeting import wait_for_all

PATIENCE = 5
"""How often a worker that is given nothing asks again."""

LEASE = timedelta(seconds=1)
LONG_LEASE = timedelta(minutes=5)

if TYPE_CHECKING:
    from pipeline_store.claim import Claim

LOCKS = (
    "FOR NO KEY UPDATE OF t SKIP LOCKED",
    "FOR NO KEY UPDATE SKIP LOCKED;",
    "FOR UPDATE SKIP LOCKED;",
)
"""What a claim on PostgreSQL locks before it counts."""

CHOSEN = ("-- What costs something, and what was tried", "-- Its oldest task.")
"""Where it has counted: for several tasks, and for one."""

BUSY_CHANNELS = (
    "SELECT count(*) FROM (SELECT c.id FROM channels c JOIN tasks k ON k.channel_id = c.id"
    " WHERE k.lease_expires_at IS NOT NULL GROUP BY c.id, c.max_concurrent"
    " HAVING count(*) > c.max_concurrent) AS over_capacity"
)
"""How many channels have more leases than they may have, at one moment."""


def fill(url: str, capacities: list[int], backlog: int) -> None:
    """Make a store with channels of these capacities and so many tasks in each."""
    store = open_store(url)
    store.upgrade()
    with store.unit_of_work() as uow:
        for number, capacity in enumerate(capacities):
            name = f"channel {number}"
            channel = Channel(channel_id=name, name=name, max_concurrent=capacity)
            key = uow.channels.add(channel).id
            uow.tasks.add_many(
                Task(
                    channel_id=key,
                    notion_page_id=f"{number:016x}{page:016x}",
                    title="The bridge",
                    topic="How it was built",
                    story_direction="From the river up.",
                    status=TaskStatus.ASSEMBLY_READY,
                )
                for page in range(backlog)
            )
        uow.commit()
    store.close()


def opened(url: str) -> SqlStore:
    """The store, whose engine is needed too."""
    store = open_store(url)
    assert isinstance(store, SqlStore)
    return store


def ask(url: str, question: str) -> Any:
    """What a query answers with its first value."""
    with closing(opened(url)) as store, store.engine.connect() as connection:
        return connection.exec_driver_sql(question).scalar()


def storm(url: str) -> int:
    """Claims until there is nothing, finishes nothing, and says how many tasks it was given."""
    return _storm(opened(url))


def storm_in_pieces(url: str) -> int:
    """The same, with an SQLite transaction for each statement of a claim."""
    store = opened(url)
    queue: Any = vars(store)["_short_way"].tasks
    queue._engine = store.engine.execution_options(**{BEGIN_OPTION: WHEN_WRITING})  # noqa: SLF001
    return _storm(store)


def _storm(store: SqlStore) -> int:
    return _storm_with(store, at_once=1)


def storm_of_batches(url: str) -> int:
    """The same with as many tasks at once as a channel may have, and one more."""
    return _storm_with(opened(url), at_once=3)


def drain(url: str) -> int:
    """Go from one task to the next in one call until there is none, and say how many it finished.

    A channel that has more leases than it may have at any moment is an error.
    """
    store = opened(url)
    _begin_together(store)
    finished = empty = 0
    claim: Claim[Task] | None = None
    while empty < PATIENCE:
        if claim is None:
            claim = store.claim_next(f"worker {os.getpid()}", lease=LONG_LEASE, queue="tasks")
        else:
            claim = store.complete_and_claim_next(claim, lease=LONG_LEASE)
            finished += 1
        empty = 0 if claim else empty + 1
        if claim is None:
            time.sleep(0.01)
        with store.engine.connect() as connection:
            assert connection.exec_driver_sql(BUSY_CHANNELS).scalar() == 0
    store.close()
    return finished


def _begin_together(store: SqlStore) -> None:
    # The first call reads what the schema is; the race begins when all have done so.
    store.claim_next("nobody", lease=LEASE, queue="tasks", stages=[TaskStatus.UPLOADING])
    wait_for_all()


def _storm_with(store: SqlStore, at_once: int) -> int:
    _begin_together(store)
    given = empty = 0
    # A call that finds everything locked comes back empty-handed.
    while empty < PATIENCE:
        worker = f"worker {os.getpid()}"
        if claims := store.claim_batch(worker, at_once, lease=LONG_LEASE, queue="tasks"):
            given += len(claims)
            empty = 0
        else:
            empty += 1
            time.sleep(0.01)
    store.close()
    return given


def widen_claims(url: str, *, locking: bool) -> None:
    """Let PostgreSQL's claims dwell where a race is lost, and lock their channel or not."""
    changed = CLAIM.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
    if not locking:
        before, begun, choice = changed.partition("-- The channels whose turn it is")
        choice, _, after = choice.partition(CHOSEN[1])
        for lock in LOCKS:
            assert lock in choice
            choice = choice.replace(lock, ";" if lock.endswith(";") else "")
        changed = f"{before}{begun}{choice}{CHOSEN[1]}{after}"
    for place in CHOSEN:
        assert place in changed
        changed = changed.replace(place, f"PERFORM pg_sleep(0.002);\n{place}")
    with closing(opened(url)) as store, store.engine.begin() as connection:
        connection.execute(sa.text(changed))
