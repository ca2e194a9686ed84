"""Trending lists: CSV with one row per video and day, in any of the five known layouts."""

from __future__ import annotations

import csv
import re
from contextlib import closing
from typing import TYPE_CHECKING, Final

import attrs

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import fields
from pipeline_store.importers.fields import UnreadableValueError
from pipeline_store.importers.files import text_lines
from pipeline_store.importers.reading import Place, Refusal, VideoReading
from pipeline_store.importers.trending_columns import Fact, locate_columns

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from datetime import datetime

_YEAR_DAY_MONTH: Final = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{2})")
_DAY_MONTH: Final = re.compile(r"([0-9]{2})\.([0-9]{2})")
_ISO_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CENTURY: Final = 2000
_YEAR_MISSING: Final = "day has no year"
_FLAGS: Final = {"true": True, "false": False, "": False}


@attrs.frozen
class _Row:
    place: Place
    cells: list[str]
    last_line: int


@attrs.define
class _Lines:
    """Lines on their way to the CSV reader, which does not say when it ran out of them."""

    source: Iterator[str]
    exhausted: bool = False

    def __iter__(self) -> Iterator[str]:
        yield from self.source
        self.exhausted = True


def read_trending_file(path: str, *, year: int | None = None) -> Generator[VideoReading | Refusal]:
    """Yield what becomes of each row of a trending list, in constant memory.

    Args:
        path: a CSV file, plain or gzip.
        year: the year of days that are written without one. A list that passes New Year has to be
            cut there first.

    Raises:
        InputFileRefused: no file, damaged data, no known layout, or days without a year while none
            is given; always before the first row is taken.
    """
    with closing(text_lines(path)) as lines:
        rows = _rows(lines)
        header = next(rows, None)
        if header is None:
            raise InputFileRefused(path, "empty")
        if isinstance(header, Refusal):
            raise InputFileRefused(path, f"the header cannot be read: {header.reason}")
        columns = locate_columns(path, header.cells)
        took_any = False
        for row in rows:
            outcome = row if isinstance(row, Refusal) else _outcome(row, header, columns, year)
            if isinstance(outcome, VideoReading):
                took_any = True
            elif outcome.reason == _YEAR_MISSING and not took_any:
                raise InputFileRefused(path, "its days have no year: say which it is with --year")
            yield outcome


def _rows(lines: Iterator[str]) -> Iterator[_Row | Refusal]:
    feed = _Lines(lines)
    # Not strict: the classic layout has tags like "a"|"b", whose inner quotes are not doubled.
    reader = csv.reader(feed)
    while True:
        place = Place(reader.line_num + 1)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refusal(place, f"not a CSV row: {error}", _span(place.number, reader.line_num))
            continue
        if feed.exhausted:
            # A complete row ends with its line; only an open quote asks for one more.
            yield Refusal(place, "a quote is not closed", _span(place.number, reader.line_num))
        elif cells:
            yield _Row(place, cells, reader.line_num)


def _span(first: int, last: int) -> str:
    return f"line {first}" if last <= first else f"lines {first} to {last}"


def _outcome(
    row: _Row, header: _Row, columns: Mapping[Fact, int], year: int | None
) -> VideoReading | Refusal:
    lines = _span(row.place.number, row.last_line)
    width = len(header.cells)
    if len(row.cells) != width:
        found = f"{len(row.cells)} in {lines}"
        return Refusal(row.place, f"not the {width} fields of the header", found)
    if row.last_line > row.place.number and _has_swallowed_rows(row, columns):
        return Refusal(row.place, "a quote is not closed on its line", lines)
    try:
        return _reading(row, columns, year)
    except UnreadableValueError as problem:
        return Refusal(row.place, problem.reason, problem.value)


def _has_swallowed_rows(row: _Row, columns: Mapping[Fact, int]) -> bool:
    # A quote left open in one row may close in a later one, so that the first video's id comes
    # with the numbers of another. Only descriptions have line breaks of their own.
    return any(
        "\n" in cell and position != columns.get("description")
        for position, cell in enumerate(row.cells)
    )


def _reading(row: _Row, columns: Mapping[Fact, int], year: int | None) -> VideoReading:
    cells = row.cells

    def cell(fact: Fact) -> str:
        position = columns.get(fact)
        return "" if position is None else cells[position]

    def count(fact: Fact, *, unless: Fact | None = None) -> int | None:
        number = fields.whole_number_in_text(fact, cell(fact))
        return None if unless is not None and _flag(unless, cell(unless)) else number

    return VideoReading(
        place=row.place,
        video_id=fields.video_id(cell("video_id")),
        measured_at=_day(cell("day"), year),
        title=fields.text("title", cell("title")),
        channel_name=fields.text("channel_name", cell("channel_name")),
        channel_id=fields.text("channel_id", cell("channel_id")),
        category_id=count("category_id"),
        published_at=fields.written_instant("published_at", cell("published_at")),
        view_count=count("view_count"),
        # Switched off, the lists say 0; what it would be is unknown.
        like_count=count("like_count", unless="ratings_disabled"),
        comment_count=count("comment_count", unless="comments_disabled"),
    )


def _flag(name: str, written: str) -> bool:
    flag = _FLAGS.get(written.lower())
    if flag is None:
        raise UnreadableValueError(f"{name} is neither True nor False", written)
    return flag


def _day(written: str, year: int | None) -> datetime:
    """Return the UTC midnight that stands for a list's day, as written, whatever the hour."""
    if match := _YEAR_DAY_MONTH.fullmatch(written):
        short_year, day, month = map(int, match.groups())
        return fields.midnight("day", _CENTURY + short_year, month, day, written=written)
    if match := _DAY_MONTH.fullmatch(written):
        if year is None:
            raise UnreadableValueError(_YEAR_MISSING, written)
        day, month = map(int, match.groups())
        return fields.midnight("day", year, month, day, written=written)
    match = _ISO_DAY.match(written)
    if match is None or fields.written_instant("day", written) is None:
        raise UnreadableValueError("day is not a date", written)
    return fields.midnight("day", *map(int, match.groups()), written=written)
