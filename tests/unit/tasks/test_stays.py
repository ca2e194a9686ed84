"""How long a task was in each status, read from its history."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline_store.tasks import GATES, TaskStatus, stays
from tests.unit.tasks.made_up import NOON, a_move


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def test_without_a_history_it_is_where_it_was_added() -> None:
    [stay] = stays(TaskStatus.DRAFT, NOON, [], NOON + minutes(9))
    assert (stay.status, stay.since, stay.until) == (TaskStatus.DRAFT, NOON, None)
    assert stay.duration == minutes(9)


def test_every_move_ends_one_and_begins_the_next() -> None:
    moves = [
        a_move("generating_video", "video_ready", 3),
        a_move("video_ready", "video_error", 63),
        a_move("video_error", "generating_video", 65),
        a_move("generating_video", "video_ready", 70),
    ]
    found = list(stays(TaskStatus.GENERATING_VIDEO, NOON, moves, NOON + minutes(100)))
    assert [(str(stay.status), stay.duration, stay.at_gate) for stay in found] == [
        ("generating_video", minutes(3), False),
        ("video_ready", minutes(60), True),
        ("video_error", minutes(2), False),
        ("generating_video", minutes(5), False),
        ("video_ready", minutes(30), True),
    ]
    assert [stay.until for stay in found] == [*(move.moved_at for move in moves), None]
    assert [stay.since for stay in found] == [NOON, *(move.moved_at for move in moves)]
    assert sum((stay.duration for stay in found), minutes(0)) == minutes(100)


@pytest.mark.parametrize("status", TaskStatus)
def test_only_gates_wait_for_a_person(status: TaskStatus) -> None:
    [stay] = stays(status, NOON, [], NOON)
    assert stay.at_gate == (status in GATES)
