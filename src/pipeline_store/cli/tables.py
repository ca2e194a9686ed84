"""What people see: tables and sentences on the standard output, notes and errors beside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from pipeline_store.cli.escaping import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from rich.console import ConsoleOptions, RenderResult

WIDTH_WITHOUT_TERMINAL: Final = 120
NOTHING: Final = "-"

GAP: Final = 2
"""Spaces between two columns: the divider of the box, and one of padding."""

Colour = Literal["red", "yellow", "green", "cyan", "dim", ""]

STATUS_COLOURS: Final[dict[str, Colour]] = {
    "failed": "red",
    "review": "yellow",
    "approved": "cyan",
    "uploaded": "green",
}


def console() -> Console:
    """Return the standard output, which takes nothing in a text for markup."""
    return _console(stderr=False)


def error_console() -> Console:
    """Return the standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    plain = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not plain.is_terminal and "COLUMNS" not in os.environ:
        plain.width = WIDTH_WITHOUT_TERMINAL
    return plain


def say(text: object, colour: Colour = "") -> None:
    """Print one line."""
    console().print(Text(visible(text), style=colour), soft_wrap=True)


def note(text: object) -> None:
    """Print one line for people on the standard error."""
    error_console().print(Text(f"note: {visible(text)}", style="yellow"), soft_wrap=True)


def complain(text: object) -> None:
    """Print one line that says what is wrong on the standard error."""
    line = Text("error: ", style="bold red").append(visible(text), style="default not bold")
    error_console().print(line, soft_wrap=True)


def new_table(*, title: str | None = None) -> Table:
    """Return a table without columns."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
        pad_edge=False,
        header_style="bold",
    )


def add_text_column(table: Table, header: str, *, at_least: int = 6) -> None:
    """Add a column that may be cut when the terminal is narrow."""
    # Rich narrows only columns that may wrap; the cells themselves refuse to.
    table.add_column(header, min_width=min(at_least, 12), overflow="ellipsis")


def add_exact_column(table: Table, header: str, *, number: bool = False) -> None:
    """Add a column that is shown whole: numbers, keys, times."""
    table.add_column(header, justify="right" if number else "left", no_wrap=True)


def add_row(table: Table, cells: Iterable[object]) -> None:
    """Add a row; None is shown as a dash, and a text that is not rich's own is taken literally."""
    table.add_row(*(one if isinstance(one, Text) else cell(one) for one in cells))


def cell(value: object, colour: Colour = "") -> Text:
    """Return a value as one line that is cut where the column ends."""
    if value is None or value == "":
        return Text(NOTHING, style="dim")
    shown = f"{value:,}" if type(value) is int else visible(value)
    return Text(shown, style=colour, no_wrap=True, overflow="ellipsis")


def status_cell(status: str | None) -> Text:
    """Return a run's status in its colour."""
    return cell(status, STATUS_COLOURS.get(status or "", ""))


def print_table(table: Table, when_empty: str) -> None:
    """Print the table, or a sentence when it has no rows."""
    if not table.row_count:
        say(when_empty, "dim")
        return
    shown = console()
    # A number that is cut reads like another one: rather let the lines of a narrow terminal wrap.
    shown.width = max(shown.width, _least_width(table))
    shown.print(Trimmed(table), crop=False)


class Trimmed:
    """A table whose lines end with their last letter: rich fills them up with blanks."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self.table, options, pad=False):
            yield from _without_blanks_at_the_end(line)
            yield Segment.line()


def _without_blanks_at_the_end(line: Sequence[Segment]) -> list[Segment]:
    kept = list(line)
    while kept:
        text, style, control = kept.pop()
        if text.rstrip(" "):
            return [*kept, Segment(text.rstrip(" "), style, control)]
    return kept


def _least_width(table: Table) -> int:
    """Return how wide it is with what may be cut at its narrowest and everything else whole."""
    columns = [
        column.min_width or max(_width(each) for each in (column.header, *column.cells))
        for column in table.columns
    ]
    return sum(columns) + GAP * len(columns)


def _width(shown: object) -> int:
    return max(map(cell_len, str(shown).splitlines()), default=0)


def instant(value: datetime | None) -> str | None:
    """Return a time as tables show it, in UTC."""
    return None if value is None else value.strftime("%Y-%m-%d %H:%M")


def length(value: timedelta) -> str:
    """Return a length of time as people say it: "2 d 4 h", "3 h 12 min", "5 min"."""
    minutes = max(0, int(value.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"
