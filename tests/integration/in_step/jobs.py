"""Rules of jobs and of the queue that hands them out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.channels import Channel, JobStatus, JobType, ProcessingJob, Video
from tests.integration.in_step.channel_values import maybe_times
from tests.integration.in_step.drawn import numbers
from tests.integration.in_step.overrides import Overrides

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import UnitOfWork
    from pipeline_store.claim import Claim
    from tests.integration.in_step.side import Side

MINUTE = timedelta(minutes=1)

new_jobs = st.fixed_dictionaries(
    {
        "job_type": st.sampled_from(JobType),
        "priority": st.sampled_from([0, 0, 3, 10, 11]),
        "max_attempts": st.sampled_from([1, 2, 2, 3]),
        "queued_at": maybe_times,
    }
)
leases = st.sampled_from([MINUTE, MINUTE, timedelta(hours=1), timedelta(milliseconds=1)])
any_leases = leases | st.sampled_from([timedelta(0), timedelta(days=8), 5])
workers = st.sampled_from(["w1", "w2", "w1", "w2", "w1", "w2", "", 7])
batches = st.sampled_from([1, 2, 2, 3, 1_000, 0, True])
wanted_types = st.none() | st.lists(st.sampled_from([*JobType, *JobType, "render"]), max_size=3)
one_type = st.none() | st.sampled_from(JobType)


class Jobs(Overrides):
    """Adding, claiming, finishing, failing, releasing, retrying, pausing, and time that passes."""

    @rule(channel=numbers, video=st.none() | numbers, values=new_jobs)
    def add_job(self, channel: int, video: int | None, values: dict[str, Any]) -> None:
        self.add(
            ProcessingJob,
            lambda side: ProcessingJob(
                channel_id=self.key_of(side, Channel, channel),
                video_id=None if video is None else self.key_of(side, Video, video),
                **values,
            ),
        )

    # -- time --------------------------------------------------------------------------------

    @rule(
        step=st.sampled_from(
            [
                timedelta(milliseconds=1),
                timedelta(seconds=1),
                timedelta(seconds=2),
                MINUTE,
                MINUTE + timedelta(seconds=1),
                timedelta(hours=2),
            ]
        )
    )
    def time_passes(self, step: timedelta) -> None:
        self.let_pass(step)

    # -- claims ------------------------------------------------------------------------------

    @rule(worker=workers, lease=any_leases, job_types=wanted_types)
    def claim_next(self, worker: Any, lease: Any, job_types: Any) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            claim = uow.jobs.claim_next(worker, lease, job_types)
            side.claims += [] if claim is None else [claim]
            return claim

        self.each(step, ProcessingJob)

    @rule(worker=workers, n=batches, lease=leases, job_types=wanted_types)
    def claim_batch(self, worker: Any, n: int, lease: Any, job_types: Any) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            claims = uow.jobs.claim_batch(worker, n, lease, job_types)
            side.claims += claims
            return claims

        self.each(step, ProcessingJob)

    @rule(worker=workers, n=batches, lease=any_leases, job_types=wanted_types)
    def claim_the_short_way(self, worker: Any, n: int, lease: Any, job_types: Any) -> None:
        def step(side: Side) -> Any:
            given: dict[str, Any] = {"lease": lease, "job_types": job_types}
            if n == 1:
                claim = side.driver.call_store("claim_next", worker, **given)
                side.claims += [] if claim is None else [claim]
                return claim
            claims = side.driver.call_store("claim_batch", worker, n, **given)
            side.claims += claims
            return claims

        self.without_a_unit_of_work(step)

    @rule(number=numbers)
    def complete_the_short_way(self, number: int) -> None:
        if self.sides[0].claims:
            self.without_a_unit_of_work(
                lambda side: side.driver.call_store("complete", claim_of(side, number))
            )

    @rule(several=st.lists(numbers, max_size=3))
    def complete_many_the_short_way(self, several: list[int]) -> None:
        if self.sides[0].claims:
            self.without_a_unit_of_work(
                lambda side: side.driver.call_store(
                    "complete_many", [claim_of(side, number) for number in several]
                )
            )

    def without_a_unit_of_work(self, step: Callable[[Side], Any]) -> None:
        """Commits or loses what was done, takes the step on the store itself, and goes on."""
        self.commit()
        for side in self.sides:
            side.forget_keys()
        self.compare(lambda side: side.driver.leave())
        self.compare(step)
        for side in self.sides:
            side.keep_keys()
            side.present.clear()
        self.compare(lambda side: side.driver.open(read_only=False))

    # -- what a holder writes ----------------------------------------------------------------

    def held(self, number: int, write: Callable[[UnitOfWork, Claim[Any]], Any]) -> None:
        """Lets the holder of a claim, which may have ended long ago, write something."""
        if self.sides[0].claims:
            self.each(lambda side, uow: write(uow, claim_of(side, number)), ProcessingJob)

    @rule(number=numbers)
    def complete(self, number: int) -> None:
        self.held(number, lambda uow, claim: uow.jobs.complete(claim))

    @rule(several=st.lists(numbers, max_size=3))
    def complete_many(self, several: list[int]) -> None:
        if self.sides[0].claims:
            self.each(
                lambda side, uow: uow.jobs.complete_many(
                    claim_of(side, number) for number in several
                ),
                ProcessingJob,
            )

    @rule(number=numbers, lease=any_leases)
    def heartbeat(self, number: int, lease: Any) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            claim = uow.jobs.heartbeat(claim_of(side, number), lease)
            side.claims.append(claim)
            # Not its item, which may be of an earlier unit of work.
            return [claim.token, claim.attempt, claim.worker, claim.expires_at]

        if self.sides[0].claims:
            self.each(step, ProcessingJob)

    @rule(
        number=numbers,
        message=st.sampled_from(["broken", "broken", "\x00", None]),
        details=st.sampled_from([None, {"a": [1]}, {}, [], {"a": float("nan")}]),
        permanent=st.sampled_from([False, False, True, 1]),
    )
    def fail(self, number: int, message: Any, details: Any, permanent: Any) -> None:
        self.held(number, lambda uow, claim: uow.jobs.fail(claim, message, details, permanent))

    @rule(number=numbers)
    def release(self, number: int) -> None:
        self.held(number, lambda uow, claim: uow.jobs.release(claim))

    # -- what an operator does ---------------------------------------------------------------

    @rule(number=numbers)
    def retry(self, number: int) -> None:
        self.each(
            lambda side, uow: uow.jobs.retry(self.key_of(side, ProcessingJob, number)),
            ProcessingJob,
        )

    @rule(job_type=one_type)
    def pause(self, job_type: JobType | None) -> None:
        self.each(lambda _, uow: uow.jobs.pause(job_type))

    @rule(job_type=one_type)
    def resume(self, job_type: JobType | None) -> None:
        self.each(lambda _, uow: uow.jobs.resume(job_type))

    @rule()
    def resume_all(self) -> None:
        """Makes it likely that something can be claimed."""

        def step(_: Side, uow: UnitOfWork) -> Any:
            return [uow.jobs.resume(each) for each in [None, *JobType]]

        self.each(step)

    @rule(number=numbers, limit=st.sampled_from([1, 10, 0]))
    def ask_for_jobs(self, number: int, limit: int) -> None:
        status = list(JobStatus)[number % len(JobStatus)]
        job_type = [None, *JobType][number % (len(JobType) + 1)]
        self.each(
            lambda _, uow: [
                uow.jobs.paused(),
                uow.jobs.in_status(status, limit),
                uow.jobs.statistics(),
                uow.jobs.statistics(job_type),
            ]
        )


def claim_of(side: Side, number: int) -> Claim[Any]:
    """The claim that the number picks: the latest ones are the likeliest to hold still."""
    return side.claims[-1 - number % len(side.claims)]
