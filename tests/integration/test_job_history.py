"""What is said of the histories of workers: every kind of wrong one is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.integration.job_history import (
    BEATEN,
    CLAIMED,
    DONE,
    GIVEN_UP,
    GIVES_UP,
    KILLED,
    LATE,
    RAISED,
    REFUSED,
    RESUMES,
    Diary,
    Event,
    Outcome,
    judge,
    read_diaries,
)

if TYPE_CHECKING:
    from pathlib import Path

SOUND = Outcome(job="a", status="completed", token=1, effects=(1,))


def events(*told: dict[str, Any]) -> list[Event]:
    """A history, in order; of one process and one job unless it says otherwise."""
    usual = {"process": 1, "job": "a", "job_type": "scrape", "token": 1}
    return [Event(**usual | {"at": at} | each) for at, each in enumerate(told)]


def claimed(token: int, begins: float, ends: float, **more: Any) -> dict[str, Any]:
    return {"what": CLAIMED, "token": token, "begins": begins, "ends": ends} | more


def said(what: str, token: int = 1, **more: Any) -> dict[str, Any]:
    return {"what": what, "token": token} | more


def found(*told: dict[str, Any], outcome: Outcome = SOUND) -> list[str]:
    return judge(events(*told), [outcome], "publish").violations


def test_a_sound_history() -> None:
    last = Outcome(job="a", status="completed", token=4, effects=(4,))
    history = [
        claimed(1, 10.0, 20.0),
        said(KILLED, process=9, detail="1"),
        claimed(2, 21.0, 31.0, process=2),
        said(GIVES_UP, 2, process=2),
        said(GIVEN_UP, 2, process=2),
        claimed(3, 23.0, 33.0, process=2),
        said(LATE, 3, process=2),
        said(REFUSED, 3, process=2),
        said(RESUMES, process=8),
        claimed(4, 34.0, 44.0, process=3, job_type="publish"),
        said(BEATEN, 4, process=3, ends=46.0),
        said(DONE, 4, process=3),
    ]
    verdict = judge(events(*history), [last], "publish")
    assert verdict.violations == []
    assert (verdict.claims, verdict.kills, verdict.killed_inside) == (4, 1, 1)
    assert (verdict.refused, verdict.given_up, verdict.claimed_after_the_pause) == (1, 1, 1)
    verdict.refuse_unless_conclusive()


@pytest.mark.parametrize(
    "missing", ["killed_inside", "refused", "given_up", "claimed_after_the_pause"]
)
def test_a_history_in_which_too_little_happened(missing: str) -> None:
    """What was not seen cannot have been right."""
    verdict = attrs.evolve(
        judge([], []), **{field.name: 1 for field in attrs.fields(type(judge([], [])))}
    )
    verdict.refuse_unless_conclusive()
    with pytest.raises(AssertionError, match=f"INCONCLUSIVE: {missing}"):
        attrs.evolve(verdict, **{missing: 0}).refuse_unless_conclusive()


def test_a_kill_outside_of_a_claim_does_not_count() -> None:
    verdict = judge(
        events(claimed(1, 1.0, 2.0), said(DONE), said(KILLED, process=9, detail="1")), [SOUND]
    )
    assert (verdict.kills, verdict.killed_inside) == (1, 0)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (attrs.evolve(SOUND, effects=()), "a has no effect"),
        (attrs.evolve(SOUND, effects=(1, 1)), "a has 2 effects"),
        (attrs.evolve(SOUND, status="retrying"), "a is retrying"),
        (attrs.evolve(SOUND, token=2), "its last claim is 2"),
        (attrs.evolve(SOUND, effects=(2,), token=2), "lost the acknowledged effect of 1"),
    ],
)
def test_a_wrong_outcome(outcome: Outcome, message: str) -> None:
    assert any(message in each for each in found(said(DONE), outcome=outcome))


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([claimed(1, 1.0, 2.0), claimed(1, 3.0, 4.0)], "a was claimed twice as 1"),
        ([claimed(1, 1.0, 2.0), claimed(2, 1.5, 4.0)], "a was claimed 0.500 s before"),
        (
            [claimed(1, 1.0, 2.0), said(BEATEN, ends=3.0), claimed(2, 2.5, 4.0)],
            "a was claimed 0.500 s before",
        ),
        (
            [claimed(1, 1.0, 2.0), said(DONE), claimed(2, 2.5, 4.0)],
            "a was claimed after it was done",
        ),
        (
            [claimed(1, 1.0, 2.0), said(LATE), said(DONE)],
            "a was written after its lease ended",
        ),
        ([said(RAISED, detail="Conflict()")], "Conflict() was raised"),
        (
            [claimed(1, 1.0, 2.0, job_type="publish"), said(RESUMES)],
            "a was claimed while its type was paused",
        ),
        (
            [claimed(1, 1.0, 2.0, job_type="publish")],
            "a was claimed while its type was paused",
        ),
    ],
)
def test_a_wrong_history(history: list[dict[str, Any]], message: str) -> None:
    assert any(message in each for each in found(*history))


def test_diaries_survive_their_writers(tmp_path: Path) -> None:
    """A line that was cut off is left out, all others are read in order."""
    Diary(tmp_path).note(RESUMES)
    Diary(tmp_path).note(KILLED, detail="7")
    (tmp_path / "7.jsonl").write_text('{"process": 7, "at": 1, "what": "claimed"}\n{"process": 7')
    told = [(event.what, event.detail) for event in read_diaries(tmp_path)]
    assert told == [(CLAIMED, ""), (RESUMES, ""), (KILLED, "7")]
