"""What listings print: tables for people, JSON for programs, and nothing that a terminal obeys."""

from __future__ import annotations

import math
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_store import open_store
from pipeline_store.cli.escaping import visible
from pipeline_store.cli.json_output import as_json
from pipeline_store.cli.tables import length
from pipeline_store.production import Analytics, ErrorLog
from tests.integration.cli.conftest import CYCLE_END, CYCLE_START, DATABASES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)

HOSTILE = "[red]evil[/red]\x1b[2J\x9b31m\u202egnp\x07 :smile: 漢字 🎬"


@both
@pytest.mark.parametrize(
    "listing",
    [["review", "status"], ["queue"], ["errors"], ["errors", "list"], ["review", "hold-overdue"]],
)
def test_an_empty_listing_is_valid_json(command: Command, listing: list[str]) -> None:
    """Nothing to list is an empty list, and for people a sentence."""
    done = command(*listing, "--json")
    assert (done.code, done.json, done.err) == (0, [], "")
    assert len(command(*listing).out.splitlines()) == 1


@both
def test_the_status_counts_what_is_pending(seeded: Command) -> None:
    """Niches, their latest run, runs by status and pending videos, in alphabetical order."""
    gaming, music = seeded("status", "--json").json["niches"]
    assert seeded("review", "status", "--json").json == [gaming, music]
    assert (gaming["niche"], music["niche"]) == ("gaming", "music")
    assert (gaming["pending_videos"], music["pending_videos"]) == (1, 0)
    assert gaming["runs_by_status"] == {"running": 1}
    assert gaming["latest_run"]["cycle_start"] == "2026-02-01T00:00:00+00:00"
    assert gaming["last_upload"] is None


