"""The real files: what is read of them agrees with what their README tables count."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from pipeline_store.importers import (
    FileSummary,
    NicheRules,
    VideoReading,
    read_category_file,
    read_trending_file,
    read_youtube_api_files,
    read_yt_dlp_file,
)
from tests.real_data import real_data
from tests.unit.importers.made_up import account_of


class Expected(NamedTuple):
    """A line of the README's tables; damaged ids are one "id" there, and refused rows here."""

    rows: int
    days: int
    distinct: int
    damaged: int
    repeated: int
    comments_off: int
    ratings_off: int


LISTS = {
    "US_2017-11-14_2017-11-23.csv.gz": Expected(2000, 10, 665, 0, 0, 27, 4),
    "US_2020-08-12_2020-08-15.csv.gz": Expected(800, 4, 294, 0, 0, 13, 0),
    "KR_2020-08-12_2020-08-18.csv.gz": Expected(965, 7, 321, 0, 0, 10, 13),
    "US_2018-11-01_scraper.csv.gz": Expected(200, 1, 200, 0, 0, 5, 1),
    "KR_2018-11-01_scraper.csv.gz": Expected(200, 1, 200, 0, 0, 5, 4),
    "US_thin_2017-11-29_2017-12-28.csv.gz": Expected(6000, 30, 1380, 65, 35, 0, 0),
    "US_first_2017-09-13_2017-09-22.csv.gz": Expected(2000, 10, 665, 0, 5, 0, 0),
}
DUMPS = {
    "0TeDmVVt8iU.1738703053": (19321, 173, None, 247),
    "9rgMEbR8sxI.1741578429": (1577, 29, None, 269),
    "9rgMEbR8sxI.1741604234": (1579, 29, None, 269),
    "CqwOkX6mWOo.1739136692": (29, 0, None, 311),
    "ENVkg5CU9yU.1741578434": (1123, 15, None, 341),
    "ENVkg5CU9yU.1741604242": (1124, 15, None, 341),
    "PcPQo7w2F1w.1741578439": (61708, 801, None, 222),
    "QSf3UrW6uug.1741578446": (3389, 21, None, 267),
    "QhGfXJEvM-g.1739136690": (15, 1, None, 52),
    "VcG1DZ4IlPg.1738703039": (131303, 2024, 15, 581),
    "dQw4w9WgXcQ.sample": (1046140382, 11756010, None, 212),
    "mG0ioYWmm94.1741578428": (2806, 61, None, 270),
    "mG0ioYWmm94.1741604232": (2808, 61, None, 270),
    "nBrzCqrTt20.1738703041": (90633, 1076, 8, 458),
    "oKs1-rv_JVQ.1738703043": (47215, 441, 2, 187),
    "uApthBVk7mw.1741604251": (5482905, 480179, 39000, 150),
}
RESPONSES = {
    "analytics_reports.json": 22,
    "videoCategories_by_region.json": 32,
    "videos_account_contentDetails.json": 13,
    "videos_account_snippet.json": 13,
    "videos_account_statistics_status.json": 13,
    "videos_chart_paged_1.json": 5,
    "videos_chart_paged_2.json": 3,
    "videos_live_finished.json": 1,
    "videos_one_valid_one_unknown_id.json": 1,
    "videos_playlist_all_parts.json": 50,
    "videos_single_contentDetails_statistics.json": 1,
    "videos_unknown_id_empty.json": 0,
}


def read_list(name: str) -> tuple[list[VideoReading], FileSummary]:
    path = str(real_data("youtube_trending", name))
    return account_of(path, read_trending_file(path, year=2017))


@pytest.mark.parametrize("name", LISTS)
def test_a_trending_list_agrees_with_its_readme(name: str) -> None:
    """Rows, days, ids, damaged ids, repeated pairs, comments and ratings that are off."""
    expected = LISTS[name]
    readings, summary = read_list(name)
    assert summary.rows == expected.rows
    assert len(summary.refused) == expected.damaged
    assert {refusal.value for refusal in summary.refused} == (
        {"'#NAME?'"} if expected.damaged else set()
    )
    assert len({reading.measured_at for reading in readings}) == expected.days
    assert len({reading.video_id for reading in readings}) + bool(expected.damaged) == (
        expected.distinct
    )
    readings_per_key = Counter((reading.video_id, reading.measured_at) for reading in readings)
    repeated = sum(count - 1 for count in readings_per_key.values())
    # In the thin list, all repeated pairs are the damaged "id" that several videos share a day.
    assert repeated == (0 if expected.damaged else expected.repeated)
    assert sum(one.comment_count is None for one in readings) == expected.comments_off
    assert sum(one.like_count is None for one in readings) == expected.ratings_off
    assert all(one.view_count is not None and one.category_id is not None for one in readings)


