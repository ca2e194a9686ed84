"""Readings of videos' numbers: the promises of `AnalyticsRepository`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import InvalidValue, NaiveDatetimeWarning
from pipeline_store.production import Analytics
from tests.integration.contract.samples import EARLY, LATE, content, every_field, sample, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store import Store
    from tests.integration.contract.conftest import SteppedClock

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
LARGEST = 9_223_372_036_854_775_807


def reading(video: str = "v", at: datetime = EARLY, views: int | None = 1) -> dict[str, Any]:
    return {"youtube_video_id": video, "measured_at": at, "view_count": views}


def stored_views(store: Store, video: str = "v") -> list[tuple[datetime, int | None]]:
    """The video's stored readings, oldest first."""
    with store.unit_of_work() as uow:
        return [(row.measured_at, row.view_count) for row in uow.analytics.series(video)]


class TestRecordMany:
    """`record_many` appends readings in bulk."""

    @pytest.mark.parametrize("as_object", [True, False], ids=["objects", "mappings"])
    def test_every_field(self, store: Store, as_object: bool) -> None:
        """Objects and mappings are kept with all fields, as by `add`."""
        fields = every_field("analytics")
        given = Analytics(**fields) if as_object else fields
        with store.unit_of_work() as uow:
            assert uow.analytics.record_many([given]) == 1
            uow.commit()
        with store.unit_of_work() as uow:
            (found,) = uow.analytics.page()
            read = values_of(found)
        assert read == {"id": found.id, **fields}
        assert {name: type(value) for name, value in read.items() if name != "id"} == {
            name: type(value) for name, value in fields.items()
        }

    def test_fields_that_are_left_out(self, store: Store, clock: SteppedClock) -> None:
        """A mapping may leave out all but the video; the time is then the present instant."""
        with store.unit_of_work() as uow:
            assert uow.analytics.record_many([{"youtube_video_id": "v"}]) == 1
            assert uow.analytics.record_many([{"youtube_video_id": "w", "measured_at": None}]) == 1
            uow.commit()
        with store.unit_of_work() as uow:
            found = [values_of(row) for row in uow.analytics.page()]
        unknown = dict.fromkeys(every_field("analytics"))
        assert [{**row, "id": 0} for row in found] == [
            {**unknown, "id": 0, "youtube_video_id": "v", "measured_at": clock()},
            {**unknown, "id": 0, "youtube_video_id": "w", "measured_at": clock()},
        ]

    def test_a_long_generator(self, store: Store) -> None:
        """A generator of more readings than fit in a batch is appended whole, in order."""

        def readings() -> Iterator[Any]:
            for n in range(5_401):
                fields = reading(f"v{n % 3}", EARLY + n * HOUR, n)
                yield Analytics(**fields) if n % 2 else fields

        with store.unit_of_work() as uow:
            assert uow.analytics.record_many(readings()) == 5_401
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.analytics.count() == 5_401
            assert [row.view_count for row in uow.analytics.page(limit=3)] == [0, 1, 2]
            newest = uow.analytics.latest_for(["v0", "v1", "v2"])
            assert {video: row.view_count for video, row in newest.items()} == {
                "v0": 5_400,
                "v1": 5_398,
                "v2": 5_399,
            }

    def test_nothing(self, store: Store) -> None:
        """No readings are no error."""
        with store.unit_of_work() as uow:
            assert uow.analytics.record_many([]) == 0
            assert uow.analytics.record_new(iter(())) == 0

    @pytest.mark.parametrize("good_before", [0, 2, 5001])
    @pytest.mark.parametrize("method", ["record_many", "record_new"])
    def test_a_bad_one_among_them(self, store: Store, method: str, good_before: int) -> None:
        """When one cannot be stored none of the call is, the row is named, and the rest stands."""
        with store.unit_of_work() as uow:
            run = uow.pipeline_runs.add(sample("pipeline_runs"))
            uow.commit()
        with store.unit_of_work() as uow:
            uow.pipeline_runs.get(run.id).niche = "changed before"
            uow.config_overrides.set("a", "1")
            assert uow.analytics.record_many([reading("kept")]) == 1
            given = [reading("v", EARLY + n * HOUR) for n in range(good_before)]
            with pytest.raises(InvalidValue, match=rf"row {good_before}: view_count"):
                getattr(uow.analytics, method)([*given, reading(views=-1), reading()])
            uow.errors.add(sample("errors", pipeline_run_id=run.id))
            uow.commit()
        found = content(store)
        assert [row["youtube_video_id"] for row in found["analytics"]] == ["kept"]
        assert [row["niche"] for row in found["pipeline_runs"]] == ["changed before"]
        assert [len(found[name]) for name in ("config_overrides", "errors")] == [1, 1]

    @pytest.mark.parametrize("method", ["record_many", "record_new"])
    def test_a_generator_that_fails(self, store: Store, method: str) -> None:
        """When the caller's generator raises, its error comes through and nothing is recorded."""

        def readings() -> Iterator[Any]:
            for n in range(5001):
                yield reading("v", EARLY + n * HOUR)
            raise ZeroDivisionError

        with store.unit_of_work() as uow:
            with pytest.raises(ZeroDivisionError):
                getattr(uow.analytics, method)(readings())
            uow.commit()
        assert content(store)["analytics"] == []

    @pytest.mark.parametrize("method", ["record_many", "record_new"])
    def test_what_is_no_reading(self, store: Store, method: str) -> None:
        """Other things than readings and known fields are refused by name."""
        wrong: list[tuple[Any, str]] = [
            ([None], "row 0: Analytics or a mapping expected, found NoneType"),
            ([reading(), "v"], "row 1: Analytics or a mapping expected, found str"),
            ([{"youtube_video_id": "v", "views": 1}], "row 0: unknown field views"),
            ([{"youtube_video_id": "v", "id": 1}], "row 0: unknown field id"),
            ([{"view_count": 1}], "row 0: youtube_video_id"),
            (None, "snapshots: several expected"),
            ("v", "snapshots: several expected"),
        ]
        with store.unit_of_work() as uow:
            for given, message in wrong:
                with pytest.raises(InvalidValue, match=message):
                    getattr(uow.analytics, method)(given)
            uow.commit()
        assert content(store)["analytics"] == []


