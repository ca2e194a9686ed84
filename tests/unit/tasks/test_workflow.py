"""The table of moves: what it says, and what follows from it by search."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

import pytest

from pipeline_store.tasks import (
    CLAIMABLE,
    ERRORS,
    GATES,
    STAGES,
    PriorityLevel,
    TaskStatus,
    approved_by,
    is_legal,
)

ORDER = """
draft, queued, claimed, generating_assets, assets_ready, assets_approved, generating_composites,
composites_ready, generating_video, video_ready, video_approved, generating_audio, audio_ready,
audio_approved, generating_sfx, sfx_ready, assembling, assembly_ready, final_review, approved,
uploading, published, asset_error, video_error, audio_error, upload_error
"""

TABLE = """
| draft | queued | |
| queued | claimed, draft (withdrawn) | |
| claimed | generating_assets, queued (released), asset_error | generating_assets |
| generating_assets | assets_ready, asset_error | generating_assets |
| assets_ready (gate) | assets_approved, asset_error (rejected) | generating_assets |
| assets_approved | generating_composites, asset_error | generating_composites |
| generating_composites | composites_ready, asset_error | generating_composites |
| composites_ready | generating_video, video_error | generating_video |
| generating_video | video_ready, video_error | generating_video |
| video_ready (gate) | video_approved, video_error (rejected) | generating_video |
| video_approved | generating_audio, audio_error | generating_audio |
| generating_audio | audio_ready, audio_error | generating_audio |
| audio_ready (gate) | audio_approved, audio_error (rejected) | generating_audio |
| audio_approved | generating_sfx, audio_error | generating_sfx |
| generating_sfx | sfx_ready, audio_error | generating_sfx |
| sfx_ready | assembling, video_error | assembling |
| assembling | assembly_ready, video_error | assembling |
| assembly_ready | final_review, video_error | assembling |
| final_review (gate) | approved, video_error (rejected) | assembling |
| approved | uploading, upload_error | uploading |
| uploading | published, upload_error | uploading |
| published | - | |
| asset_error | generating_assets, generating_composites | |
| video_error | generating_video, assembling | |
| audio_error | generating_audio, generating_sfx | |
| upload_error | uploading, final_review | |
"""
"""From, to, and where what failed is retried."""

ROWS = [[cell.strip() for cell in row.strip("|").split("|")] for row in TABLE.strip().splitlines()]
NAMES = ORDER.replace(",", " ").split()

Moves = Mapping[TaskStatus, set[TaskStatus]]

MOVES: Moves = {status: set(stage.moves) for status, stage in STAGES.items()}
NEEDS_APPROVAL = {TaskStatus.APPROVED, TaskStatus.UPLOADING, TaskStatus.UPLOAD_ERROR}
"""Where a film is that a person has let go online."""


def words(cell: str) -> list[str]:
    """The statuses in a cell, without what is said of them."""
    return re.findall(r"\w+", re.sub(r"\(.*?\)", "", cell))


def reached_from(start: TaskStatus, moves: Moves) -> set[TaskStatus]:
    """Every status to which some path leads, the first one included."""
    reached: set[TaskStatus] = set()
    waiting = [start]
    while waiting:
        status = waiting.pop()
        if status not in reached:
            reached.add(status)
            waiting += moves[status]
    return reached


def lost(moves: Moves) -> set[TaskStatus]:
    """The statuses from which no path leads to publication."""
    return {s for s in TaskStatus if TaskStatus.PUBLISHED not in reached_from(s, moves)}


def dead_ends(moves: Moves) -> set[TaskStatus]:
    """The statuses from which nothing leads on."""
    return {status for status in TaskStatus if not moves[status]}


def ways_around_approval(moves: Moves) -> set[tuple[TaskStatus, TaskStatus]]:
    """The moves, beside the final approval, that bring a film among those let go online."""
    entries = {
        (found, wanted)
        for found, wanted in product(TaskStatus, NEEDS_APPROVAL | {TaskStatus.PUBLISHED})
        if wanted in moves[found] and found not in NEEDS_APPROVAL
    }
    return entries - {(TaskStatus.FINAL_REVIEW, TaskStatus.APPROVED)}


def without(moves: Moves, found: TaskStatus, wanted: TaskStatus) -> Moves:
    """The moves without one of them."""
    return {**moves, found: moves[found] - {wanted}}


def with_also(moves: Moves, found: TaskStatus, wanted: TaskStatus) -> Moves:
    """The moves and one more."""
    return {**moves, found: moves[found] | {wanted}}


def test_the_statuses_and_their_order() -> None:
    assert [status.value for status in TaskStatus] == NAMES
    assert list(STAGES) == list(TaskStatus)
    assert len(NAMES) == 26
    assert [level.value for level in PriorityLevel] == ["high", "normal", "low"]


@pytest.mark.parametrize("row", ROWS, ids=[words(row[0])[0] for row in ROWS])
def test_the_rows_of_the_table(row: list[str]) -> None:
    [found], wanted, retry_at = words(row[0]), words(row[1]), words(row[2])
    stage = STAGES[TaskStatus(found)]
    assert [status.value for status in stage.moves] == wanted
    assert [stage.retry_at] == ([TaskStatus(retry_at[0])] if retry_at else [None])
    assert stage.error == next((name for name in wanted if name.endswith("_error")), None)
    assert (found in GATES) == ("(gate)" in row[0]) == ("(rejected)" in row[1])


def test_each_status_has_one_row() -> None:
    assert [words(row[0])[0] for row in ROWS] == NAMES


def test_what_is_legal() -> None:
    """Of all 26 x 26 pairs those of the table, and no move from a status to itself."""
    listed = {(words(row[0])[0], wanted) for row in ROWS for wanted in words(row[1])}
    legal = {pair for pair in product(TaskStatus, TaskStatus) if is_legal(*pair)}
    assert legal == listed
    assert not any(found == wanted for found, wanted in legal)


def test_gates_errors_and_what_workers_may_take() -> None:
    assert GATES == ("assets_ready", "video_ready", "audio_ready", "final_review")
    assert ERRORS == ("asset_error", "video_error", "audio_error", "upload_error")
    unclaimable = {"draft", "published", *GATES, *ERRORS}
    assert list(CLAIMABLE) == [name for name in NAMES if name not in unclaimable]


@pytest.mark.parametrize("gate", GATES)
def test_an_approval_leads_to_one_status(gate: TaskStatus) -> None:
    [approved] = [status for status in STAGES[gate].moves if status not in ERRORS]
    assert approved_by(gate) == approved


@pytest.mark.parametrize("status", [s for s in TaskStatus if STAGES[s].error is not None])
def test_what_fails_can_be_retried_where_its_row_says(status: TaskStatus) -> None:
    error, retry_at = STAGES[status].error, STAGES[status].retry_at
    assert error is not None
    assert retry_at in STAGES[error].moves
    assert retry_at in CLAIMABLE


def test_every_status_reaches_publication() -> None:
    assert lost(MOVES) == set()
    for error in ERRORS:
        assert error in lost({**MOVES, error: set()})


def test_nothing_but_publication_is_a_dead_end() -> None:
    assert dead_ends(MOVES) == {TaskStatus.PUBLISHED}
    assert TaskStatus.AUDIO_ERROR in dead_ends({**MOVES, TaskStatus.AUDIO_ERROR: set()})


def test_every_status_is_reached_from_the_draft() -> None:
    assert reached_from(TaskStatus.DRAFT, MOVES) == set(TaskStatus)


def test_no_path_to_the_upload_avoids_the_final_approval() -> None:
    """Neither from the draft, nor from any status that is not itself behind the approval."""
    unapproved = without(MOVES, TaskStatus.FINAL_REVIEW, TaskStatus.APPROVED)
    for start in set(TaskStatus) - NEEDS_APPROVAL:
        assert TaskStatus.UPLOADING not in reached_from(start, unapproved)
    assert ways_around_approval(MOVES) == set()


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (TaskStatus.ASSEMBLY_READY, TaskStatus.APPROVED),
        (TaskStatus.VIDEO_ERROR, TaskStatus.UPLOADING),
        (TaskStatus.FINAL_REVIEW, TaskStatus.UPLOAD_ERROR),
        (TaskStatus.ASSEMBLING, TaskStatus.PUBLISHED),
    ],
)
def test_a_way_around_the_approval_would_be_found(found: TaskStatus, wanted: TaskStatus) -> None:
    assert ways_around_approval(with_also(MOVES, found, wanted)) == {(found, wanted)}


@pytest.mark.parametrize("gate", GATES)
def test_a_rejected_work_comes_to_its_gate_again(gate: TaskStatus) -> None:
    """What a person has rejected passes the same gate before it goes on."""
    error = STAGES[gate].error
    retry_at = STAGES[gate].retry_at
    assert error is not None
    assert retry_at is not None
    unapproved = without(MOVES, gate, approved_by(gate))
    assert approved_by(gate) not in reached_from(retry_at, unapproved)
