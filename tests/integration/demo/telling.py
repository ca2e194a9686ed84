"""The demo on a fixed day, and what it shows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pipeline_store import open_store
from pipeline_store.cli.demo import run_demo
from tests.whole_store import everything_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOW = datetime(2026, 3, 8, 15, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """A demo that was told once, to be looked at from many sides."""

    folder: Path
    shown: str
    rows: dict[str, list[dict[str, Any]]]


def tell(url: str, files: Sequence[Path] = (), *, width: int = 80, now: datetime = NOW) -> str:
    """Runs the demo and returns what it has shown."""
    console = Console(file=io.StringIO(), width=width, markup=False)
    with console.capture() as shown:
        run_demo(url, files, console, now=lambda: now)
    return shown.get()


def rows_at(url: str) -> dict[str, list[dict[str, Any]]]:
    """Everything in the demo's database."""
    store = open_store(url)
    try:
        with store.unit_of_work(read_only=True) as uow:
            return everything_in(uow)
    finally:
        store.close()
