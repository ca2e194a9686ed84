"""The work of a run: clips within the limit, and so many tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.production import ExtractionMethod, RunStatus
from pipeline_store.services import runs
from tests.unit.services.made_up import IN_EACH_STATUS, a_failed_run, a_run_in_review

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork


def test_a_clip_of_25_seconds_is_cut(uow: UnitOfWork) -> None:
    """Its duration is end - start, and it says how it was found."""
    run = a_run_in_review(uow, clips=1)
    video_id = uow.clips.for_run(run.id)[0].discovered_video_id
    clip = runs.cut_clip(
        uow,
        run.id,
        video_id,
        rank=2,
        start_seconds=10.5,
        end_seconds=35.5,
        method=ExtractionMethod.TRANSCRIPT,
    )
    assert (clip.clip_duration_seconds, clip.extraction_method) == (25.0, "transcript")
    assert uow.clips.for_run(run.id)[1] is clip


def test_where_a_clip_of_25_seconds_begins_does_not_matter(uow: UnitOfWork) -> None:
    """Of tenths of seconds, as players show them, the difference is often a trifle above 25."""
    run = a_run_in_review(uow, clips=1)
    video_id = uow.clips.for_run(run.id)[0].discovered_video_id
    for tenths in range(600):
        start, end = tenths / 10, (tenths + 250) / 10
        runs.cut_clip(uow, run.id, video_id, rank=2, start_seconds=start, end_seconds=end)
    assert len(uow.clips.for_run(run.id)) == 601


@pytest.mark.parametrize(("start", "end"), [(0, 25.001), (5, 5), (6, 5)])
def test_a_clip_that_is_too_long_or_not_forward_is_refused(
    uow: UnitOfWork, start: float, end: float
) -> None:
    """Nothing is added."""
    run = a_run_in_review(uow, clips=1)
    with pytest.raises(InvalidValue):
        runs.cut_clip(uow, run.id, 1, rank=2, start_seconds=start, end_seconds=end)
    assert len(uow.clips.for_run(run.id)) == 1


def test_the_longest_clip_is_an_argument(uow: UnitOfWork) -> None:
    """A pipeline of longer clips says so."""
    run = a_run_in_review(uow, clips=1)
    video_id = uow.clips.for_run(run.id)[0].discovered_video_id
    clip = runs.cut_clip(
        uow, run.id, video_id, rank=2, start_seconds=0, end_seconds=30, longest_seconds=30
    )
    assert clip.clip_duration_seconds == 30


def test_a_failed_run_is_retried_3_times(uow: UnitOfWork) -> None:
    """Each retry counts, and the fourth is refused."""
    run = a_failed_run(uow)
    for count in (1, 2, 3):
        runs.retry(uow, run.id)
        assert (run.status, run.retry_count) == (RunStatus.PENDING, count)
        run.start(uow.now())
        run.fail("again", uow.now())
    with pytest.raises(IllegalTransition, match="retried 3 times"):
        runs.retry(uow, run.id)
    assert (run.status, run.retry_count) == (RunStatus.FAILED, 3)


def test_the_number_of_retries_is_an_argument(uow: UnitOfWork) -> None:
    """With a limit of 0 there is none."""
    run = a_failed_run(uow)
    with pytest.raises(IllegalTransition):
        runs.retry(uow, run.id, limit=0)
    assert run.retry_count == 0


@pytest.mark.parametrize("status", ["pending", "running", "review", "approved", "uploaded"])
def test_only_a_failed_run_is_retried(uow: UnitOfWork, status: str) -> None:
    """Any other is left as it is."""
    run = IN_EACH_STATUS[status](uow)
    with pytest.raises(IllegalTransition):
        runs.retry(uow, run.id)
    assert (run.status, run.retry_count) == (status, 0)
