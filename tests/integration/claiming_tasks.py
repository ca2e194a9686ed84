"""Workers that claim tasks all at once, and ones that are killed while they do; run by `racing`."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import AlreadyExists, LeaseLost
from pipeline_store.sql import SqlStore, schema
from pipeline_store.sql.engine import BEGIN_OPTION, WHEN_WRITING
from pipeline_store.sql.failures import translated
from pipeline_store.sql.migrations.task_claims_0003 import CLAIM
from pipeline_store.tasks import Task, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

LEASE = timedelta(seconds=0.6)
LONG_LEASE = timedelta(minutes=5)
TOGETHER = 10.0

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
    with closing(opened(url)) as raw, raw.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE claim_log (task text, token int, PRIMARY KEY (task, token))"
        )


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
    # The first call reads what the schema is; the race begins when all have done so.
    store.claim_next("nobody", lease=LEASE, queue="tasks", stages=[TaskStatus.UPLOADING])
    together = (time.time() // 4 + 1) * 4
    time.sleep(together - time.time())
    given = empty = 0
    # A call that finds everything locked comes back empty-handed.
    while empty < 5:
        if store.claim_next(f"worker {os.getpid()}", lease=LONG_LEASE, queue="tasks"):
            given += 1
            empty = 0
        else:
            empty += 1
            time.sleep(0.01)
    store.close()
    return given


def widen_claims(url: str, *, locking: bool) -> None:
    """Let PostgreSQL's claims dwell where a race is lost, and lock their channel or not."""
    changed = CLAIM.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
    head, counted, rest = changed.partition("-- Its oldest task.")
    assert counted
    if not locking:
        for lock in ("FOR NO KEY UPDATE SKIP LOCKED;", "FOR UPDATE SKIP LOCKED;"):
            before, _, choice = head.partition("-- Its row, or that of another")
            assert lock in choice
            head = f"{before}-- Its row, or that of another{choice.replace(lock, ';')}"
    with closing(opened(url)) as store, store.engine.begin() as connection:
        connection.execute(sa.text(f"{head}\nPERFORM pg_sleep(0.002);{rest}"))


def work_and_die(url: str) -> str:
    """Lets one worker after the other work until nothing is left; kills each but the last.

    Says how many were killed inside a claim, and what the workers found wrong.
    """
    inside = refused = 0
    wrong: list[str] = []
    # What every worker needs is loaded before they are made.
    ask(url, "SELECT 1")
    schema.newest_revision()
    end = time.monotonic() + TOGETHER
    while True:
        reading, writing = os.pipe()
        worker = os.fork()
        if worker == 0:
            os.close(reading)
            _work(url, writing)
        os.close(writing)
        with os.fdopen(reading) as answers:
            said = [answers.readline()]
            if time.monotonic() < end:
                time.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - not a secret
                os.kill(worker, signal.SIGKILL)
            said += answers.readlines()
            os.waitpid(worker, 0)
        words = [line.strip() for line in said]
        inside += words[-1] == "claiming"
        refused += words.count("refused")
        wrong += [word for word in words if word.startswith("wrong")]
        if "done" in words or wrong:
            break
    return f"{inside} {refused} {';'.join(wrong)}".strip()


def _work(url: str, writing: int) -> None:
    def say(word: str) -> None:
        os.write(writing, f"{word}\n".encode())

    try:
        for word in _steps(opened(url)):
            say(word)
    except BaseException as error:  # noqa: BLE001 - the parent decides what it means
        say(f"wrong: {error!r}".replace("\n", " "))
    finally:
        os._exit(0)


def _steps(store: SqlStore) -> Iterator[str]:
    store.check_schema()
    name = f"worker {os.getpid()}"
    left = sa.text("SELECT count(*) FROM tasks WHERE status = 'assembly_ready'")
    while True:
        yield "claiming"
        claim = store.claim_next(name, lease=LEASE, queue="tasks", most_attempts=1_000)
        yield "claimed"
        if claim is None:
            with store.engine.connect() as connection:
                if not connection.scalar(left):
                    yield "done"
                    return
            time.sleep(0.02)
            continue
        if claim.expires_at < datetime.now(UTC):
            yield "wrong: claimed for no time"
        key = claim.item.id.hex
        try:
            with translated(), store.engine.begin() as connection:
                over = connection.exec_driver_sql(BUSY_CHANNELS).scalar()
                connection.execute(
                    sa.text("INSERT INTO claim_log VALUES (:task, :token)"),
                    {"task": key, "token": claim.token},
                )
        except AlreadyExists:
            yield f"wrong: {key} was handed out twice under {claim.token}"
        else:
            if over:
                yield f"wrong: {over} channels over capacity"
        if random.random() < 0.03:  # noqa: S311 - not a secret
            time.sleep(LEASE.total_seconds() * random.uniform(0.9, 1.2))  # noqa: S311
        with suppress(LeaseLost):
            store.complete(claim)
            yield "completed"
            continue
        yield "refused"
