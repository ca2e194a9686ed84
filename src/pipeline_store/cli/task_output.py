"""How tasks are shown: tables for people, JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from pipeline_store.cli import tables
from pipeline_store.cli.answers import lines_of, print_facts, second, span
from pipeline_store.cli.json_output import as_json as in_json
from pipeline_store.entity import fields_of
from pipeline_store.tasks import ERRORS, GATES, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from rich.text import Text

    from pipeline_store.channels import Channel
    from pipeline_store.services.gates import GateReview
    from pipeline_store.services.task_outlook import Obstacle
    from pipeline_store.services.tasks_overview import TaskStory
    from pipeline_store.tasks import Task

WIDE: Final = 110
"""Columns of a terminal in which the list of tasks has room for times and workers."""

_INNER: Final = {"rank"}
"""Fields that serve the queue and tell nobody anything."""

_STATE_COLOURS: Final[dict[str, tables.Colour]] = {"open": "", "overdue": "red"}


def task_as_mapping(task: Task, channel: Channel) -> dict[str, Any]:
    """Return a task's fields, and the name of its channel."""
    return {**_fields(task), "channel": channel.channel_id}


def story_as_mapping(story: TaskStory, waits_for: Iterable[Obstacle]) -> dict[str, Any]:
    """Return a task with what it waits for, its history and its times, which are in seconds."""
    return {
        **task_as_mapping(story.task, story.channel),
        "waits_for": [attrs.asdict(obstacle) for obstacle in waits_for],
        "history": [move for move in story.moves if move is not None],
        "stays": [
            {
                "status": stay.status,
                "since": stay.since,
                "until": stay.until,
                "seconds": stay.duration,
                "at_gate": stay.at_gate,
            }
            for stay in story.stays
        ],
        "seconds_by_status": story.time_by_status,
        "seconds_at_gates": story.time_at_gates,
    }


def review_as_mapping(review: GateReview, channel: Channel) -> dict[str, Any]:
    """Return a task that waits at a gate in the terms of JSON."""
    return {
        "task_id": review.task.id,
        "channel": channel.channel_id,
        "status": review.task.status,
        "review": review.review,
        "waited_seconds": review.waiting.total_seconds(),
        "state": _review_state(review),
        "is_held": not review.is_open,
        "deadline": in_json(review.answer_until if review.is_open else None),
        "task": _fields(review.task),
    }


def print_tasks(listed: Iterable[tuple[Task, Channel]], now: datetime) -> None:
    """Print tasks, with the time in their status and their workers where there is room."""
    is_wide = tables.console().width >= WIDE
    table = tables.new_table()
    tables.add_exact_column(table, "id")
    tables.add_exact_column(table, "status")
    tables.add_text_column(table, "channel")
    tables.add_text_column(table, "title", at_least=8)
    if is_wide:
        tables.add_exact_column(table, "pri")
        tables.add_exact_column(table, "for", number=True)
        tables.add_text_column(table, "worker")
    for task, channel in listed:
        cells = (str(task.id), _status(task.status), channel.channel_id, task.title)
        more = (task.priority, tables.length(now - task.status_since), task.worker)
        tables.add_row(table, (*cells, *(more if is_wide else ())))
    tables.print_table(table, "no tasks")


def print_story(story: TaskStory, waits_for: Iterable[Obstacle]) -> None:
    """Print all about one task, what it waits for, and where its time went."""
    task = story.task
    print_facts(
        [
            ("task", str(task.id)),
            ("title", task.title),
            ("channel", story.channel.channel_id),
            ("status", _status(task.status)),
            ("waits for", lines_of("\n".join(map(_spelled, waits_for)) or "its turn")),
            ("failed stage", task.failed_stage),
            ("review", str(task.review_token) if task.status in GATES else None),
            ("held", second(task.held_at)),
            ("priority", task.priority),
            ("Notion page", task.notion_page_id),
            ("topic", task.topic),
            ("story direction", lines_of(task.story_direction)),
            ("worker", task.worker),
            ("lease ends", second(task.lease_expires_at)),
            ("YouTube", task.youtube_url),
            ("errors", lines_of(task.error_log)),
            ("added", second(task.created_at)),
            ("changed", second(task.updated_at)),
            ("at gates", span(story.time_at_gates)),
        ]
    )
    tables.say("")
    table = tables.new_table()
    tables.add_exact_column(table, "status")
    tables.add_exact_column(table, "since (UTC)")
    tables.add_exact_column(table, "for", number=True)
    tables.add_text_column(table, "moved on by")
    tables.add_text_column(table, "reason", at_least=8)
    for stay, move in zip(story.stays, story.moves, strict=True):
        if move is None:
            by, reason = tables.cell("still there", "dim"), None
        else:
            by, reason = tables.cell(move.actor), move.reason
        row = (_status(stay.status), tables.instant(stay.since), span(stay.duration), by, reason)
        tables.add_row(table, row)
    tables.print_table(table, "")


def print_reviews(waiting: Iterable[tuple[GateReview, Channel]]) -> None:
    """Print the tasks that wait at a gate."""
    is_wide = tables.console().width >= WIDE
    table = tables.new_table()
    tables.add_exact_column(table, "task")
    tables.add_text_column(table, "channel", at_least=4)
    tables.add_text_column(table, "gate", at_least=6)
    tables.add_exact_column(table, "rev", number=True)
    tables.add_exact_column(table, "waited", number=True)
    tables.add_exact_column(table, "state")
    if is_wide:
        tables.add_exact_column(table, "answer until (UTC)")
    for review, channel in waiting:
        state = _review_state(review)
        colour = _STATE_COLOURS.get(state, "yellow")
        cells = (
            str(review.task.id),
            channel.channel_id,
            review.task.status,
            review.review,
            tables.length(review.waiting),
            tables.cell(state, colour),
        )
        deadline = tables.instant(review.answer_until) if review.is_open else None
        tables.add_row(table, (*cells, deadline) if is_wide else cells)
    tables.print_table(table, "no task waits at a gate")


def print_counts(counts: Mapping[TaskStatus, int]) -> None:
    """Print how many tasks are in each status."""
    table = tables.new_table()
    tables.add_exact_column(table, "tasks in")
    tables.add_exact_column(table, "count", number=True)
    for status, count in counts.items():
        tables.add_row(table, (_status(status), count))
    tables.print_table(table, "no tasks")


def _spelled(obstacle: Obstacle) -> str:
    until = second(obstacle.until)
    return obstacle.reason if until is None else f"{obstacle.reason}, until {until}"


def _fields(task: Task) -> dict[str, Any]:
    names = (field.name for field in fields_of(type(task)))
    return {name: getattr(task, name) for name in names if name not in _INNER}


def _review_state(review: GateReview) -> str:
    if not review.is_open:
        return "held"
    if review.is_overdue:
        return "overdue"
    return "open" if review.warned_at is None else "warned"


def _status(status: TaskStatus) -> Text:
    if status in ERRORS:
        return tables.cell(status, "red")
    if status in GATES:
        return tables.cell(status, "yellow")
    return tables.cell(status, "green" if status == TaskStatus.PUBLISHED else "")
