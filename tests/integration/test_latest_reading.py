"""The latest reading, where other programs left readings without a time or two at the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from pipeline_store.sql import SqlStore

if TYPE_CHECKING:
    from collections.abc import Iterator

READINGS = [
    ("timed", "2026-02-28 00:00:00", 1),
    ("timed", None, 2),
    ("timed", "2026-02-28 01:00:00", 3),
    ("timed", "2026-02-27 23:00:00", 4),
    ("tied", "2026-02-28 00:00:00", 5),
    ("tied", "2026-02-28 00:00:00", 6),
    ("tied", None, 7),
    ("timeless", None, 8),
    ("timeless", None, 9),
    ("other", "2027-01-01 00:00:00", 10),
]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """A store of each kind with these readings."""
    url = request.getfixturevalue(f"{request.param}_url")
    store = SqlStore(url)
    insert = sa.text(
        "INSERT INTO analytics (youtube_video_id, measured_at, view_count) "  # noqa: S608
        f"VALUES (:video, {'CAST(:time AS timestamp)' if 'postgres' in url else ':time'}, :views)"
    )
    with store.engine.begin() as connection:
        for video, time, views in READINGS:
            connection.execute(insert, {"video": video, "time": time, "views": views})
    yield store
    store.close()


def test_timed_readings_come_before_timeless_ones_and_the_newer_row_decides(
    store: SqlStore,
) -> None:
    with store.unit_of_work(read_only=True) as uow:
        found = uow.analytics.latest_for(["timed", "tied", "timeless", "absent", "timed"])
    assert {video: reading.view_count for video, reading in found.items()} == {
        "timed": 3,
        "tied": 6,
        "timeless": 9,
    }
