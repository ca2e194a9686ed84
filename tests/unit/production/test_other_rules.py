"""The rules of clips, shorts, reviews and refreshed videos, without a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline_store.errors import Conflict, IllegalTransition, InvalidValue
from pipeline_store.production import (
    LONGEST_CLIP_SECONDS,
    REVIEW_LIMIT,
    ReviewAction,
    RunStatus,
    ShortStatus,
    skipped_ranks,
)
from pipeline_store.production.discovered_video import take_over
from pipeline_store.production.review_log import due_before
from tests.integration.contract.samples import sample, values_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_limits() -> None:
    """The limits that services use unless told otherwise."""
    assert LONGEST_CLIP_SECONDS == 25.0
    assert timedelta(hours=4) == REVIEW_LIMIT


class TestClips:
    """A clip ends after it starts, and its duration is end - start."""

    def test_the_duration_is_filled_in(self) -> None:
        """A duration that is left out is end - start."""
        clip = sample(
            "clips", start_time_seconds=1.5, end_time_seconds=4.0, clip_duration_seconds=None
        )
        assert clip.clip_duration_seconds == 2.5

    @pytest.mark.parametrize("given", [20.0, 20.3, 0.0])
    def test_a_wrong_duration(self, given: float) -> None:
        """A duration that is not end - start is refused; a rounding error is taken."""
        with pytest.raises(InvalidValue, match="clip_duration_seconds"):
            sample("clips", clip_duration_seconds=given)
        assert sample("clips", clip_duration_seconds=20.25 + 1e-9).clip_duration_seconds > 0

    @pytest.mark.parametrize("end", [10.5, 10.0, 0.0])
    def test_an_end_before_the_start(self, end: float) -> None:
        """A clip that does not end after it starts can neither be made nor become so."""
        with pytest.raises(InvalidValue, match="ends after it starts"):
            sample("clips", end_time_seconds=end, clip_duration_seconds=None)
        clip = sample("clips")
        before = values_of(clip)
        with pytest.raises(InvalidValue, match="ends after it starts"):
            clip.end_time_seconds = end
        with pytest.raises(InvalidValue, match="ends after it starts"):
            clip.start_time_seconds = 30.75
        with pytest.raises(InvalidValue, match="ends after it starts"):
            clip.trim(10.5, end)
        assert values_of(clip) == before

    def test_longer_than_the_limit(self) -> None:
        """An entity knows no limit of its length: that is a service's."""
        assert (
            sample("clips", start_time_seconds=0.0, clip_duration_seconds=None).end_time_seconds
            > 25
        )

    @pytest.mark.parametrize("bad", [None, "1", float("nan"), float("inf"), -1.0, True, 10**400])
    def test_trimming_with_bad_values(self, bad: Any) -> None:
        """A trim with a bad value changes nothing."""
        clip = sample("clips")
        before = values_of(clip)
        for ends in ((bad, 20.0), (1.0, bad)):
            with pytest.raises(InvalidValue):
                clip.trim(*ends)
        assert values_of(clip) == before


class TestShorts:
    """A short is uploaded only when its run was approved."""

    @pytest.mark.parametrize("found", list(ShortStatus))
    @pytest.mark.parametrize("wanted", list(ShortStatus))
    def test_by_assignment(self, found: ShortStatus, wanted: ShortStatus) -> None:
        """Any move but the one to uploaded may be made by assignment."""
        short = sample("shorts", status=found)
        if wanted == ShortStatus.UPLOADED and found != wanted:
            with pytest.raises(IllegalTransition, match="mark_uploaded"):
                short.status = wanted
            assert short.status is found
        else:
            short.status = wanted
            assert short.status is wanted

    @pytest.mark.parametrize("status", list(RunStatus))
    def test_mark_uploaded(self, status: RunStatus) -> None:
        """The run must be approved or uploaded; otherwise nothing is changed."""
        run = sample("pipeline_runs", status=status)
        vars(run)["id"] = 7
        short = sample("shorts", pipeline_run_id=7)
        before = values_of(short)
        if status in {RunStatus.APPROVED, RunStatus.UPLOADED}:
            short.mark_uploaded(run, "v", "https://youtu.be/v", NOON)
            assert (short.status, short.uploaded_at) == (ShortStatus.UPLOADED, NOON)
            assert (short.youtube_video_id, short.youtube_url) == ("v", "https://youtu.be/v")
        else:
            with pytest.raises(IllegalTransition, match=f"is {status}, not approved"):
                short.mark_uploaded(run, "v", "https://youtu.be/v", NOON)
            assert values_of(short) == before

    def test_uploading_twice(self) -> None:
        """A second upload is refused, and what YouTube answered first is kept."""
        run = sample("pipeline_runs", status="approved")
        vars(run)["id"] = 7
        short = sample("shorts", pipeline_run_id=7)
        short.mark_uploaded(run, "v", "https://youtu.be/v", NOON)
        before = values_of(short)
        with pytest.raises(IllegalTransition):
            short.mark_uploaded(run, "w", "https://youtu.be/w", NOON)
        assert values_of(short) == before

    def test_mark_uploaded_with_bad_values(self) -> None:
        """Another run, or a bad value, changes nothing."""
        run = sample("pipeline_runs", status="approved")
        vars(run)["id"] = 7
        short = sample("shorts", pipeline_run_id=7)
        other = sample("shorts", pipeline_run_id=8)
        before = values_of(short), values_of(other)
        with pytest.raises(InvalidValue, match="run 8 expected, found 7"):
            other.mark_uploaded(run, "v", "https://youtu.be/v", NOON)
        with pytest.raises(InvalidValue, match="youtube_video_id: must not be empty"):
            short.mark_uploaded(run, "", "https://youtu.be/", NOON)
        with pytest.raises(InvalidValue, match="uploaded_at"):
            short.mark_uploaded(run, "v", "https://youtu.be/v", "noon")
        assert (values_of(short), values_of(other)) == before


