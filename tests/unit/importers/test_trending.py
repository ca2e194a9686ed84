"""Trending lists: five layouts, three ways to write a day, and every known defect."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import read_trending_file
from tests.unit.importers.made_up import BARE_HEADER, BARE_ROW, file_of, refusals, trending

if TYPE_CHECKING:
    from pathlib import Path

CLASSIC = (
    "video_id,trending_date,title,channel_title,category_id,publish_time,tags,views,likes,dislikes,"
    "comment_count,thumbnail_link,comments_disabled,ratings_disabled,video_error_or_removed,"
    "description\r\n"
    'abcdefghijk,17.14.11,"A title","A channel",22,2017-11-13T17:13:01.000Z,"one"|"two",748374,'
    '57527,2966,15954,https://example.org,False,False,False,"words\\nmore \rwords"\r\n'
)
NEWER = (
    "video_id,title,publishedAt,channelId,channelTitle,categoryId,trending_date,tags,view_count,"
    "likes,dislikes,comment_count,thumbnail_link,comments_disabled,ratings_disabled,description\n"
    '"abcdefghijk","A title","2017-11-13T17:13:01Z","UC1234567890123456789012","A channel","22",'
    '"2017-11-14T00:00:00Z","one|two","748374","57527","2966","15954","https://example.org",'
    '"False","False","words\nmore words"\n'
)
FIRST = (
    "\ufeffvideo_id,title,channel_title,category_id,tags,views,likes,dislikes,comment_total,"
    "thumbnail_link,date\r\n"
    'abcdefghijk,"A title","A channel",22,one|two,748374,57527,2966,15954,https://example.org,14.11'
    "\r\n"
)
THIN = BARE_HEADER + "abcdefghijk,17.14.11,A title,22,748374,57527,2966,15954\n"
LAYOUTS = {
    "classic": CLASSIC,
    "newer": NEWER,
    "scraper": NEWER.replace("2017-11-14T00:00:00Z", "17.14.11"),
    "first": FIRST,
    "thin": THIN,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_facts(tmp_path: Path, layout: str) -> None:
    """Whatever the columns are called and however the day is written, the facts are the same."""
    readings, summary = trending(tmp_path, LAYOUTS[layout], year=2017)
    assert summary.refused == []
    [reading] = readings
    assert reading.video_id == "abcdefghijk"
    assert reading.url == "https://www.youtube.com/watch?v=abcdefghijk"
    assert reading.measured_at == datetime(2017, 11, 14, tzinfo=UTC)
    assert reading.title == "A title"
    assert reading.category_id == 22
    counts = (reading.view_count, reading.like_count, reading.comment_count)
    assert counts == (748374, 57527, 15954)
    assert reading.channel_name == ("" if layout == "thin" else "A channel")
    has_channel_id = layout in {"newer", "scraper"}
    assert reading.channel_id == ("UC1234567890123456789012" if has_channel_id else "")
    has_time = layout in {"classic", "newer", "scraper"}
    published = datetime(2017, 11, 13, 17, 13, 1, tzinfo=UTC)
    assert reading.published_at == (published if has_time else None)
    assert reading.describes_video


def test_days_without_a_year_ask_for_one(tmp_path: Path) -> None:
    """Without --year such a file is refused as a whole, with the cure."""
    with pytest.raises(InputFileRefused, match=r"its days have no year: .* --year"):
        list(read_trending_file(file_of(tmp_path, FIRST)))


def test_the_year_is_used_where_it_is_missing_only(tmp_path: Path) -> None:
    """A year that is given changes no day that has one."""
    readings, _ = trending(tmp_path, THIN, year=2024)
    assert readings[0].measured_at == datetime(2017, 11, 14, tzinfo=UTC)


def test_one_day_without_a_year_among_others_is_one_refused_row(tmp_path: Path) -> None:
    """Once rows were taken, a file is not refused as a whole any more."""
    content = BARE_HEADER + BARE_ROW + BARE_ROW.replace("17.29.11", "29.11")
    readings, summary = trending(tmp_path, content)
    assert len(readings) == 1
    assert refusals(summary) == [("line 3", "day has no year", "'29.11'")]


@pytest.mark.parametrize(
    "written", ["2017-11-29", "2017-11-29T00:00:00Z", "2017-11-29T23:30:00+09:00", "17.29.11"]
)
def test_a_list_day_is_its_utc_midnight(tmp_path: Path, written: str) -> None:
    """A list belongs to the day that is written, whatever the hour and zone beside it."""
    readings, _ = trending(tmp_path, BARE_HEADER + BARE_ROW.replace("17.29.11", written))
    assert readings[0].measured_at == datetime(2017, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "17.31.02",
        "29.02",
        "1969-12-31",
        "2200-01-01",
        "2017-11-29T25:00:00Z",
        "20171129",
        "soon",
    ],
)
def test_what_is_no_day_refuses_its_row(tmp_path: Path, written: str) -> None:
    """No day is guessed."""
    content = BARE_HEADER + BARE_ROW.replace("17.29.11", written)
    readings, summary = trending(tmp_path, content, year=2017)
    assert readings == []
    assert summary.refused[0].reason.startswith("day is not a")


@pytest.mark.parametrize("year", [0, -1, 1969, 2200, 10**30])
def test_an_impossible_year_is_no_crash(tmp_path: Path, year: int) -> None:
    """A year that no day of the store can have refuses the rows."""
    _, summary = trending(tmp_path, FIRST, year=year)
    assert len(summary.refused) == 1


def test_unknown_columns_refuse_the_file(tmp_path: Path) -> None:
    """A CSV of something else is refused, naming what it lacks."""
    with pytest.raises(InputFileRefused) as caught:
        list(read_trending_file(file_of(tmp_path, "name,title,likes\nx,y,1\n")))
    assert caught.value.reason == (
        "not a trending list; missing columns: video_id, trending_date or date, "
        "category_id or categoryId, views or view_count, comment_count or comment_total"
    )


def test_two_columns_for_one_fact_refuse_the_file(tmp_path: Path) -> None:
    """Which of two columns is right is not guessed."""
    header = BARE_HEADER.replace("dislikes", "view_count")
    with pytest.raises(InputFileRefused, match="same fact: views, view_count"):
        list(read_trending_file(file_of(tmp_path, header + BARE_ROW)))


@pytest.mark.parametrize(
    "damaged",
    ["#NAME?", "abc", "abcdefghijkl", "abcdefghij ", "abcdefghij?", "abcdefghijé", "", "1.2E+10"],
)
def test_a_damaged_id_refuses_its_row(tmp_path: Path, damaged: str) -> None:
    """An id outside [A-Za-z0-9_-]{11} is refused by line and shown; the rows around it are kept."""
    content = BARE_HEADER + BARE_ROW + BARE_ROW.replace("abcdefghijk", damaged) + BARE_ROW
    readings, summary = trending(tmp_path, content)
    assert [str(reading.place) for reading in readings] == ["line 2", "line 4"]
    reason = "video id is not 11 of the characters A-Z a-z 0-9 _ -"
    assert refusals(summary) == [("line 3", reason, repr(damaged))]


def test_an_id_may_begin_with_a_dash(tmp_path: Path) -> None:
    """Ids such as -JzXiSkoFKw are sound."""
    readings, _ = trending(tmp_path, BARE_HEADER + BARE_ROW.replace("abcdefghijk", "-JzXiSkoFKw"))
    assert readings[0].video_id == "-JzXiSkoFKw"


@pytest.mark.parametrize(
    "written", ["-1", "1.5", "1e3", "1,000", "NaN", "²", "٣", " 1", "0x10", str(2**63), "9" * 5000]
)
@pytest.mark.parametrize("column", [4, 5, 7])
def test_what_is_no_count_refuses_its_row(tmp_path: Path, column: int, written: str) -> None:
    """A count is digits from 0 to 2^63-1; anything else is refused, not rounded or cut."""
    cells = BARE_ROW.rstrip("\n").split(",")
    cells[column] = f'"{written}"'
    readings, summary = trending(tmp_path, BARE_HEADER + ",".join(cells) + "\n")
    assert readings == []
    assert "_count is not" in summary.refused[0].reason


def test_counts_hold_64_bits_and_empty_is_unknown(tmp_path: Path) -> None:
    """The largest count survives, 0 stays 0, and an empty cell is not 0."""
    row = f"abcdefghijk,17.29.11,A title,,{2**63 - 1},0,1,\n"
    [reading], _ = trending(tmp_path, BARE_HEADER + row)
    counts = (reading.view_count, reading.like_count, reading.comment_count)
    assert counts == (2**63 - 1, 0, None)
    assert reading.category_id is None


@pytest.mark.parametrize("written", ["True", "TRUE", "true"])
def test_what_is_switched_off_is_unknown(tmp_path: Path, written: str) -> None:
    """With comments or ratings off, the 0 of the list is not a count."""
    off = CLASSIC.replace("False,False,False", f"{written},{written},False")
    [reading], _ = trending(tmp_path, off.replace("15954", "0").replace("57527", "0"))
    counts = (reading.view_count, reading.like_count, reading.comment_count)
    assert counts == (748374, None, None)


def test_a_flag_that_is_neither_refuses_its_row(tmp_path: Path) -> None:
    """Whether comments are off is not guessed."""
    _, summary = trending(tmp_path, CLASSIC.replace("False,False,False", "maybe,False,False"))
    reason = "comments_disabled is neither True nor False"
    assert refusals(summary) == [("line 2", reason, "'maybe'")]


def test_a_broken_publish_time_refuses_its_row(tmp_path: Path) -> None:
    """A time that cannot be read is not dropped in silence."""
    for written in ("yesterday", "0001-01-01T00:00:00+23:59", "1969-12-31T00:00:00Z"):
        content = CLASSIC.replace("2017-11-13T17:13:01.000Z", written)
        _, summary = trending(tmp_path, content)
        assert summary.refused[0].reason.startswith("published_at is not a time")


def test_line_breaks_and_carriage_returns_belong_to_their_field(tmp_path: Path) -> None:
    """Descriptions span lines, and a row is named by its first one, as editors count lines."""
    rows = NEWER.partition("\n")[2].replace("more words", "more \r words\r\nand more") * 2
    readings, summary = trending(tmp_path, NEWER.partition("\n")[0] + "\n" + rows)
    assert summary.refused == []
    assert [reading.place.number for reading in readings] == [2, 5]


def test_a_carriage_return_outside_of_quotes_refuses_its_row(tmp_path: Path) -> None:
    """Where it would break a row in two, the row is refused and the next is read."""
    content = BARE_HEADER + BARE_ROW.replace("A title", "A\rtitle") + BARE_ROW
    readings, summary = trending(tmp_path, content)
    assert [reading.place.number for reading in readings] == [3]
    assert [str(refusal.place) for refusal in summary.refused] == ["line 2"]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    """Empty lines between rows and at the end are passed over, and still counted as lines."""
    content = BARE_HEADER + "\n" + BARE_ROW + "\n\n"
    readings, summary = trending(tmp_path, content)
    assert (summary.rows, readings[0].place.number) == (1, 3)


def test_the_last_row_needs_no_line_end(tmp_path: Path) -> None:
    """A file that does not end in a line end is whole."""
    readings, summary = trending(tmp_path, BARE_HEADER + BARE_ROW.rstrip("\n"))
    assert (len(readings), summary.refused) == (1, [])


@pytest.mark.parametrize("row", ["abcdefghijk,17.29.11\n", BARE_ROW.replace("\n", ",extra\n")])
def test_a_wrong_number_of_fields_refuses_its_row(tmp_path: Path, row: str) -> None:
    """A row that is cut short or too long is refused, saying how many fields it has."""
    readings, summary = trending(tmp_path, BARE_HEADER + row + BARE_ROW)
    assert len(readings) == 1
    found = len(row.split(","))
    assert refusals(summary) == [("line 2", "not the 8 fields of the header", f"{found} in line 2")]


def test_a_quote_that_is_never_closed_is_told(tmp_path: Path) -> None:
    """The rows that an open quote swallows to the end of the file are named, not lost."""
    content = BARE_HEADER + BARE_ROW + BARE_ROW.replace("A title", '"A title') + BARE_ROW * 3
    readings, summary = trending(tmp_path, content)
    assert len(readings) == 1
    assert refusals(summary) == [("line 3", "a quote is not closed", "lines 3 to 6")]


def test_a_quote_closed_in_another_row_mixes_no_videos(tmp_path: Path) -> None:
    """When two broken rows make one with the right number of fields, it is refused all the same.

    Else the first video would be stored with the second one's numbers.
    """
    broken = BARE_ROW.replace("A title", '"A title')
    closing = BARE_ROW.replace("A title", '"Another').replace("100", "999")
    readings, summary = trending(tmp_path, BARE_HEADER + broken + closing + BARE_ROW)
    assert [reading.view_count for reading in readings] == [100]
    reason = "a quote is not closed on its line"
    assert refusals(summary) == [("line 2", reason, "lines 2 to 3")]


def test_a_field_beyond_all_measure_refuses_its_row(tmp_path: Path) -> None:
    """A field larger than CSV readers take is a refused row, not the end of the import."""
    content = BARE_HEADER + BARE_ROW.replace("A title", "a" * 200_000) + BARE_ROW
    readings, summary = trending(tmp_path, content)
    assert len(readings) == 1
    assert summary.refused[0].reason.startswith("not a CSV row: field larger than")


def test_a_header_that_cannot_be_read_refuses_the_file(tmp_path: Path) -> None:
    """Without column names nothing can be told apart."""
    with pytest.raises(InputFileRefused, match="the header cannot be read"):
        list(read_trending_file(file_of(tmp_path, BARE_HEADER.replace("\n", "\r") + BARE_ROW)))


def test_a_nul_refuses_its_row(tmp_path: Path) -> None:
    """What PostgreSQL cannot hold is refused while its line is known."""
    content = BARE_HEADER + BARE_ROW.replace("A title", "A\0title") + BARE_ROW
    readings, summary = trending(tmp_path, content)
    assert len(readings) == 1
    assert summary.refused[0].value == "'A\\x00title'"


def test_rows_are_taken_one_at_a_time(tmp_path: Path) -> None:
    """The first rows of a long list are there before the last ones are read."""
    path = file_of(tmp_path, BARE_HEADER + BARE_ROW * 50_000)
    rows = read_trending_file(path)
    assert next(rows).place.number == 2
    rows.close()
