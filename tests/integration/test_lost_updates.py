"""Many processes that change the same objects: no update is lost, and nothing is made twice."""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from pipeline_store.errors import Conflict
from pipeline_store.production import DiscoveredVideo, PipelineRun, ReviewAction, ReviewLog
from tests.conftest import is_on
from tests.integration.conftest import ON_POSTGRES
from tests.integration.racing import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.production import Recorded

SOAK = is_on("PIPELINE_STORE_SOAK")
PROCESSES = 8
UNITS_OF_WORK = 5_000 if SOAK else 104
CYCLES = 1_000 if SOAK else 60
IMPORTED = 20_000 if SOAK else 1_500
REFRESHES = 8 if SOAK else 4
ROUNDS = 300 if SOAK else 15
START = datetime(2026, 3, 1, tzinfo=UTC)
NICHES = ["gaming", "music", "news", "science", "travel"]

pytestmark = pytest.mark.slow


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    """The URL of a database with the newest schema."""
    return new_url()


@pytest.fixture(params=["memory", "sqlite", ON_POSTGRES])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Any store."""
    if request.param == "memory":
        yield open_store("memory://")
        return
    # A fixture with parameters of its own cannot be asked for one of them.
    on_postgres = request.param == "postgresql"
    store = open_store(request.getfixturevalue("postgres_url" if on_postgres else "sqlite_url"))
    yield store
    store.close()


def a_video(video_id: str, views: int = 0) -> DiscoveredVideo:
    return DiscoveredVideo(
        video_id=video_id,
        title="a video",
        channel_name="",
        channel_id="",
        url=f"https://youtu.be/{video_id}",
        niche="gaming",
        view_count=views,
    )


def answers_of(lines: list[str]) -> list[Any]:
    """What the processes answered; an error that one of them raised fails the test."""
    raised = [line for line in lines if line.startswith("raised")]
    assert raised == []
    return [json.loads(line) for line in lines]


def until_done(store: Store, work: Callable[[UnitOfWork], Any]) -> tuple[Any, int, float]:
    """Does the work in a unit of work, again after every conflict.

    Returns its answer, how many conflicts there were, and the seconds that the slowest took.
    """
    conflicts = 0
    slowest = 0.0
    while True:
        began = time.monotonic()
        try:
            with store.unit_of_work() as uow:
                answer = work(uow)
                uow.commit()
        except Conflict:
            conflicts += 1
            time.sleep(random.random() * 0.01)  # noqa: S311 - not a secret
        else:
            return answer, conflicts, max(slowest, time.monotonic() - began)
        finally:
            slowest = max(slowest, time.monotonic() - began)


# -- read, change, write --------------------------------------------------------------------------


def count_up(url: str) -> str:
    """Adds one to a counter of a run and to one of a video, many times."""
    store = open_store(url)
    conflicts = 0
    slowest = 0.0

    def change(uow: UnitOfWork) -> None:
        niche = random.choice(NICHES)  # noqa: S311 - not a secret
        run = uow.pipeline_runs.latest_for(niche)
        video = uow.discovered_videos.by_video_id(f"video {niche}")
        assert run is not None
        assert video is not None
        run.retry_count += 1
        video.view_count = (video.view_count or 0) + 1

    for _ in range(UNITS_OF_WORK // PROCESSES):
        _, met, seconds = until_done(store, change)
        conflicts += met
        slowest = max(slowest, seconds)
    return json.dumps({"conflicts": conflicts, "slowest": slowest})


def test_no_update_of_many_processes_is_lost(url: str) -> None:
    """Eight processes that read, add one and write lose nothing and meet nothing but Conflict."""
    store = open_store(url)
    with store.unit_of_work() as uow:
        for niche in NICHES:
            uow.pipeline_runs.for_cycle(niche, START, START)
            uow.discovered_videos.add(a_video(f"video {niche}"))
        uow.commit()
    answers = answers_of(at_once(count_up, url, PROCESSES))
    with store.unit_of_work(read_only=True) as uow:
        counted = sum(run.retry_count for run in uow.pipeline_runs.page())
        viewed = sum(video.view_count or 0 for video in uow.discovered_videos.page())
    store.close()
    assert counted == viewed == UNITS_OF_WORK
    assert len(answers) == PROCESSES
    conflicts = sum(answer["conflicts"] for answer in answers)
    slowest = max(answer["slowest"] for answer in answers)
    print(f"\n{url[:6]}: {conflicts} conflicts, slowest {slowest:.2f} s")  # noqa: T201
    if url.startswith("sqlite"):
        assert conflicts == 0
        # In a short run with other tests beside it, a time would say nothing.
        assert slowest <= 10 or not SOAK
    else:
        # Without collisions this would show nothing.
        assert conflicts > 0


@pytest.mark.postgres
def test_rows_written_in_opposite_order_end_in_a_conflict(postgres_url: str) -> None:
    """Of two units of work that wait for each other's rows one or both get Conflict, and retry."""
    store = open_store(postgres_url)
    with store.unit_of_work() as uow:
        ids = [uow.pipeline_runs.for_cycle(niche, START, START).id for niche in ("gaming", "music")]
        uow.commit()
    both_hold_one = Barrier(2)

    def change(order: list[int], *, waits: bool) -> None:
        with store.unit_of_work() as uow:
            for key in order:
                uow.pipeline_runs.get(key).retry_count += 1
                # Asking anything writes what was changed so far.
                uow.pipeline_runs.count()
                if waits and key == order[0]:
                    both_hold_one.wait(timeout=20)
            uow.commit()

    def attempt(order: list[int]) -> str:
        try:
            change(order, waits=True)
        except Conflict:
            while True:
                with suppress(Conflict):
                    change(order, waits=False)
                    return "retried"
        return "done"

    with ThreadPoolExecutor(2) as threads:
        ends = list(threads.map(attempt, [ids, ids[::-1]]))
    with store.unit_of_work() as uow:
        counts = [uow.pipeline_runs.get(key).retry_count for key in ids]
    store.close()
    assert "retried" in ends
    assert counts == [2, 2]


