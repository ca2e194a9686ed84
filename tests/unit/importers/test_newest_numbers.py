"""A video shows the newest that is known of it, whatever the order in which readings come."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from pipeline_store.importers import NicheRules
from pipeline_store.importers.importing import import_yt_dlp
from tests.unit.importers.imports import (
    NOW,
    ONE,
    counts,
    day,
    dump,
    import_dump,
    import_list,
    row,
    video_in,
)
from tests.unit.importers.made_up import json_file_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork

ORDERS = list(permutations(range(3)))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("files", [1, 3])
def test_an_older_reading_never_overwrites_a_newer_one(
    store: Store, after: UnitOfWork, tmp_path: Path, order: tuple[int, ...], files: int
) -> None:
    """In whatever order the days come, in one file or in several; totals may fall."""
    rows = [row(14, 100, title="old"), row(15, 300), row(16, 250, title="new", likes=0)]
    ordered = [rows[position] for position in order]
    for file in [ordered] if files == 1 else [[one] for one in ordered]:
        import_list(store, tmp_path, *file)
    video = video_in(after)
    assert (video.title, video.view_count, video.like_count) == ("new", 250, 0)
    assert [one.view_count for one in after.analytics.series(ONE)] == [100, 300, 250]


@pytest.mark.parametrize("order", ORDERS)
def test_a_count_is_that_of_the_newest_reading_that_knows_it(
    store: Store, after: UnitOfWork, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """Comments that were switched off later stay as they were last seen, in whatever order."""
    readings = [
        dump(day(14), view_count=100, comment_count=5),
        dump(day(15), view_count=200, comment_count=7),
        dump(day(16), view_count=300, comment_count=None),
    ]
    for position in order:
        import_dump(store, tmp_path, readings[position])
    video = video_in(after)
    assert (video.view_count, video.comment_count) == (300, 7)
    assert [one.comment_count for one in after.analytics.series(ONE)] == [5, 7, None]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_older_reading_tells_what_no_newer_one_does(
    store: Store, after: UnitOfWork, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """A bare list knows no channel; an older dump of the video does."""
    imports = [
        lambda: import_dump(store, tmp_path, dump(day(10), channel="A channel", duration=60)),
        lambda: import_list(store, tmp_path, row(14, 100, title="newer title")),
    ]
    for position in order:
        imports[position]()
    video = video_in(after)
    assert (video.channel_name, video.duration_seconds) == ("A channel", 60)
    assert (video.title, video.view_count) == ("newer title", 100)


def test_a_count_that_becomes_unknown_is_unknown_in_the_snapshot_only(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """The video keeps the last known value."""
    import_dump(store, tmp_path, dump(day(14), view_count=1, like_count=9))
    import_dump(store, tmp_path, dump(day(15), view_count=2, like_count=None))
    assert (video_in(after).view_count, video_in(after).like_count) == (2, 9)
    assert [one.like_count for one in after.analytics.series(ONE)] == [9, None]


def test_numbers_alone_make_a_snapshot_and_no_video(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Too little is known to discover a video."""
    account = import_dump(store, tmp_path, dump(day(14), title=None, view_count=100))
    assert counts(account) == {"snapshots": 1}
    assert after.discovered_videos.count() == 0
    assert after.analytics.count() == 1


def test_numbers_alone_refresh_a_known_video(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Its title and channel stay."""
    import_dump(store, tmp_path, dump(day(14), channel="A channel", view_count=1))
    import_dump(store, tmp_path, dump(day(15), title=None, view_count=2))
    video = video_in(after)
    assert (video.title, video.channel_name, video.view_count) == ("A title", "A channel", 2)


@pytest.mark.parametrize("files", [1, 3])
def test_a_video_that_is_described_late_shows_the_newest_numbers(
    store: Store, after: UnitOfWork, tmp_path: Path, files: int
) -> None:
    """Its snapshots may be newer than the reading that describes it."""
    readings = [
        dump(day(14), title=None, view_count=100, like_count=4),
        dump(day(15), title=None, view_count=200),
        dump(day(13), view_count=50, like_count=3, comment_count=2),
    ]
    for file in [readings] if files == 1 else [[one] for one in readings]:
        import_dump(store, tmp_path, *file)
    video = video_in(after)
    assert (video.view_count, video.like_count, video.comment_count) == (200, 4, 2)


def test_a_video_that_is_described_last_has_what_was_known_before(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """The newest reading of all may know less than older ones."""
    import_dump(store, tmp_path, dump(day(14), title=None, view_count=100, like_count=4))
    import_dump(store, tmp_path, dump(day(15), title=None, view_count=200))
    import_dump(store, tmp_path, dump(day(16), view_count=300))
    video = video_in(after)
    assert (video.view_count, video.like_count, video.comment_count) == (300, 4, None)


def test_a_dump_without_an_instant_refreshes_numbers_and_makes_no_snapshot(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Nothing says when they were read, so they are taken for the present ones."""
    import_list(store, tmp_path, row(14, 100))
    account = import_dump(store, tmp_path, dump(None, view_count=900))
    assert counts(account) == {"refreshed": 1, "without_instant": 1}
    assert (video_in(after).view_count, after.analytics.count()) == (900, 1)


def test_a_dump_without_an_instant_discovers_a_video_now(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """The store's clock says when."""
    account = import_dump(store, tmp_path, dump(None, view_count=900))
    assert counts(account) == {"new": 1, "without_instant": 1}
    assert (video_in(after).discovered_at, video_in(after).view_velocity) == (NOW, None)


def test_the_instant_may_be_said_or_stand_in_the_file_name(store: Store, tmp_path: Path) -> None:
    """What is said beats the name; either makes a snapshot."""
    name = f"{ONE}.1738703053.info.json"
    path = json_file_of(tmp_path, dump(None, view_count=900), name)
    import_yt_dlp(store.unit_of_work, path, NicheRules())
    import_yt_dlp(store.unit_of_work, path, NicheRules(), measured_at=day(3))
    with store.unit_of_work() as uow:
        assert [one.measured_at for one in uow.analytics.series(ONE)] == [
            day(3),
            datetime(2025, 2, 4, 21, 4, 13, tzinfo=UTC),
        ]
