"""What happens together or not at all: the promises of `UnitOfWork`."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pipeline_store.errors import (
    AlreadyExists,
    Conflict,
    InvalidValue,
    NaiveDatetimeWarning,
    NotFound,
    ReadOnly,
    RolledBack,
)
from pipeline_store.fields import NOW_BY_DEFAULT, NOW_ON_CHANGE
from pipeline_store.production import RunStatus
from tests.integration.contract.conftest import SteppedClock, opened
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import (
    CLASSES,
    COLLECTIONS,
    EARLY,
    KEYED_BY_STORE,
    LATE,
    Parents,
    content,
    key_name,
    key_of,
    page,
    sample,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store, UnitOfWork

NOTHING: dict[str, list[dict[str, Any]]] = {name: [] for name in COLLECTIONS}
SECOND_WRITER_WAITS = "on SQLite the second writer waits for the first to end"

MADE_OR_CHANGED: dict[str, Callable[[UnitOfWork], object]] = {
    "discovered_videos": lambda uow: uow.discovered_videos.record(sample("discovered_videos")),
    "config_overrides": lambda uow: uow.config_overrides.set("a", "1"),
    "system_configuration": lambda uow: uow.system_configuration.set("a", 1),
}


def stored_run(store: Store, **fields: Any) -> Any:
    """A committed run, belonging to no unit of work any more."""
    with store.unit_of_work() as uow:
        run = uow.pipeline_runs.add(sample("pipeline_runs", **fields))
        uow.commit()
    return run


class TestCommitting:
    """A change counts once it was committed."""

    def test_leaving_rolls_back(self, store: Store) -> None:
        """Leaving a unit of work without `commit()` undoes everything done in it."""
        with store.unit_of_work() as uow:
            uow.pipeline_runs.add(sample("pipeline_runs"))
            uow.config_overrides.set("a", "1")
            uow.analytics.record_many([{"youtube_video_id": "v"}])
            uow.discovered_videos.record_many([sample("discovered_videos")])
        assert content(store) == NOTHING

    def test_an_exception_rolls_back(self, store: Store) -> None:
        """An exception leaves the block as it is, and undoes everything done in it."""
        with pytest.raises(ZeroDivisionError), store.unit_of_work() as uow:  # noqa: PT012
            uow.pipeline_runs.add(sample("pipeline_runs"))
            _ = 1 / 0
        assert content(store) == NOTHING

    def test_committing_makes_visible(self, store: Store) -> None:
        """What was committed is there for the next unit of work."""
        with store.unit_of_work() as uow:
            uow.pipeline_runs.add(sample("pipeline_runs"))
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.count() == 1

    def test_going_on_after_a_commit(self, store: Store) -> None:
        """A unit of work goes on after `commit()`, and what follows needs a commit of its own."""
        with store.unit_of_work() as uow:
            run = uow.pipeline_runs.add(sample("pipeline_runs"))
            uow.commit()
            run.video_file_path = "second"
            uow.commit()
            run.video_file_path = "third"
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.get(run.id).video_file_path == "second"

    def test_rolling_back_to_the_last_commit(self, store: Store) -> None:
        """`rollback()` undoes what was done since the last commit, and the work can go on."""
        with store.unit_of_work() as uow:
            uow.config_overrides.set("a", "1")
            uow.commit()
            uow.config_overrides.set("a", "2")
            uow.config_overrides.set("b", "2")
            uow.rollback()
            assert uow.config_overrides.value("a") == "1"
            uow.config_overrides.set("c", "3")
            uow.commit()
        with store.unit_of_work() as uow:
            found = {override.key: override.value for override in uow.config_overrides.page()}
        assert found == {"a": "1", "c": "3"}

    def test_nothing_to_commit(self, store: Store) -> None:
        """Committing a unit of work that did nothing does nothing."""
        with store.unit_of_work() as uow:
            uow.commit()
            uow.rollback()
            uow.commit()
        assert content(store) == NOTHING

    def test_before_it_is_entered(self, store: Store) -> None:
        """Without a `with` nothing would end it, and its lock would stay: RolledBack at once."""
        run = stored_run(store)
        uow = store.unit_of_work()
        for use in (
            lambda: uow.pipeline_runs.get(run.id),
            lambda: uow.pipeline_runs.count(),
            lambda: uow.pipeline_runs.add(sample("pipeline_runs")),
            lambda: uow.config_overrides.set("a", "1"),
            lambda: uow.commit(),
        ):
            with pytest.raises(RolledBack, match="not entered: use it in a `with` block"):
                use()
        with uow:
            assert uow.pipeline_runs.get(run.id).niche == run.niche

    def test_after_its_end(self, store: Store) -> None:
        """A unit of work that was left cannot be used any more: RolledBack."""
        run = stored_run(store)
        with store.unit_of_work() as uow:
            pass
        for use in (
            lambda: uow.pipeline_runs.get(run.id),
            lambda: uow.pipeline_runs.count(),
            lambda: uow.pipeline_runs.add(sample("pipeline_runs")),
            lambda: uow.config_overrides.set("a", "1"),
            lambda: uow.commit(),
        ):
            with pytest.raises(RolledBack, match="ended"):
                use()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.count() == 1

    def test_entering_it_again(self, store: Store) -> None:
        """Nor can one that was left be entered again, within itself or later: RolledBack."""
        with store.unit_of_work() as uow:
            with uow:
                uow.pipeline_runs.add(sample("pipeline_runs"))
            with pytest.raises(RolledBack, match="ended"):
                uow.pipeline_runs.count()
        with uow, pytest.raises(RolledBack, match="ended"):
            uow.pipeline_runs.count()
        assert content(store) == NOTHING

    def test_its_own_changes(self, store: Store) -> None:
        """A unit of work sees its own changes in every question, before it commits."""
        with store.unit_of_work() as uow:
            run = uow.pipeline_runs.add(sample("pipeline_runs", niche="a"))
            error = uow.errors.add(sample("errors", pipeline_run_id=run.id))
            video = uow.discovered_videos.add(sample("discovered_videos", niche="a"))
            review = uow.reviews.add(
                sample("reviews", pipeline_run_id=run.id, action=None, responded_at=None)
            )
            uow.commit()
        with store.unit_of_work() as uow:
            uow.pipeline_runs.get(run.id).status = RunStatus.REVIEW
            assert uow.pipeline_runs.count_by_status() == {"review": 1}
            uow.pipeline_runs.get(run.id).niche = "b"
            assert uow.pipeline_runs.niches() == ["b"]
            uow.errors.get(error.id).resolved = 1
            assert uow.errors.count_unresolved() == 0
            uow.discovered_videos.get(video.id).niche = "b"
            assert uow.discovered_videos.niches() == ["b"]
            assert [found.id for found in uow.discovered_videos.pending("b")] == [video.id]
            uow.reviews.get(review.id).answer("hold", LATE)
            assert uow.reviews.waiting() == []


class TestRollingBack:
    """Objects live longer than the unit of work that was undone."""

    @in_turn("collection", KEYED_BY_STORE)
    def test_added_objects_are_new_again(
        self, store: Store, parents: Parents, collection: str
    ) -> None:
        """An object whose addition was rolled back has no key, and can be added again."""
        new = sample(collection, parents)
        before = values_of(new)
        with store.unit_of_work() as uow:
            getattr(uow, collection).add(new)
        assert values_of(new) == before
        assert new.id is None
        with store.unit_of_work() as uow:
            getattr(uow, collection).add(new)
            uow.commit()
        with store.unit_of_work() as uow:
            assert values_of(getattr(uow, collection).get(new.id)) == before | {"id": new.id}

    def test_an_added_override_is_new_again(self, store: Store) -> None:
        """An override whose addition was rolled back keeps its key and can be added again."""
        new = sample("config_overrides", key="a")
        with store.unit_of_work() as uow:
            uow.config_overrides.add(new)
        assert new.key == "a"
        with store.unit_of_work() as uow:
            assert uow.config_overrides.find("a") is None
            uow.config_overrides.add(new)
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.config_overrides.value("a") == "a value"

    def test_changed_objects_keep_their_values(self, store: Store) -> None:
        """An object that was read and changed keeps its values; added again, they are written."""
        run = stored_run(store, video_file_path="old")
        with store.unit_of_work() as uow:
            found = uow.pipeline_runs.get(run.id)
            found.video_file_path = "new"
            uow.pipeline_runs.count()
            uow.rollback()
            assert found.video_file_path == "new"
            assert uow.pipeline_runs.get(run.id).video_file_path == "old"
        with store.unit_of_work() as uow:
            uow.pipeline_runs.add(found)
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.get(run.id).video_file_path == "new"

    def test_an_object_added_and_removed_is_new_again(self, store: Store) -> None:
        """Rolling back both the addition and the removal of an object leaves a new one."""
        new = sample("pipeline_runs")
        with store.unit_of_work() as uow:
            uow.pipeline_runs.add(new)
            uow.pipeline_runs.remove(new)
            uow.rollback()
            assert new.id is None
            uow.pipeline_runs.add(new)
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.get(new.id).niche == "niche-00001"


class TestErrors:
    """An error of the database undoes the whole unit of work."""

    @staticmethod
    def broken_reference(uow: UnitOfWork) -> None:
        uow.clips.add(sample("clips", Parents(run=4711, video=4711, clip=0)))

    @staticmethod
    def taken_key(uow: UnitOfWork) -> None:
        uow.config_overrides.add(sample("config_overrides", key="taken"))

    @pytest.mark.parametrize(
        ("fault", "error"), [(broken_reference, NotFound), (taken_key, AlreadyExists)]
    )
    def test_until_rollback(
        self, store: Store, fault: Callable[[UnitOfWork], None], error: type[Exception]
    ) -> None:
        """After the error every call raises RolledBack, until `rollback()`; nothing is written."""
        with store.unit_of_work() as uow:
            uow.config_overrides.set("taken", "1")
            run = uow.pipeline_runs.add(sample("pipeline_runs"))
            uow.commit()
        before = content(store)
        with store.unit_of_work() as uow:
            found = uow.pipeline_runs.get(run.id)
            new = uow.pipeline_runs.add(sample("pipeline_runs", number=2))
            with pytest.raises(error):
                fault(uow)
            assert new.id is None
            for use in (
                lambda: uow.pipeline_runs.get(run.id),
                lambda: uow.pipeline_runs.find(run.id),
                lambda: uow.pipeline_runs.count(),
                lambda: uow.pipeline_runs.page(),
                lambda: uow.pipeline_runs.add(new),
                lambda: uow.pipeline_runs.remove(found),
                lambda: uow.pipeline_runs.for_cycle("n", EARLY, LATE),
                lambda: uow.analytics.record_many([{"youtube_video_id": "v"}]),
                lambda: uow.discovered_videos.record(sample("discovered_videos")),
                lambda: uow.config_overrides.set("b", "1"),
                lambda: uow.commit(),
            ):
                with pytest.raises(RolledBack, match="rollback"):
                    use()
            uow.rollback()
            assert uow.pipeline_runs.count() == 1
            uow.commit()
        assert content(store) == before

    def test_leaving_after_an_error(self, store: Store) -> None:
        """A unit of work that an error undid can be left, and the next one works."""
        with store.unit_of_work() as uow, pytest.raises(NotFound):
            self.broken_reference(uow)
        with store.unit_of_work() as uow:
            uow.config_overrides.set("a", "1")
            uow.commit()
        assert len(content(store)["config_overrides"]) == 1

    def test_a_refused_value_undoes_nothing(self, store: Store) -> None:
        """InvalidValue, IllegalTransition and a failed lookup leave the rest of the work alone."""
        with store.unit_of_work() as uow:
            run = uow.pipeline_runs.add(sample("pipeline_runs", niche="a"))
            for refused in (
                lambda: uow.pipeline_runs.find("1"),  # type: ignore[arg-type]
                lambda: uow.pipeline_runs.add("1"),  # type: ignore[arg-type]
                lambda: uow.pipeline_runs.for_cycle("", EARLY, LATE),
                lambda: uow.config_overrides.set("a", 1),  # type: ignore[arg-type]
                lambda: uow.analytics.record_many([{"youtube_video_id": 1}]),
                lambda: uow.analytics.record_new([{"youtube_video_id": 1}]),
                lambda: setattr(run, "retry_count", -1),
            ):
                with pytest.raises(InvalidValue):
                    refused()
            with pytest.raises(NotFound):
                uow.scripts.get(1)
            with pytest.raises(Conflict):
                uow.pipeline_runs.for_cycle("a", EARLY, LATE + timedelta(hours=1))
            run.niche = "b"
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.niches() == ["b"]


READ_ONLY_WRITES: dict[str, Callable[[UnitOfWork, Any], Any]] = {
    "add": lambda uow, run: uow.pipeline_runs.add(sample("pipeline_runs", number=2)),
    "add_many": lambda uow, run: uow.pipeline_runs.add_many([sample("pipeline_runs", number=2)]),
    "add again": lambda uow, run: uow.pipeline_runs.add(run),
    "remove": lambda uow, run: uow.pipeline_runs.remove(uow.pipeline_runs.get(run.id)),
    "for_cycle": lambda uow, run: uow.pipeline_runs.for_cycle("new", EARLY, LATE),
    "record": lambda uow, run: uow.discovered_videos.record(sample("discovered_videos")),
    "record_many": lambda uow, run: uow.discovered_videos.record_many(
        [sample("discovered_videos")]
    ),
    "mark": lambda uow, run: uow.discovered_videos.mark("video-00009", 1),  # type: ignore[arg-type]
    "readings": lambda uow, run: uow.analytics.record_many([{"youtube_video_id": "v"}]),
    "new readings": lambda uow, run: uow.analytics.record_new([{"youtube_video_id": "v"}]),
    "hold_overdue": lambda uow, run: uow.reviews.hold_overdue(),
    "set": lambda uow, run: uow.config_overrides.set("a", "1"),
    "unset": lambda uow, run: uow.config_overrides.unset("key-00001"),
    "resolve": lambda uow, run: uow.errors.resolve(1),
}


class TestReadOnly:
    """A read-only unit of work refuses every write."""

    def test_refuses(self, store: Store) -> None:
        """Each call that would write raises ReadOnly, and nothing is changed."""
        with store.unit_of_work() as uow:
            run = uow.pipeline_runs.add(sample("pipeline_runs"))
            uow.discovered_videos.add(sample("discovered_videos", number=9))
            uow.config_overrides.add(sample("config_overrides"))
            uow.errors.add(sample("errors", pipeline_run_id=None))
            uow.commit()
        before = content(store)
        refused: dict[str, str] = {}
        changing: list[str] = []
        for name, write in READ_ONLY_WRITES.items():
            with store.unit_of_work(read_only=True) as uow:
                try:
                    write(uow, run)
                except ReadOnly as error:
                    refused[name] = str(error)
            if content(store) != before:
                changing.append(name)
        assert (list(refused), changing) == (list(READ_ONLY_WRITES), [])
        assert [said for said in refused.values() if "read_only" not in said] == []

    def test_a_changed_attribute(self, store: Store) -> None:
        """The commit of a changed object raises ReadOnly, and nothing is changed."""
        run = stored_run(store)
        before = content(store)
        with store.unit_of_work(read_only=True) as uow:
            uow.pipeline_runs.get(run.id).video_file_path = "other"
            with pytest.raises(ReadOnly):
                uow.commit()
        assert content(store) == before

    def test_reading(self, store: Store) -> None:
        """Everything can be read, and a commit without changes is no write."""
        run = stored_run(store, niche="a", cycle_start=EARLY, cycle_end=LATE)
        with store.unit_of_work(read_only=True) as uow:
            assert uow.pipeline_runs.get(run.id).niche == "a"
            assert uow.pipeline_runs.for_cycle("a", EARLY, LATE).id == run.id
            assert uow.config_overrides.unset("never set") is False
            uow.commit()

    def test_beside_a_writer(self, store: Store) -> None:
        """A reader neither waits for an open writer nor sees what it has not committed."""
        run = stored_run(store, video_file_path="old")
        with store.unit_of_work() as writer:
            writer.pipeline_runs.get(run.id).video_file_path = "new"
            writer.pipeline_runs.add(sample("pipeline_runs", number=2))
            with store.unit_of_work(read_only=True) as reader:
                assert reader.pipeline_runs.get(run.id).video_file_path == "old"
                assert reader.pipeline_runs.count() == 1
            writer.commit()
        with store.unit_of_work(read_only=True) as reader:
            assert reader.pipeline_runs.get(run.id).video_file_path == "new"
            assert reader.pipeline_runs.count() == 2


class TestAddingAgain:
    """An object outlives its unit of work, and can be added to a later one."""

    def test_its_changes_are_written(self, store: Store) -> None:
        """Changes made to an object between two units of work are written by the second."""
        run = stored_run(store)
        run.video_file_path = "between"
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.add(run) is run
            assert uow.pipeline_runs.get(run.id) is run
            run.error_message = "within"
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.pipeline_runs.get(run.id)
            assert (found.video_file_path, found.error_message) == ("between", "within")
            assert uow.pipeline_runs.count() == 1

    def test_many_of_them(self, store: Store) -> None:
        """`add_many` takes new objects and earlier ones together."""
        known = stored_run(store)
        known.video_file_path = "between"
        new = sample("pipeline_runs", number=2)
        with store.unit_of_work() as uow:
            uow.pipeline_runs.add_many([new, known])
            uow.commit()
        with store.unit_of_work() as uow:
            paths = {run.id: run.video_file_path for run in uow.pipeline_runs.page()}
        assert paths == {known.id: "between", new.id: "out/video.mp4"}

    @pytest.mark.parametrize("changed_here", [True, False])
    def test_somebody_changed_it(self, store: Store, changed_here: bool) -> None:
        """When somebody changed its row since it was read, adding it again is a Conflict."""
        run = stored_run(store)
        with store.unit_of_work() as uow:
            uow.pipeline_runs.get(run.id).error_message = "theirs"
            uow.commit()
        before = content(store)
        if changed_here:
            run.video_file_path = "mine"
        with store.unit_of_work() as uow, pytest.raises(Conflict):
            uow.pipeline_runs.add(run)
        assert content(store) == before

    def test_somebody_removed_it(self, store: Store) -> None:
        """When somebody removed its row since it was read, adding or removing it is a Conflict."""
        run = stored_run(store)
        with store.unit_of_work() as uow:
            uow.pipeline_runs.remove(uow.pipeline_runs.get(run.id))
            uow.commit()
        with store.unit_of_work() as uow, pytest.raises(Conflict):
            uow.pipeline_runs.add(run)
        with store.unit_of_work() as uow, pytest.raises(Conflict):
            uow.pipeline_runs.remove(run)
        assert content(store) == NOTHING

    def test_somebody_changed_it_before_the_removal(self, store: Store) -> None:
        """When somebody changed its row since it was read, removing it is a Conflict."""
        run = stored_run(store)
        with store.unit_of_work() as uow:
            uow.pipeline_runs.get(run.id).error_message = "theirs"
            uow.commit()
        with store.unit_of_work() as uow, pytest.raises(Conflict):
            uow.pipeline_runs.remove(run)
        assert len(content(store)["pipeline_runs"]) == 1

    def test_it_is_there_as_another_object(self, store: Store) -> None:
        """An object cannot join a unit of work that has read its row already: Conflict."""
        run = stored_run(store)
        with store.unit_of_work() as uow:
            there = uow.pipeline_runs.get(run.id)
            with pytest.raises(Conflict, match="already"):
                uow.pipeline_runs.add(run)
        assert there.id == run.id

    def test_it_belongs_to_another_open_unit_of_work(self, store: Store) -> None:
        """An object belongs to one unit of work at a time: adding or removing it is a Conflict."""
        run = stored_run(store)
        with store.unit_of_work() as first:
            found = first.pipeline_runs.get(run.id)
            with store.unit_of_work() as second, pytest.raises(Conflict, match="another"):
                second.pipeline_runs.add(found)
            with store.unit_of_work() as second, pytest.raises(Conflict, match="another"):
                second.pipeline_runs.remove(found)
            found.error_message = "still mine"
            first.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.get(run.id).error_message == "still mine"

    def test_adding_twice(self, store: Store) -> None:
        """Adding an object again in the same unit of work does nothing more."""
        with store.unit_of_work() as uow:
            run = uow.pipeline_runs.add(sample("pipeline_runs"))
            key = run.id
            assert uow.pipeline_runs.add(run) is run
            assert uow.pipeline_runs.add_many([run, run]) == [run, run]
            assert run.id == key
            assert uow.pipeline_runs.count() == 1


class TestLostUpdates:
    """Of two units of work that change one object, the second gets Conflict."""

    @pytest.mark.differs("sqlite", reason=SECOND_WRITER_WAITS)
    @pytest.mark.parametrize("field", ["video_file_path", "error_message"])
    def test_two_changes(self, store: Store, field: str) -> None:
        """The second commit is a Conflict, whichever fields the two changed, and writes nothing."""
        run = stored_run(store)
        with store.unit_of_work() as first, store.unit_of_work() as second:
            mine = first.pipeline_runs.get(run.id)
            theirs = second.pipeline_runs.get(run.id)
            theirs.error_message = "theirs"
            second.commit()
            new = first.config_overrides.set("a", "1")
            setattr(mine, field, "mine")
            with pytest.raises(Conflict):
                first.commit()
            with pytest.raises(RolledBack):
                first.pipeline_runs.get(run.id)
        assert new.value == "1"
        with store.unit_of_work() as uow:
            found = uow.pipeline_runs.get(run.id)
            assert (found.video_file_path, found.error_message) == ("out/video.mp4", "theirs")
            assert uow.config_overrides.count() == 0

    @pytest.mark.differs("sqlite", reason=SECOND_WRITER_WAITS)
    def test_a_change_made_from_an_earlier_reading(self, store: Store) -> None:
        """What was read first counts, also when nobody kept the object and it is read again."""
        run = stored_run(store)
        with store.unit_of_work() as first, store.unit_of_work() as second:
            retries = first.pipeline_runs.get(run.id).retry_count
            gc.collect()
            second.pipeline_runs.get(run.id).retry_count = 5
            second.commit()
            first.pipeline_runs.get(run.id).retry_count = retries + 1
            with pytest.raises(Conflict):
                first.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.get(run.id).retry_count == 5

    @pytest.mark.differs("sqlite", reason=SECOND_WRITER_WAITS)
    def test_a_change_and_a_removal(self, store: Store) -> None:
        """A change of an object that somebody removed, and the reverse, is a Conflict."""
        run = stored_run(store)
        with store.unit_of_work() as first, store.unit_of_work() as second:
            mine = first.pipeline_runs.get(run.id)
            theirs = second.pipeline_runs.get(run.id)
            theirs.error_message = "theirs"
            second.commit()
            with pytest.raises(Conflict):
                first.pipeline_runs.remove(mine)
        with store.unit_of_work() as first, store.unit_of_work() as second:
            mine = first.pipeline_runs.get(run.id)
            second.pipeline_runs.remove(second.pipeline_runs.get(run.id))
            second.commit()
            mine.error_message = "mine"
            with pytest.raises(Conflict):
                first.commit()
        assert content(store) == NOTHING

    @pytest.mark.differs("sqlite", "postgres", reason="the second waits, and changes what is there")
    @in_turn("collection", list(MADE_OR_CHANGED))
    def test_what_both_make_unless_it_is_there(self, store: Store, collection: str) -> None:
        """Of two that make what they would have changed, the second gets a Conflict."""
        make = MADE_OR_CHANGED[collection]
        with store.unit_of_work() as first, store.unit_of_work() as second:
            make(first)
            make(second)
            first.commit()
            with pytest.raises(Conflict, match="somebody else"):
                second.commit()
            second.rollback()
            make(second)
            second.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert getattr(uow, collection).count() == 1

    @pytest.mark.differs("sqlite", reason=SECOND_WRITER_WAITS)
    def test_an_object_that_was_only_read(self, store: Store) -> None:
        """A change by somebody else is no Conflict for a unit of work that only read the object."""
        run = stored_run(store)
        with store.unit_of_work() as first, store.unit_of_work() as second:
            first.pipeline_runs.get(run.id)
            second.pipeline_runs.get(run.id).error_message = "theirs"
            second.commit()
            first.config_overrides.set("a", "1")
            first.commit()
        assert len(content(store)["config_overrides"]) == 1

    @pytest.mark.differs("sqlite", reason=SECOND_WRITER_WAITS)
    def test_an_object_that_was_only_counted(self, store: Store) -> None:
        """Who counts objects has not read them: a later change by somebody else is seen."""
        run = stored_run(store)
        with store.unit_of_work() as first, store.unit_of_work() as second:
            assert first.pipeline_runs.count() == 1
            assert first.pipeline_runs.count_by_status() == {run.status: 1}
            assert first.pipeline_runs.niches() == [run.niche]
            second.pipeline_runs.get(run.id).error_message = "theirs"
            second.commit()
            mine = first.pipeline_runs.get(run.id)
            assert mine.error_message == "theirs"
            mine.error_message = "mine"
            first.commit()

    @pytest.mark.differs("sqlite", reason=SECOND_WRITER_WAITS)
    def test_an_object_that_was_removed_meanwhile_is_not_counted(self, store: Store) -> None:
        run = stored_run(store)
        with store.unit_of_work() as first, store.unit_of_work() as second:
            first.pipeline_runs.get(run.id)
            second.pipeline_runs.remove(second.pipeline_runs.get(run.id))
            second.commit()
            assert first.pipeline_runs.count() == 0
            assert first.pipeline_runs.count_by_status() == {}

    @pytest.mark.differs("sqlite", reason=SECOND_WRITER_WAITS)
    def test_a_child_of_a_parent_removed_meanwhile(self, store: Store, parents: Parents) -> None:
        """No child is left without its parent, whoever commits first."""
        with store.unit_of_work() as uow:
            run = uow.pipeline_runs.add(sample("pipeline_runs"))
            uow.commit()
        with store.unit_of_work() as first, store.unit_of_work() as second:
            first.pipeline_runs.get(run.id)
            second.pipeline_runs.remove(second.pipeline_runs.get(run.id))
            second.commit()
            with pytest.raises(NotFound):
                first.scripts.add(sample("scripts", parents, pipeline_run_id=run.id))
        assert content(store)["scripts"] == []

    def test_after_a_conflict(self, store: Store) -> None:
        """After a Conflict the caller reads again, in a new unit of work, and succeeds."""
        run = stored_run(store)
        with store.unit_of_work() as uow:
            uow.pipeline_runs.get(run.id).retry_count += 1
            uow.commit()
        run.retry_count += 1
        with store.unit_of_work() as uow, pytest.raises(Conflict):
            uow.pipeline_runs.add(run)
        with store.unit_of_work() as uow:
            uow.pipeline_runs.get(run.id).retry_count += 1
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.pipeline_runs.get(run.id).retry_count == 4


def fields_with(kind: str) -> list[tuple[str, str]]:
    """The fields whose metadata says so, each with its collection."""
    return [
        (collection, field.name)
        for collection in COLLECTIONS
        for field in attrs.fields(CLASSES[collection])
        if field.metadata.get(kind)
    ]


class TestClock:
    """A store takes the time from the clock it was given."""

    def test_now(self, store: Store, clock: SteppedClock) -> None:
        """`now()` is what the clock says at that moment."""
        with store.unit_of_work() as uow:
            assert uow.now() == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
            clock.advance(minutes=5)
            assert uow.now() == datetime(2026, 3, 1, 12, 5, tzinfo=UTC)

    def test_a_clock_in_another_zone(self, store_id: str, database_url: str) -> None:
        """`now()` is in UTC whatever zone the clock uses, and a naive clock is warned about."""
        tokyo = timezone(timedelta(hours=9))
        for now, warning in (
            (datetime(2026, 3, 1, 9, tzinfo=tokyo), nullcontext()),
            (datetime(2026, 3, 1), pytest.warns(NaiveDatetimeWarning)),  # noqa: DTZ001
        ):
            with (
                opened(store_id, database_url, lambda now=now: now) as store,
                store.unit_of_work() as uow,
                warning,
            ):
                assert uow.now().isoformat() == "2026-03-01T00:00:00+00:00"

    @in_turn("place", [*enumerate(fields_with(NOW_BY_DEFAULT), start=1)])
    def test_empty_times_are_filled_in(
        self,
        store: Store,
        clock: SteppedClock,
        parents: Parents,
        place: tuple[int, tuple[str, str]],
    ) -> None:
        """A time that was left out becomes the store's present instant when the object is added."""
        number, (collection, field) = place
        clock.advance(days=1)
        then = clock.instant
        new = sample(collection, parents, number, **{field: None})
        with store.unit_of_work() as uow:
            added = getattr(uow, collection).add(new)
            assert getattr(added, field) == then
            uow.commit()
        clock.advance(days=1)
        with store.unit_of_work() as uow:
            found = getattr(uow, collection).get(key_of(added))
            assert getattr(found, field) == then

    @in_turn("place", fields_with(NOW_ON_CHANGE))
    def test_times_of_changes_are_set(
        self, store: Store, clock: SteppedClock, parents: Parents, place: tuple[str, str]
    ) -> None:
        """The time of the last change is the instant at which a changed object was written."""
        collection, field = place
        with store.unit_of_work() as uow:
            added = getattr(uow, collection).add(sample(collection, parents, **{field: EARLY}))
            uow.commit()
            assert (added.created_at, getattr(added, field)) == (EARLY, EARLY)
        clock.advance(hours=1)
        with store.unit_of_work() as uow:
            found = getattr(uow, collection).get(key_of(added))
            for name, value in values_of(found).items():
                if name != key_name(collection):
                    setattr(found, name, value)
            uow.commit()
            assert getattr(found, field) == EARLY
            setattr(found, field, LATE)
            uow.commit()
            assert getattr(found, field) == clock()
        with store.unit_of_work() as uow:
            read = getattr(uow, collection).get(key_of(added))
            assert (read.created_at, getattr(read, field)) == (EARLY, clock())


