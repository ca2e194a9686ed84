"""What a command says about one thing: a sentence or a list of its facts, or JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from pipeline_store.cli import tables
from pipeline_store.cli.escaping import visible
from pipeline_store.cli.json_output import print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MINUTE: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)


def tell(document: object, sentence: str, *, as_json: bool) -> None:
    """Print the sentence, or the document as JSON."""
    if as_json:
        print_json(document)
    else:
        tables.say(sentence)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and what belongs to them; a long text goes on in further lines."""
    table = tables.new_table()
    table.show_header = False
    tables.add_exact_column(table, "what")
    table.add_column("value", overflow="fold")
    for name, value in facts:
        shown = value if isinstance(value, Text) else _whole(value)
        tables.add_row(table, (tables.cell(name, "dim"), shown))
    tables.print_table(table, "")


def _whole(value: object) -> Text:
    text = tables.cell(value)
    text.no_wrap = False
    text.overflow = "fold"
    return text


def lines_of(text: str | None) -> Text:
    """Return a text of several lines as they are, and not as one with signs for their ends."""
    return Text("\n").join(map(_whole, (text or "").split("\n")))


def spelled(value: Mapping[str, Any]) -> str | None:
    """Return a JSON object in one line, or None when it is empty."""
    return json.dumps(value, ensure_ascii=False) if value else None


def second(value: datetime | None) -> str | None:
    """Return a time to the second, in UTC."""
    return None if value is None else value.strftime("%Y-%m-%d %H:%M:%S UTC")


def span(value: timedelta | None) -> str | None:
    """Return a length of time as short as it is: "12 ms", "3.4 s", "5 min", "3 h 12 min"."""
    if value is None:
        return None
    if value < _SECOND:
        return f"{max(0, round(value / timedelta(milliseconds=1)))} ms"
    return f"{value.total_seconds():.1f} s" if value < _MINUTE else tables.length(value)


def in_words(counts: Mapping[Any, int], between: str = ", ") -> Text:
    """Return counts as "3 pending, 1 failed", which may take several lines."""
    words = [Text(f"{count:,} {visible(name)}") for name, count in counts.items() if count]
    return Text(between).join(words) if words else _whole(None)