def test_the_status_names_the_last_upload(seeded: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """When, in UTC to the minute, and as which video."""
    seeded("review", "request", "1")
    seeded("review", "approve", "1")
    seeded("review", "upload", "1", "abcdefghijk")
    monkeypatch.setenv("COLUMNS", "120")
    line = next(line for line in seeded("status").out.splitlines() if line.startswith("gaming"))
    assert re.search(r"uploaded +20\d\d-\d\d-\d\d \d\d:\d\d abcdefghijk", line)


@both
def test_what_failed_elsewhere_is_pointed_to(seeded: Command) -> None:
    """Tasks and jobs tell of their failures themselves, so a list without them says so."""
    assert "failed" not in seeded("errors").out
    for words in (
        ("channel", "add", "history1", "--name", "History"),
        ("task", "add", "history1", "page1", "The bridge", "--queued"),
        ("task", "advance", "page1", "claimed"),
        ("task", "advance", "page1", "asset_error", "--reason", "no voice"),
        ("job", "add", "history1", "scrape", "--max-attempts", "1"),
    ):
        assert seeded(*words).code == 0
    with closing(open_store(seeded.url)) as store, store.unit_of_work() as uow:
        claim = uow.jobs.claim_next("w", timedelta(minutes=1))
        assert claim is not None
        uow.jobs.fail(claim, "no network")
        uow.commit()
    assert seeded("errors").out.splitlines()[-2:] == [
        "failed tasks: 1; `pipeline-store task list` shows them",
        "failed jobs: 1; `pipeline-store job list --status failed` shows them",
    ]
    assert [error["id"] for error in seeded("errors", "--json").json] == [1]


@both
def test_errors_are_listed_filtered_and_resolved(seeded: Command) -> None:
    """Newest first; by module, unresolved only, at most so many."""
    store = open_store(seeded.url)
    with store.unit_of_work() as uow:
        for number in range(3):
            uow.errors.add(
                ErrorLog(
                    module="upload",
                    error_type="Timeout",
                    error_message=str(number),
                    occurred_at=CYCLE_START + timedelta(hours=number),
                )
            )
        uow.commit()
    store.close()

    def listed(*options: str) -> list[int]:
        return [error["id"] for error in seeded("errors", "list", *options, "--json").json]

    assert listed() == [1, 4, 3, 2]
    assert listed("--module", "upload") == [4, 3, 2]
    assert listed("--module", "upload", "--limit", "2") == [4, 3]
    assert seeded("errors", "resolve", "4", "1").code == 0
    assert listed("--unresolved") == [3, 2]
    assert [error["id"] for error in seeded("errors", "--unresolved", "--json").json] == [3, 2]
    assert seeded("errors", "resolve", "3", "99").code == 1
    assert listed("--unresolved") == [3, 2]


@both
def test_stats_count_above_32_bits(seeded: Command) -> None:
    """Views are exact, in the table too."""
    for words in ("request 1", "approve 1", "upload 1 abcdefghijk"):
        seeded("review", *words.split())
    store = open_store(seeded.url)
    with store.unit_of_work() as uow:
        uow.analytics.add(
            Analytics(youtube_video_id="abcdefghijk", measured_at=CYCLE_END, view_count=2**62 + 1)
        )
        uow.commit()
    store.close()
    numbers = seeded("review", "stats", "--json").json
    assert numbers["views"] == 2**62 + 1
    assert numbers["measured_at"] == "2026-02-01T06:00:00+00:00"
    assert (numbers["uploaded_videos"], numbers["unresolved_errors"]) == (1, 1)
    assert f"{2**62 + 1:,}" in seeded("review", "stats").out


@both
def test_hostile_text_is_shown_and_not_obeyed(
    seeded: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Markup stays as written, control characters are escaped, JSON has the text itself."""
    store = open_store(seeded.url)
    with store.unit_of_work() as uow:
        uow.errors.add(ErrorLog(module=HOSTILE, error_type="E", error_message=HOSTILE))
        uow.commit()
    store.close()
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = seeded("errors").out
    # What rich itself writes to a terminal: colours and nothing else.
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "[red]evil[/red]\\x1b[2J\\x9b31m\\u202egnp\\x07 :smile: 漢字 🎬" in plain
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", plain)
    assert seeded("errors", "--limit", "1", "--json").json[0]["module"] == HOSTILE
    paused = seeded("review", "pause", HOSTILE)
    assert "\\x1b[2J" in paused.out
    refused = seeded("review", "skip", "1", HOSTILE)
    assert refused.code == 2
    assert not re.search("[\x07\x9b\u202e]", refused.err)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_wide_text_is_cut_in_tables_only(
    seeded: Command, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """No line is wider than the terminal, if whole keys, times and counts leave it a choice."""
    long = "word " * 1000
    store = open_store(seeded.url)
    with store.unit_of_work() as uow:
        uow.errors.add(ErrorLog(module="m" * 255, error_type=long, error_message=long))
        uow.commit()
    store.close()
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = seeded("errors").out.splitlines()
    assert max(len(line) for line in lines) <= max(columns, 70)
    assert len(lines) < 10
    assert re.match(r" *2  20\d\d-\d\d-\d\d \d\d:\d\d ", lines[-2])
    assert seeded("errors", "--json").json[0]["error_message"] == long


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("columns", [None, 80, 120])
def test_lines_end_with_their_last_letter(
    seeded: Command, monkeypatch: pytest.MonkeyPatch, columns: int | None, colour: bool
) -> None:
    """A table in a file or a mail is not filled up with blanks."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", str(columns))
    if colour:
        monkeypatch.setenv("FORCE_COLOR", "1")
    seeded("channel", "add", "nature1")
    listings = ("status", "errors", "quota", "job stats", "channel list", "channel show nature1")
    for listing in listings:
        shown = seeded(*listing.split()).out
        assert ("\x1b[" in shown) == colour
        lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
        assert len(lines) > 2
        assert [line for line in lines if line != line.rstrip()] == []


def test_rows_that_another_program_wrote_are_listed(seeded: Command, tmp_path: Path) -> None:
    """An unknown status, bytes for text and infinity load, and print as valid JSON."""
    with closing(sqlite3.connect(tmp_path / "pipeline.db")) as raw, raw:
        raw.execute("UPDATE pipeline_runs SET status = 'dreaming', video_duration_seconds = 9e999")
        raw.execute("UPDATE error_log SET error_message = x'ff00fe'")
    gaming, _ = seeded("status", "--json").json["niches"]
    assert gaming["latest_run"]["status"] == "dreaming"
    assert gaming["latest_run"]["video_duration_seconds"] is None
    assert "dreaming" in seeded("status").out
    listed = seeded("errors", "--json")
    assert listed.code == 0
    assert seeded("errors").code == 0


@settings(max_examples=40)
@given(st.text())
def test_visible_text_is_one_printable_line(text: str) -> None:
    """Whatever the text, nothing in it ends a line, moves the cursor or cannot be written."""
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_text_without_tricks_is_left_as_it_is() -> None:
    """Emoji with joiners, accents and letters of all scripts stay."""
    for text in ("👩‍👩‍👧 family", "é", "שלום", "漢字", "50% [bold] :smile:"):
        assert visible(text) == text


def test_json_has_no_word_for_what_json_lacks() -> None:
    """NaN and infinity are unknown; times have their offset; lengths are seconds."""
    value = {
        "nan": math.nan,
        "infinity": math.inf,
        "when": datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC),
        "long": timedelta(minutes=2),
        "bytes": b"\xff",
        "many": (1, 2**63 - 1),
    }
    assert as_json(value) == {
        "nan": None,
        "infinity": None,
        "when": "2026-02-28T01:02:03+00:00",
        "long": 120.0,
        "bytes": "\\xff",
        "many": [1, 2**63 - 1],
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 min"),
        (59, "0 min"),
        (300, "5 min"),
        (3 * 3600 + 720, "3 h 12 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_waiting_is_told_in_words(seconds: int, words: str) -> None:
    """The two largest units, rounded down."""
    assert length(timedelta(seconds=seconds)) == words
