"""Jobs: the queue, its leases, failures, pauses and statistics."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs
import psycopg
import pytest

from pipeline_store.channels import (
    Channel,
    JobStatus,
    JobType,
    ProcessingJob,
    Video,
)
from pipeline_store.errors import (
    IllegalTransition,
    InvalidValue,
    LeaseLost,
    NotFound,
    ReadOnly,
)
from pipeline_store.uuid_keys import new_key
from tests.integration.contract.in_turn import in_turn

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.claim import Claim
    from tests.integration.contract.conftest import SteppedClock

LEASE = timedelta(minutes=5)


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        uow.commit()
    return channel.id


@pytest.fixture
def time_passes(database_url: str, clock: SteppedClock) -> Callable[[timedelta], None]:
    """Lets time pass by the clock that judges leases; none of the test's own work may be open."""

    def let_pass(step: timedelta) -> None:
        clock.instant += step
        if database_url.startswith("postgresql"):
            # The server's clock cannot be set, so what it is compared with is moved instead.
            with psycopg.connect(database_url) as connection:
                connection.execute(
                    "UPDATE video_processing_jobs SET due_at = due_at - %s::interval", [step]
                )

    return let_pass


def add_jobs(store: Store, channel_id: UUID, *jobs: dict[str, Any]) -> list[ProcessingJob]:
    """Scraping jobs with these values, committed."""
    with store.unit_of_work() as uow:
        added = uow.jobs.add_many(
            ProcessingJob(channel_id=channel_id, **{"job_type": "scrape"} | job) for job in jobs
        )
        uow.commit()
    return added


def claim_one(store: Store, worker: str = "w1", lease: timedelta = LEASE) -> Claim[ProcessingJob]:
    """A committed claim; there is a job to be claimed."""
    with store.unit_of_work() as uow:
        claim = uow.jobs.claim_next(worker, lease)
        uow.commit()
    assert claim is not None
    return claim


def read(store: Store, job_id: UUID) -> ProcessingJob:
    """The job as it is stored."""
    with store.unit_of_work(read_only=True) as uow:
        return uow.jobs.get(job_id)


def nothing_to_claim(store: Store, **options: Any) -> bool:
    """Whether neither way of claiming finds a job."""
    with store.unit_of_work() as uow:
        found = uow.jobs.claim_next("idle", LEASE, **options)
    return found is None and store.claim_next("idle", lease=LEASE, **options) is None


