"""Rows of other programs that hold nothing where this package always writes something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from pipeline_store import open_store
from pipeline_store.errors import IllegalTransition
from pipeline_store.production import (
    ErrorLog,
    PipelineRun,
    ReviewAction,
    ReviewLog,
    RunStatus,
    Script,
    TTSAudio,
)
from pipeline_store.services import reviews, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def store(new_url: Callable[[], str]) -> Iterator[Store]:
    """A store on a database with the newest schema."""
    store = open_store(new_url())
    yield store
    store.close()


def change(store: Any, *statements: str) -> None:
    """Does what another program does."""
    with store.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def a_run_in_review(store: Store) -> int:
    with store.unit_of_work() as uow:
        run = uow.pipeline_runs.for_cycle("gaming", START, START + timedelta(hours=6))
        run.start(START)
        reviews.request(uow, run.id)
        uow.commit()
    change(store, "UPDATE review_log SET sent_at = NULL, auto_held = NULL")
    return run.id


def test_a_request_without_a_time_is_shown(store: Store) -> None:
    """How long it has waited is not known, and nobody holds it."""
    run_id = a_run_in_review(store)
    with store.unit_of_work() as uow:
        (waiting,) = reviews.queue(uow)
        assert (waiting.run.id, waiting.waited) == (run_id, timedelta(0))
        assert uow.reviews.hold_overdue() == []


@pytest.mark.parametrize(
    "answer", [reviews.approve, reviews.reject, reviews.hold, reviews.redo_script]
)
def test_a_request_without_a_time_is_answered(store: Store, answer: Callable[..., Any]) -> None:
    """The answer closes it, as one that came in time."""
    run_id = a_run_in_review(store)
    with store.unit_of_work() as uow:
        answer(uow, run_id)
        uow.commit()
    with store.unit_of_work() as uow:
        (row,) = uow.reviews.for_run(run_id)
        assert not row.is_open
        assert not row.auto_held


def test_what_tells_no_time_is_older_than_all_that_does(store: Store) -> None:
    """It is not taken for the newest answer, script, voice or error."""
    run_id = a_run_in_review(store)
    with store.unit_of_work() as uow:
        uow.reviews.add(ReviewLog(pipeline_run_id=run_id, sent_at=START, auto_held=1))
        for text in ("first", "second"):
            uow.scripts.add(Script(pipeline_run_id=run_id, opening_text=text))
            uow.tts_audio.add(TTSAudio(pipeline_run_id=run_id, engine_used=text))
            uow.errors.add(ErrorLog(module=text, error_type="", error_message=""))
        uow.commit()
    change(
        store,
        "UPDATE scripts SET generated_at = NULL WHERE opening_text = 'second'",
        "UPDATE tts_audio SET generated_at = NULL WHERE engine_used = 'second'",
        "UPDATE error_log SET occurred_at = NULL WHERE module = 'second'",
    )
    with store.unit_of_work() as uow:
        assert [row.sent_at for row in uow.reviews.for_run(run_id)] == [None, START]
        assert [row.sent_at for row in uow.reviews.waiting()] == [None, START]
        newest = uow.reviews.open_for(run_id)
        assert newest is not None
        assert newest.sent_at == START
        scripts = [script.opening_text for script in uow.scripts.for_run(run_id)]
        assert scripts == ["second", "first"]
        voices = [voice.engine_used for voice in uow.tts_audio.for_run(run_id)]
        assert voices == ["second", "first"]
        assert [error.module for error in uow.errors.recent()] == ["first", "second"]


def test_a_run_that_counts_no_retries(store: Store) -> None:
    """It has been retried never, and can be as often as any other."""
    with store.unit_of_work() as uow:
        end = START + timedelta(hours=6)
        failed = PipelineRun(
            niche="gaming", cycle_start=START, cycle_end=end, status=RunStatus.FAILED
        )
        run_id = uow.pipeline_runs.add(failed).id
        uow.commit()
    change(store, "UPDATE pipeline_runs SET retry_count = NULL")
    with store.unit_of_work() as uow, pytest.raises(IllegalTransition, match="retried 0 times"):
        runs.retry(uow, run_id, limit=0)
    with store.unit_of_work() as uow:
        assert runs.retry(uow, run_id).retry_count == 1
        uow.commit()


def test_an_answer_that_tells_nothing(store: Store) -> None:
    """A skip of no clip in particular skips none."""
    run_id = a_run_in_review(store)
    with store.unit_of_work() as uow:
        reviews.redo_script(uow, run_id)
        uow.commit()
    change(store, "UPDATE review_log SET action = 'skip', response_detail = NULL")
    with store.unit_of_work() as uow:
        (row,) = uow.reviews.for_run(run_id)
        assert (row.action, row.response_detail) == (ReviewAction.SKIP, None)
        assert uow.clips.for_run(run_id, skipped=False) == []
