"""A batch of claims is what single claims would be, one after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel
from pipeline_store.tasks import PriorityLevel, TaskStatus
from tests.conftest import is_on
from tests.integration.contract.test_tasks import a_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline_store import Store
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task

    Claims = list[Claim[Task]]

LEASE = timedelta(minutes=5)
START = datetime(2026, 3, 1, tzinfo=UTC)
ROUNDS = 15 if is_on("PIPELINE_STORE_SOAK") else 8
STATUSES = (TaskStatus.QUEUED, TaskStatus.GENERATING_ASSETS, TaskStatus.ASSEMBLY_READY)


def one_by_one(store: Store, n: int) -> Claims:
    found: Claims = []
    while len(found) < n and (claim := store.claim_next("w1", lease=LEASE, queue="tasks")):
        found.append(claim)
    return found


def at_once(store: Store, n: int) -> Claims:
    return store.claim_batch("w1", n, lease=LEASE, queue="tasks")


def add(store: Store, channels: Sequence[dict[str, Any]], tasks: Sequence[dict[str, Any]]) -> None:
    with store.unit_of_work() as uow:
        for channel in channels:
            uow.channels.add(Channel(name="History", **channel))
        keys = {channel.channel_id: channel.id for channel in uow.channels.page()}
        uow.tasks.add_many(
            a_task(keys[each["of"]], each["page"], **each["values"]) for each in tasks
        )
        uow.commit()


def new_tasks(drawn: Random, names: Sequence[str], pages: Iterator[int]) -> list[dict[str, Any]]:
    # Some channels are idle for a while, and come back.
    busy = drawn.sample(names, drawn.randint(1, len(names)))
    return [
        {
            "of": drawn.choice(busy),
            "page": page,
            "values": {
                "title": f"task {page}",
                "status": drawn.choice(STATUSES),
                "priority": drawn.choices(list(PriorityLevel), (1, 8, 1))[0],
                "created_at": START + timedelta(seconds=page),
            },
        }
        for page in (next(pages) for _ in range(drawn.randint(0, 9)))
    ]


def titles(claims: Claims) -> list[str]:
    return [claim.item.title for claim in claims]


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_is_what_single_claims_would_be(
    store: Store, another_store: Store, seed: int
) -> None:
    drawn = Random(seed)  # noqa: S311 - chosen, not secret
    names = [f"channel {number}" for number in range(drawn.randint(2, 6))]
    channels = [{"channel_id": name, "max_concurrent": drawn.choice([2, 10])} for name in names]
    pages = count(1)
    tasks = new_tasks(drawn, names, pages)
    for each in (store, another_store):
        add(each, channels, tasks)
    for _ in range(ROUNDS):
        n = drawn.randint(2, 7)
        alone, together = one_by_one(store, n), at_once(another_store, n)
        assert titles(alone) == titles(together)
        assert [claim.item.status for claim in alone] == [claim.item.status for claim in together]
        # Some are finished, some are held for good.
        done = [place for place in range(len(alone)) if drawn.random() < 0.95]
        store.complete_many([alone[place] for place in done])
        another_store.complete_many([together[place] for place in done])
        tasks = new_tasks(drawn, names, pages)
        for each in (store, another_store):
            add(each, [], tasks)
