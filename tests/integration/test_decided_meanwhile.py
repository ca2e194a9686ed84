"""What is decided by how things stand, while somebody else changes how they stand.

On PostgreSQL, where two can write at once; on SQLite whoever writes is alone.
"""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from pipeline_store.errors import Conflict, IllegalTransition, InvalidValue
from pipeline_store.production import (
    Clip,
    DiscoveredVideo,
    ReviewAction,
    RunStatus,
    Short,
    ShortStatus,
    skipped_ranks,
)
from pipeline_store.services import publishing, reviews
from pipeline_store.tasks import YOUTUBE_BUCKETS, YOUTUBE_POOL, QuotaPlan
from tests.integration.meanwhile import impatient, meanwhile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.production import Recorded

START = datetime(2026, 3, 1, tzinfo=UTC)
MOST_STATEMENTS = 30

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    """A store of whoever is watched."""
    with closing(open_store(postgres_url)) as opened:
        yield opened


@pytest.fixture
def theirs(postgres_url: str) -> Iterator[Store]:
    """A store of somebody else, on the same database."""
    with closing(open_store(impatient(postgres_url))) as opened:
        yield opened


def does(store: Store, service: Callable[..., Any], *arguments: Any) -> Any:
    with store.unit_of_work() as uow:
        result = service(uow, *arguments)
        uow.commit()
        return result


def a_run(uow: UnitOfWork, number: int) -> int:
    """Make a run with two clips and a short that works."""
    run = uow.pipeline_runs.for_cycle(
        "gaming", START + timedelta(hours=number), START + timedelta(hours=number + 6)
    )
    run.start(START)
    video = uow.discovered_videos.record(
        DiscoveredVideo(
            video_id="dQw4w9WgXcQ", title="", channel_name="", channel_id="", url="", niche="gaming"
        )
    )
    for rank in (1, 2):
        clip = Clip(
            pipeline_run_id=run.id,
            discovered_video_id=video.id,
            rank_position=rank,
            start_time_seconds=0.0,
            end_time_seconds=5.0,
        )
        uow.clips.add(clip)
    uow.shorts.add(Short(pipeline_run_id=run.id))
    return run.id


def in_review(uow: UnitOfWork, number: int) -> int:
    run_id = a_run(uow, number)
    reviews.request(uow, run_id)
    return run_id


def held(uow: UnitOfWork, number: int) -> int:
    run_id = in_review(uow, number)
    reviews.hold(uow, run_id)
    return run_id


def sent_back(uow: UnitOfWork, number: int) -> int:
    run_id = in_review(uow, number)
    reviews.redo_script(uow, run_id)
    return run_id


def approved(uow: UnitOfWork, number: int) -> int:
    run_id = in_review(uow, number)
    reviews.approve(uow, run_id)
    return run_id


def fail(uow: UnitOfWork, run_id: int) -> None:
    uow.pipeline_runs.get(run_id).fail("the encoder broke", uow.now())


def upload_the_short(uow: UnitOfWork, run_id: int) -> None:
    (short,) = uow.shorts.for_run(run_id)
    publishing.upload_short(uow, short.id, "dQw4w9WgXcQ")


def skip(rank: int) -> Callable[[UnitOfWork, int], object]:
    return lambda uow, run_id: reviews.skip(uow, run_id, [rank])


def is_consistent(uow: UnitOfWork, run_id: int) -> bool:
    """Whether the run, its log and its short tell one story."""
    status = uow.pipeline_runs.get(run_id).status
    log = uow.reviews.for_run(run_id)
    still_asked = [review for review in log if review.is_open]
    last = log[-1].action
    (short,) = uow.shorts.for_run(run_id)
    if short.status == ShortStatus.UPLOADED:
        # A run may fail after its short was uploaded.
        return status in {RunStatus.APPROVED, RunStatus.FAILED}
    if status == RunStatus.REVIEW:
        is_asked = len(still_asked) == 1 and last is None
        return is_asked or (not still_asked and last == ReviewAction.HOLD)
    told = {
        RunStatus.APPROVED: {ReviewAction.APPROVE},
        RunStatus.FAILED: {ReviewAction.REJECT, ReviewAction.REDO_SCRIPT, ReviewAction.SKIP},
        RunStatus.RUNNING: {ReviewAction.REDO_SCRIPT, ReviewAction.SKIP},
    }
    return not still_asked and last in told[status]


