"""Workers that take jobs from the queue and are killed while they do.

A process that has loaded everything forks: workers, and one process that watches over the queue and
is not killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import sqlalchemy as sa

from pipeline_store import open_store
from pipeline_store.channels import Channel, JobStatus, JobType, ProcessingJob, Video
from pipeline_store.channels.processing_job import wait_after
from pipeline_store.errors import LeaseLost
from pipeline_store.production import ErrorLog
from pipeline_store.sql.channels import job_statements
from tests.integration.job_history import (
    BEATEN,
    CLAIMED,
    DONE,
    GIVEN_UP,
    GIVES_UP,
    KILLED,
    LATE,
    RAISED,
    REFUSED,
    RESUMES,
    Diary,
    Outcome,
)
from tests.integration.racing import Child, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.claim import Claim

    Claimed = Claim[ProcessingJob]

EFFECT: Final = "effect"
PAUSED_TYPE: Final = JobType.TRANSFORM
ATTEMPTS_TO_LOSE: Final = 2
"""After these a worker no longer fails on purpose, since each wait is twice the one before."""


@attrs.frozen(kw_only=True)
class Plan:
    """How many there are of everything."""

    jobs: int
    workers: int = 8
    #: Workers beside those that sleep through every lease, and are not killed.
    sleepers: int = 1
    #: Seconds.
    lease: float
    kill_every: float
    #: Bytes that the workers have written down since the last kill: on a busy machine they would
    #: otherwise get nowhere.
    written_between_kills: int = 0
    most_work: float
    #: How long a worker that got nothing waits before it asks again.
    rest: float = 0.05
    limit: float
    #: Of the attempts, one in so many is slept through, one failed and one given back.
    unlucky_one_in: int = 60
    #: Whether a completion asks for a lease, as it must.
    fenced: bool = True


def run_workers(url: str, folder: Path, plan: Plan) -> None:
    """Lets workers do the jobs at the URL, killing them all the while, and write to the folder."""
    lines_of(main, url, str(folder), json.dumps(attrs.asdict(plan)))


def add_jobs(store: Store, count: int) -> None:
    """Jobs of every type; the type that is paused comes first whenever it is not."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        video = uow.videos.add(
            Video(
                channel_id=channel.id, source_url="a", source_title="a", source_platform="example"
            )
        )
        kinds = [list(JobType)[number % len(JobType)] for number in range(count)]
        uow.jobs.add_many(
            ProcessingJob(
                channel_id=channel.id,
                video_id=video.id,
                job_type=kind,
                priority=10 if kind == PAUSED_TYPE else number % 10,
                max_attempts=32,
            )
            for number, kind in enumerate(kinds)
        )
        uow.jobs.pause(PAUSED_TYPE)
        uow.commit()


def outcomes(store: Store) -> list[Outcome]:
    """What the database holds in the end."""
    effects: dict[str, list[int]] = {}
    with store.unit_of_work(read_only=True) as uow:
        for row in uow.errors.page(limit=10_000):
            effects.setdefault(row.error_message, []).append(int(row.stack_trace or 0))
        return [
            Outcome(
                job=str(job.id),
                status=job.status.value,
                token=job.lease_token,
                effects=tuple(effects.get(str(job.id), ())),
            )
            for job in uow.jobs.page(limit=10_000)
        ]