class TestCounts:
    """Every count holds 64 bits."""

    @pytest.mark.parametrize("views", [0, 2**31 - 1, 2**31, 2**53 + 1, 2**63 - 2, LARGEST])
    def test_large_counts(self, store: Store, views: int) -> None:
        """Counts up to 2^63-1 come back exact, from `add` and from bulk."""
        counts = {"view_count": views, "like_count": views, "comment_count": views}
        gains = [views, -views]
        with store.unit_of_work() as uow:
            for gain in gains:
                fields = {**reading(), **counts, "subscriber_gain": gain}
                uow.analytics.add(Analytics(**fields))
                uow.analytics.record_many([fields])
                uow.analytics.record_new([{**fields, "measured_at": LATE + gain % 7 * HOUR}])
            uow.commit()
        with store.unit_of_work() as uow:
            for row in uow.analytics.page():
                assert {name: getattr(row, name) for name in counts} == counts
                assert row.subscriber_gain in gains

    def test_fractions(self, store: Store) -> None:
        """Numbers with fractions come back exact, from the least to the greatest."""
        numbers = [0.0, 5e-324, 0.1, 1 / 3, 123456.789, 1.7976931348623157e308]
        with store.unit_of_work() as uow:
            for n, number in enumerate(numbers):
                fields = {
                    **reading(at=EARLY + n * HOUR),
                    "average_view_duration_seconds": number,
                    "estimated_revenue_usd": -number,
                }
                uow.analytics.add(Analytics(**fields))
                uow.analytics.record_many([fields])
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.analytics.series("v")
            doubled = [number for number in numbers for _ in range(2)]
            assert [row.average_view_duration_seconds for row in found] == doubled
            assert [row.estimated_revenue_usd for row in found] == [-number for number in doubled]

    @pytest.mark.parametrize("number", [0, 7, 2**53 + 1, 10**20, 10**300])
    def test_whole_numbers_for_fractions(self, store: Store, number: int) -> None:
        """An int where a fraction belongs becomes the nearest one, which is no Conflict later."""
        fields = {**reading(), "estimated_revenue_usd": number}
        with store.unit_of_work() as uow:
            added = uow.analytics.add(Analytics(**fields))
            uow.analytics.record_many([fields])
            uow.commit()
            added.view_count = 5
            uow.commit()
        with store.unit_of_work() as uow:
            found = [row.estimated_revenue_usd for row in uow.analytics.page()]
            assert found == [float(number), float(number)]
            assert {type(each) for each in found} == {float}

    def test_the_sum_passes_what_a_fraction_holds(self, store: Store) -> None:
        """Many readings near the greatest number are kept, though their sum is infinite."""
        most = 1.7976931348623157e308
        with store.unit_of_work() as uow:
            uow.analytics.record_many(
                {**reading(), "estimated_revenue_usd": most} for _ in range(9)
            )
            assert {row.estimated_revenue_usd for row in uow.analytics.page()} == {most}


