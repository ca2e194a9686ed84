"""The demo's workers: real processes, one of which is killed."""

from __future__ import annotations

import io
import signal
import time
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from pipeline_store import open_store
from pipeline_store.cli.demo import documentaries
from pipeline_store.cli.demo.documentaries import TITLES, make_documentaries
from pipeline_store.cli.demo.documentary_workers import WorkerProcesses
from pipeline_store.tasks import Task, TaskStatus
from tests.conftest import is_on
from tests.integration.contract.test_task_claims import add_channel, add_task
from tests.integration.demo.telling import tell

if TYPE_CHECKING:
    from pathlib import Path

WORKERS = 2
FILMS = len(TITLES) if is_on("PIPELINE_STORE_SOAK") else 3
"""One to be killed at, one for the other worker meanwhile, and one that comes after."""


def make(url: str) -> str:
    """Make the documentaries and return what is shown."""
    console = Console(file=io.StringIO(), width=100, markup=False)
    with console.capture() as shown:
        make_documentaries(url, WORKERS, console)
    return shown.get()


def tasks_at(url: str) -> list[Task]:
    store = open_store(url)
    with store.unit_of_work(read_only=True) as uow:
        tasks = uow.tasks.page()
    store.close()
    return tasks


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, folder: Path) -> str:
    """A database with the schema, and no password in its URL."""
    assert folder
    url = "sqlite:///pipeline.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    store = open_store(url)
    store.upgrade()
    store.close()
    return str(url)


@pytest.mark.slow
def test_a_killed_worker_is_replaced(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is published, what the killed worker held by another; nothing is done twice."""
    monkeypatch.setattr(documentaries, "TITLES", TITLES[:FILMS])
    shown = make(url)
    tasks = tasks_at(url)
    assert [task.status for task in tasks] == [TaskStatus.PUBLISHED] * FILMS
    assert all(task.worker is None for task in tasks)
    killed, _, taker = shown.partition(" was killed (SIGKILL) while it made the video of ")
    assert taker
    assert f"; {killed.splitlines()[-1]} finished it" not in taker
    assert " finished it " in " ".join(taker.split())
    began = time.monotonic()
    again = make(url)
    assert time.monotonic() - began < 60
    table = shown[: shown.index("1 > 2")]
    assert again.startswith(table)
    assert "SIGKILL" not in again
    assert tasks_at(url)[0].lease_token == tasks[0].lease_token


def test_real_tasks_are_left_alone(url: str) -> None:
    """Where somebody else has tasks, no worker is started."""
    store = open_store(url)
    task = add_task(store, add_channel(store, "history1"))
    store.close()
    assert "tasks that no demo made" in make(url)
    assert [(each.id, each.status) for each in tasks_at(url)] == [(task.id, TaskStatus.QUEUED)]


def test_in_memory(folder: Path) -> None:
    """A store in memory belongs to one process."""
    assert "there are no workers" in make("memory://")
    assert not list(folder.iterdir())


def test_without_workers(folder: Path) -> None:
    """The week is told without them when none are asked for."""
    assert folder
    assert "Documentaries" not in tell("memory://")


def test_workers_end_with_the_demo(url: str) -> None:
    """A demo that is killed leaves no process behind: each notices that it is gone."""
    with WorkerProcesses(url, 1) as processes:
        (process,) = processes.started
        assert process.stdin is not None
        # What the end of this process would do.
        process.stdin.close()
        # Also before it has begun to listen to signals, and to hold anything.
        assert process.wait(60) in {0, -signal.SIGTERM}
        assert not processes.are_alive()
        assert not processes.kill("demo-worker-1")
