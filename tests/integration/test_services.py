"""One run from discovery to analytics, by the same service code on all six stores."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

import pytest

from pipeline_store import open_async_store, open_store
from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.production import (
    DiscoveredVideo,
    ErrorLog,
    Processed,
    ReviewAction,
    RunStatus,
    Script,
    Short,
    TTSAudio,
)
from pipeline_store.services import overview, pauses, publishing, reviews, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import UnitOfWork

T = TypeVar("T")

MORNING = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
BEYOND_32_BITS = 2**33


class SetClock:
    """Stands at the start of the cycle until it is set."""

    def __init__(self) -> None:
        self.time = MORNING

    def __call__(self) -> datetime:
        return self.time

    def set(self, **since_morning: float) -> None:
        """Sets the time that has passed since the start of the cycle."""
        self.time = MORNING + timedelta(**since_morning)


class Does(Protocol):
    """Runs a service with a unit of work of its own, and commits."""

    def __call__(self, service: Callable[[UnitOfWork], T]) -> T: ...


@contextmanager
def directly(url: str, clock: SetClock) -> Iterator[Does]:
    """The synchronous store: with a unit of work, call, commit."""
    store = open_store(url, clock=clock)
    store.upgrade()

    def does(service: Callable[[UnitOfWork], T]) -> T:
        with store.unit_of_work() as uow:
            result = service(uow)
            uow.commit()
            return result

    yield does
    store.close()


@contextmanager
def awaited(url: str, clock: SetClock) -> Iterator[Does]:
    """The asynchronous store: `await store.run(service)`."""
    with asyncio.Runner() as runner:
        store = open_async_store(url, clock=clock)
        runner.run(store.upgrade())

        def does(service: Callable[[UnitOfWork], T]) -> T:
            return runner.run(store.run(service))

        yield does
        runner.run(store.close())


@pytest.fixture
def clock() -> SetClock:
    """The clock of the store."""
    return SetClock()


@pytest.fixture(
    params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
)
def url(request: pytest.FixtureRequest) -> str:
    """Where an empty store is."""
    match request.param:
        case "memory":
            return "memory://"
        case kind:
            return str(request.getfixturevalue(f"{kind}_url"))


@pytest.fixture(params=[directly, awaited])
def does(request: pytest.FixtureRequest, url: str, clock: SetClock) -> Iterator[Does]:
    """Services on that store, in either colour."""
    with request.param(url, clock) as way:
        yield way


def discover(uow: UnitOfWork) -> None:
    for number in range(1, 10):
        uow.discovered_videos.record(
            DiscoveredVideo(
                video_id=f"video-{number:05}",
                title=f"Title {number}",
                channel_name="",
                channel_id="",
                url="",
                niche="gaming",
                view_count=BEYOND_32_BITS + number,
            )
        )


def open_run(uow: UnitOfWork) -> int:
    run = uow.pipeline_runs.for_cycle("gaming", MORNING, MORNING + timedelta(hours=6))
    run.start(uow.now())
    for rank, video in enumerate(uow.discovered_videos.pending("gaming"), start=1):
        runs.cut_clip(uow, run.id, video.id, rank=rank, start_seconds=3, end_seconds=28)
        video.processed = Processed.USED
    return run.id


def produce(uow: UnitOfWork, run_id: int, words: str) -> None:
    clips = uow.clips.for_run(run_id, skipped=False)
    uow.scripts.add(Script(pipeline_run_id=run_id, opening_text=f"{len(clips)} clips, {words}"))
    uow.tts_audio.add(TTSAudio(pipeline_run_id=run_id, engine_used="voice"))
    uow.pipeline_runs.get(run_id).video_file_path = f"{words}.mp4"
    if not uow.shorts.for_run(run_id):
        uow.shorts.add(Short(pipeline_run_id=run_id, clip_id=clips[0].id))
    reviews.request(uow, run_id)


def upload(uow: UnitOfWork, run_id: int) -> None:
    publishing.upload_run(uow, run_id, "abcdefghijk")
    for short in uow.shorts.for_run(run_id):
        publishing.upload_short(uow, short.id, "short-abcde")


def measure(uow: UnitOfWork, views: int) -> None:
    uow.analytics.record_many(
        {"youtube_video_id": video, "view_count": views} for video in ("abcdefghijk", "short-abcde")
    )


def test_one_run_from_discovery_to_analytics(does: Does, clock: SetClock) -> None:
    """Discovered, cut, told, asked about, sent back, held, uploaded and measured."""
    does(discover)
    does(lambda uow: pauses.pause_niche(uow, "music"))
    clock.set(minutes=5)
    run_id = does(open_run)
    assert does(lambda uow: uow.discovered_videos.pending("gaming")) == []
    clock.set(minutes=30)
    does(lambda uow: produce(uow, run_id, "first"))

    clock.set(hours=1)
    with pytest.raises(InvalidValue):
        does(lambda uow: reviews.skip(uow, run_id, [4, 10]))
    with pytest.raises(IllegalTransition):
        does(lambda uow: upload(uow, run_id))
    does(lambda uow: reviews.skip(uow, run_id, [4, 7]))
    does(lambda uow: reviews.redo_script(uow, run_id))
    clock.set(hours=2)
    does(lambda uow: produce(uow, run_id, "second"))

    clock.set(hours=6)
    assert len(does(lambda uow: uow.reviews.hold_overdue())) == 1
    [waiting] = does(reviews.queue)
    assert (waiting.run.id, waiting.is_held) == (run_id, True)
    clock.set(hours=9)
    does(lambda uow: upload(uow, run_id))
    does(lambda uow: uow.errors.add(ErrorLog(module="m", error_type="E", error_message="x")))
    for day in (1, 2):
        clock.set(days=day)
        does(lambda uow, views=BEYOND_32_BITS * day: measure(uow, views))

    run = does(lambda uow: uow.pipeline_runs.get(run_id))
    assert (run.status, run.youtube_video_id) == (RunStatus.UPLOADED, "abcdefghijk")
    assert run.completed_at == MORNING + timedelta(hours=9)
    assert run.video_file_path == "second.mp4"
    newest = does(lambda uow: uow.scripts.newest_for(run_id))
    assert newest is not None
    assert newest.opening_text == "7 clips, second"
    assert [row.action for row in does(lambda uow: uow.reviews.for_run(run_id))] == [
        ReviewAction.SKIP,
        ReviewAction.REDO_SCRIPT,
        ReviewAction.HOLD,
        ReviewAction.APPROVE,
    ]
    numbers = does(overview.statistics)
    assert (numbers.uploaded_videos, numbers.uploaded_shorts) == (1, 1)
    assert (numbers.views, numbers.unresolved_errors) == (BEYOND_32_BITS * 4, 1)
    assert numbers.measured_at == MORNING + timedelta(days=2)
    [gaming, music] = does(overview.status)
    assert (gaming.niche, gaming.pending_videos, gaming.runs_by_status) == (
        "gaming",
        0,
        {"uploaded": 1},
    )
    assert gaming.last_upload is not None
    assert gaming.last_upload.id == run_id
    assert (music.niche, music.is_paused) == ("music", True)


def test_a_service_that_fails_leaves_nothing_behind(does: Does, clock: SetClock) -> None:
    """What it did before the error is undone with it."""
    does(discover)
    run_id = does(open_run)
    does(lambda uow: produce(uow, run_id, "first"))
    clock.set(hours=5)

    def answer_and_fail(uow: UnitOfWork) -> None:
        reviews.hold(uow, run_id)
        reviews.skip(uow, run_id, [99])

    with pytest.raises(InvalidValue):
        does(answer_and_fail)
    [asked] = does(lambda uow: uow.reviews.for_run(run_id))
    assert asked.is_open


def test_a_late_answer_stands_beside_the_hold(does: Does, clock: SetClock) -> None:
    """The request is held, the answer has a row of its own, and nothing is left to hold."""
    does(discover)
    run_id = does(open_run)
    does(lambda uow: produce(uow, run_id, "first"))
    clock.set(hours=5)
    does(lambda uow: reviews.approve(uow, run_id))
    assert does(lambda uow: uow.reviews.hold_overdue()) == []
    [held, approved] = does(lambda uow: uow.reviews.for_run(run_id))
    assert (held.action, held.auto_held) == (ReviewAction.HOLD, 1)
    assert (approved.action, approved.auto_held) == (ReviewAction.APPROVE, 0)
