"""Leaving clips out: by rank, never renumbered, never all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.production import RunStatus
from pipeline_store.services import reviews, runs
from pipeline_store.values import LARGEST_COUNT
from tests.unit.services.made_up import a_run_in_review
from tests.whole_store import everything_in

if TYPE_CHECKING:
    from pipeline_store import Store, UnitOfWork


def ranks_left(uow: UnitOfWork, run_id: int) -> list[int]:
    return [clip.rank_position for clip in uow.clips.for_run(run_id, skipped=False)]


def test_skipped_clips_keep_their_rows_and_ranks(uow: UnitOfWork) -> None:
    """After skipping 4 and 7 the others are called what they were called before."""
    run = a_run_in_review(uow)
    reviews.skip(uow, run.id, [4, 7])
    assert ranks_left(uow, run.id) == [1, 2, 3, 5, 6, 8, 9]
    assert [clip.rank_position for clip in uow.clips.for_run(run.id)] == list(range(1, 10))


def test_the_greatest_rank_can_be_skipped(uow: UnitOfWork) -> None:
    """However many digits it has, it is read from the log again."""
    run = a_run_in_review(uow, clips=1)
    (clip,) = uow.clips.for_run(run.id)
    clip.rank_position = LARGEST_COUNT
    greatest_but_one = runs.cut_clip(
        uow,
        run.id,
        clip.discovered_video_id,
        rank=LARGEST_COUNT - 1,
        start_seconds=0,
        end_seconds=20,
    )
    reviews.skip(uow, run.id, [LARGEST_COUNT])
    assert ranks_left(uow, run.id) == [greatest_but_one.rank_position]


def test_a_further_skip_while_the_run_works_again_is_recorded_without_a_move(
    uow: UnitOfWork,
) -> None:
    """A second thought counts with the first."""
    run = a_run_in_review(uow)
    first = reviews.skip(uow, run.id, [4])
    second = reviews.skip(uow, run.id, [7])
    assert (run.status, uow.reviews.for_run(run.id)) == (RunStatus.RUNNING, [first, second])
    assert ranks_left(uow, run.id) == [1, 2, 3, 5, 6, 8, 9]


def test_a_redo_and_a_skip_may_follow_each_other(uow: UnitOfWork) -> None:
    """Either one has sent the run back, and the other is recorded while it works."""
    run = a_run_in_review(uow)
    reviews.redo_script(uow, run.id)
    reviews.skip(uow, run.id, [1])
    reviews.redo_script(uow, run.id)
    assert run.status == RunStatus.RUNNING
    assert [row.action for row in uow.reviews.for_run(run.id)] == [
        "redo_script",
        "skip",
        "redo_script",
    ]


def test_skips_of_several_reviews_add_up(uow: UnitOfWork) -> None:
    """The second review does not bring back what the first one left out."""
    run = a_run_in_review(uow, clips=3)
    reviews.skip(uow, run.id, [1])
    reviews.request(uow, run.id)
    reviews.skip(uow, run.id, [3])
    assert ranks_left(uow, run.id) == [2]


def test_skipping_the_same_clip_again_changes_nothing(uow: UnitOfWork) -> None:
    """It is recorded, and the clip is out once."""
    run = a_run_in_review(uow, clips=3)
    reviews.skip(uow, run.id, [2, 2])
    reviews.skip(uow, run.id, [2])
    assert ranks_left(uow, run.id) == [1, 3]


REFUSED: dict[str, Any] = {
    "unknown rank": [4, 10],
    "rank 0": [0],
    "negative": [-4],
    "none": [],
    "all": list(range(1, 10)),
    "bool, which equals 1": [True],
    "float, which equals 4": [4.0],
    "text": ["4"],
    "digits": "47",
    "a rank alone": 4,
}


@pytest.mark.parametrize("ranks", REFUSED.values(), ids=REFUSED.keys())
def test_ranks_that_cannot_be_skipped_are_refused(store: Store, ranks: list[int]) -> None:
    """The run stays in review and its request stays open."""
    with store.unit_of_work() as uow:
        run = a_run_in_review(uow)
        uow.commit()
        before = everything_in(uow)
    with store.unit_of_work() as uow:
        with pytest.raises(InvalidValue, match="ranks"):
            reviews.skip(uow, run.id, ranks)
        uow.commit()
    with store.unit_of_work() as uow:
        assert everything_in(uow) == before


def test_the_last_clip_is_never_skipped(uow: UnitOfWork) -> None:
    """Clips that were skipped earlier do not count as left."""
    run = a_run_in_review(uow, clips=3)
    reviews.skip(uow, run.id, [1, 2])
    with pytest.raises(InvalidValue, match="without clips"):
        reviews.skip(uow, run.id, [3])
    assert ranks_left(uow, run.id) == [3]


def test_a_run_without_clips_has_none_to_skip(uow: UnitOfWork) -> None:
    """The error says that it has none."""
    run = a_run_in_review(uow, clips=0)
    with pytest.raises(InvalidValue, match="has clips none"):
        reviews.skip(uow, run.id, [1])


def test_a_run_that_was_sent_back_long_ago_is_asked_about_before_it_takes_a_skip(
    uow: UnitOfWork,
) -> None:
    """Once approved, an earlier skip in the log opens no back door."""
    run = a_run_in_review(uow)
    reviews.skip(uow, run.id, [4])
    reviews.request(uow, run.id)
    reviews.approve(uow, run.id)
    with pytest.raises(IllegalTransition):
        reviews.skip(uow, run.id, [7])
    assert run.status == RunStatus.APPROVED
