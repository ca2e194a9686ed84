"""`import`: real files agree with what is counted beside them; bad files have their reasons."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from pipeline_store.cli import import_commands
from pipeline_store.errors import StoreBusy
from tests.integration.cli.conftest import DATABASES
from tests.real_data import real_data

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store.importers import FileSummary
    from pipeline_store.production import DiscoveredVideo
    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("empty_url", DATABASES, indirect=True)

HEADER = "video_id,trending_date,title,category_id,views,likes,dislikes,comment_count\n"
ROW = "{id},26.01.02,A title,10,{views},1,0,1\n"
NUMBERS = ("rows", "new", "refreshed", "older", "snapshots", "repeated", "without_instant")


def readme_table(folder: str, column: str) -> dict[str, dict[str, str]]:
    """The table of a README that has a row per file and this column, by file and column."""
    text = real_data(folder, "README.md").read_text(encoding="utf-8")
    for paragraph in text.split("\n\n"):
        rows = [
            [cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in paragraph.splitlines()
            if line.startswith("|")
        ]
        if rows and rows[0][0] == "file" and column in rows[0]:
            return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[2:]}
    pytest.fail(f"the README of {folder} has no table of {column}")


def accounts(done_json: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {account["path"].rsplit("/", 1)[-1]: account for account in done_json}


def videos_of(command: Command) -> dict[str, DiscoveredVideo]:
    store = open_store(command.url)
    with store.unit_of_work(read_only=True) as uow:
        videos = {video.video_id: video for video in uow.discovered_videos.page(limit=10_000)}
    store.close()
    return videos


def totals(done_json: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(account[name] for account in done_json) for name in NUMBERS}


LISTS = [
    "US_2017-11-14_2017-11-23.csv.gz",
    "US_2020-08-12_2020-08-15.csv.gz",
    "KR_2020-08-12_2020-08-18.csv.gz",
    "US_2018-11-01_scraper.csv.gz",
    "KR_2018-11-01_scraper.csv.gz",
    "US_thin_2017-11-29_2017-12-28.csv.gz",
    "US_first_2017-09-13_2017-09-22.csv.gz",
]


@pytest.mark.parametrize("name", LISTS)
def test_a_trending_list_agrees_with_its_readme(command: Command, name: str) -> None:
    """Rows, new videos, snapshots, repeated and refused rows are those that are counted there."""
    facts = readme_table("youtube_trending", "rows")[name]
    defects = readme_table("youtube_trending", "damaged ids")[name]
    rows, damaged = int(facts["rows"]), int(defects["damaged ids"])
    # Where ids are damaged, all repeated pairs are of the one damaged "id".
    repeated = 0 if damaged else int(defects["repeated (id, day)"])
    path = str(real_data("youtube_trending", name))
    done = command("import", "trending", path, "--region", name[:2], "--year", "2017", "--json")
    assert (done.code, done.err) == (0, "")
    [account] = done.json
    assert account["rows"] == rows
    assert len(account["refused"]) == damaged
    assert account["new"] == int(facts["distinct ids"]) - bool(damaged)
    assert account["snapshots"] == rows - damaged - repeated
    assert account["repeated"] == repeated
    assert account["problem"] is None


def test_every_list_of_the_readme_is_imported_here() -> None:
    """A list that is added to the real data is tested too."""
    assert set(readme_table("youtube_trending", "rows")) == set(LISTS)


@both
def test_all_lists_in_one_call_are_stored_once(command: Command) -> None:
    """The second import of the same files adds nothing, and says that all was there."""
    paths = [str(real_data("youtube_trending", name)) for name in LISTS[:4]]
    arguments = ["import", "trending", *paths, "--region", "US", "--json"]
    first, second = command(*arguments), command(*arguments)
    assert (first.code, second.code) == (0, 0)
    before, after = totals(first.json), totals(second.json)
    assert before["rows"] == after["rows"] == 3965
    assert before["snapshots"] + before["repeated"] == 3965
    assert (after["new"], after["snapshots"], after["repeated"]) == (0, 0, 3965)
    videos = videos_of(command)
    assert len(videos) == before["new"]
    assert {"Music", "Gaming"} <= {video.niche for video in videos.values()}


@both
def test_dumps_of_yt_dlp_agree_with_their_readme(command: Command) -> None:
    """Every dump is read; each video ends with the counts of its newest dump."""
    facts = readme_table("yt_dlp", "views")
    paths = [str(real_data("yt_dlp", name)) for name in facts]
    done = command("import", "yt-dlp", *paths, "--json")
    assert (done.code, done.err) == (0, "")
    ids = {name.split(".")[0] for name in facts}
    with_epoch = [name for name in facts if name.split(".")[1].isdigit()]
    assert totals(done.json) == {
        "rows": len(facts),
        "new": len(ids),
        "refreshed": len(facts) - len(ids),
        "older": 0,
        "snapshots": len(with_epoch),
        "repeated": 0,
        "without_instant": len(facts) - len(with_epoch),
    }
    videos = videos_of(command)
    for video_id in ids:
        newest = facts[max(name for name in facts if name.startswith(f"{video_id}."))]
        assert videos[video_id].view_count == int(newest["views"])
        comments = newest["comments"]
        assert videos[video_id].comment_count == (None if comments == "absent" else int(comments))
    again = totals(command("import", "yt-dlp", *paths, "--json").json)
    assert (again["new"], again["snapshots"], again["repeated"]) == (0, 0, len(with_epoch))


@both
def test_responses_of_the_api_agree_with_their_readme(command: Command) -> None:
    """Items per file; views above 2^31 survive; the second import adds nothing."""
    facts = readme_table("youtube_api", "items")
    paths = [str(real_data("youtube_api", name)) for name in facts]
    arguments = ["import", "youtube-api", *paths, "--measured-at", "2020-02-06T07:13:00Z", "--json"]
    done = command(*arguments)
    assert (done.code, done.err) == (0, "")
    found = accounts(done.json)
    assert {name: account["rows"] for name, account in found.items()} == {
        name: int(row["items"]) for name, row in facts.items()
    }
    assert {name for name, account in found.items() if account["refused"]} == {
        "analytics_reports.json"
    }
    store = open_store(command.url)
    with store.unit_of_work(read_only=True) as uow:
        [reading] = uow.analytics.series("9bZkp7q19f0")
    store.close()
    assert reading.view_count == 3_507_573_655
    again = totals(command(*arguments).json)
    assert (again["new"], again["snapshots"]) == (0, 0)


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
    videos = videos_of(command)
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


def test_the_account_fits_the_terminal(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are never cut: where a table does not fit, they are told in words."""
    path = str(real_data("youtube_trending", "US_2020-08-12_2020-08-15.csv.gz"))
    arguments = ("import", "trending", path, path, "--niche", "mine")
    command(*arguments)
    for columns in (80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        out = command(*arguments).out
        assert max(len(line) for line in out.splitlines()) <= columns
        assert out.splitlines()[-1].split() == [
            "2",
            "files",
            "1,600",
            *"00",
            "1,012",
            "0",
            "1,600",
            "0",
        ]
    monkeypatch.setenv("COLUMNS", "40")
    assert command(*arguments).out.splitlines() == 2 * [
        f"{path.rsplit('/')[-1]}: 800 rows, 0 new, 0 refreshed, 506 older, 0 snapshots, "
        "800 repeated, 0 refused"
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
        *(str(tmp_path / "map.json"), "--niche-for", "17=football"),
    )
    assert (done.code, done.err) == (0, "")
    niches = {video_id[-2:]: video.niche for video_id, video in videos_of(command).items()}
    assert niches == {"10": "songs", "17": "football", "20": "Gaming", "99": "uncategorised"}
    chosen = command("import", "trending", str(lists), "--categories", str(categories))
    assert (chosen.code, chosen.err) == (0, "")


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
    assert videos_of(command) == {}


@pytest.mark.parametrize("instant", ["yesterday", "1950-01-01", "2300-01-01T00:00:00Z", ""])
def test_a_time_that_is_none_is_wrong_usage(command: Command, instant: str) -> None:
    """--measured-at takes ISO 8601 from 1970 to 2200."""
    refused = command("import", "yt-dlp", "x.json", "--measured-at", instant)
    assert refused.code == 2
    assert "--measured-at" in refused.err


def test_a_time_without_an_offset_is_utc(command: Command) -> None:
    """A dump that does not say when it was made takes the given time."""
    path = str(real_data("yt_dlp", "dQw4w9WgXcQ.sample.info.json"))
    done = command("import", "yt-dlp", path, "--measured-at", "2026-02-28T12:00", "--json")
    assert done.json[0]["snapshots"] == 1
    store = open_store(command.url)
    with store.unit_of_work(read_only=True) as uow:
        [reading] = uow.analytics.series("dQw4w9WgXcQ")
    store.close()
    assert reading.measured_at.isoformat() == "2026-02-28T12:00:00+00:00"
    assert reading.view_count == 1_046_140_382


def test_a_database_that_breaks_off_still_accounts_for_what_was_done(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that were imported before the error are reported, then the error is told."""
    path = tmp_path / "list.csv"
    path.write_text(HEADER + ROW.format(id="a" * 11, views=1))
    real = import_commands.import_trending
    calls: list[str] = []

    def breaks_off(*arguments: Any, **options: Any) -> FileSummary:  # noqa: ANN401 - passed on
        calls.append(arguments[1])
        if len(calls) > 1:
            raise StoreBusy("others hold it; try again")
        return real(*arguments, **options)

    monkeypatch.setattr(import_commands, "import_trending", breaks_off)
    done = command("import", "trending", str(path), str(path), "--niche", "mine", "--json")
    assert done.code == 1
    assert [account["new"] for account in done.json] == [1]
    assert done.err == "error: others hold it; try again\n"
