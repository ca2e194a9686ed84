"""What stores once answered differently to jobs, found by driving them in step."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel, JobStatus, ProcessingJob
from pipeline_store.errors import AlreadyExists, LeaseLost, RolledBack
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.test_jobs import (
    LEASE,
    add_jobs,
    channel_id,
    claim_one,
    read,
    time_passes,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.claim import Claim
    from tests.integration.contract.conftest import SteppedClock

__all__ = ["channel_id", "time_passes"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def claim_of_nothing(store: Store, channel_id: UUID) -> Claim[ProcessingJob]:
    """A claim on a job whose addition was undone together with the claim."""
    with store.unit_of_work() as uow:
        uow.jobs.add(ProcessingJob(channel_id=channel_id, job_type="scrape"))
        claim = uow.jobs.claim_next("w1", LEASE)
    assert claim is not None
    return claim


@in_turn("what", ["complete", "complete_many", "heartbeat", "fail", "release"])
def test_a_claim_on_what_was_never_stored(
    store: Store, claim_of_nothing: Claim[ProcessingJob], what: str
) -> None:
    """The holder of such a claim has lost it, whatever it writes."""
    writes: dict[str, Callable[[UnitOfWork], Any]] = {
        "complete": lambda uow: uow.jobs.complete(claim_of_nothing),
        "complete_many": lambda uow: uow.jobs.complete_many([claim_of_nothing]),
        "heartbeat": lambda uow: uow.jobs.heartbeat(claim_of_nothing, LEASE),
        "fail": lambda uow: uow.jobs.fail(claim_of_nothing, "broken"),
        "release": lambda uow: uow.jobs.release(claim_of_nothing),
    }
    with store.unit_of_work() as uow, pytest.raises(LeaseLost):
        writes[what](uow)


@pytest.mark.parametrize("many", [False, True])
def test_the_short_way_of_a_claim_on_what_was_never_stored(
    store: Store, claim_of_nothing: Claim[ProcessingJob], many: bool
) -> None:
    claims: Any = [claim_of_nothing] if many else claim_of_nothing
    complete: Callable[[Any], None] = store.complete_many if many else store.complete
    with pytest.raises(LeaseLost):
        complete(claims)


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("short", [False, True])
def test_an_earlier_claim_beside_the_present_one(
    store: Store,
    channel_id: UUID,
    time_passes: Callable[[timedelta], None],
    newest_first: bool,
    short: bool,
) -> None:
    """Completing both records the job by the present claim, and says that the other is lost."""
    (job,) = add_jobs(store, channel_id, {})
    claims = [claim_one(store)]
    time_passes(LEASE + timedelta(seconds=2))
    claims.append(claim_one(store, "w2"))
    given = claims[::-1] if newest_first else claims
    lost = pytest.raises(LeaseLost, match=f"{job.id} .token 1.; claim again")
    if short:
        with lost:
            store.complete_many(given)
    else:
        with store.unit_of_work() as uow:
            with lost:
                uow.jobs.complete_many(given)
            uow.commit()
    assert read(store, job.id).status == JobStatus.COMPLETED


def test_an_undone_unit_of_work_says_so_first(store: Store, channel_id: UUID) -> None:
    """Before what is wrong with the arguments of the call."""
    add_jobs(store, channel_id, {})
    claim = claim_one(store)
    with store.unit_of_work() as uow:
        with pytest.raises(AlreadyExists):
            uow.channels.add(Channel(channel_id="nature1", name="Another"))
        with pytest.raises(RolledBack):
            uow.jobs.heartbeat(claim, timedelta(0))


def test_attempts_that_were_set_to_none_made(
    store: Store, channel_id: UUID, clock: SteppedClock
) -> None:
    """Giving the job back makes them no fewer, and failing waits as after the first."""
    for ended in ("release", "fail"):
        (job,) = add_jobs(store, channel_id, {})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.jobs.get(job.id).attempts = 0
            if ended == "fail":
                uow.jobs.fail(claim, "broken")
            else:
                uow.jobs.release(claim)
            uow.commit()
        stored = read(store, job.id)
        assert stored.attempts == 0
        if ended == "release":
            assert (stored.status, stored.due_at) == (JobStatus.QUEUED, None)
            claim_one(store)
        else:
            assert stored.status == JobStatus.RETRYING
            assert stored.due_at is not None
            waits = stored.due_at - claim.expires_at + LEASE
            assert timedelta(seconds=1) <= waits < timedelta(seconds=30)
    assert clock.instant == NOON


@pytest.mark.parametrize(
    ("microseconds", "mean"),
    [([0, 1_000], 0), ([1_000, 2_000], 2), ([2_000, 3_000], 2), ([1_499, 1_500], 1), ([1_501], 2)],
)
def test_means_of_half_a_millisecond(
    store: Store, channel_id: UUID, microseconds: list[int], mean: int
) -> None:
    """A mean between two milliseconds goes to the even one."""
    add_jobs(
        store,
        channel_id,
        *(
            {
                "status": "completed",
                "queued_at": NOON - timedelta(microseconds=each),
                "started_at": NOON,
                "completed_at": NOON + timedelta(hours=2, microseconds=each),
            }
            for each in microseconds
        ),
    )
    with store.unit_of_work(read_only=True) as uow:
        found = uow.jobs.statistics()
    assert found.mean_wait == timedelta(milliseconds=mean)
    assert found.mean_run == timedelta(hours=2, milliseconds=mean)


@pytest.mark.differs("memory", "postgres", reason="a claim there waits for nobody")
@pytest.mark.parametrize("way", ["unit of work", "short way", "heartbeat"])
def test_a_lease_begins_when_the_wait_for_others_is_over(
    store: Store, channel_id: UUID, database_url: str, clock: SteppedClock, way: str
) -> None:
    """One that began before could be over when it is given."""
    add_jobs(store, channel_id, {})
    held = claim_one(store, lease=timedelta(hours=1)) if way == "heartbeat" else None
    file = database_url.removeprefix("sqlite:///").partition("?")[0]
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")

        def end() -> None:
            time.sleep(0.3)
            clock.advance(minutes=10)
            other.execute("ROLLBACK")

        ending = threading.Thread(target=end)
        ending.start()
        if way == "short way":
            claim = store.claim_next("w2", lease=LEASE)
        else:
            with store.unit_of_work() as uow:
                claim = (
                    uow.jobs.heartbeat(held, LEASE) if held else uow.jobs.claim_next("w2", LEASE)
                )
                uow.commit()
        ending.join()
    assert claim is not None
    assert claim.expires_at == NOON + timedelta(minutes=10) + LEASE