class TestRecordNew:
    """`record_new` never doubles a reading."""

    def test_a_second_time(self, store: Store) -> None:
        """Readings whose video and instant are stored are left out, in any unit of work."""
        given = [reading("v", EARLY, 1), reading("v", LATE, 2), reading("w", EARLY, 3)]
        with store.unit_of_work() as uow:
            assert uow.analytics.record_new(given) == 3
            assert uow.analytics.record_new(given) == 0
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.analytics.record_new(g for g in [*given, reading("w", LATE, 4)]) == 1
            uow.commit()
        assert stored_views(store, "v") == [(EARLY, 1), (LATE, 2)]
        assert stored_views(store, "w") == [(EARLY, 3), (LATE, 4)]

    def test_the_first_is_kept(self, store: Store) -> None:
        """Of several readings of one video and instant the first is kept."""
        tokyo = timezone(timedelta(hours=9))
        given = [
            reading("v", EARLY, 1),
            reading("v", EARLY, 2),
            reading("v", EARLY.astimezone(tokyo), 3),
        ]
        with store.unit_of_work() as uow:
            assert uow.analytics.record_new(given) == 1
            assert uow.analytics.record_new([reading("v", EARLY, 4)]) == 0
            uow.commit()
        assert stored_views(store) == [(EARLY, 1)]

    def test_neighbours(self, store: Store) -> None:
        """A microsecond, or the case of a letter, makes another reading."""
        given = [
            reading("v", EARLY),
            reading("V", EARLY),
            reading("v", EARLY + MICROSECOND),
            reading("v", EARLY.replace(microsecond=0)),
        ]
        with store.unit_of_work() as uow:
            assert uow.analytics.record_new(given) == 4
            assert uow.analytics.record_new(given) == 0

    def test_across_batches(self, store: Store) -> None:
        """Readings are not doubled however many are given at once."""
        given = [reading(f"v{n % 7}", EARLY + n // 7 * HOUR, n) for n in range(5600)]
        with store.unit_of_work() as uow:
            assert uow.analytics.record_new([*given, *given]) == 5600
            assert uow.analytics.record_new(given) == 0
            assert uow.analytics.count() == 5600

    def test_without_a_time(self, store: Store, clock: SteppedClock) -> None:
        """A reading without a time is one of the present instant."""
        with store.unit_of_work() as uow:
            assert uow.analytics.record_new([{"youtube_video_id": "v"}]) == 1
            assert uow.analytics.record_new([{"youtube_video_id": "v"}]) == 0
            clock.advance(seconds=1)
            assert uow.analytics.record_new([{"youtube_video_id": "v"}]) == 1


class TestLatestFor:
    """`latest_for` has each video's newest reading."""

    def test_the_newest(self, store: Store) -> None:
        """The latest instant counts, in whatever order recorded; of equal ones the last added."""
        with store.unit_of_work() as uow:
            uow.analytics.record_many(
                [
                    reading("a", LATE, 1),
                    reading("a", EARLY, 2),
                    reading("b", LATE, 3),
                    reading("b", LATE, 4),
                    reading("b", LATE - MICROSECOND, 5),
                    reading("c", EARLY, 6),
                ]
            )
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.analytics.latest_for(["a", "b", "nobody", "a"])
            assert {video: row.view_count for video, row in found.items()} == {"a": 1, "b": 4}
            assert uow.analytics.latest_for([]) == {}
            assert uow.analytics.latest_for(name for name in ("c",))["c"].view_count == 6

    def test_many_videos(self, store: Store) -> None:
        """Any number of videos can be asked for at once."""
        with store.unit_of_work() as uow:
            uow.analytics.record_many(reading(f"v{n}", EARLY, n) for n in range(2500))
            found = uow.analytics.latest_for(f"v{n}" for n in range(5000))
            assert {video: row.view_count for video, row in found.items()} == {
                f"v{n}": n for n in range(2500)
            }

    def test_a_text_in_place_of_many(self, store: Store) -> None:
        """One text in place of many ids is refused: it would be read letter by letter."""
        wrong: list[Any] = ["v", None, 5, b"v"]
        with store.unit_of_work() as uow:
            for ids in wrong:
                with pytest.raises(InvalidValue, match="video_ids: several expected"):
                    uow.analytics.latest_for(ids)

    def test_a_change_of_this_unit_of_work(self, store: Store) -> None:
        """A reading that was moved in time in this unit of work is judged by its new time."""
        with store.unit_of_work() as uow:
            older = uow.analytics.add(Analytics(**reading("v", EARLY, 1)))
            newer = uow.analytics.add(Analytics(**reading("v", LATE, 2)))
            older.measured_at = LATE + HOUR
            assert uow.analytics.latest_for(["v"]) == {"v": older}
            assert uow.analytics.series("v") == [newer, older]


class TestSeries:
    """`series` has one video's readings over time."""

    @pytest.mark.parametrize(
        "start",
        [
            datetime(2026, 3, 1, tzinfo=UTC),
            datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2026, 3, 1, 1, 2, 3, 120000, tzinfo=UTC),
        ],
    )
    def test_half_open(self, store: Store, start: datetime) -> None:
        """The start is included, the end is not, exact to the microsecond."""
        times = [start + step for step in (-MICROSECOND, 0 * HOUR, HOUR, 2 * HOUR - MICROSECOND)]
        end = start + 2 * HOUR
        with store.unit_of_work() as uow:
            uow.analytics.record_many(reading("v", at) for at in (end, *reversed(times)))
            uow.analytics.record_many([reading("w", start)])
            uow.commit()
        with store.unit_of_work() as uow:

            def found(**bounds: datetime) -> list[datetime]:
                return [row.measured_at for row in uow.analytics.series("v", **bounds)]

            assert found() == [*times, end]
            assert found(since=start) == [*times[1:], end]
            assert found(until=end) == times
            assert found(since=start, until=end) == times[1:]
            assert found(since=end, until=start) == []
            assert found(since=start, until=start) == []

    def test_equal_times(self, store: Store) -> None:
        """Readings of one instant come in the order in which they were added."""
        with store.unit_of_work() as uow:
            uow.analytics.record_many(reading("v", EARLY, n) for n in range(5))
            assert [row.view_count for row in uow.analytics.series("v")] == [0, 1, 2, 3, 4]

    def test_bounds_in_other_zones(self, store: Store) -> None:
        """Bounds may be in any zone; naive ones are taken as UTC, with a warning."""
        tokyo = timezone(timedelta(hours=9))
        with store.unit_of_work() as uow:
            uow.analytics.record_many([reading("v", EARLY), reading("v", LATE)])
            found = uow.analytics.series("v", since=LATE.astimezone(tokyo))
            assert [row.measured_at for row in found] == [LATE]
            with pytest.warns(NaiveDatetimeWarning, match="until"):
                found = uow.analytics.series("v", until=LATE.replace(tzinfo=None))
            assert [row.measured_at for row in found] == [EARLY]
