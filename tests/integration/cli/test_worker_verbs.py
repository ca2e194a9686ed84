"""`worker`, `task claim` and `task release`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.tasks import TaskStatus
from tests.integration.cli.test_task_verbs import add_in, both, channel  # noqa: F401 - a fixture
from tests.integration.contract.workers import has_happened
from tests.real_data import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.cli.conftest import Command

HANDLERS = """
import asyncio, pathlib, time
from pipeline_store.tasks import TaskStatus

def work(work):
    pass

async def awaited(work):
    pass

def fail(work):
    raise ValueError("too dark")

def wait(work):
    pathlib.Path("begun").touch()
    while not work.is_stopping:
        time.sleep(0.01)

async def awaited_wait(work):
    pathlib.Path("begun").touch()
    while not work.is_stopping:
        await asyncio.sleep(0.01)

def stubborn(work):
    pathlib.Path("begun").touch()
    time.sleep(60)

async def awaited_stubborn(work):
    pathlib.Path("begun").touch()
    await asyncio.sleep(60)

ASSETS = {TaskStatus.GENERATING_ASSETS: awaited}
class Inner:
    work = staticmethod(work)
"""
_modules = iter(range(1_000))


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with handlers, in the folder that the command is run in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    name = f"handlers_{next(_modules)}"
    (tmp_path / f"{name}.py").write_text(HANDLERS)
    return name


def task_of(command: Command, key: str) -> Any:
    return command("task", "show", key, "--json").json


@both
def test_working_until_idle(channel: Command, module: str) -> None:  # noqa: F811
    """Every task is brought to its gate, with a line for each stage."""
    keys = [add_in(channel, page, TaskStatus.QUEUED) for page in range(2)]
    done = channel("worker", "--handler", f"{module}:work", "--name", "w1", "--until-idle")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"task {key}" for key in keys]
    assert "generating_assets -> assets_ready, done after" in lines[0]
    for key in keys:
        assert task_of(channel, key)["status"] == "assets_ready"
        assert [move["actor"] for move in task_of(channel, key)["history"]] == ["w1"] * 3


@pytest.mark.parametrize("name", ["work", "awaited", "ASSETS", "Inner.work"])
def test_one_task_as_json(channel: Command, module: str, name: str) -> None:  # noqa: F811
    """Functions, coroutine functions and mappings serve alike; JSON is a document in a line."""
    for page in range(2):
        add_in(channel, page, TaskStatus.QUEUED)
    done = channel("worker", "--handler", f"{module}:{name}", "--once", "--json")
    assert (done.code, done.err) == (0, "")
    (line,) = done.out.splitlines()
    outcome = json.loads(line)
    assert outcome["kind"] == "done"
    assert (outcome["stage"], outcome["status"]) == ("generating_assets", "assets_ready")
    assert task_of(channel, outcome["task_id"])["status"] == "assets_ready"


def test_only_some_stages(channel: Command, module: str) -> None:  # noqa: F811
    """`--stages` leaves the others to other workers."""
    add_in(channel, 1, TaskStatus.QUEUED)
    video = add_in(channel, 2, TaskStatus.COMPOSITES_READY)
    stages = ("--stages", "generating_video", "--stages", "uploading")
    done = channel("worker", "--handler", f"{module}:work", *stages, "--until-idle", "--json")
    assert [json.loads(line)["task_id"] for line in done.out.splitlines()] == [video]


def test_a_failure(channel: Command, module: str) -> None:  # noqa: F811
    """It is told, and makes the command end with 1."""
    key = add_in(channel, 1, TaskStatus.QUEUED)
    done = channel("worker", "--handler", f"{module}:fail", "--until-idle")
    assert done.code == 1
    assert "generating_assets -> asset_error, failed after" in done.out
    assert "ValueError: too dark" in done.out
    assert "too dark" in task_of(channel, key)["error_log"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--handler", "handlers"], "MODULE:NAME expected"),
        (
            ["--handler", "no_such_module:work"],
            "no_such_module cannot be imported: not found in this folder or installed (try ",
        ),
        (
            ["--handler", "no_such.module:work"],
            "no_such.module cannot be imported: not found in this folder or installed (try ",
        ),
        (["--handler", "{module}:nothing"], "has no nothing"),
        (["--handler", "{module}:work", "--once", "--until-idle"], "not both"),
        (["--handler", "{module}:work", "--stages", "nowhere"], "nowhere"),
        (["--handler", "{module}:work", "--lease", "0"], "--lease"),
        ([], "--handler"),
    ],
)
def test_wrong_usage(
    channel: Command,  # noqa: F811
    module: str,
    arguments: list[str],
    said: str,
) -> None:
    """What cannot be run is refused before anything is claimed."""
    key = add_in(channel, 1, TaskStatus.QUEUED)
    done = channel("worker", *[each.format(module=module) for each in arguments])
    assert done.code == 2
    assert said in done.err
    assert task_of(channel, key)["status"] == "queued"


@pytest.mark.parametrize(
    "text",
    [
        "raise SystemExit(0)",
        "def __getattr__(name):\n    raise ValueError('api_key=abc123')",
    ],
)
def test_a_module_that_does_something_else(
    channel: Command,  # noqa: F811
    module: str,
    tmp_path: Path,
    text: str,
) -> None:
    """A program that ends when it is imported, or a module without names, is wrong usage too."""
    (tmp_path / f"other_{module}.py").write_text(text)
    done = channel("worker", "--handler", f"other_{module}:work", "--once")
    assert done.code == 2
    assert f"other_{module}" in done.err
    assert "abc123" not in done.err


def test_a_module_that_lacks_another(channel: Command, module: str, tmp_path: Path) -> None:  # noqa: F811
    """It is told which one, and where it is asked for."""
    (tmp_path / f"lacking_{module}.py").write_text("import no_such_module")
    done = channel("worker", "--handler", f"lacking_{module}:work", "--once")
    assert done.code == 2
    assert "No module named 'no_such_module'" in done.err
    assert f"(lacking_{module}.py:1 in <module>" in done.err
    assert "importlib" not in done.err


@pytest.mark.parametrize("name", ["HANDLERS", "work"])
def test_a_handler_that_is_none(channel: Command, module: str, name: str) -> None:  # noqa: F811
    """Neither is something that cannot be called, or a stage in which nobody works."""
    arguments = ["--stages", "draft"] if name == "work" else []
    done = channel(
        "worker", "--handler", f"{module}:{name.replace('HANDLERS', '__name__')}", *arguments
    )
    assert done.code == 1
    assert "error: " in done.err


@contextmanager
def at_work(command: Command, handler: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker in a process of its own, whose handler has begun."""
    program = [sys.executable, "-m", "pipeline_store", "--database", command.url, "worker"]
    with subprocess.Popen(
        [*program, "--handler", handler, "--name", "w1", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
    ) as process:
        has_happened((folder / "begun").exists)
        yield process


BEGINS = "note: worker w1 takes tasks until control-C"
STOPS = "note: stopping when the present task, if any, is done; a second signal gives it back now"


@pytest.mark.parametrize("name", ["wait", "awaited_wait"])
def test_stopping(channel: Command, module: str, tmp_path: Path, name: str) -> None:  # noqa: F811
    """At SIGTERM the process finishes its task, tells so and ends with 0."""
    key = add_in(channel, 1, TaskStatus.QUEUED)
    with at_work(channel, f"{module}:{name}", tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["status"] == "assets_ready"
    assert err.splitlines() == [BEGINS, STOPS, "note: the worker has stopped: 1 done"]
    assert task_of(channel, key)["worker"] is None


@pytest.mark.parametrize("name", ["stubborn", "awaited_stubborn"])
def test_interrupting(
    channel: Command,  # noqa: F811
    module: str,
    tmp_path: Path,
    name: str,
) -> None:
    """A second control-C gives the task back at once: a line says so, and no traceback."""
    key = add_in(channel, 1, TaskStatus.QUEUED)
    with at_work(channel, f"{module}:{name}", tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"{BEGINS}\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == f"{STOPS}\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, err) == ("", "note: the worker was interrupted: nothing was done\n")
    assert task_of(channel, key)["worker"] is None
    assert task_of(channel, key)["attempts"] == 0


@both
def test_claiming_and_giving_back(channel: Command) -> None:  # noqa: F811
    """A claim shows what the worker needs to go on: the task, its stage, token and expiry."""
    key = add_in(channel, 1, TaskStatus.QUEUED)
    claim = channel("task", "claim", "--worker", "w1", "--lease", "60", "--json").json
    assert (claim["task"]["id"], claim["task"]["status"]) == (key, "claimed")
    assert (claim["token"], claim["attempt"], claim["worker"]) == (1, 1, "w1")
    assert claim["expires_at"] == claim["task"]["lease_expires_at"]
    refused = channel("task", "release", key, "--token", "7")
    assert (refused.code, "lease has ended" in refused.err) == (1, True)
    moved = channel("task", "advance", key, "generating_assets", "--token", "1")
    assert moved.out == f"task {key}: claimed -> generating_assets\n"
    assert task_of(channel, key)["history"][-1]["actor"] == "w1"
    done = channel("task", "release", key, "--token", "1")
    assert done.out == f"task {key} is given back: generating_assets\n"
    again = channel("task", "release", key, "--token", "1")
    assert (again.code, "nobody holds" in again.err) == (1, True)


def test_what_a_claim_says(channel: Command) -> None:  # noqa: F811
    """For people it is a list of facts; when there is nothing, a sentence."""
    nothing = channel("task", "claim", "--worker", "w1")
    assert (nothing.code, nothing.out) == (0, "no task waits for a worker\n")
    assert channel("task", "claim", "--worker", "w1", "--json").json is None
    key = add_in(channel, 1, TaskStatus.SFX_READY)
    other = channel("task", "claim", "--worker", "w1", "--stages", "uploading")
    assert other.out == nothing.out
    said = channel("task", "claim", "--worker", "w1", "--stages", "sfx_ready").out
    assert said.startswith(f"task {key} is claimed by w1\n")
    for fact in ("stage", "sfx_ready", "token", "lease ends", "history1"):
        assert fact in said
    both_said = channel("task", "advance", key, "assembling", "--token", "1", "--force")
    assert both_said.code == 2


def test_no_file_is_made(tmp_path: Path, channel: Command, module: str) -> None:  # noqa: F811
    """A mistyped path is an error and leaves nothing behind."""
    missing = f"sqlite:///{tmp_path}/missing.db"
    for name in ("work", "awaited"):
        done = channel.on(missing, "worker", "--handler", f"{module}:{name}", "--once")
        assert done.code == 1
    assert not (tmp_path / "missing.db").exists()