class TestOrder:
    """The most urgent first, then the oldest."""

    def test_priority_then_age(self, store: Store, channel_id: UUID) -> None:
        early = datetime(2026, 3, 1, 11, tzinfo=UTC)
        late = early + timedelta(minutes=1)
        jobs = add_jobs(
            store,
            channel_id,
            {"priority": 0, "queued_at": early},
            {"priority": 10, "queued_at": late},
            {"priority": 10, "queued_at": early},
            {"priority": 3, "queued_at": early},
            {"priority": 10, "queued_at": late},
        )
        wanted = [jobs[place].id for place in (2, 1, 4, 3, 0)]
        claimed = [claim_one(store).item.id for _ in jobs]
        assert claimed == wanted

    def test_of_all_types_together(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            video = uow.videos.add(a_video(channel_id))
            jobs = [
                uow.jobs.add(
                    ProcessingJob(
                        channel_id=channel_id, video_id=video.id, job_type=kind, priority=priority
                    )
                )
                for kind, priority in zip(list(JobType) * 2, [1, 5, 0, 9, 2, 8, 7, 3], strict=True)
            ]
            uow.commit()
        wanted = [job.id for job in sorted(jobs, key=lambda job: -job.priority)]
        batch = store.claim_batch("w1", 5, lease=LEASE)
        assert [claim.item.id for claim in batch] == wanted[:5]
        with store.unit_of_work() as uow:
            rest = uow.jobs.claim_batch("w1", 5, LEASE)
        assert [claim.item.id for claim in rest] == wanted[5:]

    def test_only_wanted_types(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            video = uow.videos.add(a_video(channel_id))
            uow.jobs.add(ProcessingJob(channel_id=channel_id, job_type="scrape", priority=9))
            publish = uow.jobs.add(
                ProcessingJob(channel_id=channel_id, video_id=video.id, job_type="publish")
            )
            uow.commit()
        claim = store.claim_next("w1", lease=LEASE, job_types=[JobType.PUBLISH])
        assert claim is not None
        assert claim.item.id == publish.id
        assert nothing_to_claim(store, job_types=["publish", "download"])

    def test_in_status_lists_in_the_order_of_the_queue(
        self, store: Store, channel_id: UUID
    ) -> None:
        jobs = add_jobs(store, channel_id, {"priority": 1}, {"priority": 2}, {"priority": 1})
        with store.unit_of_work(read_only=True) as uow:
            found = [job.id for job in uow.jobs.in_status(JobStatus.QUEUED)]
            assert found == [jobs[1].id, jobs[0].id, jobs[2].id]
            assert len(uow.jobs.in_status(JobStatus.QUEUED, limit=2)) == 2
            assert uow.jobs.in_status(JobStatus.FAILED) == []


class TestClaim:
    """What a claim says and writes."""

    def test_what_is_written(self, store: Store, channel_id: UUID, clock: SteppedClock) -> None:
        (job,) = add_jobs(store, channel_id, {})
        clock.advance(seconds=30)
        claim = claim_one(store)
        stored = read(store, job.id)
        assert (stored.status, stored.attempts, stored.worker) == (JobStatus.PROCESSING, 1, "w1")
        assert stored.started_at == stored.updated_at == clock.instant
        assert (claim.token, claim.attempt, claim.worker) == (stored.lease_token, 1, "w1")
        assert claim.expires_at == stored.due_at
        assert attrs.asdict(claim.item) == attrs.asdict(stored)

    def test_the_short_way_says_the_same(
        self, store: Store, channel_id: UUID, clock: SteppedClock
    ) -> None:
        (job,) = add_jobs(store, channel_id, {"priority": 4, "github_workflow_run_id": "77"})
        clock.advance(seconds=30)
        claim = store.claim_next("w1", lease=LEASE)
        assert claim is not None
        stored = read(store, job.id)
        assert attrs.asdict(claim.item) == attrs.asdict(stored)
        assert claim.item.started_at == clock.instant
        assert (claim.token, claim.attempt, claim.expires_at) == (
            stored.lease_token,
            1,
            stored.due_at,
        )

    def test_what_the_short_way_claimed_can_be_changed_later(
        self, store: Store, channel_id: UUID
    ) -> None:
        add_jobs(store, channel_id, {})
        claim = store.claim_next("w1", lease=LEASE)
        assert claim is not None
        with store.unit_of_work() as uow:
            claim.item.github_workflow_run_id = "run 7"
            assert uow.jobs.add(claim.item) is claim.item
            uow.commit()
        assert read(store, claim.item.id).github_workflow_run_id == "run 7"

    def test_a_job_is_handed_out_once(self, store: Store, channel_id: UUID) -> None:
        add_jobs(store, channel_id, {}, {})
        first, second = claim_one(store), store.claim_next("w2", lease=LEASE)
        assert second is not None
        assert first.item.id != second.item.id
        assert nothing_to_claim(store)

    def test_one_object_for_one_key(self, store: Store, channel_id: UUID) -> None:
        (job,) = add_jobs(store, channel_id, {})
        with store.unit_of_work() as uow:
            known = uow.jobs.get(job.id)
            claim = uow.jobs.claim_next("w1", LEASE)
            assert claim is not None
            assert claim.item is known
            assert known.status == JobStatus.PROCESSING

    def test_undone_with_the_unit_of_work(self, store: Store, channel_id: UUID) -> None:
        add_jobs(store, channel_id, {})
        with store.unit_of_work() as uow:
            assert uow.jobs.claim_next("w1", LEASE) is not None
        claim = claim_one(store)
        assert (claim.token, claim.attempt) == (1, 1)

    def test_jobs_added_in_the_same_unit_of_work(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            job = uow.jobs.add(ProcessingJob(channel_id=channel_id, job_type="scrape"))
            claim = uow.jobs.claim_next("w1", LEASE)
            assert claim is not None
            assert claim.item is job

    def test_fewer_than_asked_for(self, store: Store, channel_id: UUID) -> None:
        add_jobs(store, channel_id, {}, {}, {})
        assert len(store.claim_batch("w1", 2, lease=LEASE)) == 2
        assert len(store.claim_batch("w1", 2, lease=LEASE)) == 1
        assert store.claim_batch("w1", 2, lease=LEASE) == []

    @in_turn(
        "arguments",
        [
            {"worker": ""},
            {"worker": None},
            {"worker": "x" * 256},
            {"lease": timedelta(0)},
            {"lease": timedelta(days=8)},
            {"lease": 5},
            {"job_types": []},
            {"job_types": ["render"]},
            {"job_types": "scrape"},
        ],
    )
    def test_bad_arguments(self, store: Store, channel_id: UUID, arguments: dict[str, Any]) -> None:
        (job,) = add_jobs(store, channel_id, {})
        sound: dict[str, Any] = {"worker": "w1", "lease": LEASE} | arguments
        worker = sound.pop("worker")
        with store.unit_of_work() as uow, pytest.raises(InvalidValue):
            uow.jobs.claim_next(worker, **sound)
        with pytest.raises(InvalidValue):
            store.claim_next(worker, **sound)
        assert read(store, job.id).status == JobStatus.QUEUED

    @in_turn("number", [0, 1_001, True, 1.0, None])
    def test_bad_numbers(self, store: Store, channel_id: UUID, number: Any) -> None:
        add_jobs(store, channel_id, {})
        with store.unit_of_work() as uow, pytest.raises(InvalidValue):
            uow.jobs.claim_batch("w1", number, LEASE)
        with pytest.raises(InvalidValue):
            store.claim_batch("w1", number, lease=LEASE)

    def test_not_in_a_unit_of_work_that_only_reads(self, store: Store, channel_id: UUID) -> None:
        add_jobs(store, channel_id, {})
        with store.unit_of_work(read_only=True) as uow, pytest.raises(ReadOnly):
            uow.jobs.claim_next("w1", LEASE)


class TestLease:
    """A lease ends by itself, and from then on its holder writes nothing."""

    def test_a_job_comes_back_after_its_lease_and_its_wait(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        (job,) = add_jobs(store, channel_id, {})
        first = claim_one(store)
        time_passes(LEASE - timedelta(milliseconds=500))
        assert nothing_to_claim(store)
        time_passes(timedelta(milliseconds=600))
        # The lease is over; after a first attempt the job waits for a second.
        assert nothing_to_claim(store)
        waiting = read(store, job.id)
        assert (waiting.status, waiting.worker) == (JobStatus.RETRYING, None)
        assert waiting.error_message == "the lease of w1 ended"
        time_passes(timedelta(seconds=1))
        second = claim_one(store, "w2")
        assert second.item.id == job.id
        assert (second.attempt, second.token) == (2, first.token + 1)

    def test_the_short_way_brings_it_back_too(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        (job,) = add_jobs(store, channel_id, {})
        assert store.claim_next("w1", lease=LEASE) is not None
        time_passes(LEASE + timedelta(seconds=2))
        again = store.claim_next("w2", lease=LEASE)
        assert again is not None
        assert (again.item.id, again.attempt, again.token) == (job.id, 2, 2)

    def test_what_comes_back_is_not_passed_over(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        """An urgent job whose lease is over goes before one that has waited all the time."""
        urgent, idle = add_jobs(store, channel_id, {"priority": 10}, {})
        assert claim_one(store).item.id == urgent.id
        time_passes(LEASE + timedelta(seconds=2))
        claim = store.claim_next("w2", lease=LEASE)
        assert claim is not None
        assert claim.item.id == urgent.id
        assert claim_one(store).item.id == idle.id

    def test_without_attempts_left_it_has_failed(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        clock: SteppedClock,
    ) -> None:
        (job,) = add_jobs(store, channel_id, {"max_attempts": 1})
        claim_one(store)
        time_passes(LEASE + timedelta(hours=1))
        assert nothing_to_claim(store)
        stored = read(store, job.id)
        assert (stored.status, stored.due_at, stored.worker) == (JobStatus.FAILED, None, None)
        assert stored.completed_at == clock.instant

    @pytest.mark.parametrize("taken", [False, True])
    def test_a_late_write_is_refused(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        taken: bool,
    ) -> None:
        (job,) = add_jobs(store, channel_id, {})
        late = claim_one(store)
        time_passes(LEASE + timedelta(seconds=2))
        if taken:
            claim_one(store, "w2")
        before = attrs.asdict(read(store, job.id))
        writes: dict[str, Callable[[UnitOfWork], Any]] = {
            "complete": lambda uow: uow.jobs.complete(late),
            "fail": lambda uow: uow.jobs.fail(late, "too late"),
            "release": lambda uow: uow.jobs.release(late),
            "heartbeat": lambda uow: uow.jobs.heartbeat(late, LEASE),
            "short way": lambda _: store.complete(late),
        }
        answers: dict[str, str] = {}
        for what, write in writes.items():
            with store.unit_of_work() as uow:
                try:
                    write(uow)
                except LeaseLost as lost:
                    answers[what] = str(lost)
                uow.commit()
        wanted = re.compile(f"{job.id} .token 1.")
        assert [what for what in writes if not wanted.search(answers.get(what, ""))] == []
        assert attrs.asdict(read(store, job.id)) == before

    def test_a_heartbeat_lets_it_end_later(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        (job,) = add_jobs(store, channel_id, {})
        claim = claim_one(store)
        time_passes(LEASE - timedelta(seconds=10))
        with store.unit_of_work() as uow:
            renewed = uow.jobs.heartbeat(claim, LEASE)
            uow.commit()
        assert (renewed.token, renewed.attempt, renewed.worker) == (1, 1, "w1")
        assert renewed.expires_at == read(store, job.id).due_at
        time_passes(LEASE - timedelta(seconds=10))
        assert nothing_to_claim(store)
        store.complete(renewed)
        assert read(store, job.id).status == JobStatus.COMPLETED

    def test_an_operator_can_take_a_job_away(self, store: Store, channel_id: UUID) -> None:
        (job,) = add_jobs(store, channel_id, {})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.jobs.get(job.id).status = JobStatus.FAILED
            uow.commit()
        with pytest.raises(LeaseLost):
            store.complete(claim)

    def test_a_removed_job(self, store: Store, channel_id: UUID) -> None:
        (job,) = add_jobs(store, channel_id, {})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.jobs.remove(uow.jobs.get(job.id))
            uow.commit()
        with pytest.raises(LeaseLost):
            store.complete(claim)

    @pytest.mark.parametrize("claim", [None, "claim", new_key()])
    def test_what_is_no_claim(self, store: Store, claim: Any) -> None:
        with store.unit_of_work() as uow:
            for write in (
                uow.jobs.complete,
                uow.jobs.release,
                lambda it: uow.jobs.heartbeat(it, LEASE),
                lambda it: uow.jobs.fail(it, "x"),
                lambda it: uow.jobs.complete_many([it]),
            ):
                with pytest.raises(InvalidValue):
                    write(claim)
        with pytest.raises(InvalidValue):
            store.complete(claim)
        with pytest.raises(InvalidValue):
            store.complete_many([claim])


class TestEnd:
    """How an attempt ends."""

    def test_completed_together_with_its_effect(
        self, store: Store, channel_id: UUID, clock: SteppedClock
    ) -> None:
        (job,) = add_jobs(store, channel_id, {})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.config_overrides.set("effect", "done")
            uow.jobs.complete(claim)
        assert read(store, job.id).status == JobStatus.PROCESSING
        clock.advance(seconds=20)
        with store.unit_of_work() as uow:
            uow.config_overrides.set("effect", "done")
            uow.jobs.complete(claim)
            uow.commit()
        stored = read(store, job.id)
        assert (stored.status, stored.completed_at) == (JobStatus.COMPLETED, clock.instant)
        assert (stored.worker, stored.due_at, stored.error_message) == (None, None, None)
        assert stored.updated_at == clock.instant

    def test_completed_once(self, store: Store, channel_id: UUID) -> None:
        add_jobs(store, channel_id, {})
        claim = claim_one(store)
        store.complete(claim)
        with pytest.raises(LeaseLost):
            store.complete(claim)

    def test_the_object_of_the_unit_of_work_knows(self, store: Store, channel_id: UUID) -> None:
        (job,) = add_jobs(store, channel_id, {})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            known = uow.jobs.get(job.id)
            uow.jobs.complete(claim)
            assert known.status == JobStatus.COMPLETED
            uow.commit()

    @pytest.mark.parametrize("short", [False, True])
    def test_several_at_once(self, store: Store, channel_id: UUID, short: bool) -> None:
        add_jobs(store, channel_id, {}, {}, {})
        claims = store.claim_batch("w1", 3, lease=LEASE)
        lost, held = claims[1], [claims[0], claims[2]]
        store.complete(lost)
        if short:
            with pytest.raises(LeaseLost, match=str(lost.item.id)):
                store.complete_many(claims)
        else:
            with store.unit_of_work() as uow:
                with pytest.raises(LeaseLost, match=str(lost.item.id)):
                    uow.jobs.complete_many(claims)
                uow.commit()
        for claim in held:
            assert read(store, claim.item.id).status == JobStatus.COMPLETED

    def test_none_at_once(self, store: Store) -> None:
        store.complete_many([])
        with store.unit_of_work() as uow:
            uow.jobs.complete_many(iter(()))

    def test_a_lease_that_ends_after_more_attempts_than_any_wait_is_for(
        self, store: Store, channel_id: UUID, time_passes: Callable[[timedelta], None]
    ) -> None:
        """As another program may have counted them: it has failed, and others are claimed."""
        (job,) = add_jobs(store, channel_id, {"attempts": 2_000})
        assert claim_one(store).attempt == 2_001
        time_passes(LEASE)
        with store.unit_of_work() as uow:
            assert uow.jobs.claim_next("w2", LEASE) is None
            uow.commit()
        assert read(store, job.id).status == JobStatus.FAILED

    @pytest.mark.parametrize("attempts", [0, 1, 3])
    def test_a_failure_waits_longer_each_time(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        attempts: int,
    ) -> None:
        (job,) = add_jobs(store, channel_id, {"max_attempts": 9, "attempts": attempts})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.jobs.fail(claim, "no network", {"code": 7})
            uow.commit()
        stored = read(store, job.id)
        assert (stored.status, stored.completed_at) == (JobStatus.RETRYING, None)
        assert (stored.error_message, stored.error_details) == ("no network", {"code": 7})
        wait = timedelta(seconds=2**attempts)
        # The server's clock goes on while the test does: later than half of it, and early enough.
        time_passes(wait - timedelta(milliseconds=900))
        assert nothing_to_claim(store)
        time_passes(timedelta(seconds=1))
        assert claim_one(store).attempt == attempts + 2

    @pytest.mark.parametrize("permanent", [False, True])
    def test_failed_for_good(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        clock: SteppedClock,
        permanent: bool,
    ) -> None:
        (job,) = add_jobs(store, channel_id, {"max_attempts": 5 if permanent else 1})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.jobs.fail(claim, "gone", permanent=permanent)
            uow.commit()
        stored = read(store, job.id)
        assert (stored.status, stored.due_at) == (JobStatus.FAILED, None)
        assert stored.completed_at == clock.instant
        time_passes(timedelta(days=1))
        assert nothing_to_claim(store)

    @pytest.mark.parametrize(
        "arguments",
        [{"message": None}, {"message": "\x00"}, {"details": "text"}, {"permanent": 1}],
    )
    def test_a_bad_report(self, store: Store, channel_id: UUID, arguments: dict[str, Any]) -> None:
        (job,) = add_jobs(store, channel_id, {})
        claim = claim_one(store)
        with store.unit_of_work() as uow, pytest.raises(InvalidValue):
            uow.jobs.fail(claim, **{"message": "x"} | arguments)
        assert read(store, job.id).status == JobStatus.PROCESSING

    def test_given_back(self, store: Store, channel_id: UUID) -> None:
        (job,) = add_jobs(store, channel_id, {})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.jobs.release(claim)
            uow.commit()
        stored = read(store, job.id)
        assert (stored.status, stored.attempts, stored.started_at) == (JobStatus.QUEUED, 0, None)
        again = claim_one(store)
        assert (again.attempt, again.token) == (1, 2)


class TestRetry:
    """Retried by hand."""

    def test_a_new_count(
        self,
        store: Store,
        channel_id: UUID,
        clock: SteppedClock,
    ) -> None:
        (job,) = add_jobs(store, channel_id, {"max_attempts": 1})
        with store.unit_of_work() as uow:
            claim = uow.jobs.claim_next("w1", LEASE)
            assert claim is not None
            uow.jobs.fail(claim, "gone")
            uow.commit()
        clock.advance(hours=1)
        with store.unit_of_work() as uow:
            retried = uow.jobs.retry(job.id)
            uow.commit()
        assert (retried.status, retried.attempts) == (JobStatus.QUEUED, 0)
        assert retried.queued_at == clock.instant
        assert (retried.error_message, retried.completed_at) == (None, None)
        assert claim_one(store).attempt == 1

    def test_one_that_waits(self, store: Store, channel_id: UUID) -> None:
        (job,) = add_jobs(store, channel_id, {})
        with store.unit_of_work() as uow:
            claim = uow.jobs.claim_next("w1", LEASE)
            assert claim is not None
            uow.jobs.fail(claim, "gone")
            uow.jobs.retry(job.id)
            uow.commit()
        assert claim_one(store).item.id == job.id

    def test_one_whose_lease_is_over(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        (job,) = add_jobs(store, channel_id, {"max_attempts": 1})
        claim_one(store)
        time_passes(LEASE + timedelta(seconds=1))
        with store.unit_of_work() as uow:
            assert uow.jobs.retry(job.id).status == JobStatus.QUEUED
            uow.commit()

    @pytest.mark.parametrize("status", ["queued", "processing", "completed"])
    def test_others(self, store: Store, channel_id: UUID, status: str) -> None:
        (job,) = add_jobs(store, channel_id, {"status": status})
        with store.unit_of_work() as uow, pytest.raises(IllegalTransition, match=status):
            uow.jobs.retry(job.id)
        nobody = new_key()
        with store.unit_of_work() as uow, pytest.raises(NotFound, match=f"the key {nobody}$"):
            uow.jobs.retry(nobody)


class TestPause:
    """Nothing paused is handed out."""

    @pytest.mark.parametrize("job_type", [None, JobType.SCRAPE])
    def test_until_it_is_resumed(
        self, store: Store, channel_id: UUID, job_type: JobType | None
    ) -> None:
        add_jobs(store, channel_id, {})
        with store.unit_of_work() as uow:
            uow.jobs.pause(job_type, by="operator")
            uow.commit()
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            assert uow.jobs.paused() == ["*" if job_type is None else "scrape"]
            key = "paused.jobs" if job_type is None else "paused.jobs.scrape"
            assert uow.config_overrides.get(key).updated_by == "operator"
            assert uow.jobs.resume(job_type)
            assert not uow.jobs.resume(job_type)
            assert uow.jobs.paused() == []
            uow.commit()
        assert claim_one(store).attempt == 1

    def test_other_types_go_on(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            video = uow.videos.add(a_video(channel_id))
            uow.jobs.add(ProcessingJob(channel_id=channel_id, job_type="scrape", priority=10))
            download = uow.jobs.add(
                ProcessingJob(channel_id=channel_id, video_id=video.id, job_type="download")
            )
            uow.jobs.pause(JobType.SCRAPE)
            uow.commit()
        claims = store.claim_batch("w1", 5, lease=LEASE)
        assert [claim.item.id for claim in claims] == [download.id]

    def test_work_that_was_begun_goes_on(self, store: Store, channel_id: UUID) -> None:
        (job,) = add_jobs(store, channel_id, {})
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.jobs.pause()
            uow.jobs.heartbeat(claim, LEASE)
            uow.jobs.complete(claim)
            uow.commit()
        assert read(store, job.id).status == JobStatus.COMPLETED

    def test_an_unknown_type(self, store: Store) -> None:
        unknown: Any = "render"
        with store.unit_of_work() as uow:
            with pytest.raises(InvalidValue, match="scrape, download, transform, publish"):
                uow.jobs.pause(unknown)
            with pytest.raises(InvalidValue):
                uow.jobs.resume(unknown)


class TestStatistics:
    """How the queue is doing."""

    def test_an_empty_queue(self, store: Store) -> None:
        with store.unit_of_work(read_only=True) as uow:
            found = uow.jobs.statistics()
        assert found.counts == dict.fromkeys(JobStatus, 0)
        assert (found.success_rate, found.mean_wait, found.mean_run) == (None, None, None)

    def test_counts_and_means(self, store: Store, channel_id: UUID) -> None:
        noon = datetime(2026, 3, 1, 12, tzinfo=UTC)

        def ended(status: str, waited: float, ran: float) -> dict[str, Any]:
            started = noon + timedelta(seconds=waited)
            return {
                "status": status,
                "queued_at": noon,
                "started_at": started,
                "completed_at": started + timedelta(seconds=ran),
            }

        add_jobs(
            store,
            channel_id,
            {},
            ended("completed", 10, 60),
            ended("completed", 20, 30.5),
            ended("completed", 3.25, 1),
            ended("failed", 6.75, 500),
            {"status": "processing", "queued_at": noon, "started_at": noon},
        )
        with store.unit_of_work() as uow:
            video = uow.videos.add(a_video(channel_id))
            uow.jobs.add(
                ProcessingJob(
                    channel_id=channel_id,
                    video_id=video.id,
                    job_type="publish",
                    **ended("completed", 100, 10),
                )
            )
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            of_all = uow.jobs.statistics()
            of_scrapes = uow.jobs.statistics(JobType.SCRAPE)
            of_downloads = uow.jobs.statistics(JobType.DOWNLOAD)
        assert of_scrapes.counts == {
            JobStatus.QUEUED: 1,
            JobStatus.PROCESSING: 1,
            JobStatus.COMPLETED: 3,
            JobStatus.FAILED: 1,
            JobStatus.RETRYING: 0,
        }
        assert of_scrapes.success_rate == 0.75
        assert of_scrapes.mean_wait == timedelta(seconds=8)
        assert of_scrapes.mean_run == timedelta(seconds=30.5)
        assert of_all.counts[JobStatus.COMPLETED] == 4
        assert of_all.success_rate == 0.8
        assert of_all.mean_run == timedelta(seconds=25.375)
        assert sum(of_downloads.counts.values()) == 0


def test_only_scraping_needs_no_video(store: Store, channel_id: UUID) -> None:
    """The video of a job is checked when it is made and when either field is assigned."""
    for kind in ("download", "transform", "publish"):
        with pytest.raises(InvalidValue, match="needs a video"):
            ProcessingJob(channel_id=channel_id, job_type=kind)
    (job,) = add_jobs(store, channel_id, {})
    with pytest.raises(InvalidValue, match="needs a video"):
        job.job_type = JobType.PUBLISH
    with store.unit_of_work() as uow:
        video = uow.videos.add(a_video(channel_id))
        job.video_id = video.id
        job.job_type = JobType.PUBLISH
        with pytest.raises(InvalidValue, match="needs a video"):
            job.video_id = None
        uow.jobs.add(job)
        uow.commit()
    assert read(store, job.id).job_type == JobType.PUBLISH


def a_video(channel_id: UUID) -> Video:
    """A video of the channel."""
    return Video(
        channel_id=channel_id,
        source_url="https://example.org/1",
        source_title="One",
        source_platform="example",
    )
