"""How a run moves: every pair of statuses, by method and by assignment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.production import RUN_MOVES, PipelineRun, RunStatus
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import sample, values_of

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

LEGAL = {
    ("pending", "running"),
    ("running", "review"),
    ("running", "failed"),
    ("review", "approved"),
    ("review", "running"),
    ("review", "failed"),
    ("approved", "uploaded"),
    ("approved", "failed"),
}
PAIRS = [(found, wanted) for found in RunStatus for wanted in RunStatus]

METHODS: dict[str, tuple[Callable[[PipelineRun], None], set[str], str]] = {
    "start": (lambda run: run.start(NOON), {"pending"}, "running"),
    "send_to_review": (lambda run: run.send_to_review(), {"running"}, "review"),
    "back_to_work": (lambda run: run.back_to_work(), {"review"}, "running"),
    "approve": (lambda run: run.approve(), {"review"}, "approved"),
    "mark_uploaded": (lambda run: run.mark_uploaded("v", "u", NOON), {"approved"}, "uploaded"),
    "fail": (lambda run: run.fail("why", NOON), {"running", "review", "approved"}, "failed"),
    "retry": (lambda run: run.retry(), {"failed"}, "pending"),
}


def run_in(status: str, **fields: Any) -> PipelineRun:
    made: PipelineRun = sample("pipeline_runs", status=status, **fields)
    return made


@in_turn("found, wanted", PAIRS)
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "member"])
def test_by_assignment(found: RunStatus, wanted: RunStatus, plain: bool) -> None:
    """An assignment is a legal move, stays where it is, or is refused with what is legal."""
    run = run_in(found)
    before = values_of(run)
    given: Any = wanted.value if plain else wanted
    if found == wanted or (found, wanted) in LEGAL:
        run.status = given
        assert run.status is wanted
        return
    with pytest.raises(IllegalTransition) as refused:
        run.status = given
    assert values_of(run) == before
    assert refused.value.found == found
    assert refused.value.wanted.startswith(wanted)
    assert set(refused.value.legal) == {after for start, after in LEGAL if start == found}


@in_turn("found", list(RunStatus))
@pytest.mark.parametrize("method", METHODS)
def test_by_method(method: str, found: RunStatus) -> None:
    """Each method moves from its own statuses only, and changes nothing elsewhere."""
    call, sources, target = METHODS[method]
    run = run_in(found)
    before = values_of(run)
    if found in sources:
        call(run)
        assert run.status == target
        return
    with pytest.raises(IllegalTransition):
        call(run)
    assert values_of(run) == before


def test_the_moves_as_data() -> None:
    """The table of moves says what the rules say: retry alone leaves failed."""
    moves = {(str(found), str(wanted)) for found, after in RUN_MOVES.items() for wanted in after}
    assert moves == LEGAL
    assert set(RUN_MOVES) == set(RunStatus)


def test_what_methods_keep() -> None:
    """Starting, failing and uploading keep when, why and what YouTube answered."""
    run = run_in("pending", started_at=None, completed_at=None)
    run.start(NOON)
    assert run.started_at == NOON
    run.fail("no space left", NOON + timedelta(hours=1))
    assert (run.error_message, run.completed_at) == ("no space left", NOON + timedelta(hours=1))
    run.retry()
    assert (run.retry_count, run.completed_at) == (3, None)
    run = run_in("approved")
    run.mark_uploaded("v", "https://youtu.be/v", NOON)
    assert (run.youtube_video_id, run.youtube_url) == ("v", "https://youtu.be/v")
    assert run.completed_at == NOON


def test_methods_with_bad_values() -> None:
    """A method with a bad value moves nothing."""
    calls: list[tuple[str, Callable[[Any], None]]] = [
        ("pending", lambda run: run.start("noon")),
        ("pending", lambda run: run.start(None)),
        ("running", lambda run: run.fail(5, NOON)),
        ("running", lambda run: run.fail("why", "noon")),
        ("running", lambda run: run.fail("why", None)),
        ("approved", lambda run: run.mark_uploaded(1, "u", NOON)),
        ("approved", lambda run: run.mark_uploaded("", "u", NOON)),
        ("approved", lambda run: run.mark_uploaded(None, "u", NOON)),
        ("approved", lambda run: run.mark_uploaded("v", b"u", NOON)),
        ("approved", lambda run: run.mark_uploaded("v", "u", "noon")),
        ("approved", lambda run: run.mark_uploaded("v", "u", None)),
    ]
    for status, call in calls:
        run = run_in(status)
        before = values_of(run)
        with pytest.raises(InvalidValue):
            call(run)
        assert values_of(run) == before


class TestRetry:
    """A run that failed is retried a limited number of times."""

    def test_three_times(self) -> None:
        """The fourth retry is refused and counts nothing."""
        run = run_in("failed", retry_count=0)
        for count in (1, 2, 3):
            run.retry()
            assert (run.retry_count, run.status) == (count, RunStatus.PENDING)
            run.start(NOON)
            run.fail("again", NOON)
        with pytest.raises(IllegalTransition, match="retried 3 times, the limit is 3"):
            run.retry()
        assert (run.retry_count, run.status) == (3, RunStatus.FAILED)

    @pytest.mark.parametrize("limit", [0, 1, 5])
    def test_another_limit(self, limit: int) -> None:
        """The limit is the caller's to choose."""
        run = run_in("failed", retry_count=0)
        for _ in range(limit):
            run.retry(limit)
            run.start(NOON)
            run.fail("again", NOON)
        with pytest.raises(IllegalTransition):
            run.retry(limit)
        run.retry(limit + 1)

    @pytest.mark.parametrize("limit", [-1, None, "3", 3.0, True])
    def test_a_limit_that_is_none(self, limit: Any) -> None:
        """A limit that is no count is refused."""
        run = run_in("failed", retry_count=0)
        with pytest.raises(InvalidValue, match="limit"):
            run.retry(limit)
        assert (run.retry_count, run.status) == (0, RunStatus.FAILED)


class TestCycle:
    """A cycle does not end before it starts."""

    def test_made(self) -> None:
        """A run whose cycle ends first cannot be made; an empty cycle can."""
        with pytest.raises(InvalidValue, match="cycle_end"):
            sample("pipeline_runs", cycle_start=NOON, cycle_end=NOON - timedelta(microseconds=1))
        assert sample("pipeline_runs", cycle_start=NOON, cycle_end=NOON).cycle_end == NOON

    def test_assigned(self) -> None:
        """Neither end can be moved past the other."""
        run = sample("pipeline_runs", cycle_start=NOON, cycle_end=NOON + timedelta(hours=6))
        with pytest.raises(InvalidValue, match="cycle_end"):
            run.cycle_end = NOON - timedelta(hours=1)
        with pytest.raises(InvalidValue, match="cycle_start"):
            run.cycle_start = NOON + timedelta(hours=7)
        run.cycle_start = NOON + timedelta(hours=6)
        assert run.cycle_end == NOON + timedelta(hours=6)


def test_statuses_of_other_programs() -> None:
    """A status that another program wrote loads as plain text, and leads nowhere."""
    run = run_in("pending")
    vars(run)["status"] = "archived"
    for wanted in RunStatus:
        with pytest.raises(IllegalTransition, match="is archived"):
            run.status = wanted
    with pytest.raises(IllegalTransition, match="archived"):
        run.retry()
