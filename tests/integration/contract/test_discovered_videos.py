"""A video is discovered once: the promises of `DiscoveredVideoRepository`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import InvalidValue, NotFound
from pipeline_store.production import ContentIdRisk, DiscoveredVideo, Processed
from tests.integration.contract.samples import EARLY, LATE, content, sample, values_of

if TYPE_CHECKING:
    from pipeline_store import Store
    from tests.integration.contract.conftest import SteppedClock


def video(number: int = 1, **fields: Any) -> DiscoveredVideo:
    found: DiscoveredVideo = sample("discovered_videos", number=number, **fields)
    return found


UNKNOWN_NUMBERS = {
    "category_id": None,
    "duration_seconds": None,
    "view_count": None,
    "like_count": None,
    "comment_count": None,
    "view_velocity": None,
    "viral_score": None,
}


class TestRecord:
    """`record` makes a video or refreshes it."""

    def test_a_new_video(self, store: Store, clock: SteppedClock) -> None:
        """A video that is not known is stored with all its fields; the given object stays new."""
        given = video(discovered_at=None, processed=Processed.REJECTED)
        with store.unit_of_work() as uow:
            stored = uow.discovered_videos.record(given)
            assert stored is not given
            assert given.id is None
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.discovered_videos.get(stored.id)
            assert values_of(found) == values_of(given) | {
                "id": stored.id,
                "discovered_at": clock(),
            }

    def test_a_known_video(self, store: Store) -> None:
        """A later reading replaces title, channel, url and numbers, and nothing else."""
        with store.unit_of_work() as uow:
            first = uow.discovered_videos.record(video(processed=Processed.USED))
            uow.commit()
        later = video(
            title="New title",
            channel_name="New name",
            channel_id="New id",
            url="https://youtu.be/new",
            category_id=1,
            duration_seconds=2,
            view_count=3,
            like_count=4,
            comment_count=5,
            view_velocity=6.5,
            viral_score=0.875,
            niche="another niche",
            discovery_source="another source",
            discovered_at=LATE,
            processed=Processed.PENDING,
            content_id_risk=ContentIdRisk.HIGH,
        )
        with store.unit_of_work() as uow:
            stored = uow.discovered_videos.record(later)
            assert stored.id == first.id
            uow.commit()
        with store.unit_of_work() as uow:
            assert values_of(uow.discovered_videos.get(first.id)) == {
                "id": first.id,
                "video_id": "video-00001",
                "title": "New title",
                "channel_name": "New name",
                "channel_id": "New id",
                "url": "https://youtu.be/new",
                "category_id": 1,
                "duration_seconds": 2,
                "view_count": 3,
                "like_count": 4,
                "comment_count": 5,
                "view_velocity": 6.5,
                "viral_score": 0.875,
                "niche": "football",
                "discovery_source": "trending",
                "discovered_at": EARLY,
                "processed": Processed.USED,
                "content_id_risk": ContentIdRisk.LOW,
            }

    def test_what_a_later_reading_does_not_know(self, store: Store) -> None:
        """Unknown numbers and empty texts of a later reading leave the last known ones."""
        with store.unit_of_work() as uow:
            first = uow.discovered_videos.record(video())
            before = values_of(first)
            uow.commit()
        empty = {"title": "", "channel_name": "", "channel_id": "", "url": ""}
        with store.unit_of_work() as uow:
            uow.discovered_videos.record(video(**UNKNOWN_NUMBERS, **empty))
            uow.commit()
        with store.unit_of_work() as uow:
            assert values_of(uow.discovered_videos.get(first.id)) == before

    def test_a_zero_is_known(self, store: Store) -> None:
        """A later reading of 0 is not an unknown one: numbers may fall."""
        zeros = dict.fromkeys(UNKNOWN_NUMBERS, 0)
        with store.unit_of_work() as uow:
            uow.discovered_videos.record(video())
            uow.discovered_videos.record(video(**zeros))
            uow.commit()
        with store.unit_of_work() as uow:
            (found,) = uow.discovered_videos.page()
            assert {name: getattr(found, name) for name in zeros} == zeros

    def test_the_object_that_is_in_use(self, store: Store) -> None:
        """The stored object of this unit of work is returned and refreshed, its changes kept."""
        with store.unit_of_work() as uow:
            stored = uow.discovered_videos.add(video())
            stored.processed = Processed.SKIPPED
            stored.niche = "changed here"
            assert uow.discovered_videos.record(video(view_count=9)) is stored
            assert stored.view_count == 9
            assert (stored.processed, stored.niche) == (Processed.SKIPPED, "changed here")
            uow.commit()
        with store.unit_of_work() as uow:
            (found,) = uow.discovered_videos.page()
            assert (found.view_count, found.niche) == (9, "changed here")
            assert found.processed is Processed.SKIPPED

    def test_recording_a_stored_object(self, store: Store) -> None:
        """Recording the stored object itself writes its numbers and loses nothing."""
        with store.unit_of_work() as uow:
            stored = uow.discovered_videos.add(video())
            stored.view_count = 10
            assert uow.discovered_videos.record(stored) is stored
            assert stored.view_count == 10
            uow.commit()
        with store.unit_of_work() as uow:
            assert [found.view_count for found in uow.discovered_videos.page()] == [10]

    def test_a_refreshed_object_can_be_changed(self, store: Store) -> None:
        """A change after a refresh is written: the refresh is not mistaken for somebody else's."""
        with store.unit_of_work() as uow:
            stored = uow.discovered_videos.record(video())
            uow.discovered_videos.record(video(view_count=9))
            stored.niche = "changed"
            uow.commit()
            stored.processed = Processed.USED
            uow.commit()
        with store.unit_of_work() as uow:
            (found,) = uow.discovered_videos.page()
            assert (found.view_count, found.niche, found.processed) == (9, "changed", 1)

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_a_refresh_in_between(self, store: Store) -> None:
        """Recording a video that somebody else refreshed meanwhile is no Conflict."""
        with store.unit_of_work() as uow:
            key = uow.discovered_videos.record(video()).id
            uow.commit()
        with store.unit_of_work() as first, store.unit_of_work() as second:
            assert first.discovered_videos.get(key).like_count == 40
            second.discovered_videos.record(video(view_count=8, like_count=41))
            second.commit()
            stored = first.discovered_videos.record(video(view_count=9, like_count=None))
            assert (stored.view_count, stored.like_count) == (9, 41)
            first.commit()
        with store.unit_of_work() as uow:
            (found,) = uow.discovered_videos.page()
            assert (found.view_count, found.like_count) == (9, 41)


