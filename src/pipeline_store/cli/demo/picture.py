"""What the demo shows while it goes on: where it works, what it reads, what happens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.text import Text

from pipeline_store import MEMORY_URL
from pipeline_store.cli import tables
from pipeline_store.cli.database import Database
from pipeline_store.cli.demo.sources import SAMPLE
from pipeline_store.cli.escaping import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from pipeline_store.cli.demo.plan import Plan
    from pipeline_store.cli.demo.week import Happening
    from pipeline_store.importers import FileSummary

MOST_REASONS: Final = 3
SUBJECT_WIDTH: Final = 10


def say(console: Console, words: str, style: str = "") -> None:
    """Print words that may hold anything, on as many lines as the terminal needs."""
    console.print(Text(visible(words), style=style))


def show_title(console: Console, words: str) -> None:
    """Print what the following lines are about."""
    console.print()
    say(console, words, "bold")


def show_heading(console: Console, url: str) -> None:
    """Say what this is and where it works."""
    place = "memory, which ends with the demo" if url == MEMORY_URL else Database(url).name
    say(console, "A week of a video pipeline, in a few seconds", "bold")
    say(console, f"Database: {place}")


def show_earlier_demo(console: Console, plan: Plan, done: int, total: int) -> None:
    """Say what an earlier demo has left in the database."""
    when = tables.instant(plan.started)
    if done == total:
        say(
            console, f"The demo of {when} is there already, whole: nothing is done twice.", "yellow"
        )
    else:
        words = f"The demo of {when} stopped after step {done} of {total}: going on from there."
        say(console, words, "yellow")


def show_imports(console: Console, summaries: Sequence[FileSummary]) -> None:
    """Show what became of the files, and why something in them was refused."""
    show_title(console, "Imported")
    table = tables.new_table()
    tables.add_text_column(table, "file", at_least=12)
    for label in ("rows", "new", "refreshed", "snapshots", "repeated", "refused"):
        tables.add_exact_column(table, label, number=True)
    for summary in summaries:
        tables.add_row(
            table,
            (
                tables.cell(Path(summary.path).name, "" if summary.is_complete else "red"),
                summary.rows,
                summary.new,
                summary.refreshed,
                summary.snapshots,
                summary.repeated,
                len(summary.refused),
            ),
        )
    console.print(tables.Trimmed(table))
    if any(summary.path == str(SAMPLE) for summary in summaries):
        say(
            console,
            "This sample is made up: its videos, channels and numbers do not exist.",
            "cyan",
        )
    for summary in summaries:
        for words in _problems(summary):
            say(console, f"{Path(summary.path).name}: {words}", "yellow")


def show_week_heading(console: Console, plan: Plan) -> None:
    """Say when what follows happens."""
    first, last = plan.week_start, plan.started
    show_title(console, f"The week from {first:%d %B} to {last:%d %B %Y} (simulated time, UTC)")


def show_happening(console: Console, happening: Happening, words: str) -> None:
    """Print one line about what has happened."""
    subject = visible(happening.subject)
    if len(subject) > SUBJECT_WIDTH:
        subject = subject[: SUBJECT_WIDTH - 1] + "."
    console.print(
        Text.assemble(
            (f"{happening.at:%a %d %H:%M}  ", "dim"),
            (f"{subject:<{SUBJECT_WIDTH}}  ", "cyan"),
            visible(words),
        )
    )


def _problems(summary: FileSummary) -> list[str]:
    told: list[str] = []
    for reason in summary.refused_by_reason()[:MOST_REASONS]:
        example = "" if reason.example is None else f", found {reason.example}"
        told.append(f"{reason.count:,} refused: {reason.reason} ({reason.places[0]}{example})")
    if summary.problem is not None:
        told.append(f"not read to its end: {summary.problem}")
    return told
