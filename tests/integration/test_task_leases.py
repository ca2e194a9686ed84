"""The narrow table of leases says what the tasks say, whoever has written them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from pipeline_store.channels import Channel
from pipeline_store.sql.tasks import task_leases, tasks
from pipeline_store.tasks import TaskStatus
from tests.integration.claiming_tasks import fill, opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from pipeline_store.sql import SqlStore

LEASE = timedelta(minutes=5)
S = TaskStatus


def leases_agree(store: SqlStore) -> int:
    """How many leases there are, once both tables were found to hold the same."""
    own = sa.select(tasks.c.id, tasks.c.channel_id, tasks.c.lease_expires_at).where(
        tasks.c.lease_expires_at.is_not(None)
    )
    with store.engine.connect() as connection:
        told = {tuple(row) for row in connection.execute(own)}
        kept = {tuple(row) for row in connection.execute(sa.select(task_leases))}
    assert kept == told
    return len(kept)


def change(store: SqlStore, task_id: UUID, **values: object) -> None:
    """Write a task past the package."""
    with store.engine.begin() as connection:
        connection.execute(sa.update(tasks).where(tasks.c.id == task_id).values(**values))


def test_the_table_of_leases_follows_the_tasks(new_url: Callable[[], str]) -> None:
    url = new_url()
    fill(url, [10, 10], backlog=8)
    store = opened(url)
    with store.unit_of_work() as uow:
        elsewhere = uow.channels.add(Channel(channel_id="elsewhere", name="Elsewhere")).id
        uow.commit()
    one = store.claim_next("w1", lease=LEASE, queue="tasks")
    assert one is not None
    several = store.claim_batch("w1", 7, lease=LEASE, queue="tasks")
    assert leases_agree(store) == 8
    with store.unit_of_work() as uow:
        inside = uow.tasks.claim_batch("w1", 3, LEASE)
        uow.commit()
    assert leases_agree(store) == 11

    store.complete(one)
    store.complete_many(several[:3])
    assert leases_agree(store) == 7
    with store.unit_of_work() as uow:
        uow.tasks.heartbeat(several[3], 2 * LEASE)
        uow.tasks.fail(several[4], "the disk is full")
        uow.tasks.release(several[5])
        uow.tasks.complete(inside[0])
        uow.tasks.advance(uow.tasks.get(inside[1].item.id), S.FINAL_REVIEW, "ada", force=True)
        uow.commit()
    assert leases_agree(store) == 3

    with store.unit_of_work() as uow:
        uow.tasks.claim_batch("w2", 3, LEASE)
    assert leases_agree(store) == 3
    # Other programs write too.
    ends = datetime.now(UTC) + LEASE
    change(store, one.item.id, lease_expires_at=ends)
    change(store, several[3].item.id, channel_id=elsewhere)
    change(store, several[6].item.id, lease_expires_at=None)
    assert leases_agree(store) == 3
    with store.engine.begin() as connection:
        connection.execute(sa.delete(tasks).where(tasks.c.id == inside[2].item.id))
    assert leases_agree(store) == 2

    change(store, several[3].item.id, lease_expires_at=datetime(2026, 1, 1, tzinfo=UTC))
    again = store.claim_batch("w3", 100, lease=LEASE, queue="tasks")
    assert several[3].item.id in {claim.item.id for claim in again}
    assert leases_agree(store) == len(again) + 1
    store.close()
