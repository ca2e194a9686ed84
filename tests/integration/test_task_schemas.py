"""What came in as a schema, done to a store."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import (
    AlreadyExists,
    Conflict,
    IllegalTransition,
    InvalidValue,
    NotFound,
)
from pipeline_store.schemas import (
    TaskCreate,
    TaskInDB,
    TaskResponse,
    TaskUpdate,
    apply_task_update,
    task_from,
)
from pipeline_store.tasks import STAGES, Task, TaskStatus
from pipeline_store.uuid_keys import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from pipeline_store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
S = TaskStatus


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path, clock: Clock
) -> Iterator[Store]:
    url = "memory://"
    if request.param == "sqlite":
        shutil.copy(migrated_file, tmp_path / "tasks.db")
        url = f"sqlite:///{tmp_path}/tasks.db"
    opened = open_store(url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def channel_id(store: Store) -> UUID:
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="history1", name="History"))
        uow.commit()
    return channel.id


def create(channel_id: UUID, **values: Any) -> TaskCreate:
    sound: dict[str, Any] = {
        "channel_id": channel_id,
        "notion_page_id": "0" * 32,
        "title": "The bridge",
        "topic": "How it was built",
        "story_direction": "From the river up.",
    }
    return TaskCreate(**sound | values)


@pytest.fixture
def task_id(store: Store, channel_id: UUID) -> UUID:
    """A task that a worker makes pictures for; it has had an error before."""
    with store.unit_of_work() as uow:
        task = task_from(create(channel_id))
        task.log_error("earlier")
        task.youtube_url = "https://youtu.be/0"
        uow.tasks.add(task)
        for status in (S.QUEUED, S.CLAIMED, S.GENERATING_ASSETS):
            uow.tasks.advance(task, status, "w1")
        uow.commit()
    return task.id


def update(store: Store, task_id: UUID, actor: str = "ann", /, **values: Any) -> Task:
    with store.unit_of_work() as uow:
        task = apply_task_update(uow, task_id, TaskUpdate(**values), actor)
        uow.commit()
    return task


def shown(store: Store, task_id: UUID) -> dict[str, Any]:
    with store.unit_of_work(read_only=True) as uow:
        return TaskInDB.model_validate(uow.tasks.get(task_id)).model_dump()


def history(store: Store, task_id: UUID) -> list[tuple[str, str, str, str | None]]:
    with store.unit_of_work(read_only=True) as uow:
        moves = uow.tasks.history(task_id)
    return [(move.from_status, move.to_status, move.actor, move.reason) for move in moves]


class TestMaking:
    """A TaskCreate becomes a task."""

    def test_it_is_stored_as_it_came(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            task = uow.tasks.add(task_from(create(channel_id, priority="low")))
            uow.commit()
        answer = TaskResponse.model_validate(task)
        assert answer.model_dump() == {
            **create(channel_id, priority="low").model_dump(),
            "id": task.id,
            "status": S.DRAFT,
            "error_log": None,
            "youtube_url": None,
            "created_at": NOON,
            "updated_at": NOON,
        }
        with store.unit_of_work(read_only=True) as uow:
            assert TaskResponse.model_validate(uow.tasks.get(task.id)) == answer

    @pytest.mark.usefixtures("task_id")
    def test_a_page_has_one_task(self, store: Store, channel_id: UUID) -> None:
        """Also when the second spells its id with dashes."""
        page = "00000000-0000-0000-0000-000000000000"
        with store.unit_of_work() as uow, pytest.raises(AlreadyExists):
            uow.tasks.add(task_from(create(channel_id, notion_page_id=page)))

    def test_of_a_channel_that_is_not_there(self, store: Store) -> None:
        with store.unit_of_work() as uow, pytest.raises(NotFound):
            uow.tasks.add(task_from(create(new_key())))


class TestChanging:
    """A TaskUpdate is applied."""

    def test_none_changes_nothing(self, store: Store, task_id: UUID, clock: Clock) -> None:
        """Not even the time of the last change, nor the history."""
        before, moves = shown(store, task_id), history(store, task_id)
        clock.now += timedelta(hours=1)
        update(store, task_id)
        update(store, task_id, status=None, error_log=None, youtube_url=None)
        assert shown(store, task_id) == before
        assert history(store, task_id) == moves

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({"error_log": "slow"}, {"error_log": "earlier\nslow"}),
            ({"error_log": ""}, {"error_log": "earlier\n"}),
            ({"youtube_url": "https://youtu.be/1"}, {"youtube_url": "https://youtu.be/1"}),
            ({"youtube_url": ""}, {"youtube_url": ""}),
        ],
    )
    def test_one_thing_leaves_the_others(
        self,
        store: Store,
        task_id: UUID,
        clock: Clock,
        values: dict[str, Any],
        expected: dict[str, Any],
    ) -> None:
        before, moves = shown(store, task_id), history(store, task_id)
        clock.now += timedelta(hours=1)
        update(store, task_id, **values)
        assert shown(store, task_id) == before | expected | {"updated_at": clock.now}
        assert history(store, task_id) == moves

    def test_the_status_is_a_move(self, store: Store, task_id: UUID) -> None:
        """With its actor and reason in the history, and all that follows a move."""
        with store.unit_of_work() as uow:
            wanted = TaskUpdate(status=S.ASSETS_READY)
            task = apply_task_update(uow, task_id, wanted, "w1", "all drawn")
            uow.commit()
        assert (task.status, task.review_token) == (S.ASSETS_READY, 1)
        assert history(store, task_id)[-1] == (
            "generating_assets",
            "assets_ready",
            "w1",
            "all drawn",
        )

    def test_all_at_once(self, store: Store, task_id: UUID) -> None:
        update(
            store,
            task_id,
            "w1",
            status="asset_error",
            error_log="the disk is full",
            youtube_url="https://youtu.be/1",
        )
        found = shown(store, task_id)
        assert (found["status"], found["failed_stage"]) == (S.ASSET_ERROR, S.GENERATING_ASSETS)
        assert found["youtube_url"] == "https://youtu.be/1"
        assert found["error_log"].splitlines() == [
            "earlier",
            "generating_assets: no reason given (w1)",
            "the disk is full",
        ]

    @pytest.mark.parametrize("status", [s for s in S if s not in STAGES[S.GENERATING_ASSETS].moves])
    def test_an_illegal_move_changes_nothing(
        self, store: Store, task_id: UUID, status: TaskStatus
    ) -> None:
        """Neither what came with it, though the unit of work is committed."""
        before = shown(store, task_id)
        with store.unit_of_work() as uow:
            wanted = TaskUpdate(status=status, error_log="x", youtube_url="y")
            with pytest.raises(IllegalTransition):
                apply_task_update(uow, task_id, wanted, "ann")
            uow.commit()
        assert shown(store, task_id) == before

    @pytest.mark.parametrize("actor", ["", None, "x" * 256])
    def test_a_move_by_nobody(self, store: Store, task_id: UUID, actor: Any) -> None:
        with store.unit_of_work() as uow, pytest.raises(InvalidValue):
            apply_task_update(uow, task_id, TaskUpdate(status=S.ASSETS_READY), actor)

    def test_a_task_that_is_not_there(self, store: Store) -> None:
        with store.unit_of_work() as uow, pytest.raises(NotFound):
            apply_task_update(uow, new_key(), TaskUpdate(), "ann")

    def test_a_task_that_a_worker_holds(self, store: Store, channel_id: UUID, clock: Clock) -> None:
        """It is taken from the worker by force only."""
        with store.unit_of_work() as uow:
            task = task_from(create(channel_id))
            task.status = S.QUEUED
            task.worker, task.lease_expires_at = "w1", clock.now + timedelta(hours=1)
            uow.tasks.add(task)
            uow.commit()
        wanted = TaskUpdate(status=S.DRAFT, error_log="withdrawn")
        with store.unit_of_work() as uow:
            with pytest.raises(Conflict, match="w1"):
                apply_task_update(uow, task.id, wanted, "ann")
            uow.commit()
        assert shown(store, task.id)["error_log"] is None
        with store.unit_of_work() as uow:
            apply_task_update(uow, task.id, wanted, "ann", force=True)
            uow.commit()
        found = shown(store, task.id)
        assert (found["status"], found["worker"], found["lease_token"]) == (S.DRAFT, None, 1)
