"""Steps of jobs and of the queue that hands them out.

They come several at a time: a claim alone shows little, and a rule is one of many.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.channels import Channel, JobStatus, JobType, ProcessingJob, Video
from tests.integration.in_step.channel_values import ASSIGNMENTS, maybe_times
from tests.integration.in_step.drawn import numbers
from tests.integration.in_step.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import UnitOfWork
    from pipeline_store.claim import Claim
    from tests.integration.in_step.side import Side

Step = tuple[str, dict[str, Any]]
"""The name of a method, and its arguments."""

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def step(name: str, **arguments: Any) -> st.SearchStrategy[Step]:
    """Steps by that method, each argument drawn from its strategy or values."""
    drawn = {
        name: each if isinstance(each, st.SearchStrategy) else st.sampled_from(each)
        for name, each in arguments.items()
    }
    return st.tuples(st.just(name), st.fixed_dictionaries(drawn))


workers = ["w1", "w2"] * 4 + ["", 7]
leases = [MINUTE, HOUR] * 4 + [timedelta(milliseconds=1), timedelta(0), timedelta(days=8), 5]
some_types = [[each] for each in JobType] + [[JobType.SCRAPE, JobType.PUBLISH], [], ["render"]]
wanted_types = st.sampled_from([None] * 8 + some_types)
recent = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 8])
new_jobs = st.fixed_dictionaries(
    {
        "job_type": st.sampled_from(JobType),
        "priority": st.sampled_from([0, 0, 3, 10, 11]),
        "max_attempts": st.sampled_from([1, 2, 2, 3]),
        "queued_at": maybe_times,
    }
)

job_fields = st.sampled_from(sorted(ASSIGNMENTS[ProcessingJob])).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(ASSIGNMENTS[ProcessingJob][name]))
)

adding = step("add_job", channel=numbers, video=numbers, values=new_jobs)
claiming = step(
    "claim",
    short=[False, False, True],
    worker=workers,
    n=[None] * 6 + [1, 2, 3, 1_000, 0, True],
    lease=leases,
    job_types=wanted_types,
)
passing = step(
    "time_passes",
    by=[
        timedelta(milliseconds=1),
        timedelta(seconds=1),
        timedelta(seconds=2),
        MINUTE,
        MINUTE + timedelta(seconds=2),
        2 * HOUR,
    ],
)
ending = (
    step("complete", number=recent, short=[False, False, True])
    | step("complete_many", several=st.lists(recent, max_size=3), short=[False, True])
    | step("heartbeat", number=recent, lease=leases)
    | step(
        "fail",
        number=recent,
        message=["broken"] * 8 + ["\x00", None],
        details=[None, {"a": [1]}] * 4 + [[], {"a": float("nan")}],
        permanent=[False] * 6 + [True, 1],
    )
    | step("release", number=recent)
)
operating = (
    step("retry", number=numbers)
    | step("pause", job_type=[None, *JobType])
    | step("resume", job_type=[None, *JobType])
    | step("resume_all")
    | step("commit")
    | step("leave_and_enter", read_only=[False])
)
meddling = (
    step("change_a_job", number=numbers, name_and_value=job_fields)
    | step("remove_a_job", number=numbers, fresh=[False, True])
    | step("add_a_job_again", number=numbers, fresh=[False, True])
)
# What rarely comes together by chance: a claim that is had, and a write of its holder.
having = step(
    "claim", short=[False, True], worker=["w1"], n=[None, None, 2], lease=[MINUTE], job_types=[None]
)
holding = (
    step("complete", number=[0, 1], short=[False, True])
    | step("complete_many", several=st.just([0, 1]), short=[False, True])
    | step("heartbeat", number=[0], lease=[MINUTE, HOUR])
    | step("fail", number=[0], message=["broken"], details=[None], permanent=[False, True])
    | step("release", number=[0])
)
several_steps = st.one_of(
    *map(st.tuples, (claiming, ending, adding, operating, passing, passing, meddling)),
    st.tuples(step("resume_all"), having, holding),
    st.tuples(having, holding, holding),
    st.tuples(having, passing, holding, passing),
)
job_steps = st.lists(several_steps, min_size=1, max_size=4)


class Jobs(Machine):
    """Adding, claiming, finishing, failing, releasing, retrying, pausing, and time that passes."""

    @rule(several=job_steps)
    def work(self, several: list[tuple[Step, ...]]) -> None:
        for steps in several:
            for name, arguments in steps:
                getattr(self, name)(**arguments)

    @rule(several=job_steps)
    def work_more(self, several: list[tuple[Step, ...]]) -> None:
        """Makes work likelier than any other step."""
        self.work(several)

    @rule(step=passing)
    def wait(self, step: Step) -> None:
        self.work([(step,)])

    def time_passes(self, by: timedelta) -> None:
        self.let_pass(by)

    def add_job(self, channel: int, video: int | None, values: dict[str, Any]) -> None:
        self.add(
            ProcessingJob,
            lambda side: ProcessingJob(
                channel_id=self.key_of(side, Channel, channel),
                video_id=None if video is None else self.key_of(side, Video, video),
                **values,
            ),
        )

    def change_a_job(self, number: int, name_and_value: tuple[str, Any]) -> None:
        place = self.pick(ProcessingJob, number)
        if place is not None:
            self.assign_to(place, *name_and_value)

    def remove_a_job(self, number: int, *, fresh: bool) -> None:
        self.remove_object(self.pick(ProcessingJob, number), fresh=fresh)

    def add_a_job_again(self, number: int, *, fresh: bool) -> None:
        self.add_object_again(self.pick(ProcessingJob, number), fresh=fresh)

    # -- claims ------------------------------------------------------------------------------

    def claim(self, *, short: bool, n: int | None, **given: Any) -> None:
        """Claims `n` jobs as a batch, or one by itself."""
        name = "claim_next" if n is None else "claim_batch"
        arguments = given if n is None else given | {"n": n}

        def keep(side: Side, claimed: Any) -> Any:
            claims = claimed if isinstance(claimed, list) else [claimed]
            side.claims += [claim for claim in claims if claim is not None]
            return claimed

        if short:
            worker = arguments.pop("worker")
            positional = [worker] if n is None else [worker, arguments.pop("n")]
            self.without_a_unit_of_work(
                lambda side: keep(side, side.driver.call_store(name, *positional, **arguments))
            )
        else:
            self.each(
                lambda side, uow: keep(side, getattr(uow.jobs, name)(**arguments)), ProcessingJob
            )

    # -- what a holder writes ----------------------------------------------------------------

    def held(self, number: int, write: Callable[[UnitOfWork, Claim[Any]], Any]) -> None:
        """Lets the holder of a claim, which may have ended long ago, write something."""
        if self.sides[0].claims:
            self.each(lambda side, uow: write(uow, claim_of(side, number)), ProcessingJob)

    def complete(self, number: int, *, short: bool) -> None:
        if not short:
            self.held(number, lambda uow, claim: uow.jobs.complete(claim))
        elif self.sides[0].claims:
            self.without_a_unit_of_work(
                lambda side: side.driver.call_store("complete", claim_of(side, number))
            )

    def complete_many(self, several: list[int], *, short: bool) -> None:
        def claims_of(side: Side) -> list[Claim[Any]]:
            return [claim_of(side, number) for number in several if side.claims]

        if short:
            self.without_a_unit_of_work(
                lambda side: side.driver.call_store("complete_many", claims_of(side))
            )
        else:
            self.each(lambda side, uow: uow.jobs.complete_many(claims_of(side)), ProcessingJob)

    def heartbeat(self, number: int, lease: Any) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            claim = uow.jobs.heartbeat(claim_of(side, number), lease)
            side.claims.append(claim)
            # Not its item, which may be of an earlier unit of work.
            return [claim.token, claim.attempt, claim.worker, claim.expires_at]

        if self.sides[0].claims:
            self.each(step, ProcessingJob)

    def fail(self, number: int, **given: Any) -> None:
        self.held(number, lambda uow, claim: uow.jobs.fail(claim, **given))

    def release(self, number: int) -> None:
        self.held(number, lambda uow, claim: uow.jobs.release(claim))

    # -- what an operator does ---------------------------------------------------------------

    def retry(self, number: int) -> None:
        self.each(
            lambda side, uow: uow.jobs.retry(self.key_of(side, ProcessingJob, number)),
            ProcessingJob,
        )

    def pause(self, job_type: JobType | None) -> None:
        self.each(lambda _, uow: uow.jobs.pause(job_type))

    def resume(self, job_type: JobType | None) -> None:
        self.each(lambda _, uow: uow.jobs.resume(job_type))

    def resume_all(self) -> None:
        """Makes it likely that something can be claimed."""
        self.each(lambda _, uow: [uow.jobs.resume(each) for each in [None, *JobType]])

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
    """A claim, counted from the latest one."""
    return side.claims[-1 - number % len(side.claims)]