class TestRecordMany:
    """`record_many` does the same for many videos."""

    def test_counts(self, store: Store) -> None:
        """It says how many videos were new and how many readings refreshed a known one."""
        with store.unit_of_work() as uow:
            assert uow.discovered_videos.record_many([]) == (0, 0)
            made = uow.discovered_videos.record_many(video(number) for number in range(1200))
            assert (made.made, made.refreshed) == (1200, 0)
            again = uow.discovered_videos.record_many(video(number) for number in range(600, 1300))
            assert (again.made, again.refreshed) == (100, 600)
            assert uow.discovered_videos.count() == 1300

    def test_one_video_several_times(self, store: Store) -> None:
        """Of several readings of one video the later wins, where it knows something."""
        readings = [
            video(1, view_count=1, like_count=1, niche="first", discovered_at=EARLY),
            video(2),
            video(1, view_count=2, like_count=None, niche="second", discovered_at=LATE),
            video(1, view_count=None, like_count=3, title=""),
        ]
        with store.unit_of_work() as uow:
            recorded = uow.discovered_videos.record_many(readings)
            assert (recorded.made, recorded.refreshed) == (2, 2)
            uow.commit()
        assert readings[0].view_count == 1
        with store.unit_of_work() as uow:
            found = uow.discovered_videos.by_video_id("video-00001")
            assert found is not None
            assert (found.view_count, found.like_count) == (2, 3)
            assert (found.niche, found.discovered_at) == ("first", EARLY)
            assert found.title == "Ten saves that should not have been possible"

    def test_the_mark_is_kept(self, store: Store) -> None:
        """A video that was used, skipped or rejected stays so, whatever is recorded."""
        marks = [Processed.PENDING, Processed.USED, Processed.SKIPPED, Processed.REJECTED]
        with store.unit_of_work() as uow:
            uow.discovered_videos.add_many(video(i, processed=mark) for i, mark in enumerate(marks))
            uow.commit()
        with store.unit_of_work() as uow:
            uow.discovered_videos.record_many(
                video(i, processed=Processed.PENDING) for i in range(len(marks))
            )
            uow.commit()
        with store.unit_of_work() as uow:
            assert [found.processed for found in uow.discovered_videos.page()] == marks

    def test_a_wrong_one_among_them(self, store: Store) -> None:
        """When one of them is no video, none is recorded."""
        with store.unit_of_work() as uow:
            uow.discovered_videos.record(video(0))
            uow.commit()
        before = content(store)
        with store.unit_of_work() as uow:
            given: list[Any] = [video(n, view_count=1) for n in range(600)]
            with pytest.raises(InvalidValue, match="DiscoveredVideo expected, found dict"):
                uow.discovered_videos.record_many([*given, {"video_id": "v"}])
            uow.commit()
        assert content(store) == before


