"""`task ...`, and what `queue` and `status` say of tasks."""

from __future__ import annotations

import getpass
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.services import gates
from pipeline_store.tasks import GATES, STAGES, Task, TaskStatus
from tests.integration.cli.conftest import DATABASES

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)

PAGE = "018f6d2c-1b7a-7c3e-9f00-0123456789ab"
NO_DASHES = PAGE.replace("-", "")


@pytest.fixture
def channel(command: Command) -> Command:
    """A database with the channels history1 and nature1."""
    store = open_store(command.url)
    with store.unit_of_work() as uow:
        for name in ("history1", "nature1"):
            uow.channels.add(Channel(channel_id=name, name=name))
        uow.commit()
    store.close()
    return command


def add(command: Command, page: str = PAGE, channel: str = "history1", *options: str) -> Any:
    return command("task", "add", channel, page, f"Task {page}", *options, "--json").json


def add_in(command: Command, page: int, status: TaskStatus, hours: float = 0) -> str:
    """A task that came into the status so many hours ago."""
    store = open_store(command.url)
    with store.unit_of_work() as uow:
        channel = uow.channels.by_channel_id("history1")
        assert channel is not None
        task = Task(
            channel_id=channel.id,
            notion_page_id=str(page),
            title=f"Task {page}",
            topic="",
            story_direction="",
            status=status,
            status_since=uow.now() - timedelta(hours=hours),
        )
        uow.tasks.add(task)
        uow.commit()
    store.close()
    return str(task.id)


@both
def test_the_way_to_a_gate_and_past_it(channel: Command) -> None:
    """Each command is one move; the history tells who made it, why and how long it took."""
    added = add(channel, PAGE, "history1", "--priority", "high", "--topic", "Bridges")
    assert (added["status"], added["channel"], added["priority"]) == ("draft", "history1", "high")
    assert (added["notion_page_id"], added["topic"]) == (NO_DASHES, "Bridges")
    task = added["id"]
    said = channel("task", "advance", task, "queued", "--actor", "ann", "--reason", "go")
    assert said.out == f"task {task}: draft -> queued\n"
    for status in ("claimed", "generating_assets", "assets_ready"):
        done = channel("task", "advance", PAGE, status, "--actor", "w1", "--json")
        assert done.json["status"] == status
    assert channel("task", "approve", NO_DASHES, "--review", "1", "--actor", "bob").code == 0
    shown = channel("task", "show", task, "--json").json
    moves = [(m["from_status"], m["to_status"], m["actor"], m["reason"]) for m in shown["history"]]
    assert moves == [
        ("draft", "queued", "ann", "go"),
        ("queued", "claimed", "w1", None),
        ("claimed", "generating_assets", "w1", None),
        ("generating_assets", "assets_ready", "w1", None),
        ("assets_ready", "assets_approved", "bob", None),
    ]
    assert [stay["status"] for stay in shown["stays"]] == [
        *(move[0] for move in moves),
        "assets_approved",
    ]
    assert [stay["at_gate"] for stay in shown["stays"]] == [False] * 4 + [True, False]
    assert shown["stays"][-1]["until"] is None
    assert shown["seconds_at_gates"] == shown["stays"][4]["seconds"]
    assert sum(shown["seconds_by_status"].values()) == pytest.approx(
        sum(stay["seconds"] for stay in shown["stays"])
    )


