"""A run is made once per niche and cycle: the promises of `PipelineRunRepository`."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import Conflict, IllegalTransition, InvalidValue
from pipeline_store.production import PipelineRun, RunStatus
from tests.integration.contract.samples import EARLY, LATE, content, sample

if TYPE_CHECKING:
    from pipeline_store import Store

HOUR = timedelta(hours=1)

LEGAL_MOVES = {
    ("pending", "running"),
    ("running", "review"),
    ("running", "failed"),
    ("review", "running"),
    ("review", "approved"),
    ("review", "failed"),
    ("approved", "uploaded"),
    ("approved", "failed"),
}


def run(**fields: Any) -> PipelineRun:
    made: PipelineRun = sample("pipeline_runs", **fields)
    return made


class TestForCycle:
    """`for_cycle` returns the run of a cycle, made if need be."""

    def test_a_new_cycle(self, store: Store) -> None:
        """The first to ask gets a new pending run with its key."""
        with store.unit_of_work() as uow:
            made = uow.pipeline_runs.for_cycle("football", EARLY, LATE)
            assert made.id is not None
            assert (made.status, made.retry_count) == (RunStatus.PENDING, 0)
            uow.commit()
        with store.unit_of_work() as uow:
            (found,) = uow.pipeline_runs.page()
            assert (found.niche, found.cycle_start, found.cycle_end) == ("football", EARLY, LATE)

    def test_asking_again(self, store: Store) -> None:
        """Whoever asks again gets the same run, in the same unit of work and in later ones."""
        with store.unit_of_work() as uow:
            made = uow.pipeline_runs.for_cycle("football", EARLY, LATE)
            assert uow.pipeline_runs.for_cycle("football", EARLY, LATE) is made
            uow.commit()
        tokyo = timezone(timedelta(hours=9))
        with store.unit_of_work() as uow:
            again = uow.pipeline_runs.for_cycle(
                "football", EARLY.astimezone(tokyo), LATE.astimezone(tokyo)
            )
            assert again.id == made.id
            assert uow.pipeline_runs.count() == 1

    @pytest.mark.parametrize("status", list(RunStatus))
    def test_whatever_its_status(self, store: Store, status: RunStatus) -> None:
        """A run that exists is returned in whichever status it is, and stays in it."""
        with store.unit_of_work() as uow:
            made = uow.pipeline_runs.add(
                run(niche="football", cycle_start=EARLY, cycle_end=LATE, status=status)
            )
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.pipeline_runs.for_cycle("football", EARLY, LATE)
            assert (found.id, found.status) == (made.id, status)

    def test_another_end(self, store: Store) -> None:
        """Another end for the same start is a Conflict that names both, and makes nothing."""
        with store.unit_of_work() as uow:
            uow.pipeline_runs.for_cycle("football", EARLY, LATE)
            uow.commit()
        before = content(store)
        with store.unit_of_work() as uow:
            with pytest.raises(Conflict, match="not at 2026-02-28 08:02"):
                uow.pipeline_runs.for_cycle("football", EARLY, LATE + HOUR)
            uow.commit()
        assert content(store) == before

    def test_other_cycles(self, store: Store) -> None:
        """Another niche, or a start that differs by a microsecond, is another run."""
        with store.unit_of_work() as uow:
            runs = [
                uow.pipeline_runs.for_cycle("football", EARLY, LATE),
                uow.pipeline_runs.for_cycle("Football", EARLY, LATE),
                uow.pipeline_runs.for_cycle("football", EARLY + timedelta(microseconds=1), LATE),
            ]
            assert len({each.id for each in runs}) == 3

    def test_a_cycle_that_ends_first(self, store: Store) -> None:
        """A cycle cannot end before it starts; it may end at its start."""
        with store.unit_of_work() as uow:
            with pytest.raises(InvalidValue, match="cycle_end"):
                uow.pipeline_runs.for_cycle("football", LATE, EARLY)
            assert uow.pipeline_runs.count() == 0
            assert uow.pipeline_runs.for_cycle("football", EARLY, EARLY).cycle_end == EARLY

    def test_the_oldest_of_two(self, store: Store) -> None:
        """Where another program made two runs of one cycle, the first is returned."""
        with store.unit_of_work() as uow:
            first, _ = uow.pipeline_runs.add_many(
                run(niche="football", cycle_start=EARLY, cycle_end=LATE) for _ in range(2)
            )
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.for_cycle("football", EARLY, LATE).id == first.id


class TestTransitions:
    """A stored run moves as the rules say, however it is moved."""

    @pytest.mark.parametrize("found", list(RunStatus))
    def test_by_assignment(self, store: Store, found: RunStatus) -> None:
        """Assigning any of the six statuses does what the rules say, and else changes nothing."""
        for wanted in RunStatus:
            with store.unit_of_work() as uow:
                key = uow.pipeline_runs.add(run(status=found)).id
                uow.commit()
            with store.unit_of_work() as uow:
                stored = uow.pipeline_runs.get(key)
                if found == wanted or (found, wanted) in LEGAL_MOVES:
                    stored.status = wanted
                else:
                    with pytest.raises(IllegalTransition) as refused:
                        stored.status = wanted
                    assert (refused.value.found, stored.status) == (found, found)
                uow.commit()
            expected = wanted if (found, wanted) in LEGAL_MOVES else found
            with store.unit_of_work() as uow:
                assert uow.pipeline_runs.get(key).status is expected

    def test_a_whole_life(self, store: Store) -> None:
        """A run goes from pending to uploaded, one unit of work for each step."""
        with store.unit_of_work() as uow:
            key = uow.pipeline_runs.for_cycle("football", EARLY, LATE).id
            uow.commit()
        steps = [
            (lambda each: each.start(EARLY), "running"),
            (lambda each: each.send_to_review(), "review"),
            (lambda each: each.back_to_work(), "running"),
            (lambda each: each.fail("no space", LATE), "failed"),
            (lambda each: each.retry(), "pending"),
            (lambda each: each.start(EARLY), "running"),
            (lambda each: each.send_to_review(), "review"),
            (lambda each: each.approve(), "approved"),
            (lambda each: each.mark_uploaded("v", "https://youtu.be/v", LATE), "uploaded"),
        ]
        for step, status in steps:
            with store.unit_of_work() as uow:
                step(uow.pipeline_runs.get(key))
                uow.commit()
            with store.unit_of_work() as uow:
                assert uow.pipeline_runs.get(key).status == status
        with store.unit_of_work() as uow:
            found = uow.pipeline_runs.get(key)
            assert (found.youtube_video_id, found.completed_at) == ("v", LATE)
            assert (found.retry_count, found.started_at) == (1, EARLY)


class TestQuestions:
    """What is asked about runs."""

    def test_in_status(self, store: Store) -> None:
        """`in_status` has the runs with one status, oldest first, by member or plain value."""
        statuses = ["review", "pending", "review", "failed"]
        with store.unit_of_work() as uow:
            added = uow.pipeline_runs.add_many(run(status=status) for status in statuses)
            uow.commit()
        with store.unit_of_work() as uow:
            found = [each.id for each in uow.pipeline_runs.in_status(RunStatus.REVIEW)]
            assert found == [added[0].id, added[2].id]
            plain: Any = "failed"
            assert [each.id for each in uow.pipeline_runs.in_status(plain)] == [added[3].id]
            assert uow.pipeline_runs.in_status(RunStatus.UPLOADED) == []

    def test_count_by_status(self, store: Store) -> None:
        """`count_by_status` has only statuses that occur, of all niches or of one."""
        runs = [("a", "review"), ("a", "review"), ("b", "review"), ("a", "failed")]
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.count_by_status() == {}
            uow.pipeline_runs.add_many(run(niche=niche, status=status) for niche, status in runs)
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.count_by_status() == {"review": 3, "failed": 1}
            assert uow.pipeline_runs.count_by_status("a") == {"review": 2, "failed": 1}
            assert uow.pipeline_runs.count_by_status("c") == {}

    def test_latest_for(self, store: Store) -> None:
        """`latest_for` has the niche's run with the latest cycle start, of equal ones the last."""
        with store.unit_of_work() as uow:
            added = uow.pipeline_runs.add_many(
                run(niche=niche, cycle_start=start, cycle_end=LATE + HOUR)
                for niche, start in [
                    ("a", EARLY),
                    ("a", LATE),
                    ("a", LATE),
                    ("a", EARLY),
                    ("b", LATE),
                ]
            )
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.pipeline_runs.latest_for("a")
            assert found is not None
            assert found.id == added[2].id
            assert uow.pipeline_runs.latest_for("c") is None

    def test_last_upload_for(self, store: Store) -> None:
        """`last_upload_for` has the niche's uploaded run that was completed last, or None."""
        runs = [
            ("uploaded", EARLY),
            ("uploaded", LATE),
            ("uploaded", LATE),
            ("uploaded", None),
            ("failed", LATE + HOUR),
        ]
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.last_upload_for("a") is None
            added = uow.pipeline_runs.add_many(
                run(niche="a", status=status, completed_at=time) for status, time in runs
            )
            unfinished = uow.pipeline_runs.add(run(niche="b", status="uploaded", completed_at=None))
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.pipeline_runs.last_upload_for("a")
            assert found is not None
            assert found.id == added[2].id
            only = uow.pipeline_runs.last_upload_for("b")
            assert only is not None
            assert only.id == unfinished.id


