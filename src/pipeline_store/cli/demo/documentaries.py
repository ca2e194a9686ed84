"""The documentaries of the demo: four processes work on them, and one is killed on the way."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from attrs import frozen

from pipeline_store import MEMORY_URL, open_store
from pipeline_store.channels import Channel
from pipeline_store.cli.demo.documentary_picture import show_documentaries
from pipeline_store.cli.demo.documentary_workers import WorkerProcesses
from pipeline_store.cli.demo.picture import say, show_title
from pipeline_store.cli.demo.progress import progress_bars
from pipeline_store.errors import AlreadyExists, Conflict, IllegalTransition, NotFound, StoreBusy
from pipeline_store.tasks import ERRORS, GATES, PriorityLevel, Task, TaskStatus

if TYPE_CHECKING:
    from uuid import UUID

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from pipeline_store.unit_of_work import Store, UnitOfWork

CHANNEL: Final = "demo-documentaries"
REVIEWER: Final = "demo-reviewer"
TITLES: Final = ("The bridge", "The canal", "The dam", "The harbour", "The lighthouse", "The mill")
KILLED_AT: Final = TaskStatus.GENERATING_VIDEO
ATTEMPTS: Final = 5

LOOK_EVERY: Final = 0.05
LONGEST: Final = 60.0
"""Seconds between two looks at the tasks, and after which the demo goes on without them."""

_PLACES: Final = {status: place for place, status in enumerate(TaskStatus)}


@frozen
class Kill:
    """A worker that was killed, and what it held."""

    worker: str
    task_id: UUID
    at: float


def make_documentaries(url: str, workers: int, console: Console) -> None:
    """Have so many processes make documentaries, kill one of them, and show who did what.

    Safe to repeat, also after it was killed: what is made is only shown.
    """
    show_title(console, f"Documentaries, made by {workers} workers")
    if url == MEMORY_URL:
        words = "A store in memory belongs to one process, so there are no workers on it."
        say(console, words, "dim")
        return
    with closing(open_store(url)) as store:
        keys = _planned(store)
        if keys is None:
            words = "This database has tasks that no demo made: the workers leave them alone."
            say(console, words, "yellow")
            return
        kill = None
        if not _are_made(store, keys):
            kill = _made(store, url, workers, keys, console)
        with store.unit_of_work(read_only=True) as uow:
            show_documentaries(console, uow, keys, kill)


def _planned(store: Store) -> list[UUID] | None:
    """Return the keys of the demo's tasks, made unless they are there; None beside real ones."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with store.unit_of_work() as uow:
                keys = _plan(uow)
                uow.commit()
                return keys
        except (AlreadyExists, Conflict, StoreBusy):
            # Another demo on the same database was faster.
            if attempt == ATTEMPTS:
                raise
    return None


def _plan(uow: UnitOfWork) -> list[UUID] | None:
    channel = uow.channels.by_channel_id(CHANNEL)
    if channel is None:
        channel = uow.channels.add(
            Channel(channel_id=CHANNEL, name="Documentaries of the demo", max_concurrent=4)
        )
    found = [uow.tasks.by_notion_page_id(f"{CHANNEL}-{n}") for n in range(len(TITLES))]
    if uow.tasks.count() != sum(task is not None for task in found):
        return None
    for number, title in enumerate(TITLES):
        if found[number] is None:
            task = Task(
                channel_id=channel.id,
                notion_page_id=f"{CHANNEL}-{number}",
                title=title,
                topic="How it was built",
                story_direction="",
                priority=PriorityLevel.HIGH if number == 0 else PriorityLevel.NORMAL,
            )
            uow.tasks.add(task)
            uow.tasks.advance(task, TaskStatus.QUEUED, "demo")
            found[number] = task
    return [task.id for task in found if task is not None]


def _are_made(store: Store, keys: list[UUID]) -> bool:
    with store.unit_of_work(read_only=True) as uow:
        return all(uow.tasks.get(key).status == TaskStatus.PUBLISHED for key in keys)


def _made(store: Store, url: str, workers: int, keys: list[UUID], console: Console) -> Kill | None:
    """Work until everything is published; return which worker was killed."""
    kill: Kill | None = None
    with WorkerProcesses(url, workers) as processes, progress_bars(console) as bars:
        bar = bars.add_task("making", total=len(keys) * _PLACES[TaskStatus.PUBLISHED])
        ends = time.monotonic() + LONGEST
        while time.monotonic() < ends and processes.are_alive():
            with store.unit_of_work(read_only=True) as uow:
                tasks = [uow.tasks.get(key) for key in keys]
            _show_progress(bars, bar, tasks)
            if all(task.status == TaskStatus.PUBLISHED for task in tasks):
                return kill
            for task in tasks:
                if task.status in GATES or task.status in ERRORS:
                    _decide(store, task)
                elif kill is None and task.status == KILLED_AT and task.worker is not None:
                    kill = _killed(store, processes, task)
            time.sleep(LOOK_EVERY)
    say(console, "They were not finished in time: `pipeline-store task list` shows them.", "yellow")
    return kill


def _show_progress(bars: Progress, bar: TaskID, tasks: list[Task]) -> None:
    done = [_PLACES[task.status] for task in tasks if task.status not in ERRORS]
    at_work = sorted({task.worker for task in tasks if task.worker is not None})
    words = ", ".join(at_work) or "the reviewer"
    bars.update(bar, completed=sum(done), description=f"making: {words}")


def _decide(store: Store, task: Task) -> None:
    """Approve what waits at a gate; let begin again what failed."""
    try:
        with store.unit_of_work() as uow:
            if task.status in GATES:
                uow.tasks.approve(task.id, REVIEWER, review=task.review_token)
            else:
                uow.tasks.retry(task.id, REVIEWER)
            uow.commit()
    except (Conflict, IllegalTransition, NotFound, StoreBusy):
        # Somebody else has decided; the next look tells.
        return


def _killed(store: Store, processes: WorkerProcesses, task: Task) -> Kill | None:
    """Kill the worker of the task; return that, if the task is still in its hands."""
    worker = str(task.worker)
    if not processes.kill(worker):
        return None
    with store.unit_of_work(read_only=True) as uow:
        left = uow.tasks.get(task.id)
    is_left = (left.worker, left.lease_token) == (worker, task.lease_token)
    return Kill(worker, task.id, time.time()) if is_left else None
