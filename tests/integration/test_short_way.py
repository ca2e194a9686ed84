"""The worker's short way when servers stop, connections are lost, and somebody holds a lock."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pipeline_store import open_async_store
from pipeline_store.channels import Channel, JobStatus, JobType, ProcessingJob
from pipeline_store.errors import CommitUnknown, StoreBusy, StoreUnavailable
from tests.integration.test_connections import (
    COLOURS,
    an_error,
    log,
    messages,
    opened,
    own_server,
    pool_of,
    server_settings,
    terminate_others,
    upgraded,
)

if TYPE_CHECKING:
    from pipeline_store import AsyncStore, Store
    from pipeline_store.claim import Claim
    from tests.postgres_server import LocalPostgresServer

__all__ = ["own_server"]

LEASE = timedelta(minutes=5)

# Longer than a connection is trusted without being asked.
A_REST = 0.15

pytestmark = pytest.mark.postgres


def add_jobs(store: Store, count: int) -> None:
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        uow.jobs.add_many(
            ProcessingJob(channel_id=channel.id, job_type=JobType.SCRAPE) for _ in range(count)
        )
        uow.commit()


def claim_one(store: Store) -> Claim[ProcessingJob]:
    claim = store.claim_next("w1", lease=LEASE)
    assert claim is not None
    return claim


def count_completed(store: Store) -> int:
    with store.unit_of_work(read_only=True) as uow:
        return len(uow.jobs.in_status(JobStatus.COMPLETED))


@pytest.mark.parametrize("colour", COLOURS)
def test_a_worker_outlives_an_orderly_restart(own_server: LocalPostgresServer, colour: str) -> None:
    """After a restart between two calls the second one never notices."""
    url = upgraded(own_server.create_database())
    with opened(colour, url) as store:
        add_jobs(store, 2)
        claim = claim_one(store)
        own_server.stop("fast")
        own_server.start()
        store.complete(claim)
        assert count_completed(store) == 1
    own_server.drop_database(url)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_worker_without_server_is_told_so(own_server: LocalPostgresServer, colour: str) -> None:
    """A stopped server is StoreUnavailable: nothing was sent, so nothing can have happened."""
    url = upgraded(own_server.create_database())
    with opened(colour, url) as store:
        add_jobs(store, 2)
        claim = claim_one(store)
        own_server.stop("fast")
        time.sleep(A_REST)
        with pytest.raises(StoreUnavailable):
            store.complete(claim)
        with pytest.raises(StoreUnavailable):
            store.complete_many([claim])
        with pytest.raises(StoreUnavailable):
            store.claim_next("w1", lease=LEASE)
        assert pool_of(store).checkedout() == 0
        own_server.start()
        store.complete(claim)
        assert count_completed(store) == 1
    own_server.drop_database(url)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_connection_that_rested_is_asked_first(postgres_url: str, colour: str) -> None:
    """A connection that the server ended meanwhile is replaced before anything is sent on it."""
    with opened(colour, postgres_url) as store:
        add_jobs(store, 1)
        claim = claim_one(store)
        terminate_others(postgres_url)
        time.sleep(A_REST)
        store.complete(claim)
        assert count_completed(store) == 1


@pytest.mark.parametrize("colour", COLOURS)
def test_a_connection_lost_while_completing_is_commit_unknown(
    postgres_url: str, colour: str
) -> None:
    """A completion whose answer is lost may have happened; the next call has a new connection."""
    with opened(colour, postgres_url) as store:
        add_jobs(store, 1)
        claim = claim_one(store)
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT * FROM video_processing_jobs FOR UPDATE")
            pid = other.info.backend_pid
            cutting = threading.Thread(target=terminate_waiting, args=[postgres_url, pid])
            cutting.start()
            with pytest.raises(CommitUnknown):
                store.complete(claim)
            cutting.join()
        assert pool_of(store).checkedout() == 0
        store.complete(claim)
        assert count_completed(store) == 1


def terminate_waiting(url: str, holder: int) -> None:
    """End the connection that waits for a lock of `holder`, once there is one."""
    end = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE %s = ANY (pg_blocking_pids(pid))"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(500):
            if connection.execute(end, [holder]).fetchall():
                return
            time.sleep(0.01)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_lock_held_too_long_is_store_busy(postgres_url: str, colour: str) -> None:
    """The connection goes back as it came: a unit of work on it is still undone when it is left."""
    settings = server_settings(colour, lock_timeout="100")
    options: dict[str, Any] = {"connect_args": settings, "pool_size": 1, "max_overflow": 0}
    with opened(colour, postgres_url, **options) as store:
        add_jobs(store, 1)
        claim = claim_one(store)
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT * FROM video_processing_jobs FOR UPDATE")
            with pytest.raises(StoreBusy):
                store.complete(claim)
        assert pool_of(store).checkedout() == 0
        with store.unit_of_work() as uow:
            uow.errors.add(an_error("undone"))
        assert messages(store) == []
        store.complete(claim)
        log(store, "kept")
        assert messages(store) == ["kept"]


def test_a_cancelled_completion_gives_its_connection_up(postgres_url: str) -> None:
    """A task cancelled while it waits for the row ends at once, and the next call works."""

    async def main() -> None:
        store: AsyncStore = open_async_store(postgres_url)
        claim = await store.claim_next("w1", lease=LEASE)
        assert claim is not None
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT * FROM video_processing_jobs FOR UPDATE")
            task = asyncio.create_task(store.complete(claim))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        pool: Any = store.counterpart.engine.pool  # type: ignore[attr-defined]
        assert pool.checkedout() == 0
        await store.complete(claim)
        await store.close()

    with opened("psycopg", postgres_url) as store:
        add_jobs(store, 1)
    asyncio.run(main())


@pytest.mark.parametrize("colour", COLOURS)
def test_a_statement_of_the_short_way_commits_itself(postgres_url: str, colour: str) -> None:
    """What it wrote is there for others at once."""
    with opened(colour, postgres_url) as store, opened("psycopg", postgres_url) as other:
        add_jobs(store, 3)
        claims = store.claim_batch("w1", 2, lease=LEASE)
        assert len(claims) == 2
        assert len(other.claim_batch("w2", 5, lease=LEASE)) == 1
        store.complete_many(claims)
        assert count_completed(other) == 2
