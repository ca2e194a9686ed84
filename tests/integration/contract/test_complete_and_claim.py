"""Completing what is held and taking what is next, in one call."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pipeline_store.channels import Channel, JobStatus, JobType, ProcessingJob
from pipeline_store.errors import InvalidValue, LeaseLost
from pipeline_store.tasks import TaskStatus
from tests.integration.contract.test_tasks import a_task

if TYPE_CHECKING:
    from uuid import UUID

    from pipeline_store import Store
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task

LEASE = timedelta(minutes=5)


def add_tasks(store: Store, count: int, *, room: int = 10, **values: Any) -> list[UUID]:
    with store.unit_of_work() as uow:
        channel = uow.channels.add(
            Channel(channel_id="history1", name="History", max_concurrent=room)
        )
        tasks = uow.tasks.add_many(
            a_task(channel.id, number, **{"status": TaskStatus.GENERATING_ASSETS, **values})
            for number in range(count)
        )
        uow.commit()
        return [task.id for task in tasks]


def add_jobs(store: Store, count: int) -> list[UUID]:
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        jobs = uow.jobs.add_many(
            ProcessingJob(channel_id=channel.id, job_type=JobType.SCRAPE) for _ in range(count)
        )
        uow.commit()
        return [job.id for job in jobs]


def first_task(store: Store) -> Claim[Task]:
    claim = store.claim_next("w1", lease=LEASE, queue="tasks")
    assert claim is not None
    return claim


def statuses(store: Store, keys: list[UUID]) -> list[TaskStatus]:
    with store.unit_of_work(read_only=True) as uow:
        return [uow.tasks.get(key).status for key in keys]


def lost(claim: Claim[Any]) -> Claim[Any]:
    return attrs.evolve(claim, token=claim.token + 1)


def test_one_task_after_the_other(store: Store) -> None:
    keys = add_tasks(store, 3)
    worked_on: list[UUID] = []
    claim: Claim[Task] | None = first_task(store)
    while claim is not None:
        assert (claim.worker, claim.token, claim.attempt) == ("w1", 1, 1)
        worked_on.append(claim.item.id)
        claim = store.complete_and_claim_next(claim, lease=LEASE)
    assert worked_on == keys
    assert statuses(store, keys) == [TaskStatus.ASSETS_READY] * 3


def test_the_room_of_the_completed_task_is_there_for_the_next(store: Store) -> None:
    keys = add_tasks(store, 2, room=1)
    claim = first_task(store)
    assert store.claim_next("w2", lease=LEASE, queue="tasks") is None
    following = store.complete_and_claim_next(claim, lease=LEASE)
    assert following is not None
    assert following.item.id == keys[1]


def test_batches_of_tasks(store: Store) -> None:
    keys = add_tasks(store, 5)
    claims = store.claim_batch("w1", 2, lease=LEASE, queue="tasks")
    sizes: list[int] = []
    while claims:
        sizes.append(len(claims))
        claims = store.complete_and_claim_batch(claims, 2, lease=LEASE)
    assert sizes == [2, 2, 1]
    assert statuses(store, keys) == [TaskStatus.ASSETS_READY] * 5


def test_the_next_is_chosen_as_a_claim_chooses(store: Store) -> None:
    keys = add_tasks(store, 1)
    claim = first_task(store)
    with store.unit_of_work() as uow:
        uow.tasks.add(a_task(claim.item.channel_id, 7, status=TaskStatus.ASSEMBLY_READY))
        uow.commit()
    only = [TaskStatus.APPROVED]
    assert store.complete_and_claim_next(claim, lease=LEASE, stages=only) is None
    assert statuses(store, keys) == [TaskStatus.ASSETS_READY]


def test_a_task_tried_too_often_is_given_up_by_it(store: Store) -> None:
    keys = add_tasks(store, 2, attempts=4)
    claim = first_task(store)
    assert store.complete_and_claim_next(claim, lease=LEASE, most_attempts=4) is None
    assert statuses(store, keys) == [TaskStatus.ASSETS_READY, TaskStatus.ASSET_ERROR]


def test_ageing_lets_an_old_one_come_first(store: Store) -> None:
    add_tasks(store, 1)
    claim = first_task(store)
    channel = claim.item.channel_id
    with store.unit_of_work() as uow:
        old = uow.tasks.add(
            a_task(channel, 8, status="queued", priority="low", created_at=uow.now() - 5 * LEASE)
        )
        uow.tasks.add(a_task(channel, 9, status="queued", priority="high"))
        uow.commit()
    following = store.complete_and_claim_next(claim, lease=LEASE, ageing=LEASE)
    assert following is not None
    assert following.item.id == old.id


def test_a_lost_lease_takes_nothing(store: Store) -> None:
    keys = add_tasks(store, 2)
    claim = first_task(store)
    with pytest.raises(LeaseLost, match=str(claim.item.id)):
        store.complete_and_claim_next(lost(claim), lease=LEASE)
    assert statuses(store, keys) == [TaskStatus.GENERATING_ASSETS] * 2
    left = store.claim_batch("w2", 5, lease=LEASE, queue="tasks")
    assert [each.item.id for each in left] == keys[1:]


def test_of_several_those_held_are_completed_and_nothing_is_taken(store: Store) -> None:
    keys = add_tasks(store, 3)
    claims = store.claim_batch("w1", 2, lease=LEASE, queue="tasks")
    with pytest.raises(LeaseLost, match=str(keys[1])) as refused:
        store.complete_and_claim_batch([claims[0], lost(claims[1])], 2, lease=LEASE)
    assert str(keys[0]) not in str(refused.value)
    assert statuses(store, keys) == [
        TaskStatus.ASSETS_READY,
        TaskStatus.GENERATING_ASSETS,
        TaskStatus.GENERATING_ASSETS,
    ]
    left = store.claim_batch("w2", 5, lease=LEASE, queue="tasks")
    assert [each.item.id for each in left] == keys[2:]


def test_the_same_claim_twice_counts_once(store: Store) -> None:
    keys = add_tasks(store, 2)
    claim = first_task(store)
    following = store.complete_and_claim_batch([claim, claim], 1, lease=LEASE)
    assert [each.item.id for each in following] == keys[1:]


def test_jobs(store: Store) -> None:
    keys = add_jobs(store, 3)
    claim = store.claim_next("w1", lease=LEASE)
    assert claim is not None
    worked_on = [claim.item.id]
    following = store.complete_and_claim_next(claim, lease=LEASE, job_types=[JobType.SCRAPE])
    assert following is not None
    worked_on.append(following.item.id)
    rest = store.complete_and_claim_batch([following], 5, lease=LEASE)
    worked_on += [each.item.id for each in rest]
    assert worked_on == keys
    with store.unit_of_work(read_only=True) as uow:
        found = [uow.jobs.get(key).status for key in keys]
    assert found == [JobStatus.COMPLETED, JobStatus.COMPLETED, JobStatus.PROCESSING]


def test_a_lost_job_takes_nothing(store: Store) -> None:
    keys = add_jobs(store, 2)
    claim = store.claim_next("w1", lease=LEASE)
    assert claim is not None
    with pytest.raises(LeaseLost, match=str(claim.item.id)):
        store.complete_and_claim_next(lost(claim), lease=LEASE)
    left = store.claim_batch("w2", 5, lease=LEASE)
    assert [each.item.id for each in left] == keys[1:]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"lease": 5}, "lease"),
        ({"n": 0}, "n: "),
        ({"most_attempts": 0}, "most_attempts"),
        ({"stages": [TaskStatus.PUBLISHED]}, "stages"),
        ({"ageing": timedelta(0)}, "ageing"),
        ({"job_types": [JobType.SCRAPE]}, "job_types"),
    ],
)
def test_a_bad_request_completes_nothing(store: Store, bad: dict[str, Any], reason: str) -> None:
    keys = add_tasks(store, 2)
    given: Any = {"claims": [first_task(store)], "n": 1, "lease": LEASE, **bad}
    with pytest.raises(InvalidValue, match=reason):
        store.complete_and_claim_batch(**given)
    assert statuses(store, keys) == [TaskStatus.GENERATING_ASSETS] * 2


def test_a_bad_request_for_jobs_completes_nothing(store: Store) -> None:
    (key,) = add_jobs(store, 1)
    claim = store.claim_next("w1", lease=LEASE)
    assert claim is not None
    none: Any = "nothing of the kind"
    for bad in ({"job_types": [none]}, {"stages": [TaskStatus.QUEUED]}, {"lease": timedelta(0)}):
        given: Any = {"lease": LEASE, **bad}
        with pytest.raises(InvalidValue):
            store.complete_and_claim_next(claim, **given)
    with store.unit_of_work(read_only=True) as uow:
        assert uow.jobs.get(key).status == JobStatus.PROCESSING


def test_claims_of_nobody_and_of_two_workers_are_refused(store: Store) -> None:
    add_tasks(store, 2)
    claims = [first_task(store)]
    claims += store.claim_batch("w2", 1, lease=LEASE, queue="tasks")
    nobody: Any = []
    with pytest.raises(InvalidValue, match="one worker expected, found none"):
        store.complete_and_claim_batch(nobody, 1, lease=LEASE)
    with pytest.raises(InvalidValue, match="one worker expected, found w1, w2"):
        store.complete_and_claim_batch(claims, 1, lease=LEASE)
    nameless: Any = [claims[0], attrs.evolve(claims[1], worker=None)]
    with pytest.raises(InvalidValue, match="one worker expected, found None, w1"):
        store.complete_and_claim_batch(nameless, 1, lease=LEASE)


@pytest.mark.parametrize("worker", [None, "", "a\0b", "\ud800", "x" * 256, ["w1"]])
def test_a_claim_of_what_is_no_name_completes_nothing(store: Store, worker: Any) -> None:
    keys = add_tasks(store, 2)
    held, other = store.claim_batch("w1", 2, lease=LEASE, queue="tasks")
    nameless = attrs.evolve(other, worker=worker)
    with pytest.raises(InvalidValue, match="worker: "):
        store.complete_many([held, nameless])
    with pytest.raises(InvalidValue, match="worker: "):
        store.complete_and_claim_next(nameless, lease=LEASE)
    assert statuses(store, keys) == [TaskStatus.GENERATING_ASSETS] * 2


def test_a_claim_on_a_task_that_was_never_stored_is_lost(store: Store) -> None:
    add_tasks(store, 1)
    claim = first_task(store)
    unstored = attrs.evolve(claim, item=a_task(claim.item.channel_id, 7))
    with pytest.raises(LeaseLost):
        store.complete(unstored)
    with pytest.raises(LeaseLost):
        store.complete_and_claim_next(unstored, lease=LEASE)
    with store.unit_of_work() as uow, pytest.raises(LeaseLost):
        uow.tasks.complete(unstored)
