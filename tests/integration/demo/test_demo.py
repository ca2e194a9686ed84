"""The demo: a week from import to upload, told once, shown well."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from pipeline_store.cli import main
from pipeline_store.cli.demo import run_demo
from tests.integration.demo.telling import NOW, rows_at, tell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.demo.telling import Told


def test_the_sample_is_imported_and_said_to_be_made_up(told: Told) -> None:
    """24 videos of four niches over five days, and one damaged row that is refused."""
    assert "made up" in told.shown
    assert "1 refused: video id is not 11" in told.shown
    assert Counter(video["niche"] for video in told.rows["discovered_videos"]) == {
        "gaming": 6,
        "music": 6,
        "pets": 6,
        "sports": 6,
    }
    assert all(video["title"].startswith("Made up: ") for video in told.rows["discovered_videos"])
    assert all(video["video_id"].startswith("madeup-") for video in told.rows["discovered_videos"])


def test_each_niche_has_a_run_with_another_ending(told: Told) -> None:
    """One is approved, one rejected, one held and uploaded by a person, one waits."""
    assert [(run["niche"], run["status"]) for run in told.rows["pipeline_runs"]] == [
        ("gaming", "uploaded"),
        ("music", "failed"),
        ("pets", "uploaded"),
        ("sports", "review"),
    ]
    actions = [
        [one["action"] for one in told.rows["reviews"] if one["pipeline_run_id"] == run]
        for run in (1, 2, 3, 4)
    ]
    assert actions == [["approve"], ["reject"], ["hold", "approve"], ["skip", "hold", None]]
    assert [one["auto_held"] for one in told.rows["reviews"]] == [0, 0, 1, 0, 1, 0, 0]


def test_every_run_left_all_that_a_run_leaves(told: Told) -> None:
    """Clips, scripts, voices, a short; the run that was sent back has two scripts and voices."""
    assert Counter(clip["pipeline_run_id"] for clip in told.rows["clips"]) == dict.fromkeys(
        range(1, 5), 5
    )
    assert all(0 < clip["clip_duration_seconds"] <= 25 for clip in told.rows["clips"])
    for made in ("scripts", "tts_audio"):
        assert Counter(one["pipeline_run_id"] for one in told.rows[made]) == {
            1: 1,
            2: 1,
            3: 1,
            4: 2,
        }
    assert [short["status"] for short in told.rows["shorts"]] == [
        "uploaded",
        "failed",
        "uploaded",
        "review",
    ]
    assert sum(video["processed"] for video in told.rows["discovered_videos"]) == 20


def test_the_week_ends_now(told: Told) -> None:
    """Nothing lies in the future, and the first cycle is the six-hour window of a week ago."""
    assert {run["cycle_start"] for run in told.rows["pipeline_runs"]} == {
        NOW.replace(hour=12, minute=0) - timedelta(days=7)
    }
    times = [
        value
        for table in told.rows.values()
        for row in table
        for name, value in row.items()
        if name.endswith("_at") and value is not None
    ]
    assert max(times) == NOW - timedelta(minutes=12)


def test_uploads_are_measured_every_six_hours(told: Told) -> None:
    """Of two videos and two shorts; the reading that failed is missing, not 0."""
    uploaded = [
        one for one in told.rows["analytics"] if one["youtube_video_id"].startswith("demo-")
    ]
    assert Counter(one["youtube_video_id"] for one in uploaded) == {
        "demo-up0001": 27,
        "demo-sh0001": 27,
        "demo-up0003": 26,
        "demo-sh0003": 26,
    }
    assert all(one["view_count"] > 0 for one in uploaded)


def test_the_picture_shows_what_is_stored(told: Told) -> None:
    """Endings in words, growth in blocks with a gap, and totals."""
    assert "skip 2, no answer, held, asked" in told.shown
    assert "▁" in told.shown
    assert "█" in told.shown
    assert "2 videos and 2 shorts uploaded" in told.shown
    assert "3 errors (2 unresolved)" in told.shown
    [growth] = [line for line in told.shown.splitlines() if line.startswith("demo-up0001")]
    curve = growth[len("demo-up0001  video  gaming   ") :]
    assert "▅ ▆" in curve or "▆ ▆" in curve or "▇ ▇" in curve


def test_what_is_shown_fits_and_is_plain_text(told: Told, url: str) -> None:
    """No line is wider than the terminal, and nothing is coloured where nobody looks."""
    for width, shown in ((80, told.shown), (120, tell(url, width=120))):
        assert max(map(len, shown.splitlines())) <= width
        assert "\x1b" not in shown


def test_an_output_of_ascii_gets_ascii(url: str) -> None:
    """Blocks and lines become letters that every output has."""
    output = io.BytesIO()
    with io.TextIOWrapper(output, encoding="ascii") as stream:
        run_demo(url, [], Console(file=stream, width=80, markup=False), now=lambda: NOW)
        stream.flush()
        shown = output.getvalue().decode("ascii")
    assert "#####" in shown


def test_a_terminal_gets_colours_and_no_traces_of_bars(url: str) -> None:
    """The bars move while it works and are gone in the end."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    with console.capture() as captured:
        run_demo(url, [], console, now=lambda: NOW)
    shown = captured.get()
    assert "\x1b[36m" in shown
    assert "importing" in shown
    assert "Try next" in shown


@pytest.mark.parametrize("verb", ["status", "queue", "errors"])
def test_the_commands_to_try_next_work(
    told: Told, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they are shown, in the same folder; each has something to show."""
    assert f"pipeline-store {verb}" in told.shown
    monkeypatch.chdir(told.folder)
    monkeypatch.delenv("PIPELINE_STORE_URL", raising=False)
    assert main([verb]) == 0
    shown = capsys.readouterr().out
    assert {"status": "gaming", "queue": "sports", "errors": "analytics"}[verb] in shown


def test_another_database_is_named_in_the_commands(folder: Path) -> None:
    """So that they work there."""
    shown = tell(f"sqlite:///{folder / 'my own.db'}", width=200)
    assert f"--database 'sqlite:///{folder / 'my own.db'}' queue" in shown


def test_a_second_demo_changes_nothing_and_says_so(told: Told, url: str, folder: Path) -> None:
    """Also days later, when another six-hour window is the current one."""
    first = told.shown
    shutil.copytree(told.folder, folder, dirs_exist_ok=True)
    second = tell(url, now=NOW + timedelta(days=3))
    assert rows_at(url) == told.rows
    assert "is there already, whole: nothing is done twice" in second
    assert (
        second.partition("What came of the runs")[2] == first.partition("What came of the runs")[2]
    )


@pytest.mark.postgres
def test_the_demo_works_on_a_server(empty_postgres_url: str) -> None:
    """A second demo changes nothing there either."""
    assert "2 videos and 2 shorts uploaded" in tell(empty_postgres_url)
    before = rows_at(empty_postgres_url)
    tell(empty_postgres_url)
    assert rows_at(empty_postgres_url) == before


def test_the_demo_works_in_memory() -> None:
    """It asks for nothing that only a database has."""
    assert "2 videos and 2 shorts uploaded" in tell("memory://")