# -- made once ------------------------------------------------------------------------------------


def ask_for_cycles(url: str) -> str:
    """Asks for the runs of many cycles, one after the other, and says which ones it got."""
    store = open_store(url)
    found: list[int] = []
    for number in range(CYCLES):
        start = START + timedelta(hours=6 * number)
        with store.unit_of_work() as uow:
            found.append(uow.pipeline_runs.for_cycle("gaming", start, start).id)
            uow.commit()
    return json.dumps(found)


def test_a_cycle_has_one_run_however_many_ask(url: str) -> None:
    """Two processes that ask for the same cycles at once get the same runs, one for each cycle."""
    first, second = answers_of(at_once(ask_for_cycles, url, 2))
    assert first == second
    assert len(set(first)) == CYCLES
    store = open_store(url)
    with store.unit_of_work(read_only=True) as uow:
        assert uow.pipeline_runs.count() == CYCLES
    store.close()


def record_readings(uow: UnitOfWork, readings: list[dict[str, Any]]) -> int:
    return uow.analytics.record_new(readings)


def record_videos(uow: UnitOfWork, videos: list[DiscoveredVideo]) -> Recorded:
    return uow.discovered_videos.record_many(videos)


def import_readings(url: str) -> str:
    """Records readings and videos that the other process records, too, in some order."""
    store = open_store(url)
    numbers = list(range(IMPORTED))
    random.shuffle(numbers)
    made = conflicts = 0
    for start in range(0, IMPORTED, 500):
        chosen = numbers[start : start + 500]
        readings = [
            {
                "youtube_video_id": f"video {n % 50}",
                "measured_at": START + timedelta(minutes=n),
                "view_count": n,
            }
            for n in chosen
        ]

        videos = [a_video(f"video {n}", views=n) for n in chosen]
        new, met, _ = until_done(store, partial(record_readings, readings=readings))
        made += new
        conflicts += met
        _, met, _ = until_done(store, partial(record_videos, videos=videos))
        conflicts += met
    return json.dumps({"made": made, "conflicts": conflicts})