class TestCheckUnchanged:
    """`check_unchanged` keeps a run as it was read."""

    def test_what_stands_as_it_was_read(self, store: Store) -> None:
        """Read in this unit of work, or in an earlier one; nothing is written."""
        with store.unit_of_work() as uow:
            stored = uow.pipeline_runs.add(run(error_message=None))
            uow.pipeline_runs.check_unchanged(stored)
            uow.commit()
        with store.unit_of_work() as uow:
            uow.pipeline_runs.check_unchanged(stored)
            assert uow.pipeline_runs.get(stored.id) is stored
            stored.error_message = "changed here"
            uow.pipeline_runs.check_unchanged(stored)
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.pipeline_runs.get(stored.id)
            uow.pipeline_runs.check_unchanged(found)
            assert found.error_message == "changed here"
            assert uow.pipeline_runs.count() == 1

    def test_what_somebody_else_changed_or_removed(self, store: Store) -> None:
        """Each is a Conflict."""
        with store.unit_of_work() as uow:
            changed, removed = uow.pipeline_runs.add_many([run(), run()])
            uow.commit()
        with store.unit_of_work() as uow:
            uow.pipeline_runs.get(changed.id).error_message = "changed"
            uow.pipeline_runs.remove(uow.pipeline_runs.get(removed.id))
            uow.commit()
        for gone in (changed, removed):
            with store.unit_of_work() as uow, pytest.raises(Conflict):
                uow.pipeline_runs.check_unchanged(gone)

    def test_what_was_never_stored(self, store: Store) -> None:
        """There is nothing that it could have been read from, and it is not stored by this."""
        with store.unit_of_work() as uow:
            with pytest.raises(InvalidValue):
                uow.pipeline_runs.check_unchanged(run())
            assert uow.pipeline_runs.count() == 0
