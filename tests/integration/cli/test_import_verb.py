"""`import`: real files agree with what is counted beside them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from tests.conftest import is_on
from tests.integration.cli.conftest import DATABASES
from tests.real_data import real_data

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)

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


# Half of all rows are in this one; databases of both kinds take it in another test.
LONG = LISTS[5]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.soak] if name == LONG else []) for name in LISTS],
)
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
    facts = readme_table("youtube_trending", "rows")
    names = LISTS[:4] if is_on("PIPELINE_STORE_SOAK") else LISTS[1:4]
    rows = sum(int(facts[name]["rows"]) for name in names)
    paths = [str(real_data("youtube_trending", name)) for name in names]
    arguments = ["import", "trending", *paths, "--region", "US", "--json"]
    first, second = command(*arguments), command(*arguments)
    assert (first.code, second.code) == (0, 0)
    before, after = totals(first.json), totals(second.json)
    assert before["rows"] == after["rows"] == rows
    assert before["snapshots"] + before["repeated"] == rows
    assert (after["new"], after["snapshots"], after["repeated"]) == (0, 0, rows)
    videos = command.videos()
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
    videos = command.videos()
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


def test_the_account_fits_the_terminal(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are never cut: where a table does not fit, they are told in words."""
    path = str(real_data("youtube_trending", "US_2020-08-12_2020-08-15.csv.gz"))
    arguments = ("import", "trending", path, path, "--niche", "mine")
    command(*arguments)
    for columns in (80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        out = command(*arguments).out
        assert max(len(line) for line in out.splitlines()) <= columns
        *_, counts, older, repeated = out.splitlines()
        assert older == "older: not the newest reading of its video, so it refreshed nothing"
        assert repeated == "repeated: stored before, for the same video and instant"
        assert counts.split() == [
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
    words = "800 rows, 0 new, 0 refreshed, 506 older, 0 snapshots, 800 repeated, 0 refused"
    assert command(*arguments).out.splitlines() == 2 * [f"{Path(path).name}: {words}"]


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
