"""Workers that take tasks from the queue and are killed while they do; run by `racing`.

Each task waits for one stage to be done, so that a claim of it ends with that, as one of a job
does, and the diaries are judged as those of jobs are.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import CommitUnknown, LeaseLost, StoreUnavailable
from pipeline_store.production import ErrorLog
from pipeline_store.sql.failures import translated
from pipeline_store.sql.tasks import SqlTaskRepository
from pipeline_store.tasks import Task, TaskStatus
from tests.conftest import is_on
from tests.integration.claiming_tasks import BUSY_CHANNELS, opened
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
    Diary,
    Outcome,
)
from tests.integration.racing import Child, at_once
from tests.whole_store import all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.claim import Claim

CHANNELS: Final = 20
OUTAGES: Final = (StoreUnavailable, CommitUnknown)
"""What a worker lives through while the server is down."""


@attrs.frozen(kw_only=True)
class Plan:
    """How many there are of everything, and where."""

    url: str
    folder: str
    #: How often workers are killed before the rest is done in peace.
    rounds: int
    killed_at_once: int = 4
    workers: int = 8
    #: Workers beside those that sleep through every lease, and are not killed.
    sleepers: int = 1
    #: Tasks that there are to do at any time until the last round.
    load: int = 40 if is_on("PIPELINE_STORE_SOAK") else 24
    #: Seconds.
    lease: float = 0.6
    kill_every: float = 0.25
    most_work: float = 0.03
    limit: float = 120.0
    #: Whether a write asks for a lease, as it must.
    fenced: bool = True


def run_workers(plan: Plan) -> None:
    """Lets workers do tasks, killing them all the while, until all are done."""
    answers = at_once(_kill_workers, json.dumps(attrs.asdict(plan)), 1)
    assert answers == ["done"], answers


def add_channels(store: Store) -> None:
    """Channels of which 1 to 3 tasks may be held at once."""
    with store.unit_of_work() as uow:
        uow.channels.add_many(
            Channel(channel_id=f"c{number}", name="A channel", max_concurrent=1 + number % 3)
            for number in range(CHANNELS)
        )
        uow.commit()


def outcomes(store: Store) -> list[Outcome]:
    """What the database holds in the end, told as of jobs."""
    effects: dict[str, list[int]] = {}
    with store.unit_of_work(read_only=True) as uow:
        for row in all_of(uow.errors):
            effects.setdefault(row.error_message, []).append(int(row.stack_trace or 0))
        return [
            Outcome(
                job=str(task.id),
                status="completed" if task.status == TaskStatus.FINAL_REVIEW else task.status,
                token=task.lease_token,
                effects=tuple(effects.get(str(task.id), ())),
            )
            for task in all_of(uow.tasks)
        ]


class TaskWorker:
    """Takes tasks until it is told to stop, and does with them what befalls workers."""

    def __init__(self, plan: Plan) -> None:
        self._store = opened(plan.url)
        self._plan = plan
        self._folder = Path(plan.folder)
        self._diary = Diary(self._folder)
        self._name = f"worker {os.getpid()}"
        self._random = random.Random(os.getpid())  # noqa: S311 - not a secret
        self._lease = timedelta(seconds=plan.lease)

    def work(self, say: Callable[[str], None]) -> None:
        while not self._is_connected():
            time.sleep(0.05)
        say("at work")
        self._take_tasks(self._deal_with)

    def practise(self) -> None:
        """Does a task and undoes it; processes that are forked from this one need not learn it."""
        # What is done for the first time may take longer than a lease of those who are killed.
        lease = timedelta(minutes=1)
        with suppress(*OUTAGES), self._store.unit_of_work() as uow:
            uow.tasks.count_by_status()
            uow.tasks.add(_a_task(uow.channels.page()[0], 2**64))
            claim = uow.tasks.claim_next(self._name, lease, most_attempts=1_000)
            assert claim is not None
            self._complete(uow, uow.tasks.heartbeat(claim, lease))
            uow.rollback()
        self._store.close()

    def _is_connected(self) -> bool:
        try:
            with self._store.unit_of_work(read_only=True) as uow:
                uow.tasks.count_by_status()
        except OUTAGES:
            return False
        return True

    def oversleep(self) -> None:
        self._take_tasks(self._come_late)

    def _take_tasks(self, deal_with: Callable[[Claim[Task]], None]) -> None:
        ways = [self._claim_one, self._claim_inside, self._claim_three]
        while not (self._folder / "stop").exists():
            try:
                claims = self._random.choice(ways)()
                for claim in claims:
                    self._diary.note_claim(CLAIMED, claim, claim.expires_at - self._lease)
                if claims:
                    self._look_for_too_many()
                for claim in claims:
                    deal_with(claim)
            except OUTAGES:
                claims = []
            if not claims:
                time.sleep(0.05)

    def _claim_one(self) -> list[Claim[Task]]:
        claim = self._store.claim_next(
            self._name, lease=self._lease, queue="tasks", most_attempts=1_000
        )
        return [claim] if claim else []

    def _claim_inside(self) -> list[Claim[Task]]:
        with self._store.unit_of_work() as uow:
            claim = uow.tasks.claim_next(self._name, self._lease, most_attempts=1_000)
            uow.commit()
        return [claim] if claim else []

    def _claim_three(self) -> list[Claim[Task]]:
        return self._store.claim_batch(
            self._name, 3, lease=self._lease, queue="tasks", most_attempts=1_000
        )

    def _look_for_too_many(self) -> None:
        with translated(), self._store.engine.connect() as connection:
            over = connection.exec_driver_sql(BUSY_CHANNELS).scalar()
        if over:
            self._diary.note(RAISED, detail=f"more leases than {over} channels may have")

    def _deal_with(self, claim: Claim[Task]) -> None:
        fate = self._random.randrange(40)
        if fate == 0:
            self._come_late(claim)
        elif fate == 1:
            self._diary.note_claim(GIVES_UP, claim, None)
            self._end(claim, GIVEN_UP, lambda uow: uow.tasks.release(claim))
        else:
            self._pretend_to_work()
            if fate % 4 == 0:
                self._beat(claim)
                self._pretend_to_work()
            self._end(claim, DONE, lambda uow: self._complete(uow, claim))

    def _come_late(self, claim: Claim[Task]) -> None:
        """Writes when the lease has ended: before anybody has the task, or when somebody has."""
        longer = self._random.choice([timedelta(milliseconds=50), self._lease])
        ends = claim.expires_at + longer
        time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()))
        self._diary.note_claim(LATE, claim, None)
        others: list[Callable[[UnitOfWork], Any]] = [
            lambda uow: uow.tasks.heartbeat(claim, self._lease),
            lambda uow: uow.tasks.fail(claim, "too late"),
            lambda uow: uow.tasks.release(claim),
            lambda uow: uow.tasks.advance(claim, TaskStatus.FINAL_REVIEW),
            lambda _: self._store.complete(claim),
        ]
        write = self._random.choice([lambda uow: self._complete(uow, claim)] * 5 + others)
        self._end(claim, DONE, write)

    def _beat(self, claim: Claim[Task]) -> None:
        try:
            with self._store.unit_of_work() as uow:
                later = uow.tasks.heartbeat(claim, self._lease)
                uow.commit()
        except LeaseLost:
            return
        self._diary.note_claim(BEATEN, later, None)

    def _complete(self, uow: UnitOfWork, claim: Claim[Task]) -> None:
        uow.errors.add(
            ErrorLog(
                module="effect",
                error_type="Task",
                error_message=str(claim.item.id),
                stack_trace=str(claim.token),
            )
        )
        uow.tasks.complete(claim)

    def _end(self, claim: Claim[Task], word: str, write: Callable[[UnitOfWork], Any]) -> None:
        """Commits what ends the claim; when it is refused, nothing has happened."""
        try:
            with self._store.unit_of_work() as uow:
                write(uow)
                uow.commit()
        except LeaseLost:
            word = REFUSED
        self._diary.note_claim(word, claim, None)

    def _pretend_to_work(self) -> None:
        time.sleep(self._random.random() * self._plan.most_work)


def _a_task(channel: Channel, number: int) -> Task:
    return Task(
        channel_id=channel.id,
        notion_page_id=f"{number:032x}",
        title="The bridge",
        topic="How it was built",
        story_direction="From the river up.",
        status=TaskStatus.ASSEMBLY_READY,
    )


def _watch(plan: Plan) -> None:
    """Adds tasks as long as workers are killed, and ends when all are done."""
    store = open_store(plan.url)
    until = time.monotonic() + plan.limit
    left, added = 1, 0
    while left and time.monotonic() < until:
        goes_on = not (Path(plan.folder) / "enough").exists()
        try:
            with store.unit_of_work() as uow:
                counts = uow.tasks.count_by_status()
                left = sum(counts.values()) - counts.get(TaskStatus.FINAL_REVIEW, 0)
                if goes_on and left < plan.load:
                    channels = uow.channels.page()
                    uow.tasks.add_many(
                        _a_task(channels[number % len(channels)], number)
                        for number in range(added, added + plan.load)
                    )
                    uow.commit()
                    added, left = added + plan.load, left + plan.load
        except StoreUnavailable:
            left = 1
        except CommitUnknown:
            left, added = 1, added + plan.load
        time.sleep(0.05)


def _remove_fencing() -> None:
    """Lets a completion ask neither for the token nor for the lease."""

    def complete_many(repository: SqlTaskRepository, claims: Iterable[Claim[Task]]) -> None:
        for claim in claims:
            task = repository.get(claim.item.id)
            if task.status != TaskStatus.FINAL_REVIEW:
                task.advance(TaskStatus.FINAL_REVIEW, claim.worker)

    SqlTaskRepository.complete_many = complete_many  # type: ignore[method-assign]


def _noting_errors(folder: Path, work: Callable[[], None]) -> None:
    try:
        work()
    except BaseException as error:
        Diary(folder).note(RAISED, detail=repr(error))
        raise


def _kill_workers(request: str) -> str:
    """Starts workers, kills some of them in every round, and lets the rest be done in peace."""
    plan = Plan(**json.loads(request))
    folder = Path(plan.folder)
    if not plan.fenced:
        _remove_fencing()
    diary = Diary(folder)

    def work(say: Callable[[str], None]) -> None:
        _noting_errors(folder, lambda: TaskWorker(plan).work(say))

    def oversleep(_say: Callable[[str], None]) -> None:
        _noting_errors(folder, lambda: TaskWorker(plan).oversleep())

    TaskWorker(plan).practise()
    watching = Child(lambda _: _watch(plan))
    sleepers = [Child(oversleep) for _ in range(plan.sleepers)]
    workers = [Child(work) for _ in range(plan.workers)]
    rounds = 0
    while os.waitpid(watching.process, os.WNOHANG) == (0, 0):
        time.sleep(plan.kill_every)
        if rounds == plan.rounds:
            (folder / "enough").touch()
            continue
        rounds += 1
        for place in random.sample(range(len(workers)), plan.killed_at_once):
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
    return "done"
