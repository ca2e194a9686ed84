"""Times as other programs spell them: read, found and ordered by instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import (
    Conflict,
)
from pipeline_store.sql import SqlStore
from tests.integration.foreign_schemas import (
    change,
    url_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIX = datetime(2026, 2, 28, 6, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 28, tzinfo=UTC)


@pytest.fixture
def adopted(foreign: Path) -> Iterator[SqlStore]:
    """A store on an adopted file."""
    store = SqlStore(url_of(foreign))
    store.adopt()
    yield store
    store.close()


A_RUN = """
    INSERT INTO pipeline_runs (id, niche, cycle_start, cycle_end, status, retry_count)
    SELECT :id, :niche, :at, cycle_end, status, retry_count FROM pipeline_runs WHERE id = 1
"""
SPELLED = {
    "2026-02-28 01:02:03": datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC),
    "2026-02-28T01:02:03": datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC),
    "2026-02-28 01:02:03.5": datetime(2026, 2, 28, 1, 2, 3, 500_000, tzinfo=UTC),
    "2026-02-28T01:02:03.123456": datetime(2026, 2, 28, 1, 2, 3, 123_456, tzinfo=UTC),
    "2026-02-28T01:02:03Z": datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC),
    "2026-02-28T01:02:03.500Z": datetime(2026, 2, 28, 1, 2, 3, 500_000, tzinfo=UTC),
    "2026-02-28 01:02:03+00:00": datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC),
    "2026-02-28T06:32:03.000001+05:30": datetime(2026, 2, 28, 1, 2, 3, 1, tzinfo=UTC),
    "2026-02-27T17:02:03-08:00": datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC),
    "2026-02-28 01:02:03.999999": datetime(2026, 2, 28, 1, 2, 3, 999_999, tzinfo=UTC),
    "2026-02-27T17:02:59.999999-08:00": datetime(2026, 2, 28, 1, 2, 59, 999_999, tzinfo=UTC),
}


def test_foreign_times_load_and_are_found(foreign: Path) -> None:
    """However another program spelled a time, it loads as that instant, and its cycle is found."""
    for number, spelled in enumerate(SPELLED):
        change(foreign, A_RUN, id=100 + number, niche=f"niche {number}", at=spelled)
    store = SqlStore(url_of(foreign))
    assert store.adopt().findings == ()
    with store.unit_of_work() as uow:
        for number, (spelled, instant) in enumerate(SPELLED.items()):
            found = uow.pipeline_runs.get(100 + number)
            assert found.cycle_start == instant, spelled
            assert found.cycle_start.tzinfo is UTC, spelled
            assert uow.pipeline_runs.for_cycle(f"niche {number}", instant, SIX) is found, spelled
            with pytest.raises(Conflict):
                uow.pipeline_runs.for_cycle(f"niche {number}", instant, SIX + timedelta(hours=1))
    with store.unit_of_work() as uow:
        for number, (spelled, instant) in enumerate(SPELLED.items()):
            for other in (instant - timedelta(microseconds=1), instant + timedelta(microseconds=1)):
                made = uow.pipeline_runs.for_cycle(f"niche {number}", other, SIX)
                assert made.id != 100 + number, spelled
    store.close()


def test_mixed_spellings_are_in_order(foreign: Path) -> None:
    """Readings in every spelling come in the order of their instants, and ranges cut between."""
    change(foreign, "DELETE FROM analytics")
    for spelled in SPELLED:
        row = "INSERT INTO analytics (youtube_video_id, measured_at) VALUES ('v', :at)"
        change(foreign, row, at=spelled)
    store = SqlStore(url_of(foreign))
    store.adopt()
    instants = sorted(SPELLED.values())
    with store.unit_of_work(read_only=True) as uow:
        series = uow.analytics.series("v")
        assert [each.measured_at for each in series] == instants
        for border in instants:
            since = uow.analytics.series("v", since=border)
            until = uow.analytics.series("v", until=border)
            assert [each.measured_at for each in since] == [t for t in instants if t >= border]
            assert [each.measured_at for each in until] == [t for t in instants if t < border]
        assert uow.analytics.latest_for(["v"])["v"].measured_at == instants[-1]
    store.close()


def test_a_reading_is_known_in_every_spelling(foreign: Path) -> None:
    """A reading that is there is not added again, however its time is spelled."""
    store = SqlStore(url_of(foreign))
    store.adopt()
    for spelled, instant in SPELLED.items():
        change(foreign, "UPDATE analytics SET measured_at = :at WHERE id = 1", at=spelled)
        with store.unit_of_work() as uow:
            reading = {"youtube_video_id": "aaaaaaaaaaa", "measured_at": instant}
            assert uow.analytics.record_new([reading]) == 0, spelled
    store.close()


def test_the_latest_reading_is_the_latest_instant(foreign: Path) -> None:
    """The latest reading is found where a zone makes an earlier instant look later."""
    change(
        foreign,
        "UPDATE analytics SET measured_at = '2026-03-02T02:00:00+14:00' WHERE id = 1",
        "UPDATE analytics SET measured_at = '2026-03-01 13:00:00' WHERE id = 2",
        "UPDATE analytics SET measured_at = '2026-02-28T23:30:00-12:00' WHERE id = 3",
    )
    store = SqlStore(url_of(foreign))
    store.adopt()
    with store.unit_of_work(read_only=True) as uow:
        assert [each.id for each in uow.analytics.series("aaaaaaaaaaa")] == [3, 1, 2]
        assert uow.analytics.latest_for(["aaaaaaaaaaa"])["aaaaaaaaaaa"].id == 2
    store.close()


def test_questions_about_adopted_rows(adopted: SqlStore) -> None:
    """Named questions answer by the instants that another program meant."""
    with adopted.unit_of_work() as uow:
        assert uow.pipeline_runs.for_cycle("gaming", MIDNIGHT, SIX).id == 1
        assert uow.pipeline_runs.for_cycle("music", MIDNIGHT, SIX).id == 2
        pending = uow.discovered_videos.pending("gaming")
        assert [video.video_id[0] for video in pending] == ["c", "a", "b"]
        assert [each.view_count for each in uow.analytics.series("aaaaaaaaaaa")] == [10, 20, 30]
        assert uow.analytics.latest_for(["aaaaaaaaaaa"])["aaaaaaaaaaa"].view_count == 30
        assert uow.discovered_videos.get(1).view_count == 10_200_000_000
        assert uow.discovered_videos.get(2).view_count is None


@pytest.mark.parametrize(
    ("sent_at", "waited"),
    [
        ("2026-02-28T20:00:00", timedelta(hours=4)),
        ("2026-02-28 20:00:00.000", timedelta(hours=4)),
        ("2026-03-01T01:30:00+05:30", timedelta(hours=4)),
    ],
)
def test_overdue_reviews_of_another_program(foreign: Path, sent_at: str, waited: timedelta) -> None:
    """A request that another program sent is held after four hours, and not a moment before."""
    change(foreign, "UPDATE review_log SET sent_at = :at", at=sent_at)
    now = datetime(2026, 2, 28, 20, tzinfo=UTC) + waited - timedelta(microseconds=1)
    early = SqlStore(url_of(foreign), clock=lambda: now)
    early.adopt()
    with early.unit_of_work() as uow:
        assert uow.reviews.hold_overdue() == []
    early.close()
    late = SqlStore(url_of(foreign), clock=lambda: now + timedelta(microseconds=1))
    with late.unit_of_work() as uow:
        assert [each.id for each in uow.reviews.hold_overdue()] == [1]
        uow.commit()
    late.close()
