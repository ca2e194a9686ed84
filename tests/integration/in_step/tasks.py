"""Steps of tasks: of the workers, of those who decide, and of those who operate the channels.

They come several at a time, as those of jobs do.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.channels import Channel
from pipeline_store.tasks import CLAIMABLE, ERRORS, GATES, STAGES, PriorityLevel, Task, TaskStatus
from tests.integration.in_step.drawn import (
    BAD_TEXTS,
    NEEDED_TEXT,
    NEEDED_TIME,
    TIMES,
    Assignments,
    field,
    numbers,
)
from tests.integration.in_step.jobs import HOUR, MINUTE, Step, claim_of, leases, step, workers
from tests.integration.in_step.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pipeline_store import UnitOfWork
    from pipeline_store.claim import Claim
    from tests.integration.in_step.side import Side

TICK = timedelta(milliseconds=1)
CHANNEL_IDS = ["history1", "History1", "zoo"]
PAGES = [f"{number:032x}" for number in range(12)] + ["019c0000-0000-7000-8000-000000000001"]
SOME_STAGES = [[each] for each in CLAIMABLE] + [list(CLAIMABLE[:3]), [], ["draft"], ["render"]]
RECENT = [0, 0, 0, 1, 1, 2, 3, 5]

ASSIGNMENTS: Assignments = {
    Task: {
        "notion_page_id": field(*PAGES[:4], bad=["", None, "x" * 33]),
        "title": NEEDED_TEXT,
        "status": field(*TaskStatus, bad=["lost", None]),
        "priority": field(*PriorityLevel, "high", bad=["urgent", None, 0]),
        "error_log": field("x", "x\ny", bad=BAD_TEXTS),
        "youtube_url": field("x", None, bad=["x" * 256, 7]),
        "created_at": NEEDED_TIME,
    },
    Channel: {
        "channel_id": field(*CHANNEL_IDS, bad=["", None]),
        "is_active": field(True, True, False, bad=[1, None]),  # noqa: FBT003 - values
        "max_concurrent": field(1, 2, 3, 10, bad=[0, 11, None]),
    },
}

new_tasks = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["queued", *TaskStatus]),
        "priority": st.sampled_from(PriorityLevel),
        "created_at": st.sampled_from([None, *TIMES]),
    }
)
task_fields = st.sampled_from(sorted(ASSIGNMENTS[Task])).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(ASSIGNMENTS[Task][name]))
)
channel_fields = st.sampled_from(sorted(ASSIGNMENTS[Channel])).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(ASSIGNMENTS[Channel][name]))
)
reviews = st.sampled_from([None, 0, 0, 0, 0, -1, 1, "1"])
"""A review, counted from the latest one of the task; or none, or what is none."""

targets = st.integers(0, 2) | st.sampled_from(TaskStatus) | st.just("lost")
"""A legal move of the task by its place in the table, or any other."""

adding = step("add_task", channel=numbers, page=PAGES, values=new_tasks)
enqueuing = step(
    "enqueue",
    short=[False, False, True],
    several=st.lists(st.tuples(numbers, st.sampled_from(PAGES), new_tasks), max_size=3),
    bad=[None] * 6 + ["stored", "no task"],
)
claiming = step(
    "claim",
    short=[False, False, True],
    worker=workers,
    n=[None] * 6 + [1, 2, 3, 1_000, 0, True],
    lease=leases,
    stages=[None] * 12 + SOME_STAGES,
    most_attempts=[5, 5, 2, 1, 0],
)
passing = step(
    "time_passes",
    by=[TICK, timedelta(seconds=2), MINUTE, MINUTE + timedelta(seconds=2), 2 * HOUR],
)
ending = (
    step("complete", number=RECENT, short=[False, False, True])
    | step(
        "complete_many", several=st.lists(st.sampled_from(RECENT), max_size=3), short=[False, True]
    )
    | step("heartbeat", number=RECENT, lease=leases)
    | step("fail", number=RECENT, message=["broken"] * 6 + ["", "\x00", None])
    | step("release", number=RECENT)
    | step("move_on_with_a_claim", number=RECENT, to=targets, actor=["unknown", "ann", ""])
)
deciding = (
    step("approve", number=numbers, review=reviews, actor=["ann"] * 6 + ["", 7])
    | step("reject", number=numbers, review=reviews, reason=["dull"] * 6 + ["", None])
    | step("retry", number=numbers, to=[None] * 8 + [*TaskStatus, "lost"])
)
operating = (
    step("move_on", number=numbers, to=targets, force=[False, True, True, 1])
    | step("change_a_channel", number=numbers, name_and_value=channel_fields)
    | step("pause_a_channel", channel_id=CHANNEL_IDS, paused=[True, False])
    | step("reopen_channels")
    | step("commit")
    | step("leave_and_enter", read_only=[False])
)
meddling = (
    step("change_a_task", number=numbers, name_and_value=task_fields)
    | step("send_a_task_elsewhere", number=numbers, channel=numbers)
    | step("remove_a_task", number=numbers, fresh=[False, True])
    | step("add_a_task_again", number=numbers, fresh=[False, True])
)
having = step(
    "claim",
    short=[False, True],
    worker=["w1"],
    n=[None, None, 2],
    lease=[MINUTE],
    stages=[None],
    most_attempts=[5],
)
holding = (
    step("complete", number=[0, 1], short=[False, True])
    | step("complete_many", several=st.just([0, 1]), short=[False, True])
    | step("heartbeat", number=[0], lease=[MINUTE, HOUR])
    | step("fail", number=[0], message=["broken"])
    | step("release", number=[0])
    | step("move_on_with_a_claim", number=[0], to=targets, actor=["unknown"])
)
several_steps = st.one_of(
    *map(
        st.tuples,
        (claiming, ending, deciding, deciding, adding | enqueuing, operating, passing, meddling),
    ),
    st.tuples(step("reopen_channels"), having, holding),
    st.tuples(having, holding, holding, deciding),
    st.tuples(having, passing, holding, passing, having),
)


class Tasks(Machine):
    """Adding, claiming, finishing, failing, releasing, deciding, moving by hand, and time."""

    @rule(several=st.lists(several_steps, min_size=1, max_size=4))
    def work(self, several: list[tuple[Step, ...]]) -> None:
        for steps in several:
            for name, arguments in steps:
                # Of two moves at one moment nobody could say which was the first.
                self.let_pass(TICK)
                getattr(self, name)(**arguments)

    @rule(step=passing)
    def wait(self, step: Step) -> None:
        self.work([(step,)])

    def time_passes(self, by: timedelta) -> None:
        self.let_pass(by)

    def add_task(self, channel: int, page: str, values: dict[str, Any]) -> None:
        self.add(Task, lambda side: self.make_task(side, channel, page, values))

    def make_task(self, side: Side, channel: int, page: str, values: dict[str, Any]) -> Task:
        return Task(
            channel_id=self.key_of(side, Channel, channel),
            notion_page_id=page,
            title="The bridge",
            topic="How it was built",
            story_direction="From the river up.",
            **values,
        )

    def enqueue(
        self, several: list[tuple[int, str, dict[str, Any]]], bad: str | None, *, short: bool
    ) -> None:
        """Enqueues tasks, and with them one that was stored, or what is none."""
        if self.pick(Channel, 0) is None:
            # Of two faults, no channel and a page that is there twice, a store may name either.
            several = list(
                {page: (channel, page, rest) for channel, page, rest in several}.values()
            )

        def make(side: Side) -> list[Any]:
            tasks: list[Any] = [self.make_task(side, *each) for each in several]
            place = self.pick(Task, len(several))
            if bad == "no task":
                tasks.append(side)
            elif bad and place is not None:
                tasks.append(side.objects[place])
            return tasks

        if short:
            self.without_a_unit_of_work(lambda side: side.driver.call_store("enqueue", make(side)))
        else:
            self.each(lambda side, uow: uow.tasks.enqueue(make(side)), Task)

    def change_a_task(self, number: int, name_and_value: tuple[str, Any]) -> None:
        place = self.pick(Task, number)
        if place is not None:
            self.assign_to(place, *name_and_value)

    def send_a_task_elsewhere(self, number: int, channel: int) -> None:
        place = self.pick(Task, number)
        if place is not None:
            self.each(
                lambda side, _: setattr(
                    side.objects[place], "channel_id", self.key_of(side, Channel, channel)
                )
            )

    def remove_a_task(self, number: int, *, fresh: bool) -> None:
        self.remove_object(self.pick(Task, number), fresh=fresh)

    def add_a_task_again(self, number: int, *, fresh: bool) -> None:
        self.add_object_again(self.pick(Task, number), fresh=fresh)

    # -- what a worker does ------------------------------------------------------------------

    def claim(self, *, short: bool, n: int | None, **given: Any) -> None:
        """Claims `n` tasks as a batch, or one by itself."""
        name = "claim_next" if n is None else "claim_batch"
        arguments = given if n is None else given | {"n": n}

        def keep(side: Side, claimed: Any) -> Any:
            claims = claimed if isinstance(claimed, list) else [claimed]
            side.claims += [claim for claim in claims if claim is not None]
            return claimed

        if short:
            worker = arguments.pop("worker")
            positional = [worker] if n is None else [worker, arguments.pop("n")]
            arguments["queue"] = "tasks"
            self.without_a_unit_of_work(
                lambda side: keep(side, side.driver.call_store(name, *positional, **arguments))
            )
        else:
            self.each(lambda side, uow: keep(side, getattr(uow.tasks, name)(**arguments)), Task)

    def held(self, number: int, write: Callable[[UnitOfWork, Claim[Any]], Any]) -> None:
        """Lets the holder of a claim, which may have ended long ago, write something."""
        if self.sides[0].claims:
            self.each(lambda side, uow: write(uow, claim_of(side, number)), Task)

    def complete(self, number: int, *, short: bool) -> None:
        if not short:
            self.held(number, lambda uow, claim: uow.tasks.complete(claim))
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
            self.each(lambda side, uow: uow.tasks.complete_many(claims_of(side)), Task)

    def heartbeat(self, number: int, lease: Any) -> None:
        def beat(side: Side, uow: UnitOfWork) -> Any:
            claim = uow.tasks.heartbeat(claim_of(side, number), lease)
            side.claims.append(claim)
            # Not its item, which may be of an earlier unit of work.
            return [claim.token, claim.attempt, claim.worker, claim.expires_at]

        if self.sides[0].claims:
            self.each(beat, Task)

    def fail(self, number: int, message: Any) -> None:
        self.held(number, lambda uow, claim: uow.tasks.fail(claim, message))

    def release(self, number: int) -> None:
        self.held(number, lambda uow, claim: uow.tasks.release(claim))

    def move_on_with_a_claim(self, number: int, to: Any, actor: str) -> None:
        if self.sides[0].claims:
            wanted = legal_or_other(claim_of(self.sides[0], number).item, to)
            self.held(number, lambda uow, claim: uow.tasks.advance(claim, wanted, actor))

    # -- what a person does ------------------------------------------------------------------

    def decided(
        self, number: int, review: Any, decide: Callable[[UnitOfWork, Any, Any], Any]
    ) -> None:
        """Lets a person decide on a task, under one of its reviews."""
        place = self.pick_in(GATES, number)
        if place is None:
            return
        if isinstance(review, int):
            review = max(self.sides[0].objects[place].review_token + review, 0)
        self.each(lambda side, uow: decide(uow, side.objects[place].id, review), Task)

    def pick_in(self, statuses: Collection[TaskStatus], number: int) -> int | None:
        """The place of a stored task in one of these statuses, or every fourth time of any."""
        tasks = {
            place: each
            for place, each in enumerate(self.sides[0].objects)
            if isinstance(each, Task) and each.id is not None
        }
        wanted = [place for place, task in tasks.items() if task.status in statuses]
        places = wanted if wanted and number % 4 else list(tasks)
        return places[number % len(places)] if places else None

    def approve(self, number: int, review: Any, actor: Any) -> None:
        self.decided(number, review, lambda uow, key, token: uow.tasks.approve(key, actor, token))

    def reject(self, number: int, review: Any, reason: Any) -> None:
        self.decided(
            number, review, lambda uow, key, token: uow.tasks.reject(key, "bob", reason, token)
        )

    def retry(self, number: int, to: Any) -> None:
        place = self.pick_in(ERRORS, number)
        if place is not None:
            self.each(lambda side, uow: uow.tasks.retry(side.objects[place].id, "ann", to))

    def move_on(self, number: int, to: Any, *, force: Any) -> None:
        place = self.pick(Task, number)
        if place is None:
            return
        wanted = legal_or_other(self.sides[0].objects[place], to)
        settled = self.settle(place, fresh=False)
        if settled is not None:
            self.each(
                lambda side, uow: uow.tasks.advance(
                    side.objects[settled], wanted, "ann", "by hand", force=force
                )
            )

    def change_a_channel(self, number: int, name_and_value: tuple[str, Any]) -> None:
        place = self.pick(Channel, number)
        if place is not None:
            self.assign_to(place, *name_and_value)

    def pause_a_channel(self, channel_id: str, *, paused: bool) -> None:
        key = f"paused.channel.{channel_id}"
        if paused:
            self.each(lambda _, uow: uow.config_overrides.set(key, "true"))
        else:
            self.each(lambda _, uow: uow.config_overrides.unset(key))

    def reopen_channels(self) -> None:
        """Makes it likely that something can be claimed."""
        for channel_id in CHANNEL_IDS:
            self.pause_a_channel(channel_id, paused=False)
        for place, kind in enumerate(self.kinds):
            if kind is Channel:
                self.assign_to(place, "is_active", True)  # noqa: FBT003 - a value
                self.assign_to(place, "max_concurrent", 2)

    @rule(number=numbers, limit=st.sampled_from([1, 10, 0]))
    def ask_for_tasks(self, number: int, limit: int) -> None:
        status = list(TaskStatus)[number % len(TaskStatus)]
        page = PAGES[number % len(PAGES)]

        def ask(side: Side, uow: UnitOfWork) -> Any:
            channel = self.key_of(side, Channel, number)
            return [
                uow.tasks.by_notion_page_id(page),
                uow.tasks.for_channel(channel, limit),
                uow.tasks.in_status(status, limit),
                uow.tasks.count_by_status(),
                uow.tasks.count_by_status(channel),
                uow.tasks.pending_reviews(limit),
                uow.task_transitions.for_task(self.key_of(side, Task, number)),
                uow.tasks.history(self.key_of(side, Task, number)),
            ]

        self.each(ask)


def legal_or_other(task: Task, to: Any) -> Any:
    """The legal move of the task at that place of the table, or what else was drawn."""
    moves = STAGES[task.status].moves
    return moves[to % len(moves)] if isinstance(to, int) and moves else to
