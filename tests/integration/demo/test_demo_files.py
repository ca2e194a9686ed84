"""The demo on files that are given to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.cli.demo.target import DemoRefusedError
from pipeline_store.errors import InputFileRefused
from tests.integration.demo.telling import rows_at, tell
from tests.real_data import real_data

if TYPE_CHECKING:
    from pathlib import Path


def dumps(folder: Path, *niches: str, **facts: object) -> Path:
    """A dump with a video in each of these niches."""
    path = folder / "dumps.json"
    entries = [
        {"id": f"video-{number:05}", "title": f"Title {number}", "categories": [niche], **facts}
        for number, niche in enumerate(niches)
    ]
    path.write_text(json.dumps({"entries": entries}))
    return path


def endings(url: str) -> list[tuple[str, str]]:
    return [(run["niche"], run["status"]) for run in rows_at(url)["pipeline_runs"]]


def test_one_niche_has_all_endings_in_cycles_that_follow(made_url: str, folder: Path) -> None:
    """Its videos are shared out among them."""
    tell(made_url, [dumps(folder, *["Music"] * 9)])
    assert endings(made_url) == [
        ("Music", "uploaded"),
        ("Music", "failed"),
        ("Music", "uploaded"),
        ("Music", "review"),
    ]
    rows = rows_at(made_url)
    assert len({run["cycle_start"] for run in rows["pipeline_runs"]}) == 4
    assert len({clip["discovered_video_id"] for clip in rows["clips"]}) == len(rows["clips"]) == 8


def test_a_niche_with_one_video_has_one_run(made_url: str, folder: Path) -> None:
    """The other endings fall to the niche that has more."""
    tell(made_url, [dumps(folder, "Music", "Music", "Music", "Comedy")])
    assert sorted(endings(made_url)) == [
        ("Comedy", "failed"),
        ("Music", "review"),
        ("Music", "uploaded"),
        ("Music", "uploaded"),
    ]


@pytest.mark.parametrize("length", [None, 1, 15, 7200])
def test_a_single_video_is_enough(made_url: str, folder: Path, length: int | None) -> None:
    """However short it is, or unknown; it has no snapshot, and no views are known."""
    tell(made_url, [dumps(folder, "Music", duration=length)])
    assert endings(made_url) == [("Music", "uploaded")]
    [clip] = rows_at(made_url)["clips"]
    assert clip["end_time_seconds"] <= (length or 1000)
    assert 0 < clip["clip_duration_seconds"] <= 25


def test_a_clip_that_cannot_be_skipped_is_redone(made_url: str, folder: Path) -> None:
    """A run of one clip is sent back for another script instead."""
    tell(made_url, [dumps(folder, "a", "b", "c", "d")])
    assert [
        one["action"] for one in rows_at(made_url)["reviews"] if one["pipeline_run_id"] == 4
    ] == [
        "redo_script",
        "hold",
        None,
    ]


def test_of_many_niches_six_have_runs(made_url: str, folder: Path) -> None:
    """Those with the most videos; the fifth and the sixth are approved."""
    niches = [f"niche {number}" for number in range(9)]
    tell(made_url, [dumps(folder, *niches, *niches[3:])])
    assert endings(made_url) == [
        ("niche 3", "uploaded"),
        ("niche 4", "failed"),
        ("niche 5", "uploaded"),
        ("niche 6", "review"),
        ("niche 7", "uploaded"),
        ("niche 8", "uploaded"),
    ]


def test_titles_cannot_command_the_terminal(made_url: str, folder: Path) -> None:
    """Niches come from files; escape sequences and markup are shown, not obeyed."""
    shown = tell(made_url, [dumps(folder, "[red]\x1b[2Jx", "[/]")], width=120)
    assert "\x1b" not in shown
    assert r"[red]\x1b" in shown
    assert "[/]" in shown


def test_real_files_of_all_kinds_are_told_apart_by_content(made_url: str, folder: Path) -> None:
    """A list, dumps and responses in one call, whatever they are called."""
    files: list[Path] = []
    for number, real in enumerate(
        (
            real_data("youtube_trending", "KR_2018-11-01_scraper.csv.gz"),
            real_data("yt_dlp", "uApthBVk7mw.1741604251.info.json"),
            real_data("youtube_api", "videos_playlist_all_parts.json"),
        )
    ):
        files.append(folder / f"file {number}")
        files[-1].write_bytes(real.read_bytes())
    tell(made_url, files)
    rows = rows_at(made_url)
    assert {video["discovery_source"] for video in rows["discovered_videos"]} == {
        "trending",
        "yt-dlp",
        "youtube-api",
    }
    assert len(rows["discovered_videos"]) == 251


def test_a_list_of_categories_beside_a_list_names_the_niches(made_url: str) -> None:
    """The region stands in the file's name."""
    tell(made_url, [real_data("youtube_trending", "US_2018-11-01_scraper.csv.gz")])
    assert "Entertainment" in dict(endings(made_url))


def test_a_file_that_cannot_be_read_to_its_end_is_told(made_url: str, folder: Path) -> None:
    """The others are imported, and the week is told on them."""
    yearless = real_data("youtube_trending", "US_first_2017-09-13_2017-09-22.csv.gz")
    shown = tell(made_url, [yearless, dumps(folder, "Music")], width=200)
    assert "its days have no year" in shown
    assert endings(made_url) == [("Music", "uploaded")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        ("", "empty"),
        ("hello\n", "not a trending list"),
        ('{"a": 1}', "neither a dump of yt-dlp nor a response"),
    ],
)
def test_a_file_of_no_known_kind_stops_the_demo_before_it_starts(
    url: str, folder: Path, content: str | None, reason: str
) -> None:
    """No database is made."""
    path = folder / "given"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputFileRefused, match=reason):
        tell(url, [path])
    assert not (folder / "pipeline.db").exists()


def test_files_without_videos_are_not_enough(made_url: str, folder: Path) -> None:
    """Numbers alone describe no video; once a file does, the demo goes on from there."""
    numbers: dict[str, Any] = {"id": "abcdefghijk", "view_count": 3, "epoch": 1700000000}
    path = folder / "numbers.json"
    path.write_text(json.dumps(numbers))
    with pytest.raises(DemoRefusedError, match="no video"):
        tell(made_url, [path])
    tell(made_url, [dumps(folder, "Music")])
    assert endings(made_url) == [("Music", "uploaded")]


def test_files_that_are_given_later_are_imported(made_url: str, folder: Path) -> None:
    """The week stays as it was told."""
    tell(made_url)
    before = rows_at(made_url)
    tell(made_url, [dumps(folder, "Music")])
    after = rows_at(made_url)
    assert len(after.pop("discovered_videos")) == len(before.pop("discovered_videos")) + 1
    assert after == before


def test_the_sample_is_not_mixed_into_real_files(made_url: str, folder: Path) -> None:
    """A second demo without files imports nothing."""
    tell(made_url, [dumps(folder, "Music")])
    before = rows_at(made_url)
    tell(made_url)
    assert rows_at(made_url) == before
