"""What to try after the demo: commands that work as they are shown, in the same folder."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.text import Text

from pipeline_store import MEMORY_URL
from pipeline_store.cli.database import DEFAULT_URL, URL_VARIABLE, Database
from pipeline_store.cli.demo.picture import show_title

if TYPE_CHECKING:
    from rich.console import Console

PROGRAM: Final = "pipeline-store"

NEXT: Final = (
    ("status", "every niche, its latest run and its last upload"),
    ("queue", "the runs that wait for your review"),
    ("errors", "what went wrong, and what nobody has seen to"),
)


def show_next_commands(console: Console, url: str) -> None:
    """Show three commands for the demo's database; one in memory is gone."""
    if url == MEMORY_URL:
        return
    show_title(console, "Try next")
    call = f"{_program()}{_database_option(url)}"
    width = max(len(verb) for verb, _ in NEXT)
    for verb, use in NEXT:
        gap = " " * (2 + width - len(verb))
        line = Text.assemble((f"  {call} {verb}", "cyan"), gap, (use, "dim"))
        console.print(line, soft_wrap=True)


def _program() -> str:
    """Return how this program was started, when its name alone would not find it."""
    started = Path(sys.argv[0])
    if started.name != PROGRAM or not started.is_file():
        return PROGRAM
    found = shutil.which(PROGRAM)
    if found is not None and started.samefile(found):
        return PROGRAM
    near = os.path.relpath(started)
    return shlex.quote(str(started) if near.startswith(os.pardir) else near)


def _database_option(url: str) -> str:
    """Return how to name the database again, never with its password."""
    if url in {DEFAULT_URL, Database(os.environ.get(URL_VARIABLE) or DEFAULT_URL).url}:
        return ""
    database = Database(url)
    name = database.name if database.file is None else f"sqlite:///{database.file}"
    return f" --database {shlex.quote(name)}"
