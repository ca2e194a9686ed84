"""What people were asked, and their answers: the promises of `ReviewLogRepository`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import Conflict, InvalidValue
from pipeline_store.production import ReviewAction, ReviewLog
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import EARLY, LATE, Parents, content, sample, values_of

if TYPE_CHECKING:
    from pipeline_store import Store
    from tests.integration.contract.conftest import SteppedClock

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
UNANSWERED = {"action": None, "responded_at": None, "response_detail": None}


def request(parents: Parents, **fields: Any) -> ReviewLog:
    """A request that nobody has answered."""
    made: ReviewLog = sample("reviews", parents, **UNANSWERED | fields)
    return made


class TestQuestions:
    """Which requests there are, and which wait."""

    def test_for_run(self, store: Store, parents: Parents) -> None:
        """`for_run` has the run's requests and answers, oldest first, equal times by id."""
        with store.unit_of_work() as uow:
            other = uow.pipeline_runs.add(sample("pipeline_runs"))
            times = [EARLY + SECOND, EARLY, EARLY + SECOND, EARLY - SECOND]
            added = uow.reviews.add_many(request(parents, sent_at=time) for time in times)
            uow.reviews.add(request(parents, pipeline_run_id=other.id))
            uow.commit()
        with store.unit_of_work() as uow:
            found = [review.id for review in uow.reviews.for_run(parents.run)]
            assert found == [added[3].id, added[1].id, added[0].id, added[2].id]
            assert uow.reviews.for_run(4711) == []

    def test_open_for(self, store: Store, parents: Parents) -> None:
        """`open_for` has the run's newest request that nobody has answered, or None."""
        with store.unit_of_work() as uow:
            assert uow.reviews.open_for(parents.run) is None
            answered = uow.reviews.add(sample("reviews", parents, sent_at=LATE))
            assert uow.reviews.open_for(parents.run) is None
            older = uow.reviews.add(request(parents, sent_at=EARLY))
            newer = uow.reviews.add(request(parents, sent_at=EARLY + SECOND))
            assert uow.reviews.open_for(parents.run) is newer
            newer.answer(ReviewAction.HOLD, LATE)
            assert uow.reviews.open_for(parents.run) is older
            assert not answered.is_open

    def test_waiting(self, store: Store, parents: Parents) -> None:
        """`waiting` has the unanswered requests of all runs, the longest waiting first."""
        with store.unit_of_work() as uow:
            other = uow.pipeline_runs.add(sample("pipeline_runs"))
            added = uow.reviews.add_many(
                [
                    request(parents, sent_at=LATE),
                    request(parents, sent_at=EARLY, pipeline_run_id=other.id),
                    sample("reviews", parents, sent_at=EARLY),
                    request(parents, sent_at=EARLY),
                    request(parents, sent_at=EARLY, responded_at=LATE),
                    request(parents, sent_at=EARLY, action="hold"),
                ]
            )
            uow.commit()
        with store.unit_of_work() as uow:
            found = [review.id for review in uow.reviews.waiting()]
            assert found == [added[1].id, added[3].id, added[0].id]


class TestAnswers:
    """A request has one answer."""

    def test_answering(self, store: Store, parents: Parents) -> None:
        """An answer keeps the action, the time and the detail."""
        with store.unit_of_work() as uow:
            key = uow.reviews.add(request(parents)).id
            uow.commit()
        with store.unit_of_work() as uow:
            uow.reviews.get(key).answer(ReviewAction.SKIP, LATE, "skip 4,7")
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.reviews.get(key)
            assert (found.action, found.responded_at) == (ReviewAction.SKIP, LATE)
            assert (found.response_detail, found.auto_held, found.is_open) == ("skip 4,7", 0, False)

    def test_answering_twice(self, store: Store, parents: Parents) -> None:
        """A second answer to a stored request is a Conflict and changes nothing."""
        with store.unit_of_work() as uow:
            review = uow.reviews.add(sample("reviews", parents, action="hold"))
            before = values_of(review)
            with pytest.raises(Conflict, match="hold"):
                review.answer(ReviewAction.APPROVE, LATE)
            assert values_of(review) == before