def test_what_two_processes_import_is_there_once(url: str) -> None:
    """Readings and videos imported by two processes at once are stored once each."""
    answers = answers_of(at_once(import_readings, url, 2))
    assert sum(answer["made"] for answer in answers) == IMPORTED
    # On PostgreSQL, too: whoever writes the same rows writes them in the same order.
    assert sum(answer["conflicts"] for answer in answers) == 0
    store = open_store(url)
    with store.unit_of_work(read_only=True) as uow:
        assert uow.analytics.count() == IMPORTED
        assert uow.discovered_videos.count() == IMPORTED
        series = [reading for n in range(50) for reading in uow.analytics.series(f"video {n}")]
    store.close()
    places = {(reading.youtube_video_id, reading.measured_at) for reading in series}
    assert len(places) == len(series) == IMPORTED


def refresh_videos(url: str) -> str:
    """Records the same videos again and again, in another order every time."""
    store = open_store(url)
    conflicts = 0
    for turn in range(REFRESHES):
        videos = [a_video(f"video {n}", views=turn) for n in range(400)]
        random.shuffle(videos)
        conflicts += until_done(store, partial(record_videos, videos=videos))[1]
    return json.dumps(conflicts)


@pytest.mark.postgres
def test_the_same_videos_in_another_order_do_not_collide(postgres_url: str) -> None:
    """Processes that refresh the same videos in any order wait for each other, never for ever."""
    store = open_store(postgres_url)
    assert answers_of(at_once(refresh_videos, postgres_url, 3)) == [0, 0, 0]
    with store.unit_of_work(read_only=True) as uow:
        assert {video.view_count for video in uow.discovered_videos.page(limit=1_000)} == {
            REFRESHES - 1
        }
    store.close()


# -- answered or held -----------------------------------------------------------------------------


def overdue_review(store: Store, number: int) -> int:
    with store.unit_of_work() as uow:
        start = START + timedelta(hours=number)
        run = uow.pipeline_runs.add(PipelineRun(niche="gaming", cycle_start=start, cycle_end=start))
        review = ReviewLog(pipeline_run_id=run.id, sent_at=uow.now() - timedelta(hours=5))
        uow.reviews.add(review)
        uow.commit()
        return review.id


@pytest.mark.parametrize("read_before", [True, False])
def test_an_answer_and_a_hold_exclude_each_other(store: Store, read_before: bool) -> None:
    """A request answered when it is being held is either answered or held; the loser knows."""
    winners: set[str] = set()
    for number in range(ROUNDS):
        review_id = overdue_review(store, number)
        together = Barrier(2)
        with store.unit_of_work() as uow:
            seen = uow.reviews.get(review_id)

        def wait(first: bool, number: int = number, together: Barrier = together) -> None:
            together.wait(timeout=20)
            # Every third round somebody is clearly first, the others are close.
            time.sleep(0.02 if number % 3 == (0 if first else 1) else 0.0)

        def answer(seen: ReviewLog = seen, review_id: int = review_id) -> bool:
            with store.unit_of_work() as uow:
                if read_before:
                    wait(first=True)
                    review = uow.reviews.add(seen)
                else:
                    review = uow.reviews.get(review_id)
                    wait(first=True)
                try:
                    review.answer(ReviewAction.APPROVE, uow.now())
                    uow.commit()
                except Conflict:
                    return False
                return True

        def hold() -> list[int]:
            with store.unit_of_work() as uow:
                wait(first=False)
                try:
                    held = [review.id for review in uow.reviews.hold_overdue()]
                    uow.commit()
                except Conflict:
                    return []
                return held

        with ThreadPoolExecutor(2) as threads:
            answering, holding = threads.submit(attempt, answer), threads.submit(hold)
            answered, held = answering.result(), holding.result()
        assert [answered, held] in ([True, []], [False, [review_id]])
        with store.unit_of_work(read_only=True) as uow:
            review = uow.reviews.get(review_id)
            action = ReviewAction.APPROVE if answered else ReviewAction.HOLD
            assert (review.action, review.auto_held) == (action, int(not answered))
        winners.add("answer" if answered else "hold")
    if read_before:
        assert winners == {"answer", "hold"}


def attempt(work: Callable[[], bool]) -> bool:
    """Whether the work was done; taking in an object that was changed is a conflict, too."""
    try:
        return work()
    except Conflict:
        return False
