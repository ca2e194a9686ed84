"""Tasks and histories for the tests of the workflow's rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pipeline_store.tasks import Task, TaskStatus, TaskTransition

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHANNEL = UUID("018f0000-0000-7000-8000-000000000001")


def a_task(**values: Any) -> Task:
    sound: dict[str, Any] = {
        "channel_id": CHANNEL,
        "notion_page_id": "f" * 32,
        "title": "The bridge",
        "topic": "How it was built",
        "story_direction": "From the river up.",
    }
    return Task(**sound | values)


def stored(**values: Any) -> Task:
    """One that has the key which a store gives."""
    task = a_task(**{"status_since": NOON} | values)
    object.__setattr__(task, "id", UUID("018f0000-0000-7000-8000-000000000002"))
    return task


def a_move(
    found: str, wanted: str, minutes: int = 0, *, review: int = 0, **values: Any
) -> TaskTransition:
    return TaskTransition(
        task_id=CHANNEL,
        moved_at=NOON + timedelta(minutes=minutes),
        from_status=TaskStatus(found),
        to_status=TaskStatus(wanted),
        actor=values.pop("actor", "w1"),
        review_token=review,
        **values,
    )
