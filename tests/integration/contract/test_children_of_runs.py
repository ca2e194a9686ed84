"""What a run leaves behind: the promises of the repositories of scripts, audio and shorts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.production import RunStatus, ShortStatus
from tests.integration.contract.samples import EARLY, LATE, Parents, sample

if TYPE_CHECKING:
    from pipeline_store import Store

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("collection", ["scripts", "tts_audio"])
def test_oldest_first(store: Store, parents: Parents, collection: str) -> None:
    """`for_run` has the run's own, oldest first by time, equal times by id."""
    with store.unit_of_work() as uow:
        other = uow.pipeline_runs.add(sample("pipeline_runs"))
        times = [EARLY + SECOND, EARLY, EARLY + SECOND, EARLY - SECOND]
        added = getattr(uow, collection).add_many(
            sample(collection, parents, generated_at=time) for time in times
        )
        getattr(uow, collection).add(sample(collection, parents, pipeline_run_id=other.id))
        uow.commit()
    with store.unit_of_work() as uow:
        found = [each.id for each in getattr(uow, collection).for_run(parents.run)]
        assert found == [added[3].id, added[1].id, added[0].id, added[2].id]
        assert getattr(uow, collection).for_run(4711) == []


def test_the_newest_script_counts(store: Store, parents: Parents) -> None:
    """`newest_for` has the run's latest script, of equal times the one added last, or None."""
    with store.unit_of_work() as uow:
        assert uow.scripts.newest_for(parents.run) is None
        uow.scripts.add(sample("scripts", parents, generated_at=EARLY, opening_text="old"))
        newer = uow.scripts.add(sample("scripts", parents, generated_at=LATE, opening_text="new"))
        late = uow.scripts.add(sample("scripts", parents, generated_at=EARLY - SECOND))
        assert uow.scripts.newest_for(parents.run) is newer
        same = uow.scripts.add(sample("scripts", parents, generated_at=LATE))
        assert uow.scripts.newest_for(parents.run) is same
        uow.commit()
    with store.unit_of_work() as uow:
        newest = uow.scripts.newest_for(parents.run)
        assert newest is not None
        assert newest.id == same.id
        assert late.id in {script.id for script in uow.scripts.for_run(parents.run)}


class TestShorts:
    """Shorts belong to a run, which a person approves."""

    def test_for_run(self, store: Store, parents: Parents) -> None:
        """`for_run` has the run's shorts by id."""
        with store.unit_of_work() as uow:
            other = uow.pipeline_runs.add(sample("pipeline_runs"))
            added = uow.shorts.add_many(sample("shorts", parents) for _ in range(3))
            uow.shorts.add(sample("shorts", parents, pipeline_run_id=other.id))
            uow.commit()
        with store.unit_of_work() as uow:
            found = [short.id for short in uow.shorts.for_run(parents.run)]
            assert found == [short.id for short in added]
            assert uow.shorts.for_run(4711) == []

    def test_in_status(self, store: Store, parents: Parents) -> None:
        """`in_status` has the shorts with one status, oldest first, by member or plain value."""
        with store.unit_of_work() as uow:
            added = uow.shorts.add_many(
                sample("shorts", parents, status=status)
                for status in ("pending", "failed", "pending", "review")
            )
            uow.commit()
        with store.unit_of_work() as uow:
            found = [short.id for short in uow.shorts.in_status(ShortStatus.PENDING)]
            assert found == [added[0].id, added[2].id]
            plain: Any = "failed"
            assert [short.id for short in uow.shorts.in_status(plain)] == [added[1].id]
            assert uow.shorts.in_status(ShortStatus.UPLOADED) == []

    @pytest.mark.parametrize("status", list(RunStatus))
    def test_uploading_needs_an_approved_run(self, store: Store, status: RunStatus) -> None:
        """A short is marked as uploaded only when its run is approved or uploaded."""
        with store.unit_of_work() as uow:
            run = uow.pipeline_runs.add(sample("pipeline_runs", status=status))
            short = uow.shorts.add(
                sample("shorts", pipeline_run_id=run.id, clip_id=None, youtube_video_id=None)
            )
            uow.commit()
        allowed = status in {RunStatus.APPROVED, RunStatus.UPLOADED}
        with store.unit_of_work() as uow:
            stored, its_run = uow.shorts.get(short.id), uow.pipeline_runs.get(run.id)
            if allowed:
                stored.mark_uploaded(its_run, "v", "https://youtu.be/v", LATE)
            else:
                with pytest.raises(IllegalTransition, match=status):
                    stored.mark_uploaded(its_run, "v", "https://youtu.be/v", LATE)
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.shorts.get(short.id)
            expected = ("uploaded", "v") if allowed else ("review", None)
            assert (found.status, found.youtube_video_id) == expected

    def test_uploading_by_assignment(self, store: Store, parents: Parents) -> None:
        """Assigning `uploaded` is refused, since the assignment cannot see the run."""
        with store.unit_of_work() as uow:
            short = uow.shorts.add(sample("shorts", parents))
            for wanted in (ShortStatus.UPLOADED, "uploaded"):
                with pytest.raises(IllegalTransition, match="mark_uploaded"):
                    short.status = wanted  # type: ignore[assignment]
            assert short.status is ShortStatus.REVIEW

    def test_uploading_with_another_run(self, store: Store, parents: Parents) -> None:
        """The approval of another run does not count: InvalidValue."""
        with store.unit_of_work() as uow:
            other = uow.pipeline_runs.add(sample("pipeline_runs", status="approved"))
            short = uow.shorts.add(sample("shorts", parents))
            with pytest.raises(InvalidValue, match="pipeline_run_id"):
                short.mark_uploaded(other, "v", "https://youtu.be/v", LATE)
            assert short.status is ShortStatus.REVIEW
