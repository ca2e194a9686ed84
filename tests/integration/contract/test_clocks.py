"""What a store makes of the clock that it is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store.channels import Channel, JobType, ProcessingJob
from pipeline_store.errors import InvalidValue, NaiveDatetimeWarning
from pipeline_store.production import ReviewLog
from pipeline_store.tasks import Task, TaskStatus
from tests.integration.contract.conftest import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

TAKEN_AS_UTC = pytest.mark.filterwarnings("ignore::pipeline_store.errors.NaiveDatetimeWarning")


@pytest.fixture
def naive_store(store_id: str, database_url: str) -> Iterator[Store]:
    """An empty store whose clock shows UTC and does not say so."""
    with opened(store_id, database_url, lambda: NOON.replace(tzinfo=None)) as store:
        yield store


def test_a_naive_clock_is_told_of(naive_store: Store) -> None:
    """What it shows is taken as UTC, with a warning."""
    uow = naive_store.unit_of_work()
    with pytest.warns(NaiveDatetimeWarning, match="clock"):
        assert uow.now() == NOON


@TAKEN_AS_UTC
def test_jobs_by_a_naive_clock(naive_store: Store) -> None:
    """It is taken as UTC by every call of the queue."""
    with naive_store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        uow.jobs.add(ProcessingJob(channel_id=channel.id, job_type=JobType.SCRAPE))
        claim = uow.jobs.claim_next("w1", MINUTE)
        assert claim is not None
        claim = uow.jobs.heartbeat(claim, MINUTE)
        uow.jobs.fail(claim, "no network")
        job = uow.jobs.retry(claim.item.id)
        uow.commit()
    assert claim.expires_at.utcoffset() == timedelta()
    assert job.queued_at == NOON


@TAKEN_AS_UTC
def test_tasks_by_a_naive_clock(naive_store: Store) -> None:
    """Also what the object holds before it is read again is aware."""
    with naive_store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        task = uow.tasks.add(
            Task(
                channel_id=channel.id,
                notion_page_id="a",
                title="Rivers",
                topic="",
                story_direction="",
            )
        )
        uow.tasks.advance(task, TaskStatus.QUEUED)
        assert task.status_since == NOON
        claim = uow.tasks.claim_next("w1", MINUTE)
        assert claim is not None
        uow.tasks.complete(claim)
        uow.commit()


@TAKEN_AS_UTC
def test_reviews_by_a_naive_clock(naive_store: Store) -> None:
    """A request is as old as it would be by an aware one."""
    with naive_store.unit_of_work() as uow:
        run = uow.pipeline_runs.for_cycle("gaming", NOON, NOON)
        uow.reviews.add(ReviewLog(pipeline_run_id=run.id, sent_at=NOON - timedelta(hours=4)))
        uow.reviews.add(ReviewLog(pipeline_run_id=run.id, sent_at=NOON - timedelta(hours=3)))
        (held,) = uow.reviews.hold_overdue()
        uow.commit()
    assert held.responded_at == NOON


def test_a_clock_that_cannot_be_right(store_id: str, database_url: str, store: Store) -> None:
    """What is no time from 1970 to 2200 is refused, and nothing is written."""
    with (
        opened(store_id, database_url, lambda: datetime(2300, 1, 1, tzinfo=UTC)) as late,
        late.unit_of_work() as uow,
        pytest.raises(InvalidValue, match="clock: a time from 1970 to 2200"),
    ):
        uow.channels.add(Channel(channel_id="nature1", name="Nature"))
    with store.unit_of_work() as uow:
        assert uow.channels.count() == 0