def test_every_trending_list_is_in_the_table() -> None:
    """A list that is added to the real data is tested too."""
    found = {path.name for path in real_data("youtube_trending").glob("*.csv.gz")}
    assert found == set(LISTS)


def test_windows_1252_titles_are_whole() -> None:
    """The thin list has 390 rows with letters beyond ASCII, and each of them is a letter."""
    readings, _ = read_list("US_thin_2017-11-29_2017-12-28.csv.gz")
    beyond = [reading.title for reading in readings if not reading.title.isascii()]
    assert len(beyond) == 390
    assert all(letter.isprintable() or letter == "\xa0" for title in beyond for letter in title)


def test_a_list_of_2000_rows_takes_well_under_a_second() -> None:
    """Of the processor, since other tests run at the same time."""
    took: list[float] = []
    for _ in range(3):
        begun = time.process_time()
        read_list("US_2017-11-14_2017-11-23.csv.gz")
        took.append(time.process_time() - begun)
    assert min(took) < 1


def test_category_29_is_known_in_one_region_only() -> None:
    """A Korean list has videos of it, which the Korean categories cannot name."""
    korean = read_category_file(str(real_data("youtube_trending", "KR_category_id.json")))
    american = read_category_file(str(real_data("youtube_trending", "US_category_id.json")))
    readings, _ = read_list("KR_2020-08-12_2020-08-18.csv.gz")
    of_29 = next(reading for reading in readings if reading.category_id == 29)
    assert NicheRules(titles=american).niche_for(of_29) == "Nonprofits & Activism"
    assert NicheRules(titles=korean).niche_for(of_29) == "uncategorised"


@pytest.mark.parametrize("name", DUMPS)
def test_a_dump_agrees_with_its_readme(name: str) -> None:
    """Views, likes, comments, length and instant of every dump."""
    path = str(real_data("yt_dlp", f"{name}.info.json"))
    [reading], summary = account_of(path, read_yt_dlp_file(path))
    assert (summary.rows, summary.refused) == (1, [])
    assert (
        reading.view_count,
        reading.like_count,
        reading.comment_count,
        reading.duration_seconds,
    ) == DUMPS[name]
    video_id, _, epoch = name.partition(".")
    assert reading.video_id == video_id
    instant = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else None
    assert reading.measured_at == instant
    assert reading.describes_video
    assert reading.channel_id.startswith("UC")


def test_every_dump_is_in_the_table() -> None:
    """A dump that is added to the real data is tested too."""
    found = {path.name for path in real_data("yt_dlp").glob("*.info.json")}
    assert found == {f"{name}.info.json" for name in DUMPS}


def test_all_responses_of_one_import_agree_with_their_readme() -> None:
    """Items per file, parts that join, and views above 2^31."""
    folder = real_data("youtube_api")
    paths = sorted(str(path) for path in folder.glob("*.json"))
    result = read_youtube_api_files(paths)
    names = [path.rsplit("/", 1)[-1] for path in paths]
    assert {name: file.rows for name, file in zip(names, result.files, strict=True)} == RESPONSES
    assert all(file.is_complete for file in result.files)
    refused = {
        name: len(file.refused)
        for name, file in zip(names, result.files, strict=True)
        if file.refused
    }
    assert refused == {"analytics_reports.json": 22}
    described = Counter(
        names[joined.described_by] for joined in result.readings if joined.described_by is not None
    )
    measured = Counter(
        names[joined.measured_by] for joined in result.readings if joined.measured_by is not None
    )
    assert described == {
        "videos_account_snippet.json": 13,
        "videos_chart_paged_1.json": 5,
        "videos_chart_paged_2.json": 3,
        "videos_one_valid_one_unknown_id.json": 1,
        "videos_playlist_all_parts.json": 50,
    }
    assert measured == {
        "videos_account_statistics_status.json": 13,
        "videos_playlist_all_parts.json": 50,
        "videos_single_contentDetails_statistics.json": 1,
    }
    assert result.category_titles[10] == "Music"
    [popular] = [
        joined.reading for joined in result.readings if joined.reading.video_id == "9bZkp7q19f0"
    ]
    assert (popular.view_count, popular.duration_seconds) == (3507573655, 253)
    assert popular.title.startswith("PSY - GANGNAM STYLE")
    account = [
        joined.reading for joined in result.readings if joined.reading.video_id == "8wlRAYdb9l0"
    ]
    assert [(one.title, one.duration_seconds, one.view_count) for one in account] == [
        ("Claim Bugs", 56, 0)
    ]
