"""`import` of files and options that are not as they should be."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.cli import import_work
from pipeline_store.errors import StoreBusy
from tests.integration.cli.conftest import DATABASES

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store.importers import FileSummary
    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)

HEADER = "video_id,trending_date,title,category_id,views,likes,dislikes,comment_count\n"
ROW = "{id},26.01.02,A title,10,{views},1,0,1\n"


@both
def test_good_files_are_imported_around_a_refused_one(command: Command, tmp_path: Path) -> None:
    """Exit 1 with every reason, and the files after a refused one are still read."""
    good = tmp_path / "good.csv"
    good.write_text(HEADER + ROW.format(id="a" * 11, views=5))
    later = tmp_path / "later.csv.gz"
    later.write_bytes(gzip.compress((HEADER + ROW.format(id="b" * 11, views=2**40)).encode()))
    damaged = tmp_path / "damaged.csv.gz"
    damaged.write_bytes(later.read_bytes()[:-9])
    text = tmp_path / "notes.txt"
    text.write_text("something else\n")
    paths = [good, tmp_path / "missing.csv", tmp_path, damaged, text, later]
    done = command("import", "trending", *map(str, paths), "--niche", "mine", "--json")
    assert done.code == 1
    assert [account["problem"] is None for account in done.json] == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]
    reasons = done.err.splitlines()
    assert [reason.split(": ")[1] for reason in reasons] == [str(path) for path in paths[1:5]]
    assert "no such file" in reasons[0]
    assert "directory" in reasons[1]
    videos = command.videos()
    assert {video.niche for video in videos.values()} == {"mine"}
    assert videos["b" * 11].view_count == 2**40


def test_a_refused_row_has_its_reason_and_its_lines(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows with one defect are told together, with the first few lines and an example."""
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / "list.csv"
    rows = [ROW.format(id="#NAME?", views=1) for _ in range(5)]
    path.write_text(HEADER + "".join(rows) + ROW.format(id="a" * 11, views="many"))
    done = command("import", "trending", str(path), "--niche", "mine")
    assert done.code == 0
    table = done.out.splitlines()
    assert table[0].split() == ["file", "rows", "new", "refreshed", "snapshots", "refused"]
    assert table[2].split() == ["list.csv", "6", "0", "0", "0", "6"]
    damaged = "video id is not 11 of the characters A-Z a-z 0-9 _ -"
    assert table[3:] == [
        f"list.csv: 5 refused: {damaged} (lines 2, 3, 4, ...; found '#NAME?')",
        "list.csv: 1 refused: view_count is not a whole number (line 7; found 'many')",
    ]


def test_niches_come_from_the_option_then_the_map_then_the_category(
    command: Command, tmp_path: Path
) -> None:
    """--niche-for beats --niche-map, which beats the titles of --categories or --region."""
    lists = tmp_path / "list.csv"
    rows = [(number, f"{number:0>11}") for number in (10, 17, 20, 99)]
    lists.write_text(
        HEADER + "".join(f"{name},26.01.02,A title,{number},1,1,0,1\n" for number, name in rows)
    )
    (tmp_path / "map.json").write_text('{"10": "songs", "Sports": "balls"}')
    categories = tmp_path / "US_category_id.json"
    categories.write_text(
        '{"kind": "youtube#videoCategoryListResponse", "items": ['
        '{"id": "17", "snippet": {"title": "Sports"}},'
        '{"id": "20", "snippet": {"title": "Gaming"}}]}'
    )
    done = command(
        *("import", "trending", str(lists), "--region", "us", "--niche-map"),
        *(str(tmp_path / "map.json"), "--niche-for", "17=football", "--niche-for", "10=tunes"),
    )
    assert (done.code, done.err) == (0, "")
    niches = {video_id[-2:]: video.niche for video_id, video in command.videos().items()}
    assert niches == {"10": "tunes", "17": "football", "20": "Gaming", "99": "uncategorised"}
    chosen = command("import", "trending", str(lists), "--categories", str(categories))
    assert (chosen.code, chosen.err) == (0, "")


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_path_that_names_no_file_is_refused(command: Command, path: str) -> None:
    """Looking for categories beside nothing is no crash."""
    refused = command("import", "trending", path, "--region", "US")
    assert refused.code == 1
    assert "a directory, not a file" in refused.err.splitlines()[-1]


def test_missing_titles_of_categories_are_said(command: Command, tmp_path: Path) -> None:
    """Without titles a note on the standard error says what becomes of the videos."""
    path = tmp_path / "list.csv"
    path.write_text(HEADER + ROW.format(id="a" * 11, views=1))
    none_beside = command("import", "trending", str(path), "--region", "DE", "--json")
    assert none_beside.code == 0
    assert none_beside.json[0]["new"] == 1
    assert f"no DE_category_id.json beside {path}" in none_beside.err
    assert "--region" in command("import", "trending", str(path)).err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--region", "USA"], 2),
        (["--region", "../"], 2),
        (["--niche", ""], 2),
        (["--niche", "n" * 300], 2),
        (["--niche-for", "10"], 2),
        (["--year", "17"], 2),
        (["--categories", "missing.json"], 1),
        (["--niche-map", "missing.json"], 1),
    ],
)
def test_a_bad_option_is_refused_before_anything_is_read(
    command: Command, tmp_path: Path, arguments: list[str], code: int
) -> None:
    """One line, and nothing was stored."""
    path = tmp_path / "list.csv"
    path.write_text(HEADER + ROW.format(id="a" * 11, views=1))
    refused = command("import", "trending", str(path), *arguments)
    assert (refused.code, refused.out) == (code, "")
    assert len(refused.err.splitlines()) == 1
    assert command.videos() == {}


@pytest.mark.parametrize("instant", ["yesterday", "1950-01-01", "2300-01-01T00:00:00Z", ""])
def test_a_time_that_is_none_is_wrong_usage(command: Command, instant: str) -> None:
    """--measured-at takes ISO 8601 from 1970 to 2200."""
    refused = command("import", "yt-dlp", "x.json", "--measured-at", instant)
    assert refused.code == 2
    assert "--measured-at" in refused.err


def test_a_database_that_breaks_off_still_accounts_for_what_was_done(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that were imported before the error are reported, then the error is told."""
    path = tmp_path / "list.csv"
    path.write_text(HEADER + ROW.format(id="a" * 11, views=1))
    real = import_work.import_trending
    calls: list[str] = []

    def breaks_off(*arguments: Any, **options: Any) -> FileSummary:
        calls.append(arguments[1])
        if len(calls) > 1:
            raise StoreBusy("others hold it; try again")
        return real(*arguments, **options)

    monkeypatch.setattr(import_work, "import_trending", breaks_off)
    done = command("import", "trending", str(path), str(path), "--niche", "mine", "--json")
    assert done.code == 1
    assert [account["new"] for account in done.json] == [1]
    assert done.err == "error: others hold it; try again\n"