class Worker:
    """Takes jobs until it is told to stop, and does with them what befalls workers."""

    def __init__(self, url: str, folder: Path, plan: Plan) -> None:
        self._store = open_store(url)
        self._folder = folder
        self._plan = plan
        self._diary = Diary(folder)
        self._name = f"worker {os.getpid()}"
        self._random = random.Random(os.getpid())  # noqa: S311 - not a secret
        self._lease = timedelta(seconds=plan.lease)

    def work(self, say: Callable[[str], None]) -> None:
        self._prepare()
        say("at work")
        self._take_jobs([self._claim_one, self._claim_inside, self._claim_three], self._deal_with)

    def practise(self) -> None:
        """Does a job and undoes it; processes that are forked from this one need not learn it."""
        with self._store.unit_of_work() as uow:
            # The first time may take longer than a lease of those who are killed.
            lease = timedelta(minutes=1)
            claim = uow.jobs.claim_next(self._name, lease)
            assert claim is not None
            self._complete(uow, uow.jobs.heartbeat(claim, lease))
            uow.rollback()
        self._prepare()
        self._store.close()

    def oversleep(self) -> None:
        self._take_jobs([self._claim_one, self._claim_inside], self._come_late_with)

    def _take_jobs(
        self, ways: list[Callable[[], list[Claimed]]], deal_with: Callable[[list[Claimed]], None]
    ) -> None:
        while not (self._folder / "stop").exists():
            claims = self._random.choice(ways)()
            for claim in claims:
                self._diary.note_claim(CLAIMED, claim, claim.expires_at - self._lease)
            deal_with(claims)
            if not claims:
                time.sleep(self._plan.rest)

    def _prepare(self) -> None:
        """Connects, and learns what a first call has to learn."""
        with self._store.unit_of_work(read_only=True) as uow:
            uow.jobs.statistics()

    def _claim_one(self) -> list[Claimed]:
        claim = self._store.claim_next(self._name, lease=self._lease)
        return [claim] if claim else []

    def _claim_inside(self) -> list[Claimed]:
        with self._store.unit_of_work() as uow:
            claim = uow.jobs.claim_next(self._name, self._lease)
            uow.commit()
        return [claim] if claim else []

    def _claim_three(self) -> list[Claimed]:
        return self._store.claim_batch(self._name, 3, lease=self._lease)

    def _deal_with(self, claims: list[Claimed]) -> None:
        if len(claims) > 1 and self._random.random() < 0.5:
            self._pretend_to_work()
            if self._end(claims, DONE, lambda uow: self._complete_many(uow, claims)):
                return
        for claim in claims:
            self._deal_with_one(claim)

    def _deal_with_one(self, claim: Claimed) -> None:
        fate = self._random.randrange(self._plan.unlucky_one_in)
        early = claim.attempt <= ATTEMPTS_TO_LOSE
        if fate == 0 and early:
            self._come_late(claim)
        elif fate == 1 and early:
            self._diary.note_claim(GIVES_UP, claim, None)
            self._end([claim], GIVEN_UP, lambda uow: uow.jobs.fail(claim, "on purpose"))
        elif fate == 2:
            self._diary.note_claim(GIVES_UP, claim, None)
            self._end([claim], GIVEN_UP, lambda uow: uow.jobs.release(claim))
        else:
            self._pretend_to_work()
            if fate % 4 == 0:
                self._beat(claim)
                self._pretend_to_work()
            self._end([claim], DONE, lambda uow: self._complete(uow, claim))

    def _come_late_with(self, claims: list[Claimed]) -> None:
        for claim in claims:
            self._come_late(claim)

    def _come_late(self, claim: Claimed) -> None:
        """Writes when the lease has ended: before anybody has the job, or when somebody has."""
        longer = wait_after(claim.attempt) + self._lease
        ends = claim.expires_at + self._random.choice([timedelta(milliseconds=50), longer])
        time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()))
        self._diary.note_claim(LATE, claim, None)
        others = [
            lambda uow: self._complete_many(uow, [claim]),
            lambda uow: uow.jobs.heartbeat(claim, self._lease),
            lambda uow: uow.jobs.fail(claim, "too late"),
            lambda uow: uow.jobs.release(claim),
            lambda _: self._store.complete(claim),
        ]
        write = self._random.choice([lambda uow: self._complete(uow, claim)] * 5 + others)
        self._end([claim], DONE, write)

    def _beat(self, claim: Claimed) -> None:
        try:
            with self._store.unit_of_work() as uow:
                later = uow.jobs.heartbeat(claim, self._lease)
                uow.commit()
        except LeaseLost:
            return
        self._diary.note_claim(BEATEN, later, None)

    def _complete(self, uow: UnitOfWork, claim: Claimed) -> None:
        uow.errors.add(_effect_of(claim))
        uow.jobs.complete(claim)

    def _complete_many(self, uow: UnitOfWork, claims: list[Claimed]) -> None:
        uow.jobs.complete_many(claims)
        uow.errors.add_many(_effect_of(claim) for claim in claims)

    def _end(self, claims: list[Claimed], word: str, write: Callable[[UnitOfWork], Any]) -> bool:
        """Commits what ends the claims; when it is refused, nothing has happened."""
        try:
            with self._store.unit_of_work() as uow:
                write(uow)
                uow.commit()
        except LeaseLost:
            if len(claims) > 1:
                return False
            word = REFUSED
        for claim in claims:
            self._diary.note_claim(word, claim, None)
        return True

    def _pretend_to_work(self) -> None:
        time.sleep(self._random.random() * self._plan.most_work)