def test_which_times_the_store_sets() -> None:
    """These classes say when they were last changed."""
    assert [collection for collection, field in fields_with(NOW_ON_CHANGE)] == [
        "channels",
        "videos",
        "jobs",
        "presets",
        "music",
        "system_configuration",
        "tasks",
        "uploads",
    ]
    assert {field for _, field in fields_with(NOW_ON_CHANGE)} == {"updated_at"}
    filled = fields_with(NOW_BY_DEFAULT)
    assert set(fields_with(NOW_ON_CHANGE)) <= set(filled)
    assert len(filled) == 30


def test_many_collections_in_one(store: Store, parents: Parents) -> None:
    """Changes to several collections are committed together."""
    with store.unit_of_work() as uow:
        before = {name: len(page(uow, name)) for name in COLLECTIONS}
        for collection in COLLECTIONS:
            getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
    with store.unit_of_work() as uow:
        assert {name: len(page(uow, name)) - before[name] for name in COLLECTIONS} == (
            dict.fromkeys(COLLECTIONS, 1)
        )


def test_an_object_that_goes_is_not_changed(
    store: Store, parents: Parents, clock: SteppedClock
) -> None:
    """What was changed in it and never committed is not written before it is removed."""
    with store.unit_of_work() as uow:
        preset = uow.presets.add(sample("presets", parents))
        uow.commit()
        channel = uow.channels.get(parents.channel)
        channel.default_preset_id = preset.id
        uow.commit()
    before = preset.updated_at
    clock.advance(hours=1)
    with store.unit_of_work():
        preset.description = "another"
    with store.unit_of_work() as uow:
        uow.presets.remove(preset)
        assert preset.updated_at == before
        assert uow.channels.get(channel.id).updated_at == clock()
        uow.commit()
    assert preset.updated_at == before
