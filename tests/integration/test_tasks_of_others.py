"""Tasks that other programs write in plain SQL are handed out like any others."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from pipeline_store import open_store
from pipeline_store.tasks import PriorityLevel, Task, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store

CHANNEL = UUID(int=1)
LEASE = timedelta(minutes=5)
TASK = (
    "INSERT INTO tasks"
    " (id, channel_id, notion_page_id, title, topic, story_direction, status, priority)"
    " SELECT :id, id, :page, 't', 'o', 's', 'queued', :priority FROM channels"
)


@pytest.fixture
def store(new_url: Callable[[], str]) -> Iterator[Store]:
    """A store with one channel, which another program has added."""
    store = open_store(new_url())
    write(store, "INSERT INTO channels (id, channel_id, name) VALUES (:id, 'a', 'A')", CHANNEL)
    yield store
    store.close()


def write(store: Any, statement: str, key: UUID, **values: Any) -> None:
    """Runs a statement, with a key as the database at hand spells it."""
    spelled = key.hex if store.engine.dialect.name == "sqlite" else key
    with store.engine.begin() as connection:
        connection.execute(sa.text(statement), {"id": spelled, **values})


def add(store: Store, number: int, priority: str) -> None:
    write(store, TASK, UUID(int=number), page=f"page {number}", priority=priority)


def handed_out(store: Store) -> list[int]:
    """The numbers of the tasks in the order in which they are claimed."""
    with store.unit_of_work() as uow:
        channel = uow.channels.get(CHANNEL)
        channel.max_concurrent = 10
        uow.commit()
    claims = [store.claim_next("w", lease=LEASE, queue="tasks") for _ in range(4)]
    return [claim.item.id.int for claim in claims if claim is not None]


def test_they_go_by_their_priority(store: Store) -> None:
    """The rank that the queue goes by follows, though nobody has written it."""
    for number, priority in enumerate(("low", "normal", "high"), start=2):
        add(store, number, priority)
    assert handed_out(store) == [4, 3, 2]


def test_a_change_of_priority_counts(store: Store) -> None:
    """Also one to a task that this package has added."""
    for number in (2, 3):
        add(store, number, "normal")
    with store.unit_of_work() as uow:
        for page, priority in (("ours", PriorityLevel.NORMAL), ("low", PriorityLevel.LOW)):
            uow.tasks.add(
                Task(
                    channel_id=CHANNEL,
                    notion_page_id=page,
                    title="t",
                    topic="o",
                    story_direction="s",
                    status=TaskStatus.QUEUED,
                    priority=priority,
                )
            )
        uow.commit()
    with store.unit_of_work() as uow:
        ours = [task for task in uow.tasks.for_channel(CHANNEL) if task.id.int > 3]
    write(store, "UPDATE tasks SET priority = 'high' WHERE id = :id", ours[0].id)
    write(store, "UPDATE tasks SET priority = 'low' WHERE id = :id", UUID(int=2))
    assert handed_out(store) == [ours[0].id.int, 3, 2, ours[1].id.int]


def test_what_is_written_otherwise_keeps_its_rank(store: Store) -> None:
    """A task that has aged stays raised while something else of it is changed."""
    add(store, 2, "low")
    write(store, "UPDATE tasks SET rank = 0 WHERE id = :id", UUID(int=2))
    write(store, "UPDATE tasks SET title = 'new', priority = 'low' WHERE id = :id", UUID(int=2))
    add(store, 3, "high")
    assert handed_out(store) == [2, 3]
