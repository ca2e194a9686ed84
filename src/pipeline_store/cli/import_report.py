"""What became of imported files, as a table and its reasons, or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline_store.cli import tables
from pipeline_store.cli.json_output import print_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_store.importers import ReasonCount
    from pipeline_store.importers.summary import Account

PLACES_SHOWN: Final = 3
SHORTEST_NAME: Final = 12

_WHEN_ANY: Final = {"older", "repeated", "without instant", "ignored"}
"""Counts that are left out where all files have none, so that the table fits most terminals."""

_MEANINGS: Final = {
    "older": "not the newest reading of its video, so it refreshed nothing",
    "repeated": "stored before, for the same video and instant",
    "without instant": "nothing says when it was read, so it made no snapshot",
}
"""What is said below the table of counts that are seldom, and whose titles alone say little."""


def report_import(summaries: Sequence[Account], *, as_json: bool) -> None:
    """Print the account of each file, then on the standard error why a file was refused."""
    if as_json:
        print_json([summary.as_mapping() for summary in summaries])
    elif summaries:
        names = _short_names([summary.path for summary in summaries])
        _show_counts(summaries, names)
        for summary, name in zip(summaries, names, strict=True):
            _show_reasons(summary, name)
    for summary in summaries:
        if summary.problem is not None:
            tables.complain(f"{summary.path}: {summary.problem}")


def _by_title(summary: Account) -> dict[str, int]:
    return {name.replace("_", " "): count for name, count in summary.counts().items()}


def _show_counts(summaries: Sequence[Account], names: Sequence[str]) -> None:
    counts = [_by_title(summary) for summary in summaries]
    total = {label: sum(one[label] for one in counts) for label in counts[0]}
    shown = [label for label in total if total[label] or label not in _WHEN_ANY]
    rows = list(zip(names, counts, summaries, strict=True))
    if _table_width(shown, total) > tables.console().width:
        for name, numbers, _ in rows:
            tables.say(f"{name}: {_in_words(numbers, shown)}")
        return
    table = tables.new_table()
    tables.add_text_column(table, "file", at_least=SHORTEST_NAME)
    for label in shown:
        tables.add_exact_column(table, label.replace(" ", "\n"), number=True)
    for name, numbers, summary in rows:
        colour: tables.Colour = "" if summary.is_complete else "red"
        cells = [numbers[label] for label in shown]
        tables.add_row(table, (tables.cell(name, colour), *cells))
    if len(summaries) > 1:
        table.add_section()
        tables.add_row(table, (f"{len(summaries)} files", *(total[label] for label in shown)))
    tables.print_table(table, "no files")
    for label, meaning in _MEANINGS.items():
        if total.get(label):
            tables.say(f"{label}: {meaning}", "dim")


def _table_width(labels: Sequence[str], total: Mapping[str, int]) -> int:
    widths = [max(*map(len, label.split()), len(f"{total[label]:,}")) for label in labels]
    return SHORTEST_NAME + sum(widths) + tables.GAP * len(widths)


def _in_words(numbers: Mapping[str, int], labels: Sequence[str]) -> str:
    return ", ".join(f"{numbers[label]:,} {label}" for label in labels)


def _show_reasons(summary: Account, name: str) -> None:
    """Say them in lines, since a table would cut them short."""
    for reason in summary.refused_by_reason():
        tables.say(f"{name}: {_told(reason, 'refused')}", "yellow")
    for reason in summary.ignored_by_reason():
        tables.say(f"{name}: {_told(reason, 'ignored')}", "dim")
    for reason in summary.unknown_by_reason():
        tables.say(f"{name}: {_told(reason, 'unknown')}", "yellow")


def _told(reason: ReasonCount, fate: str) -> str:
    first = reason.places[:PLACES_SHOWN]
    numbers = ", ".join(str(place.number) for place in first)
    more = ", ..." if reason.count > len(first) else ""
    kind = first[0].kind if reason.count == 1 else f"{first[0].kind}s"
    example = "" if reason.example is None else f"; found {reason.example}"
    return f"{reason.count:,} {fate}: {reason.reason} ({kind} {numbers}{more}{example})"


def _short_names(paths: Sequence[str]) -> list[str]:
    """Return the names of the files without their folders, unless two are called the same."""
    names = [Path(path).name or path for path in paths]
    return names if len(set(names)) == len(set(paths)) else list(paths)