class TestLookups:
    """Videos are found by YouTube's id and by niche."""

    def test_by_video_id(self, store: Store) -> None:
        """`by_video_id` is exact, case included, and returns None for an unknown id."""
        with store.unit_of_work() as uow:
            uow.discovered_videos.add(video(video_id="aBc"))
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.discovered_videos.by_video_id("aBc")
            assert found is not None
            assert found.video_id == "aBc"
            assert uow.discovered_videos.by_video_id("abc") is None
            assert uow.discovered_videos.by_video_id("") is None

    def test_by_video_ids(self, store: Store) -> None:
        """`by_video_ids` takes any number of ids, known or not, twice or not, from a generator."""
        with store.unit_of_work() as uow:
            uow.discovered_videos.add_many(video(n) for n in range(0, 1500, 2))
            uow.commit()
        with store.unit_of_work() as uow:
            ids = [f"video-{n:05}" for n in range(1500)]
            found = uow.discovered_videos.by_video_ids(i for i in [*ids, *ids])
            assert sorted(found) == ids[::2]
            assert all(name == one.video_id for name, one in found.items())
            assert uow.discovered_videos.by_video_ids([]) == {}

    def test_ids_that_are_no_list(self, store: Store) -> None:
        """One text in place of many ids is refused: it would be read letter by letter."""
        wrong: list[Any] = ["video-00001", None, 5, b"video-00001"]
        with store.unit_of_work() as uow:
            for ids in wrong:
                with pytest.raises(InvalidValue, match="video_ids: several expected"):
                    uow.discovered_videos.by_video_ids(ids)

    def test_pending(self, store: Store) -> None:
        """`pending` has the niche's untouched videos, first discovered first, equal times by id."""
        hour = timedelta(hours=1)
        with store.unit_of_work() as uow:
            uow.discovered_videos.add_many(
                [
                    video(1, niche="a", discovered_at=EARLY + hour),
                    video(2, niche="a", discovered_at=EARLY),
                    video(3, niche="b", discovered_at=EARLY),
                    video(4, niche="a", discovered_at=EARLY, processed=Processed.USED),
                    video(5, niche="a", discovered_at=EARLY),
                    video(6, niche="A", discovered_at=EARLY),
                ]
            )
            uow.commit()
        with store.unit_of_work() as uow:
            found = [one.video_id for one in uow.discovered_videos.pending("a")]
            assert found == ["video-00002", "video-00005", "video-00001"]
            limited = [one.video_id for one in uow.discovered_videos.pending("a", limit=2)]
            assert limited == ["video-00002", "video-00005"]
            assert uow.discovered_videos.pending("c") == []
            uow.discovered_videos.mark("video-00002", Processed.SKIPPED)
            found = [one.video_id for one in uow.discovered_videos.pending("a")]
            assert found == ["video-00005", "video-00001"]

    def test_mark(self, store: Store) -> None:
        """`mark` sets what became of a video, by member or plain value; others are NotFound."""
        with store.unit_of_work() as uow:
            uow.discovered_videos.add(video())
            uow.commit()
        with store.unit_of_work() as uow:
            plain: Any = 3
            marked = uow.discovered_videos.mark("video-00001", plain)
            assert marked.processed is Processed.REJECTED
            with pytest.raises(NotFound, match="nobody"):
                uow.discovered_videos.mark("nobody", Processed.USED)
            uow.commit()
        with store.unit_of_work() as uow:
            (found,) = uow.discovered_videos.page()
            assert found.processed is Processed.REJECTED

    def test_discovered_long_ago(self, store: Store) -> None:
        """Times from 1970 up to 2200 are kept and sorted."""
        times = [
            datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(1970, 1, 1, tzinfo=UTC),
            datetime(2026, 3, 1, tzinfo=UTC),
        ]
        with store.unit_of_work() as uow:
            uow.discovered_videos.add_many(
                video(n, discovered_at=time) for n, time in enumerate(times)
            )
            uow.commit()
        with store.unit_of_work() as uow:
            found = [one.discovered_at for one in uow.discovered_videos.pending("football")]
            assert found == sorted(times)
