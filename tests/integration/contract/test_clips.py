"""Clips by rank, and those that reviews skipped: the promises of `ClipRepository`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InvalidValue
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import EARLY, LATE, sample

if TYPE_CHECKING:
    from pipeline_store import Store, UnitOfWork


def ranks(uow: UnitOfWork, run_id: int) -> list[int]:
    """The ranks that are left."""
    return [clip.rank_position for clip in uow.clips.for_run(run_id, skipped=False)]


@pytest.fixture
def run_id(store: Store) -> int:
    """The key of a run with clips of ranks 1 to 8, added in another order."""
    with store.unit_of_work() as uow:
        run = uow.pipeline_runs.add(sample("pipeline_runs"))
        video = uow.discovered_videos.add(sample("discovered_videos"))
        uow.clips.add_many(
            sample("clips", pipeline_run_id=run.id, discovered_video_id=video.id, rank_position=n)
            for n in (5, 3, 8, 1, 2, 7, 4, 6)
        )
        uow.commit()
    return run.id


def answer(store: Store, run_id: int, action: str, detail: str | None) -> None:
    with store.unit_of_work() as uow:
        uow.reviews.add(
            sample("reviews", pipeline_run_id=run_id, action=action, response_detail=detail)
        )
        uow.commit()


def test_by_rank(store: Store, run_id: int) -> None:
    """`for_run` has the run's clips by rank, equal ranks by id."""
    with store.unit_of_work() as uow:
        first = uow.clips.for_run(run_id)[3]
        second = uow.clips.add(
            sample(
                "clips",
                pipeline_run_id=run_id,
                discovered_video_id=first.discovered_video_id,
                rank_position=4,
            )
        )
        clips = uow.clips.for_run(run_id)
        assert [clip.rank_position for clip in clips] == [1, 2, 3, 4, 4, 5, 6, 7, 8]
        assert clips[3:5] == [first, second]
        assert uow.clips.for_run(4711) == []


def test_skipped_ranks_are_left_out(store: Store, run_id: int) -> None:
    """`skipped=False` leaves out the ranks that the run's reviews skipped; none is renumbered."""
    answer(store, run_id, "skip", "skip 4,7")
    with store.unit_of_work() as uow:
        assert ranks(uow, run_id) == [1, 2, 3, 5, 6, 8]
        assert [clip.rank_position for clip in uow.clips.for_run(run_id)] == [
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
        ]


def test_skips_add_up(store: Store, run_id: int) -> None:
    """Every skip of the run counts, whenever it was answered."""
    answer(store, run_id, "skip", "skip 4,7")
    answer(store, run_id, "approve", "fine")
    answer(store, run_id, "skip", "1 and 8, please; not 99")
    with store.unit_of_work() as uow:
        assert ranks(uow, run_id) == [2, 3, 5, 6]


@in_turn("action", ["approve", "reject", "hold", "redo_script"])
def test_only_skips_skip(store: Store, run_id: int, action: str) -> None:
    """Numbers in the detail of another answer skip nothing."""
    answer(store, run_id, action, "skip 4,7")
    with store.unit_of_work() as uow:
        assert ranks(uow, run_id) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_skips_of_other_runs(store: Store, run_id: int) -> None:
    """A skip of another run skips nothing here."""
    with store.unit_of_work() as uow:
        other = uow.pipeline_runs.add(sample("pipeline_runs"))
        uow.commit()
    answer(store, other.id, "skip", "skip 4,7")
    with store.unit_of_work() as uow:
        assert ranks(uow, run_id) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_answer_of_this_unit_of_work(store: Store, run_id: int) -> None:
    """A skip that is answered in this unit of work counts before the commit."""
    with store.unit_of_work() as uow:
        review = uow.reviews.add(
            sample("reviews", pipeline_run_id=run_id, action=None, responded_at=None, sent_at=EARLY)
        )
        review.answer("skip", LATE, "skip 1")  # type: ignore[arg-type]
        assert ranks(uow, run_id) == [2, 3, 4, 5, 6, 7, 8]


@in_turn("detail", [None, "", "none of them", "9" * 5000])
def test_details_without_ranks(store: Store, run_id: int, detail: str | None) -> None:
    """A detail that names no rank skips nothing and is no error."""
    answer(store, run_id, "skip", detail)
    with store.unit_of_work() as uow:
        assert ranks(uow, run_id) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_trimming(store: Store, run_id: int) -> None:
    """`trim` moves both ends of a stored clip, and its duration with them, or changes nothing."""
    with store.unit_of_work() as uow:
        clip = uow.clips.for_run(run_id)[0]
        clip.trim(100.5, 120.75)
        with pytest.raises(InvalidValue, match="ends after it starts"):
            clip.trim(130.0, 130.0)
        uow.commit()
    with store.unit_of_work() as uow:
        found = uow.clips.get(clip.id)
        assert (found.start_time_seconds, found.end_time_seconds) == (100.5, 120.75)
        assert found.clip_duration_seconds == 20.25


def test_moving_one_end(store: Store, run_id: int) -> None:
    """Assigning one end of a stored clip moves its duration; a wrong duration is refused."""
    with store.unit_of_work() as uow:
        clip = uow.clips.for_run(run_id)[0]
        clip.end_time_seconds = 40.5
        assert clip.clip_duration_seconds == 30.0
        clip.start_time_seconds = 15.5
        for refused in (24.0, None):
            with pytest.raises(InvalidValue, match="clip_duration_seconds"):
                clip.clip_duration_seconds = refused  # type: ignore[assignment]
        uow.commit()
    with store.unit_of_work() as uow:
        assert uow.clips.get(clip.id).clip_duration_seconds == 25.0
