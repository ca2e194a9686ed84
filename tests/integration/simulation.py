"""One seed drives time, workers, kills, reviewers and operators; what is kept is checked each step.

Run as a program with a seed, it plays that seed again and prints what happened.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import Conflict, IllegalTransition, LeaseLost
from pipeline_store.pauses import CHANNEL_PAUSED, PAUSED
from pipeline_store.services import gates
from pipeline_store.tasks import CLAIMABLE, ERRORS, GATES, STAGES, PriorityLevel, Task, TaskStatus
from tests.integration.expected_tasks import Expected, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.claim import Claim

START: Final = datetime(2026, 3, 1, 6, tzinfo=UTC)
LEASE: Final = timedelta(minutes=1)
STEPS: Final = 100
MOST_ATTEMPTS: Final = 3
ROUNDS_OF_THE_DRAIN: Final = 400


class SimulatedClock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.instant = START

    def __call__(self) -> datetime:
        return self.instant


class Killed(BaseException):
    """Ends a worker in the middle of what it does; no code of the store may survive it."""


def _be_killed() -> None:
    raise Killed


class Simulation:
    """One run of one seed on one store."""

    #: What may happen at each step, and how often. Whatever else workers depend on is added here.
    ACTIONS: Final[Mapping[str, int]] = {
        "claim": 30,
        "write": 40,
        "let_time_pass": 15,
        "decide": 15,
        "retry": 6,
        "move_by_hand": 6,
        "change_a_channel": 5,
        "remind": 2,
    }

    def __init__(self, seed: int, store: Store, clock: SimulatedClock) -> None:
        self._random = Random(seed)  # noqa: S311 - not a secret
        self._store = store
        self._clock = clock
        self.log: list[str] = []
        self._expected = Expected(most_attempts=MOST_ATTEMPTS)
        self._channels = [f"channel {number}" for number in range(self._random.randint(2, 4))]
        #: What each worker has in hand, as far as it knows.
        self._hands: dict[str, list[Claim[Task]]] = {
            f"worker {number}": [] for number in range(self._random.randint(2, 6))
        }
        self._reviews: list[tuple[str, int]] = []

    def run(self) -> list[Any]:
        """Plays the seed and returns what is there in the end, keys told by names."""
        self._fill()
        for _ in range(STEPS):
            (action,) = self._random.choices(list(self.ACTIONS), list(self.ACTIONS.values()))
            self._tell(action, getattr(self, f"_{action}")())
            self._check()
        self._drain()
        with self._store.unit_of_work(read_only=True) as uow:
            return [
                (
                    *(task.notion_page_id, task.status, task.attempts, task.lease_token),
                    *(task.review_token, task.error_log, task.updated_at),
                    [
                        (move.moved_at, move.from_status, move.to_status, move.actor, move.reason)
                        for move in uow.tasks.history(task.id)
                    ],
                )
                for task in sorted(uow.tasks.page(), key=lambda task: task.notion_page_id)
            ]

    def _fill(self) -> None:
        statuses = [*CLAIMABLE, *GATES, *ERRORS, TaskStatus.DRAFT, *[TaskStatus.QUEUED] * 30]
        with self._store.unit_of_work() as uow:
            for name in self._channels:
                capacity = self._random.randint(1, 3)
                channel = uow.channels.add(
                    Channel(channel_id=name, name=name, max_concurrent=capacity)
                )
                self._expected.channels[name] = capacity
                for _ in range(self._random.randint(2, 6)):
                    page = f"{len(self._expected.tasks):032x}"
                    task = Task(
                        channel_id=channel.id,
                        notion_page_id=page,
                        title="The bridge",
                        topic="How it was built",
                        story_direction="From the river up.",
                        status=self._random.choice(statuses),
                        priority=self._random.choice(list(PriorityLevel)),
                    )
                    self._expected.add(page, name, uow.tasks.add(task).id, task.status)
            uow.commit()

    def _tell(self, action: str, outcome: object) -> None:
        self.log.append(f"{self._clock():%H:%M:%S} {action}: {outcome}")

    def _check(self) -> None:
        with self._store.unit_of_work(read_only=True) as uow:
            self._expected.check(uow, self._clock())

    # -- workers -----------------------------------------------------------------------------

    def _claim(self) -> str:
        worker = self._random.choice(list(self._hands))
        count = self._random.choice([1, 1, 1, 2, 5])
        stages = None
        if self._random.random() < 0.2:
            stages = self._random.sample(CLAIMABLE, 4)
        lease = LEASE * self._random.choice([1, 1, 5])
        dies = self._fate()
        claims: list[Claim[Task]]
        if self._random.random() < 0.5:
            claims = self._store.claim_batch(
                worker,
                count,
                lease=lease,
                queue="tasks",
                stages=stages,
                most_attempts=MOST_ATTEMPTS,
            )
            dies = dies and "after"
        else:
            claims = []
            with self._mortal(dies) as uow:
                claims = uow.tasks.claim_batch(worker, count, lease, stages, MOST_ATTEMPTS)
        if dies != "before":
            for claim in claims:
                self._expected.claimed(claim, self._clock())
        self._hands[worker] = [] if dies else self._hands[worker] + claims
        named = [f"{claim.item.notion_page_id[-2:]}/{claim.token}" for claim in claims]
        return f"{worker} {count} {dies} {named}"

    def _write(self) -> str:
        """One of the writes of somebody who has, or had, a task."""
        holders = [worker for worker, hand in self._hands.items() if hand]
        if not holders:
            return "nobody holds anything"
        worker = self._random.choice(holders)
        hand = self._hands[worker]
        claim = self._random.choice(hand)
        ways = ["complete", "complete", "short", "several", "heartbeat", "advance", "fail"]
        way = self._random.choice([*ways, "release"])
        dies = self._fate()
        page = claim.item.notion_page_id
        if way in {"short", "several"}:
            claims = [claim] if way == "short" else hand
            outcome = self._complete_shortly(claims)
            dies = dies and "after"
        else:
            claims = [] if way == "heartbeat" else [claim]
            outcome = self._write_inside(claim, way, dies)
        self._hands[worker] = [] if dies else [each for each in hand if each not in claims]
        return f"{worker} {way} {page[-2:]}/{claim.token} {dies} {outcome}"

    def _complete_shortly(self, claims: list[Claim[Task]]) -> str:
        held = [claim for claim in claims if self._expected.holds(claim, self._clock())]
        outcome = self._answer(lambda: self._store.complete_many(claims))
        self._expect(outcome, "done" if len(held) == len(claims) else "LeaseLost")
        for claim in held:
            self._expected.completed(claim)
        return outcome

    def _write_inside(self, claim: Claim[Task], way: str, dies: str) -> str:
        """Writes in a unit of work, and is killed before its commit, after it, or not at all."""
        now = self._clock()
        held = self._expected.holds(claim, now)
        known = self._expected.of(claim)
        to = self._random.choice([*STAGES[known.status].moves, *TaskStatus])
        legal = to in STAGES[known.status].moves
        writes: dict[str, Callable[[UnitOfWork], Any]] = {
            "complete": lambda uow: uow.tasks.complete(claim),
            "heartbeat": lambda uow: uow.tasks.heartbeat(claim, LEASE),
            "advance": lambda uow: uow.tasks.advance(claim, to),
            "fail": lambda uow: uow.tasks.fail(claim, "no space left"),
            "release": lambda uow: uow.tasks.release(claim),
        }
        wanted = "done" if held else "LeaseLost"
        if held and (
            (way == "advance" and not legal)
            or (way == "fail" and STAGES[known.status].error is None)
        ):
            wanted = "IllegalTransition"

        def write() -> None:
            with self._mortal(dies) as uow:
                writes[way](uow)

        outcome = self._answer(write)
        self._expect(outcome, wanted)
        if outcome == "done" and dies != "before":
            error = STAGES[known.status].error
            applied: dict[str, Callable[[], None]] = {
                "complete": lambda: self._expected.completed(claim),
                "heartbeat": lambda: self._expected.prolonged(claim, now + LEASE),
                "advance": lambda: self._expected.advanced(claim, to),
                "fail": lambda: known.move(error or known.status),
                "release": lambda: self._expected.released(claim),
            }
            applied[way]()
        return outcome

    def _fate(self) -> str:
        """When the worker is killed: before the commit, after it, or not at all."""
        return self._random.choice(["", "", "", "", "", "", "before", "after"])

    @contextmanager
    def _mortal(self, dies: str) -> Iterator[UnitOfWork]:
        """A unit of work that is committed, unless its worker is killed before."""
        try:
            with self._store.unit_of_work() as uow:
                yield uow
                if dies != "before":
                    uow.commit()
                else:
                    _be_killed()
        except Killed:
            pass

    def _answer(self, call: Callable[[], object]) -> str:
        try:
            call()
        except (LeaseLost, IllegalTransition, Conflict) as error:
            return type(error).__name__
        return "done"

    def _expect(self, outcome: str, wanted: str) -> None:
        if outcome != wanted:
            raise Violation(f"{wanted} was to come of it, and {outcome} did")

    # -- people ------------------------------------------------------------------------------

    def _decide(self) -> str:
        """Decides on what waits at a gate, or on what was shown to somebody earlier."""
        with self._store.unit_of_work(read_only=True) as uow:
            self._reviews += [
                (waiting.task.notion_page_id, waiting.review)
                for waiting in uow.tasks.pending_reviews()
            ]
        if not self._reviews:
            return "nothing waits"
        recent = self._random.random() < 0.7
        page, review = self._random.choice(self._reviews[-3:] if recent else self._reviews)
        known = self._expected.tasks[page]
        approves = self._random.random() < 0.7
        at_gate = known.status in GATES and known.review == review

        def decide() -> None:
            with self._store.unit_of_work() as uow:
                if approves:
                    uow.tasks.approve(known.key, "ann", review)
                else:
                    uow.tasks.reject(known.key, "bob", "dull", review)
                uow.commit()

        outcome = self._answer(decide)
        self._expect(outcome, "done" if at_gate else "Conflict")
        if at_gate:
            stage = STAGES[known.status]
            known.move(stage.onward[0] if approves else stage.error or known.status)
        return f"{page[-2:]}/{review} {approves} {outcome}"

    def _retry(self) -> str:
        failed = [each for each in self._expected.tasks.values() if each.status in ERRORS]
        if not failed:
            return "nothing failed"
        known = self._random.choice(failed)
        with self._store.unit_of_work() as uow:
            task = uow.tasks.retry(known.key, "ann")
            uow.commit()
        known.move(task.status)
        return f"{task.notion_page_id[-2:]} {task.status}"

    def _move_by_hand(self) -> str:
        page = self._random.choice(list(self._expected.tasks))
        known = self._expected.tasks[page]
        force = self._random.random() < 0.5
        moves = [each for each in STAGES[known.status].moves if each != TaskStatus.CLAIMED]
        if not moves:
            return "it is published"
        to = self._random.choice(moves)
        live = known.is_live(self._clock())

        def move() -> None:
            with self._store.unit_of_work() as uow:
                task = uow.tasks.get(known.key)
                uow.tasks.advance(task, to, "ann", force=force)
                uow.commit()

        outcome = self._answer(move)
        self._expect(outcome, "Conflict" if live and not force else "done")
        if outcome == "done":
            known.move_by_hand(to)
        return f"{page[-2:]} {to} {force} {outcome}"

    def _change_a_channel(self) -> str:
        name = self._random.choice(self._channels)
        capacity = self._random.randint(1, 3)
        change = self._random.choice(["capacity", "activate", "deactivate", "pause", "resume"])
        with self._store.unit_of_work() as uow:
            channel: Any = uow.channels.by_channel_id(name)
            if change == "capacity":
                channel.max_concurrent = capacity
                self._expected.channels[name] = capacity
            elif change in {"activate", "deactivate"}:
                channel.is_active = change == "activate"
            elif change == "pause":
                uow.config_overrides.set(f"{CHANNEL_PAUSED}{name}", PAUSED)
            else:
                uow.config_overrides.unset(f"{CHANNEL_PAUSED}{name}")
            uow.commit()
        resting = {"deactivate": "inactive", "pause": "paused"}
        working = {"activate": "inactive", "resume": "paused"}
        if change in resting:
            self._expected.resting.add((name, resting[change]))
        self._expected.resting.discard((name, working.get(change, "")))
        return f"{name} {change} {capacity}"

    def _remind(self) -> str:
        deadline = timedelta(minutes=self._random.choice([5, 60]))
        with self._store.unit_of_work() as uow:
            warned = gates.warn(uow, deadline=deadline, warn_before=deadline / 2)
            held = gates.hold_overdue(uow, deadline=deadline)
            uow.commit()
        return f"{len(warned)} warned, {len(held)} held"

    def _let_time_pass(self) -> str:
        seconds = self._random.choice([0.001, 1, 20, 59.999, 60, 61, 600])
        self._clock.instant += timedelta(seconds=seconds)
        return f"{seconds} s"

    # -- the end -----------------------------------------------------------------------------

    def _drain(self) -> None:
        """Lets all channels work, and somebody do all that is left."""
        with self._store.unit_of_work() as uow:
            for name in self._channels:
                channel: Any = uow.channels.by_channel_id(name)
                channel.is_active = True
                uow.config_overrides.unset(f"{CHANNEL_PAUSED}{name}")
            uow.commit()
        self._expected.resting.clear()
        for number in range(ROUNDS_OF_THE_DRAIN):
            if all(each.status == TaskStatus.PUBLISHED for each in self._expected.tasks.values()):
                self._check()
                return
            claims = self._store.claim_batch("drain", 100, lease=LEASE, queue="tasks")
            for claim in claims:
                self._expected.claimed(claim, self._clock())
            self._complete_shortly(claims)
            self._let_people_decide()
            self._clock.instant += timedelta(minutes=2)
            if number % 5 == 0:
                self._check()
        unfinished = [p for p, each in self._expected.tasks.items() if each.status != "published"]
        raise Violation(f"{len(unfinished)} tasks are unfinished: {unfinished}")

    def _let_people_decide(self) -> None:
        with self._store.unit_of_work() as uow:
            for known in self._expected.tasks.values():
                if known.status in GATES:
                    known.move(uow.tasks.approve(known.key, "ann").status)
                elif known.status in ERRORS:
                    known.move(uow.tasks.retry(known.key, "ann").status)
                elif known.status == TaskStatus.DRAFT:
                    task = uow.tasks.get(known.key)
                    known.move(uow.tasks.advance(task, TaskStatus.QUEUED, "ann").status)
            uow.commit()


def play(seed: int, url: str) -> tuple[list[str], list[Any]]:
    """Plays a seed on an empty store; returns what happened, and what is there in the end."""
    clock = SimulatedClock()
    store = open_store(url, clock=clock)
    simulation = Simulation(seed, store, clock)
    try:
        end = simulation.run()
    except BaseException as error:
        error.add_note("\n".join(simulation.log[-12:]))
        raise
    finally:
        store.close()
    return simulation.log, end


def play_on_both(seed: int, empty_file: Path, folder: Path) -> list[str]:
    """Plays a seed in memory and on a copy of an SQLite file; both must come to the same."""
    file = folder / "simulated.db"
    for name in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
        name.unlink(missing_ok=True)
    shutil.copy(empty_file, file)
    log, end = play(seed, "memory://")
    # No power cut is simulated here.
    other_log, other_end = play(seed, f"sqlite:///{file}?synchronous=OFF")
    for found, other in zip(log + end, other_log + other_end, strict=True):
        if found != other:
            raise Violation(f"in memory: {found}\non SQLite: {other}")
    return log


def empty_file_in(folder: Path) -> Path:
    """Makes an SQLite file with the schema and no rows."""
    file = folder / "empty.db"
    store = open_store(f"sqlite:///{file}")
    store.upgrade()
    store.close()
    return file


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        happened = play_on_both(int(sys.argv[1]), empty_file_in(Path(place)), Path(place))
    print("\n".join(happened))  # noqa: T201 - the answer