def _effect_of(claim: Claimed) -> ErrorLog:
    return ErrorLog(
        module=EFFECT,
        error_type=claim.item.job_type,
        error_message=str(claim.item.id),
        stack_trace=str(claim.token),
    )


def _watch(url: str, folder: Path, plan: Plan) -> None:
    """Resumes the paused type when half of the other jobs are done, and ends when all are."""
    store = open_store(url)
    diary = Diary(folder)
    paused = True
    until = time.monotonic() + plan.limit
    done = 0
    while done < plan.jobs and time.monotonic() < until:
        with store.unit_of_work() as uow:
            done = uow.jobs.statistics().counts[JobStatus.COMPLETED]
            if paused and done >= plan.jobs * (len(JobType) - 1) / len(JobType) / 2:
                diary.note(RESUMES)
                uow.jobs.resume(PAUSED_TYPE)
                uow.commit()
                paused = False
        time.sleep(0.1)


def _remove_fencing() -> None:
    """Lets a completion ask neither for the token nor for the lease."""
    columns = job_statements.video_processing_jobs.c
    done = {"status": JobStatus.COMPLETED, "due_at": sa.null(), "worker": sa.null()}

    def complete(_dialect: str) -> sa.Executable:
        held = sa.bindparam("held_id", type_=sa.Uuid())
        return sa.update(columns.id.table).where(columns.id == held).values(done)

    job_statements.complete = complete


def _noting_errors(folder: Path, work: Callable[[], None]) -> None:
    try:
        work()
    except BaseException as error:
        Diary(folder).note(RAISED, detail=repr(error))
        raise


def _written(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.jsonl"))


def main(url: str, path: str, given: str) -> None:
    """Starts workers, and kills one after the other until all jobs are done."""
    folder, plan = Path(path), Plan(**json.loads(given))
    if not plan.fenced:
        _remove_fencing()
    diary = Diary(folder)

    def work(say: Callable[[str], None]) -> None:
        _noting_errors(folder, lambda: Worker(url, folder, plan).work(say))

    def oversleep(_say: Callable[[str], None]) -> None:
        _noting_errors(folder, lambda: Worker(url, folder, plan).oversleep())

    Worker(url, folder, plan).practise()
    sleepers = [Child(oversleep) for _ in range(plan.sleepers)]
    watching = Child(lambda _: _watch(url, folder, plan))
    workers = [Child(work) for _ in range(plan.workers)]
    written = 0
    while os.waitpid(watching.process, os.WNOHANG) == (0, 0):
        time.sleep(plan.kill_every)
        if _written(folder) - written < plan.written_between_kills:
            continue
        written = _written(folder)
        place = random.randrange(len(workers))  # noqa: S311 - not a secret
        # Not before it works: on a busy machine, workers would do nothing but start.
        workers[place].line()
        os.kill(workers[place].process, signal.SIGKILL)
        _, status = os.waitpid(workers[place].process, 0)
        if os.WIFSIGNALED(status):
            diary.note(KILLED, detail=str(workers[place].process))
        workers[place] = Child(work)
    (folder / "stop").touch()
    for worker in [*workers, *sleepers]:
        os.waitpid(worker.process, 0)
