"""What the schemas of tasks take, refuse and give."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from pipeline_store.schemas import TaskCreate, TaskInDB, TaskResponse, TaskUpdate, task_from
from pipeline_store.tasks import PriorityLevel, Task, TaskStatus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHANNEL = UUID("018f0000-0000-7000-8000-000000000001")
DASHED = "018F6d2c-1b7a-7c3e-9f00-0123456789ab"
CREATE: dict[str, Any] = {
    "channel_id": CHANNEL,
    "notion_page_id": "0" * 32,
    "title": "The bridge",
    "topic": "How it was built",
    "story_direction": "From the river up.",
}
TWELVE = [
    "id",
    "channel_id",
    "notion_page_id",
    "title",
    "topic",
    "story_direction",
    "status",
    "priority",
    "error_log",
    "youtube_url",
    "created_at",
    "updated_at",
]
BESIDE = [
    "worker",
    "lease_token",
    "lease_expires_at",
    "attempts",
    "failed_stage",
    "review_token",
    "status_since",
    "warned_at",
    "held_at",
]


def stored() -> Task:
    """A task as a store gives it."""
    task = Task(
        **CREATE,
        status=TaskStatus.VIDEO_READY,
        priority=PriorityLevel.HIGH,
        created_at=NOON,
        updated_at=NOON,
        status_since=NOON,
        lease_token=4,
        review_token=2,
    )
    object.__setattr__(task, "id", UUID("018f0000-0000-7000-8000-000000000002"))
    return task


class TestTaskCreate:
    """A task that is to be made."""

    def test_what_it_takes(self) -> None:
        taken = TaskCreate(**CREATE)
        assert list(TaskCreate.model_fields) == [*CREATE, "priority"]
        assert taken.model_dump() == {**CREATE, "priority": PriorityLevel.NORMAL}

    def test_from_json(self) -> None:
        text = json.dumps({**CREATE, "channel_id": str(CHANNEL), "priority": "low"})
        taken = TaskCreate.model_validate_json(text)
        assert (taken.channel_id, taken.priority) == (CHANNEL, PriorityLevel.LOW)

    def test_from_attributes(self) -> None:
        taken = TaskCreate.model_validate(SimpleNamespace(**CREATE, priority="high", other=1))
        assert taken == TaskCreate(**CREATE, priority=PriorityLevel.HIGH)

    def test_a_page_id_is_kept_without_dashes(self) -> None:
        taken = TaskCreate(**CREATE | {"notion_page_id": DASHED})
        assert taken.notion_page_id == DASHED.replace("-", "")

    @pytest.mark.parametrize(
        "page", ["", "0" * 31, "0" * 33, "0" * 36, f"{{{DASHED}}}", DASHED[:-1], 7, None, b"0" * 32]
    )
    def test_a_page_id_has_exactly_32_characters(self, page: Any) -> None:
        with pytest.raises(ValidationError) as refused:
            TaskCreate(**CREATE | {"notion_page_id": page})
        assert [error["loc"] for error in refused.value.errors()] == [("notion_page_id",)]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", "x" * 256),
            ("topic", "x" * 501),
            ("title", None),
            ("title", 7),
            ("title", b"bytes"),
            ("topic", "\x00"),
            ("topic", "\ud800"),
            ("story_direction", None),
            ("story_direction", "a\x00b"),
            ("story_direction", "x" * (16 * 1024 * 1024 + 1)),
            ("priority", "urgent"),
            ("priority", None),
            ("priority", 1),
            ("channel_id", "history1"),
            ("channel_id", None),
            ("channel_id", 1),
            ("status", "queued"),
            ("id", CHANNEL),
        ],
    )
    def test_what_it_refuses(self, field: str, value: Any) -> None:
        with pytest.raises(ValidationError) as refused:
            TaskCreate(**CREATE | {field: value})
        assert [error["loc"] for error in refused.value.errors()] == [(field,)]

    @pytest.mark.parametrize("field", CREATE)
    def test_what_must_be_given(self, field: str) -> None:
        with pytest.raises(ValidationError, match="missing"):
            TaskCreate(**{name: value for name, value in CREATE.items() if name != field})

    def test_the_longest_texts(self) -> None:
        longest = {"title": "🎬" * 255, "topic": "ä" * 500}
        task = task_from(TaskCreate(**CREATE | longest))
        assert (task.title, task.topic) == ("🎬" * 255, "ä" * 500)

    def test_what_is_made_of_it(self) -> None:
        task = task_from(TaskCreate(**CREATE, priority=PriorityLevel.HIGH))
        assert {name: getattr(task, name) for name in CREATE} == CREATE
        assert (task.priority, task.status) == (PriorityLevel.HIGH, TaskStatus.DRAFT)


class TestTaskUpdate:
    """What is to be changed."""

    def test_nothing_unless_said(self) -> None:
        assert TaskUpdate().model_dump() == dict.fromkeys(["status", "error_log", "youtube_url"])
        assert TaskUpdate(status=None, error_log=None, youtube_url=None) == TaskUpdate()

    @pytest.mark.parametrize("status", TaskStatus)
    def test_every_status_by_name(self, status: TaskStatus) -> None:
        """Whether it may go there is for the workflow to say, which knows where it is."""
        taken = TaskUpdate.model_validate_json(json.dumps({"status": status.value}))
        assert taken.status is status

    def test_from_attributes(self) -> None:
        taken = TaskUpdate.model_validate(stored())
        assert taken == TaskUpdate(status=TaskStatus.VIDEO_READY)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("status", "done"),
            ("status", ""),
            ("status", 1),
            ("error_log", "\x00"),
            ("error_log", 1),
            ("error_log", ["one"]),
            ("youtube_url", "x" * 256),
            ("youtube_url", "\ud800"),
            ("youtube_url", b"https://youtu.be/1"),
            ("title", "Another"),
            ("failed_stage", "queued"),
        ],
    )
    def test_what_it_refuses(self, field: str, value: Any) -> None:
        with pytest.raises(ValidationError) as refused:
            TaskUpdate(**{field: value})
        assert [error["loc"] for error in refused.value.errors()] == [(field,)]

    def test_it_is_not_changed_after(self) -> None:
        """What was checked stays as it was checked."""
        update = TaskUpdate(youtube_url="https://youtu.be/1")
        with pytest.raises(ValidationError):
            update.youtube_url = "x" * 256


class TestWhatIsGiven:
    """A task as others see it."""

    def test_the_twelve_columns(self) -> None:
        task = stored()
        shown = TaskResponse.model_validate(task)
        assert list(TaskResponse.model_fields) == TWELVE
        assert shown.model_dump() == {name: getattr(task, name) for name in TWELVE}

    def test_as_json(self) -> None:
        shown = json.loads(TaskResponse.model_validate(stored()).model_dump_json())
        assert (shown["status"], shown["priority"]) == ("video_ready", "high")
        assert shown["created_at"] == "2026-03-01T12:00:00Z"
        assert shown["notion_page_id"] == "0" * 32
        assert TaskResponse.model_validate_json(json.dumps(shown)).created_at == NOON

    def test_what_is_kept_beside_them(self) -> None:
        task = stored()
        names = [*TWELVE, *BESIDE]
        assert issubclass(TaskInDB, TaskResponse)
        assert list(TaskInDB.model_fields) == names
        dumped = TaskInDB.model_validate(task).model_dump()
        assert dumped == {name: getattr(task, name) for name in names}

    @pytest.mark.parametrize("schema", [TaskResponse, TaskInDB])
    def test_a_task_that_no_store_has_is_no_answer(self, schema: type[TaskResponse]) -> None:
        with pytest.raises(ValidationError, match="id"):
            schema.model_validate(Task(**CREATE))

    def test_a_time_without_a_zone_is_no_answer(self) -> None:
        values = TaskResponse.model_validate(stored()).model_dump()
        with pytest.raises(ValidationError, match="timezone"):
            TaskResponse(**values | {"created_at": datetime(2026, 3, 1)})  # noqa: DTZ001


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def test_only_the_schemas_load_pydantic() -> None:
    done = run(
        "import sys\n"
        "import pipeline_store, pipeline_store.tasks, pipeline_store.channels\n"
        "import pipeline_store.production, pipeline_store.services.reviews\n"
        "pipeline_store.open_store('memory://')\n"
        "assert 'pydantic' not in sys.modules\n"
        "import pipeline_store.schemas\n"
        "assert 'pydantic' in sys.modules\n"
        "assert 'sqlalchemy' not in sys.modules\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_without_pydantic_the_cure_is_named() -> None:
    done = run("import sys; sys.modules['pydantic'] = None\nimport pipeline_store.schemas")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: the schemas need pydantic: pip install 'pipeline-store[schemas]'"
    )