def test_it_is_shown_to_people(channel: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """All about it, then a line for each stay."""
    monkeypatch.setenv("COLUMNS", "100")
    task = add_in(channel, 1, TaskStatus.GENERATING_VIDEO)
    channel("task", "advance", task, "video_ready", "--actor", "w1")
    channel("task", "reject", task, "too dark", "--actor", "ann")
    lines = channel("task", "show", task).out.splitlines()
    facts = {line[:17].strip(): line[17:].strip() for line in lines}
    assert facts["status"] != ""
    assert facts["failed stage"] == "video_ready"
    assert facts["errors"] == "video_ready: too dark (ann)"
    rows = [line.split() for line in lines[-3:]]
    assert [row[0] for row in rows] == ["generating_video", "video_ready", "video_error"]
    assert rows[1][-3:] == ["ann", "too", "dark"]
    channel("task", "retry", task, "--actor", "ann")
    channel("task", "advance", task, "video_error", "--actor", "w1", "--reason", "\x1b[2J")
    lines = channel("task", "show", task).out.splitlines()
    [first] = [number for number, line in enumerate(lines) if line.startswith("errors ")]
    assert [line[17:] for line in lines[first : first + 2]] == [
        "video_ready: too dark (ann)",
        "generating_video: \\x1b[2J (w1)",
    ]
    assert "still there" in lines[-1]


def test_it_is_told_what_it_waits_for(channel: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that ends it, and until when; without anything of the kind, its turn."""
    monkeypatch.setenv("COLUMNS", "200")

    def told() -> list[str]:
        lines = channel("task", "show", task).out.splitlines()
        [first] = [number for number, line in enumerate(lines) if line.startswith("waits for ")]
        further = takewhile(lambda line: line.startswith(" " * 14), lines[first + 1 :])
        return [line[14:].strip() for line in [lines[first], *further]]

    task = add(channel)["id"]
    assert told() == [f"its release: `pipeline-store task advance {task} queued`"]
    channel("task", "advance", task, "queued")
    assert told() == ["its turn"]
    name = channel("task", "show", task, "--json").json["channel"]
    for words in (
        ("channel", "pause", name),
        ("quota", "set", "default", "uploads", "20"),
        ("quota", "cost", "queued", "uploads", "30"),
    ):
        assert channel(*words).code == 0
    paused, exhausted = channel("task", "show", task, "--json").json["waits_for"]
    assert told() == [paused["reason"], exhausted["reason"]]
    assert f"`pipeline-store channel resume {name}`" in paused["reason"]
    assert exhausted["kind"] == "quota_exhausted"
    channel("channel", "resume", name)
    channel("quota", "cost", "queued", "uploads", "0")
    channel("task", "claim", "--worker", "w1")
    [holder] = channel("task", "show", task, "--json").json["waits_for"]
    until = holder["until"][:19].replace("T", " ")
    assert told() == [f"w1, who has it, until {until} UTC"]


def test_a_task_of_a_page_is_added_once(channel: Command) -> None:
    """Also with and without dashes; nothing is added for a channel that is not there."""
    task = add(channel)["id"]
    again = channel("task", "add", "nature1", NO_DASHES, "Another")
    assert (again.code, again.out) == (1, "")
    assert f"has a task already: {task} (draft)" in again.err
    unknown = channel("task", "add", "histroy1", "2", "Another")
    assert unknown.code == 1
    assert "did you mean history1?" in unknown.err
    assert channel("task", "add", "history1", "x" * 33, "Another").code == 1
    assert len(channel("task", "list", "--json").json) == 1


def test_it_can_be_released_at_once(channel: Command) -> None:
    added = add(channel, PAGE, "history1", "--queued", "--actor", "ann")
    assert added["status"] == "queued"
    [move] = channel("task", "show", PAGE, "--json").json["history"]
    assert (move["to_status"], move["actor"]) == ("queued", "ann")


def test_the_actor_is_who_is_logged_in(channel: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or unknown, where nobody is."""
    add(channel)
    monkeypatch.setenv("LOGNAME", "carol")
    channel("task", "advance", PAGE, "queued")

    def nobody() -> str:
        raise OSError

    monkeypatch.setattr(getpass, "getuser", nobody)
    channel("task", "advance", PAGE, "draft")
    history = channel("task", "show", PAGE, "--json").json["history"]
    assert [move["actor"] for move in history] == ["carol", "unknown"]


@both
def test_a_decision_is_made_once(channel: Command) -> None:
    """A second one, or one on an older review, is told who decided what."""
    task = add_in(channel, 1, TaskStatus.GENERATING_VIDEO)
    channel("task", "advance", task, "video_ready", "--actor", "w1")
    rejected = channel("task", "reject", task, "too dark", "--review", "1", "--actor", "ann")
    assert rejected.out == f"task {task}: video_ready -> video_error\n"
    late = channel("task", "approve", task, "--review", "1")
    assert (late.code, late.out) == (1, "")
    assert "ann moved it from video_ready to video_error" in late.err
    assert "too dark" in late.err
    refused = channel("task", "approve", task)
    assert refused.code == 1
    assert "legal: generating_video, assembling" in refused.err


@both
def test_a_retry_begins_where_it_failed_or_elsewhere(channel: Command) -> None:
    tasks = [add_in(channel, page, TaskStatus.SFX_READY) for page in (1, 2)]
    for task in tasks:
        channel("task", "advance", task, "video_error", "--reason", "no disk")
    assert channel("task", "retry", tasks[0], "--json").json["status"] == "assembling"
    said = channel("task", "retry", tasks[1], "--to", "generating_video")
    assert said.out == f"task {tasks[1]}: video_error -> generating_video\n"
    assert channel("task", "retry", tasks[1]).code == 1


def test_an_illegal_move_names_the_legal_ones(channel: Command) -> None:
    add(channel)
    refused = channel("task", "advance", PAGE, "published")
    assert (refused.code, refused.out) == (1, "")
    assert "is draft and cannot become published (legal: queued)" in refused.err
    assert channel("task", "show", PAGE, "--json").json["history"] == []
    assert channel("task", "advance", PAGE, "done").code == 2


def test_a_task_that_a_worker_holds_is_taken_by_force(channel: Command) -> None:
    task = add_in(channel, 1, TaskStatus.GENERATING_AUDIO)
    store = open_store(channel.url)
    with store.unit_of_work() as uow:
        found = uow.tasks.page()[0]
        found.worker, found.lease_expires_at = "w1", uow.now() + timedelta(hours=1)
        uow.commit()
    store.close()
    refused = channel("task", "advance", task, "audio_error")
    assert refused.code == 1
    assert "held by w1" in refused.err
    assert channel("task", "advance", task, "audio_error", "--force").code == 0


@pytest.mark.parametrize("name", ["77", PAGE, "", "018f6d2c-1b7a-7c3e-9f00-0123456789ac"])
def test_a_task_that_is_not_there(channel: Command, name: str) -> None:
    for arguments in (["show", name], ["approve", name], ["reject", name, "no"], ["retry", name]):
        refused = channel("task", *arguments)
        assert (refused.code, refused.out) == (1, "")
        assert "pipeline-store task list" in refused.err


class TestListing:
    """`task list`."""

    @both
    def test_what_needs_somebody_comes_first(self, channel: Command) -> None:
        """Gates, errors, what goes on, drafts, what is published."""
        for page, status in enumerate(TaskStatus):
            add_in(channel, page, status)
        listed = channel("task", "list", "--limit", "26", "--json").json
        found = [task["status"] for task in listed]
        assert found[:8] == [*GATES, *(s for s in TaskStatus if s.endswith("_error"))]
        assert found[8:10] == ["uploading", "approved"]
        assert found[-3:] == ["queued", "draft", "published"]
        assert sorted(found) == sorted(TaskStatus)
        of_channel = channel("task", "list", "--channel", "history1", "--limit", "26", "--json")
        assert of_channel.json == listed
        assert channel("task", "list", "--limit", "3", "--json").json == listed[:3]

    def test_of_one_channel_and_one_status(self, channel: Command) -> None:
        for page, name in enumerate(["history1", "nature1", "nature1"]):
            add(channel, str(page), name)
        channel("task", "advance", "1", "queued")

        def pages(*options: str) -> list[str]:
            listed = channel("task", "list", *options, "--json").json
            return [task["notion_page_id"] for task in listed]

        assert pages("--channel", "nature1") == ["1", "2"]
        assert pages("--status", "draft") == ["0", "2"]
        assert pages("--status", "draft", "--channel", "nature1") == ["2"]
        assert pages("--status", "published") == []
        assert channel("task", "list", "--channel", "cars1").code == 1
        assert channel("task", "list", "--status", "published").out == "no tasks\n"

    @pytest.mark.parametrize(("columns", "wide"), [(80, False), (120, True)])
    def test_for_people(
        self, channel: Command, monkeypatch: pytest.MonkeyPatch, columns: int, wide: bool
    ) -> None:
        """No line is wider than the terminal; ids and statuses are whole."""
        monkeypatch.setenv("COLUMNS", str(columns))
        task = add(channel)["id"]
        lines = channel("task", "list").out.splitlines()
        assert max(map(len, lines)) <= columns
        assert lines[-1].split()[:3] == [task, "draft", "history1"]
        assert ("worker" in lines[0]) == wide


class TestQueue:
    """Tasks in `queue`."""

    @both
    def test_tasks_at_gates_with_their_deadline(self, channel: Command) -> None:
        """Longest first, beside the runs; held ones too."""
        waits = {1: 30, 2: 25, 3: 23, 4: 1}
        for page, hours in waits.items():
            add_in(channel, page, GATES[page - 1], hours)
        store = open_store(channel.url)
        with store.unit_of_work() as uow:
            assert len(gates.hold_overdue(uow, deadline=timedelta(hours=28))) == 1
            assert len(gates.warn(uow)) == 1
            uow.commit()
        store.close()
        waiting = channel("queue", "--json").json
        assert {entry["kind"] for entry in waiting} == {"task"}
        assert [(entry["task"]["title"], entry["state"]) for entry in waiting] == [
            ("Task 1", "held"),
            ("Task 2", "overdue"),
            ("Task 3", "warned"),
            ("Task 4", "open"),
        ]
        assert [entry["is_held"] for entry in waiting] == [True, False, False, False]
        assert [entry["deadline"] is None for entry in waiting] == [True, False, False, False]
        assert [round(entry["waited_seconds"] / 3600) for entry in waiting] == [30, 25, 23, 1]
        assert [entry["channel"] for entry in waiting] == ["history1"] * 4
        assert [entry["status"] for entry in waiting] == list(GATES)

    @pytest.mark.parametrize(("columns", "wide"), [(80, False), (120, True)])
    def test_for_people(
        self, channel: Command, monkeypatch: pytest.MonkeyPatch, columns: int, wide: bool
    ) -> None:
        """No line is wider than the terminal; the deadline is shown where there is room."""
        monkeypatch.setenv("COLUMNS", str(columns))
        tasks = [add_in(channel, 1, GATES[3], 30), add_in(channel, 2, GATES[0], 1)]
        lines = channel("queue").out.splitlines()
        assert max(map(len, lines)) <= columns
        assert [line.split()[0] for line in lines[-2:]] == tasks
        assert "1 d 6 h  overdue" in lines[-2]
        assert "1 h 0 min  open" in lines[-1]
        assert ("answer until" in lines[0]) == wide

    def test_beside_runs(self, seeded: Command) -> None:
        """A table of each; `review queue` has runs alone."""
        store = open_store(seeded.url)
        with store.unit_of_work() as uow:
            uow.channels.add(Channel(channel_id="history1", name="History"))
            uow.commit()
        store.close()
        add_in(seeded, 1, TaskStatus.FINAL_REVIEW)
        seeded("review", "request", "1")
        assert [entry["kind"] for entry in seeded("queue", "--json").json] == ["run", "task"]
        [run] = seeded("review", "queue", "--json").json
        assert run["run_id"] == 1
        shown = seeded("queue").out
        assert shown.index("gaming") < shown.index("final_review")
        assert "final_review" not in seeded("review", "queue").out


@both
def test_the_status_counts_tasks(channel: Command) -> None:
    """In the order of the workflow; statuses without tasks are left out."""
    assert channel("status", "--json").json["tasks_by_status"] == {}
    assert "tasks in" not in channel("status").out
    for page, status in enumerate(["upload_error", "draft", "draft", "published"]):
        add_in(channel, page, TaskStatus(status))
    counted = channel("status", "--json").json["tasks_by_status"]
    assert list(counted.items()) == [("draft", 2), ("published", 1), ("upload_error", 1)]
    lines = [line.split() for line in channel("status").out.splitlines()]
    assert lines[-3:] == [["draft", "2"], ["published", "1"], ["upload_error", "1"]]


def test_every_approval_leads_on(channel: Command) -> None:
    for page, gate in enumerate(GATES):
        task = add_in(channel, page, gate)
        approved = channel("task", "approve", task, "--json").json
        assert approved["status"] == STAGES[gate].onward[0]