@pytest.mark.parametrize(
    ("begin", "ours", "their"),
    [
        pytest.param(in_review, reviews.hold, reviews.approve, id="hold and approve"),
        pytest.param(in_review, reviews.hold, reviews.redo_script, id="hold and redo"),
        pytest.param(held, reviews.hold, reviews.reject, id="hold again and reject"),
        pytest.param(held, reviews.request, reviews.request, id="ask twice"),
        pytest.param(held, reviews.request, reviews.approve, id="ask and approve"),
        pytest.param(sent_back, reviews.redo_script, reviews.request, id="redo and ask"),
        pytest.param(sent_back, reviews.redo_script, fail, id="redo and fail"),
        pytest.param(sent_back, skip(1), reviews.request, id="skip and ask"),
    ],
)
def test_a_review_is_decided_by_how_the_run_stands(
    store: Store,
    theirs: Store,
    begin: Callable[[UnitOfWork, int], int],
    ours: Callable[..., object],
    their: Callable[..., object],
) -> None:
    """Somebody else's decision, before whichever statement, wins or loses as a whole."""
    for statement in range(1, MOST_STATEMENTS):
        run_id = does(store, begin, statement)

        def act(run_id: int = run_id) -> None:
            with suppress(Conflict, IllegalTransition):
                does(theirs, their, run_id)

        with meanwhile(act, before=statement) as other, suppress(Conflict, IllegalTransition):
            does(store, ours, run_id)
        with store.unit_of_work(read_only=True) as uow:
            assert is_consistent(uow, run_id), (statement, uow.reviews.for_run(run_id))
        if not other.has_acted:
            break
    else:
        pytest.fail("more statements than expected")


def test_two_who_skip_the_last_two_clips_leave_one(store: Store, theirs: Store) -> None:
    """Whoever comes second is told that no clip would be left."""
    for statement in count(1):
        run_id = does(store, sent_back, statement)

        def act(run_id: int = run_id) -> None:
            with suppress(InvalidValue):
                does(theirs, skip(2), run_id)

        with meanwhile(act, before=statement) as other, suppress(InvalidValue):
            does(store, skip(1), run_id)
        with store.unit_of_work(read_only=True) as uow:
            assert len(skipped_ranks(uow.reviews.for_run(run_id))) == 1, statement
        if not other.has_acted:
            break


def test_a_short_is_uploaded_of_an_approved_run_only(store: Store, theirs: Store) -> None:
    """A run that fails meanwhile fails before, and is told so, or waits until it is uploaded."""
    for statement in count(1):
        run_id = does(store, approved, statement)
        with meanwhile(partial(does, theirs, fail, run_id), before=statement) as other:
            try:
                does(store, upload_the_short, run_id)
                is_uploaded = True
            except (Conflict, IllegalTransition):
                is_uploaded = False
        with store.unit_of_work(read_only=True) as uow:
            (short,) = uow.shorts.for_run(run_id)
            assert (short.status == ShortStatus.UPLOADED) == is_uploaded
        assert other.was_kept_out or not other.has_acted or not is_uploaded, statement
        if not other.has_acted:
            break


def test_of_two_plans_for_quotas_one_holds_as_a_whole(store: Store, theirs: Store) -> None:
    """Nothing of the other plan stays beside it."""
    plans = [plan_as_told(store, plan) for plan in (YOUTUBE_BUCKETS, YOUTUBE_POOL)]
    for statement in count(1):
        does(store, lambda uow: uow.quotas.use_plan(QuotaPlan(limits=(), costs=())))
        their = partial(does, theirs, lambda uow: uow.quotas.use_plan(YOUTUBE_POOL))
        with meanwhile(their, before=statement) as other:
            does(store, lambda uow: uow.quotas.use_plan(YOUTUBE_BUCKETS))
        assert told(store) in plans, statement
        if not other.has_acted:
            break


def plan_as_told(store: Store, plan: QuotaPlan) -> object:
    does(store, lambda uow: uow.quotas.use_plan(plan))
    return told(store)


def told(store: Store) -> object:
    with store.unit_of_work(read_only=True) as uow:
        return uow.quotas.limits(), uow.quotas.costs()


def test_each_new_video_is_counted_by_one_of_two(store: Store, theirs: Store) -> None:
    """The other one says that it was refreshed."""
    for statement in count(1):
        videos = [a_video(f"v{statement:04}{number}") for number in range(3)]
        theirs_made: list[Recorded] = []

        def act(
            videos: list[DiscoveredVideo] = videos, theirs_made: list[Recorded] = theirs_made
        ) -> None:
            same = [a_video(video.video_id) for video in videos[:2]]
            theirs_made.append(does(theirs, lambda uow: uow.discovered_videos.record_many(same)))

        def record(uow: UnitOfWork, videos: list[DiscoveredVideo] = videos) -> Recorded:
            recorded: Recorded = uow.discovered_videos.record_many(videos)
            return recorded

        with meanwhile(act, before=statement) as other:
            ours = does(store, record)
        made = ours.made + sum(each.made for each in theirs_made)
        assert made == 3, statement
        assert ours.made + ours.refreshed == 3
        if not other.has_acted:
            break


def a_video(video_id: str) -> DiscoveredVideo:
    return DiscoveredVideo(
        video_id=video_id, title="", channel_name="", channel_id="", url="", niche="gaming"
    )
