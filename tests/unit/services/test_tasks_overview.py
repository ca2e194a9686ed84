"""What an operator asks about tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel
from pipeline_store.errors import InvalidValue, NotFound
from pipeline_store.services.tasks_overview import listed_tasks
from pipeline_store.tasks import Task, TaskStatus

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork

S = TaskStatus
STATUSES = [S.PUBLISHED, S.DRAFT, S.QUEUED, S.UPLOADING, S.VIDEO_ERROR, S.FINAL_REVIEW]


@pytest.fixture(autouse=True)
def channels(uow: UnitOfWork) -> list[Channel]:
    """Two channels, each with a task in each of some statuses."""
    channels = [uow.channels.add(Channel(channel_id=name, name=name)) for name in ("a", "b")]
    for channel in channels:
        for status in STATUSES:
            task = Task(
                channel_id=channel.id,
                notion_page_id=f"{channel.name} {status}",
                title="",
                topic="",
                story_direction="",
                status=status,
            )
            uow.tasks.add(task)
    return channels


@pytest.mark.parametrize("channel_id", [None, "a"])
def test_what_needs_a_person_is_listed_first(uow: UnitOfWork, channel_id: str | None) -> None:
    """Then what failed, what goes on, what is to come and what is done; as many as are wanted."""
    per_status = 2 if channel_id is None else 1
    expected = [status for status in reversed(STATUSES) for _ in range(per_status)]
    listed = [task.status for task in listed_tasks(uow, channel_id)]
    assert listed == expected
    assert [task.status for task in listed_tasks(uow, channel_id, limit=3)] == expected[:3]
    found = listed_tasks(uow, channel_id, S.QUEUED)
    assert [task.status for task in found] == [S.QUEUED] * per_status


@pytest.mark.parametrize("channel_id", [None, "a"])
@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": -1}, {"limit": 10_001}, {"status": "x"}])
def test_what_cannot_be_meant_is_refused(
    uow: UnitOfWork, channel_id: str | None, wrong: dict[str, Any]
) -> None:
    """The same with and without a channel."""
    with pytest.raises(InvalidValue, match=next(iter(wrong))):
        listed_tasks(uow, channel_id, **wrong)


def test_an_unknown_channel(uow: UnitOfWork) -> None:
    """It is an error, not an empty list."""
    with pytest.raises(NotFound, match="channel"):
        listed_tasks(uow, "c")