class TestHoldOverdue:
    """`hold_overdue` holds what nobody answered in time."""

    def test_exactly_four_hours(self, store: Store, parents: Parents, clock: SteppedClock) -> None:
        """A request is held at four hours, and not a microsecond earlier."""
        with store.unit_of_work() as uow:
            key = uow.reviews.add(request(parents, sent_at=None)).id
            uow.commit()
        clock.advance(hours=4, microseconds=-1)
        with store.unit_of_work() as uow:
            assert uow.reviews.hold_overdue() == []
            uow.commit()
        clock.advance(microseconds=1)
        with store.unit_of_work() as uow:
            assert [review.id for review in uow.reviews.hold_overdue()] == [key]
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.reviews.get(key)
            assert (found.action, found.auto_held) == (ReviewAction.HOLD, 1)
            assert found.responded_at == clock()
            assert found.response_detail is None

    def test_whole_seconds(self, store: Store, parents: Parents, clock: SteppedClock) -> None:
        """The boundary is exact for times with and without a fraction of a second."""
        limit = timedelta(hours=4)
        due = clock() - limit
        with store.unit_of_work() as uow:
            times = [due, due + MICROSECOND, due - MICROSECOND, due + SECOND, due - SECOND]
            added = uow.reviews.add_many(request(parents, sent_at=time) for time in times)
            held = uow.reviews.hold_overdue()
            assert [review.id for review in held] == [added[4].id, added[2].id, added[0].id]

    def test_once(self, store: Store, parents: Parents, clock: SteppedClock) -> None:
        """What is held already is not held again, nor returned again."""
        with store.unit_of_work() as uow:
            review = uow.reviews.add(request(parents, sent_at=None))
            clock.advance(hours=5)
            assert uow.reviews.hold_overdue() == [review]
            uow.commit()
        held_at = clock()
        clock.advance(hours=5)
        with store.unit_of_work() as uow:
            assert uow.reviews.hold_overdue() == []
            assert uow.reviews.get(review.id).responded_at == held_at

    @in_turn("action", list(ReviewAction))
    def test_answered_requests(
        self, store: Store, parents: Parents, clock: SteppedClock, action: ReviewAction
    ) -> None:
        """An answered request is left alone, however old."""
        with store.unit_of_work() as uow:
            uow.reviews.add(sample("reviews", parents, action=action))
            uow.commit()
        before = content(store)
        clock.advance(days=30)
        with store.unit_of_work() as uow:
            assert uow.reviews.hold_overdue() == []
            uow.commit()
        assert content(store) == before

    def test_the_run_stays_in_review(
        self, store: Store, parents: Parents, clock: SteppedClock
    ) -> None:
        """Holding a request does not move its run."""
        with store.unit_of_work() as uow:
            run = uow.pipeline_runs.add(sample("pipeline_runs", status="review"))
            uow.reviews.add(request(parents, pipeline_run_id=run.id, sent_at=None))
            uow.commit()
        clock.advance(hours=4)
        with store.unit_of_work() as uow:
            assert len(uow.reviews.hold_overdue()) == 1
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.get(run.id).status == "review"

    def test_another_limit(self, store: Store, parents: Parents, clock: SteppedClock) -> None:
        """The limit is the caller's to choose; nothing waits longer than since 1970."""
        with store.unit_of_work() as uow:
            review = uow.reviews.add(request(parents, sent_at=None))
            assert uow.reviews.hold_overdue(timedelta(minutes=30)) == []
            clock.advance(minutes=30)
            assert uow.reviews.hold_overdue(timedelta(hours=1)) == []
            assert uow.reviews.hold_overdue(timedelta(minutes=30)) == [review]
            assert uow.reviews.hold_overdue(timedelta(0)) == []

    def test_a_limit_that_is_none(self, store: Store, parents: Parents) -> None:
        """A limit that is no length of time, or none that can have passed, is refused."""
        century = timedelta(days=36500)
        wrong: list[Any] = [None, 4, 4.0, "4h", timedelta(hours=-1), century, timedelta.max]
        with store.unit_of_work() as uow:
            uow.reviews.add(request(parents, sent_at=EARLY))
            for limit in wrong:
                with pytest.raises(InvalidValue, match="limit"):
                    uow.reviews.hold_overdue(limit)
            assert len(uow.reviews.waiting()) == 1

    def test_an_answer_came_first(
        self, store: Store, parents: Parents, clock: SteppedClock
    ) -> None:
        """An answer that was committed before stands; the request is not held."""
        with store.unit_of_work() as uow:
            key = uow.reviews.add(request(parents, sent_at=None)).id
            uow.commit()
        clock.advance(hours=5)
        with store.unit_of_work() as uow:
            uow.reviews.get(key).answer(ReviewAction.APPROVE, clock())
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.reviews.hold_overdue() == []
            assert uow.reviews.get(key).action is ReviewAction.APPROVE

    def test_a_hold_came_first(self, store: Store, parents: Parents, clock: SteppedClock) -> None:
        """An answer to a request that was held since it was read is a Conflict."""
        with store.unit_of_work() as uow:
            review = uow.reviews.add(request(parents, sent_at=None))
            uow.commit()
        clock.advance(hours=5)
        with store.unit_of_work() as uow:
            assert len(uow.reviews.hold_overdue()) == 1
            uow.commit()
        review.answer(ReviewAction.APPROVE, clock())
        with store.unit_of_work() as uow, pytest.raises(Conflict):
            uow.reviews.add(review)
        with store.unit_of_work() as uow:
            assert uow.reviews.get(review.id).action is ReviewAction.HOLD

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_a_hold_came_in_between(
        self, store: Store, parents: Parents, clock: SteppedClock
    ) -> None:
        """An answer that is committed after a hold of the same request is a Conflict."""
        with store.unit_of_work() as uow:
            key = uow.reviews.add(request(parents, sent_at=None)).id
            uow.commit()
        clock.advance(hours=5)
        with store.unit_of_work() as answering, store.unit_of_work() as holding:
            answering.reviews.get(key).answer(ReviewAction.APPROVE, clock())
            assert len(holding.reviews.hold_overdue()) == 1
            holding.commit()
            with pytest.raises(Conflict):
                answering.commit()
        with store.unit_of_work() as uow:
            assert uow.reviews.get(key).action is ReviewAction.HOLD

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_an_answer_came_in_between(
        self, store: Store, parents: Parents, clock: SteppedClock
    ) -> None:
        """A request that was answered since it was read is not held, which is no Conflict."""
        with store.unit_of_work() as uow:
            key = uow.reviews.add(request(parents, sent_at=None)).id
            uow.commit()
        clock.advance(hours=5)
        with store.unit_of_work() as holding, store.unit_of_work() as answering:
            assert [review.id for review in holding.reviews.waiting()] == [key]
            answering.reviews.get(key).answer(ReviewAction.APPROVE, clock())
            answering.commit()
            assert holding.reviews.hold_overdue() == []
            holding.commit()
        with store.unit_of_work() as uow:
            assert uow.reviews.get(key).action is ReviewAction.APPROVE

    def test_objects_that_are_in_use(
        self, store: Store, parents: Parents, clock: SteppedClock
    ) -> None:
        """The objects of this unit of work are the ones held, and can be changed further."""
        with store.unit_of_work() as uow:
            review = uow.reviews.add(request(parents, sent_at=None))
            uow.commit()
            clock.advance(hours=4)
            assert uow.reviews.hold_overdue() == [review]
            assert (review.action, review.auto_held) == (ReviewAction.HOLD, 1)
            review.response_detail = "nobody answered"
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.reviews.get(review.id)
            assert (found.action, found.response_detail) == (ReviewAction.HOLD, "nobody answered")