class TestReviews:
    """A request has one answer."""

    def test_answering(self) -> None:
        """The answer is kept; a second one is a Conflict; a bad one changes nothing."""
        review = sample("reviews", action=None, responded_at=None, response_detail=None)
        assert review.is_open
        with pytest.raises(InvalidValue):
            review.answer("perhaps", NOON)
        assert review.is_open
        review.answer("skip", NOON, "skip 4,7")
        assert (review.action, review.responded_at) == (ReviewAction.SKIP, NOON)
        with pytest.raises(Conflict):
            review.answer(ReviewAction.APPROVE, NOON)

    @pytest.mark.parametrize("wrong", [(None, NOON), ("approve", None), ("shrug", NOON)])
    def test_no_answer(self, wrong: tuple[Any, Any]) -> None:
        """An answer says what was decided and when; any other leaves the request open."""
        review = sample("reviews", responded_at=None, action=None)
        with pytest.raises(InvalidValue):
            review.answer(*wrong)
        assert review.is_open

    @pytest.mark.parametrize("held", [{"action": "hold"}, {"responded_at": NOON}])
    def test_half_an_answer(self, held: dict[str, Any]) -> None:
        """An action without a time, or a time without an action, counts as an answer."""
        unanswered = {"action": None, "responded_at": None, "response_detail": None}
        assert not sample("reviews", **unanswered | held).is_open

    def test_holding(self) -> None:
        """Holding an unanswered request marks it so; an answered one is a Conflict."""
        review = sample("reviews", action=None, responded_at=None, response_detail=None)
        review.hold_unanswered(NOON)
        assert (review.action, review.auto_held) == (ReviewAction.HOLD, 1)
        with pytest.raises(Conflict):
            review.hold_unanswered(NOON)

    @pytest.mark.parametrize(
        ("details", "expected"),
        [
            ([], set()),
            (["skip 4,7"], {4, 7}),
            (["skip 4", "skip 7 and 10"], {4, 7, 10}),
            ([None, "", "none"], set()),
            (["skip #3."], {3}),
            (["1" * 19, "1" * 20], {1_111_111_111_111_111_111}),
        ],
    )
    def test_skipped_ranks(self, details: list[str | None], expected: set[int]) -> None:
        """Ranks are the numbers in the details of answers that skip."""
        skips = [sample("reviews", action="skip", response_detail=detail) for detail in details]
        others = [sample("reviews", action="approve", response_detail="skip 99")]
        assert skipped_ranks([*skips, *others]) == expected

    def test_due_before(self) -> None:
        """A request is overdue when it was sent the limit ago; the limit has limits."""
        assert due_before(NOON, timedelta(hours=4)) == NOON - timedelta(hours=4)
        assert due_before(NOON, timedelta(0)) == NOON
        for bad in (timedelta(microseconds=-1), timedelta(days=36525), timedelta.max, 4, None):
            wrong: Any = bad
            with pytest.raises(InvalidValue, match="limit"):
                due_before(NOON, wrong)


class TestRefreshing:
    """A later reading of a video refreshes what it knows."""

    def test_take_over(self) -> None:
        """Known numbers and texts are taken over, unknown and empty ones are not."""
        stored = sample("discovered_videos", processed=1)
        later = sample(
            "discovered_videos",
            title="",
            channel_name="new",
            view_count=None,
            like_count=0,
            niche="n",
        )
        take_over(stored, later)
        assert stored.title == "Ten saves that should not have been possible"
        assert (stored.channel_name, stored.view_count, stored.like_count) == (
            "new",
            5_000_000_000,
            0,
        )
        assert (stored.niche, stored.processed) == ("football", 1)
