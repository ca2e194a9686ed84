"""Uploading: nothing goes out that a person has not approved."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import IllegalTransition
from pipeline_store.production import ReviewAction, RunStatus, ShortStatus
from pipeline_store.services import publishing, reviews
from tests.unit.services.made_up import (
    IN_EACH_STATUS,
    a_run_in_review,
    an_approved_run,
    an_uploaded_run,
)
from tests.whole_store import everything_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.production import PipelineRun
    from tests.unit.services.conftest import SetClock

NOT_APPROVED = ["pending", "running", "review", "failed"]


def test_an_approved_run_is_uploaded(uow: UnitOfWork, clock: SetClock) -> None:
    """It keeps the video's id, where it is watched and when it was done."""
    run = publishing.upload_run(uow, an_approved_run(uow).id, "abcdefghijk")
    assert run.status == RunStatus.UPLOADED
    assert run.youtube_video_id == "abcdefghijk"
    assert run.youtube_url == "https://www.youtube.com/watch?v=abcdefghijk"
    assert run.completed_at == clock.time


def test_a_url_that_is_given_is_kept(uow: UnitOfWork) -> None:
    """YouTube's own answer is not replaced by one of ours."""
    run = publishing.upload_run(uow, an_approved_run(uow).id, "abcdefghijk", "https://youtu.be/a")
    assert run.youtube_url == "https://youtu.be/a"


@pytest.mark.parametrize("status", NOT_APPROVED)
def test_what_nobody_has_approved_is_not_uploaded(store: Store, status: str) -> None:
    """Neither the run nor its short, and nothing is changed."""
    with store.unit_of_work() as uow:
        run = IN_EACH_STATUS[status](uow)
        [short] = uow.shorts.for_run(run.id)
        uow.commit()
        before = everything_in(uow)
    with store.unit_of_work() as uow:
        with pytest.raises(IllegalTransition):
            publishing.upload_run(uow, run.id, "abcdefghijk")
        with pytest.raises(IllegalTransition):
            publishing.upload_short(uow, short.id, "abcdefghijk")
        uow.commit()
    with store.unit_of_work() as uow:
        assert everything_in(uow) == before


def held_by_a_person(uow: UnitOfWork, _clock: SetClock) -> PipelineRun:
    run = a_run_in_review(uow)
    reviews.hold(uow, run.id)
    return run


def held_by_the_deadline(uow: UnitOfWork, clock: SetClock) -> PipelineRun:
    run = a_run_in_review(uow)
    clock.let_pass(timedelta(hours=4))
    uow.reviews.hold_overdue()
    return run


@pytest.mark.parametrize("held", [held_by_a_person, held_by_the_deadline])
def test_uploading_a_held_run_records_the_approval_first(
    uow: UnitOfWork, clock: SetClock, held: Callable[[UnitOfWork, SetClock], PipelineRun]
) -> None:
    """The log has the hold, then an approval with a row of its own."""
    run = held(uow, clock)
    clock.let_pass(timedelta(hours=2))
    publishing.upload_run(uow, run.id, "abcdefghijk")
    assert [row.action for row in uow.reviews.for_run(run.id)] == [
        ReviewAction.HOLD,
        ReviewAction.APPROVE,
    ]
    assert uow.reviews.for_run(run.id)[1].responded_at == clock.time
    assert run.status == RunStatus.UPLOADED


def test_a_held_run_that_was_asked_about_again_waits_for_the_answer(uow: UnitOfWork) -> None:
    """The open question is not answered by an upload."""
    run = a_run_in_review(uow)
    reviews.hold(uow, run.id)
    reviews.request(uow, run.id)
    with pytest.raises(IllegalTransition):
        publishing.upload_run(uow, run.id, "abcdefghijk")


def test_an_overdue_request_is_no_approval(uow: UnitOfWork, clock: SetClock) -> None:
    """Until it is held, nobody has decided that a person will see to it."""
    run = a_run_in_review(uow)
    clock.let_pass(timedelta(hours=5))
    with pytest.raises(IllegalTransition):
        publishing.upload_run(uow, run.id, "abcdefghijk")
    assert run.status == RunStatus.REVIEW


def test_saying_the_same_upload_twice_changes_nothing(uow: UnitOfWork, clock: SetClock) -> None:
    """An uploader that crashed after the upload may tell of it again."""
    run = an_uploaded_run(uow)
    first = run.completed_at
    clock.let_pass(timedelta(hours=1))
    assert publishing.upload_run(uow, run.id, "uploaded-01") is run
    assert run.completed_at == first


def test_an_uploaded_run_keeps_its_video(uow: UnitOfWork) -> None:
    """Another id would lose the video whose views are measured."""
    run = an_uploaded_run(uow)
    with pytest.raises(IllegalTransition, match="uploaded-01"):
        publishing.upload_run(uow, run.id, "uploaded-02")
    assert run.youtube_video_id == "uploaded-01"


@pytest.mark.parametrize("make", [an_approved_run, an_uploaded_run])
def test_a_short_of_an_approved_run_is_uploaded(
    uow: UnitOfWork, clock: SetClock, make: Callable[[UnitOfWork], PipelineRun]
) -> None:
    """Before or after the run itself."""
    [short] = uow.shorts.for_run(make(uow).id)
    publishing.upload_short(uow, short.id, "short-of-it")
    assert (short.status, short.youtube_video_id) == (ShortStatus.UPLOADED, "short-of-it")
    assert short.youtube_url == "https://www.youtube.com/shorts/short-of-it"
    assert short.uploaded_at == clock.time


def test_an_uploaded_short_keeps_its_video(uow: UnitOfWork) -> None:
    """Saying the same twice is safe, saying something else is refused."""
    [short] = uow.shorts.for_run(an_approved_run(uow).id)
    publishing.upload_short(uow, short.id, "short-of-it")
    assert publishing.upload_short(uow, short.id, "short-of-it") is short
    with pytest.raises(IllegalTransition, match="short-of-it"):
        publishing.upload_short(uow, short.id, "another-one")
    assert short.youtube_video_id == "short-of-it"
