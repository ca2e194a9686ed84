"""The real files, imported into databases: what is stored agrees with what their READMEs count."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.importers import (
    NicheRules,
    VideoReading,
    read_trending_file,
    read_youtube_api_files,
    read_yt_dlp_file,
)
from pipeline_store.importers.importing import (
    import_trending,
    import_youtube_api,
    import_yt_dlp,
)
from tests.conftest import is_on
from tests.real_data import real_data
from tests.unit.importers.test_real_files import DUMPS, LISTS, RESPONSES
from tests.whole_store import all_of, everything_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline_store import Store
    from pipeline_store.importers import FileSummary

    Readings = dict[tuple[str, datetime], list[int | None]]
    Numbers = dict[tuple[str, str], int | None]

COUNTS = ("view_count", "like_count", "comment_count")
YEAR = 2017
"""For the list whose days have none."""

LONG = 5_000
"""Rows."""
SHORT = 1_000

POPULAR = "9bZkp7q19f0"
"""Its views are above 2^31."""

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def database(new_url: Callable[[], str]) -> Iterator[Store]:
    """An empty database of either kind."""
    store = open_store(new_url(), clock=lambda: NOW)
    yield store
    store.close()


@pytest.fixture
def store_on_sqlite(sqlite_url: str) -> Iterator[Store]:
    """An empty SQLite file."""
    store = open_store(sqlite_url, clock=lambda: NOW)
    yield store
    store.close()


def lists(rows: int = LONG) -> list[str]:
    """All lists; without `make soak` only those with fewer rows, not the one with half of all."""
    return [
        str(real_data("youtube_trending", name))
        for name, expected in LISTS.items()
        if expected.rows < rows or is_on("PIPELINE_STORE_SOAK")
    ]


def dumps() -> list[str]:
    return [str(real_data("yt_dlp", f"{name}.info.json")) for name in DUMPS]


def responses() -> list[str]:
    return [str(real_data("youtube_api", name)) for name in RESPONSES]


def import_lists(store: Store, paths: Iterable[str]) -> list[FileSummary]:
    rules = NicheRules()
    return [import_trending(store.unit_of_work, path, rules, year=YEAR) for path in paths]


def import_dumps(store: Store, paths: Iterable[str]) -> list[FileSummary]:
    return [import_yt_dlp(store.unit_of_work, path, NicheRules()) for path in paths]


def import_all(store: Store) -> list[FileSummary]:
    """Imports everything, without `make soak` only shorter lists: each is imported twice."""
    return [
        *import_lists(store, lists(SHORT)),
        *import_dumps(store, dumps()),
        *import_youtube_api(store.unit_of_work, responses(), NicheRules()),
    ]


def check_list(store: Store, name: str) -> None:
    expected = LISTS[name]
    [account] = import_lists(store, [str(real_data("youtube_trending", name))])
    sound = expected.rows - expected.damaged
    # In the list with damaged ids, these share one "id": no other id of it repeats a day.
    repeated = 0 if expected.damaged else expected.repeated
    distinct = expected.distinct - bool(expected.damaged)
    assert (account.rows, account.problem) == (expected.rows, None)
    assert len(account.refused) == expected.damaged
    assert account.new == distinct
    assert account.refreshed == sound - distinct - repeated
    assert (account.snapshots, account.repeated) == (sound - repeated, repeated)
    with store.unit_of_work() as uow:
        assert uow.discovered_videos.count() == distinct
        assert uow.analytics.count() == sound - repeated


@pytest.mark.parametrize("name", LISTS)
def test_a_list_in_a_database_agrees_with_its_readme(
    database: Store, database_kind: str, name: str
) -> None:
    """Videos are its distinct ids; snapshots its rows without damaged ids and repeated days.

    Without `make soak` the long ones are imported into one kind of database each.
    """
    long = [each for each, expected in LISTS.items() if expected.rows > SHORT]
    if name in long and not is_on("PIPELINE_STORE_SOAK"):
        kinds = ("sqlite", "postgresql")
        if database_kind != kinds[long.index(name) % len(kinds)]:
            pytest.skip("imported into the other kind; make soak imports it into both")
    check_list(database, name)


def test_a_list_in_memory_agrees_with_its_readme() -> None:
    """The store without a database keeps the same."""
    check_list(open_store("memory://"), "KR_2018-11-01_scraper.csv.gz")


def test_dumps_in_a_database_agree_with_their_readme(database: Store) -> None:
    """13 videos; three of them twice; the sample says no instant and makes no snapshot."""
    accounts = import_dumps(database, dumps())
    assert sum(account.new for account in accounts) == 13
    assert sum(account.refreshed for account in accounts) == 3
    assert sum(account.snapshots for account in accounts) == 15
    assert sum(account.without_instant for account in accounts) == 1
    with database.unit_of_work() as uow:
        for name, (views, likes, comments, seconds) in DUMPS.items():
            video_id, _, epoch = name.partition(".")
            if epoch.isdigit():
                [snapshot] = [
                    one
                    for one in uow.analytics.series(video_id)
                    if one.measured_at.timestamp() == int(epoch)
                ]
                assert [getattr(snapshot, count) for count in COUNTS] == [views, likes, comments]
            video = uow.discovered_videos.by_video_id(video_id)
            assert video is not None
            assert video.duration_seconds == seconds
            assert (video.view_count or 0) >= views


def test_responses_in_a_database_agree_with_their_readme(database: Store) -> None:
    """Videos are counted where they are described, numbers where they stand."""
    accounts = import_youtube_api(database.unit_of_work, responses(), NicheRules())
    by_name = dict(zip(RESPONSES, accounts, strict=True))
    assert {name: account.rows for name, account in by_name.items()} == RESPONSES
    assert {name: account.new for name, account in by_name.items() if account.new} == {
        "videos_account_snippet.json": 13,
        "videos_chart_paged_1.json": 5,
        "videos_chart_paged_2.json": 3,
        "videos_one_valid_one_unknown_id.json": 1,
        "videos_playlist_all_parts.json": 50,
    }
    without = {
        name: account.without_instant
        for name, account in by_name.items()
        if account.without_instant
    }
    assert without == {
        "videos_account_statistics_status.json": 13,
        "videos_playlist_all_parts.json": 50,
        "videos_single_contentDetails_statistics.json": 1,
    }
    with database.unit_of_work() as uow:
        assert (uow.discovered_videos.count(), uow.analytics.count()) == (72, 0)


def test_views_above_2_31_survive(database: Store) -> None:
    """In the video and in the snapshot."""
    said = datetime(2020, 2, 6, 2, 11, 16, tzinfo=UTC)
    import_youtube_api(database.unit_of_work, responses(), NicheRules(), measured_at=said)
    with database.unit_of_work() as uow:
        video = uow.discovered_videos.by_video_id(POPULAR)
        assert video is not None
        assert video.view_count == 3507573655
        [snapshot] = uow.analytics.series(POPULAR)
        assert (snapshot.measured_at, snapshot.view_count) == (said, 3507573655)


def test_a_second_import_of_everything_changes_nothing(database: Store) -> None:
    """No row is added, and none is changed by a refresh; what is refused is refused again."""
    first = import_all(database)
    with database.unit_of_work() as uow:
        before = everything_in(uow)
    second = import_all(database)
    with database.unit_of_work() as uow:
        assert everything_in(uow) == before
    assert all(account.is_complete for account in second)
    assert {(account.new, account.snapshots) for account in second} == {(0, 0)}
    assert [len(account.refused) for account in second] == [
        len(account.refused) for account in first
    ]
    assert sum(account.snapshots for account in first) == len(before["analytics"])
    assert sum(account.new for account in first) == len(before["discovered_videos"])


ORDERS: dict[str, Callable[[list[str]], list[str]]] = {
    "backwards": lambda paths: paths[::-1],
    "by name": lambda paths: sorted(paths, key=lambda path: path.rsplit("/", 1)[-1]),
    "every second first": lambda paths: [*paths[1::2], *paths[::2]],
}


@cache
def readings_of(path: str) -> list[VideoReading]:
    outcomes = read_yt_dlp_file(path) if is_dump(path) else read_trending_file(path, year=YEAR)
    return [one for one in outcomes if isinstance(one, VideoReading)]


def is_dump(path: str) -> bool:
    return path.endswith(".info.json")


def stored(store: Store, paths: Iterable[str]) -> tuple[Readings, Numbers]:
    """What was read when, and the present numbers, after importing the files in this order."""
    for path in paths:
        (import_dumps if is_dump(path) else import_lists)(store, [path])
    with store.unit_of_work() as uow:
        readings = {
            (one.youtube_video_id, one.measured_at): [getattr(one, count) for count in COUNTS]
            for one in all_of(uow.analytics)
        }
        numbers = {
            (one.video_id, count): getattr(one, count)
            for one in all_of(uow.discovered_videos)
            for count in COUNTS
        }
    return readings, numbers


def by_the_rules(paths: Iterable[str]) -> tuple[Readings, Numbers]:
    """The same: the first reading of an instant is kept, and the newest known number counts."""
    readings: Readings = {}
    timeless: Numbers = {}
    for one in (reading for path in paths for reading in readings_of(path)):
        counts = [getattr(one, count) for count in COUNTS]
        if one.measured_at is None:
            timeless |= {
                (one.video_id, name): count for name, count in zip(COUNTS, counts, strict=True)
            }
        else:
            readings.setdefault((one.video_id, one.measured_at), counts)
    numbers: Numbers = {}
    for (video_id, _), counts in sorted(readings.items(), key=lambda item: item[0][1]):
        for name, count in zip(COUNTS, counts, strict=True):
            if count is not None or (video_id, name) not in numbers:
                numbers[video_id, name] = count
    return readings, numbers | timeless


@pytest.mark.parametrize(
    "order",
    ["backwards", *(pytest.param(order, marks=pytest.mark.soak) for order in [*ORDERS][1:])],
)
def test_the_order_of_the_files_does_not_matter(store_on_sqlite: Store, order: str) -> None:
    """The same readings at the same instants, and the newest known numbers of each video.

    Where two lists tell different numbers for one video and day, those of the first are kept.
    """
    paths = [*lists(SHORT), *dumps()]
    ordered = ORDERS[order](paths)
    readings, numbers = stored(store_on_sqlite, ordered)
    assert (readings, numbers) == by_the_rules(ordered)
    assert readings.keys() == by_the_rules(paths)[0].keys()


def test_all_responses_are_read() -> None:
    """The table has every response that there is."""
    found = {path.name for path in real_data("youtube_api").glob("*.json")}
    assert found == set(RESPONSES)
    assert len(read_youtube_api_files(responses()).readings) == 72
