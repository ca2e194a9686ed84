"""What the verbs of `import` do: files into the store, with progress and an account of each."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from pipeline_store.cli import tables
from pipeline_store.cli.escaping import visible
from pipeline_store.cli.import_niches import NicheOptions
from pipeline_store.cli.import_report import report_import
from pipeline_store.errors import PipelineStoreError
from pipeline_store.importers import import_trending, import_youtube_api, import_yt_dlp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from datetime import datetime

    from pipeline_store.cli.database import Database
    from pipeline_store.importers import FileSummary
    from pipeline_store.importers.importing import Progress as Report
    from pipeline_store.importers.storing import NewUnitOfWork

Work: TypeAlias = "Callable[[NewUnitOfWork, Report], Iterator[list[FileSummary]]]"
"""Imports file after file into units of work, and yields the accounts of what is done."""

__all__ = ["NicheOptions", "trending", "youtube_api", "yt_dlp"]


def trending(
    database: Database,
    files: Sequence[str],
    niches: NicheOptions,
    *,
    year: int | None,
    as_json: bool,
) -> None:
    """Import lists of trending videos."""
    _note_missing_titles(niches, files)

    def work(new_unit_of_work: NewUnitOfWork, report: Report) -> Iterator[list[FileSummary]]:
        for path in files:
            rules = niches.rules_for(path)
            yield [import_trending(new_unit_of_work, path, rules, year=year, progress=report)]

    _import(database, len(files), work, as_json=as_json)


def yt_dlp(
    database: Database,
    files: Sequence[str],
    niches: NicheOptions,
    *,
    measured_at: datetime | None,
    as_json: bool,
) -> None:
    """Import dumps of yt-dlp."""

    def work(new_unit_of_work: NewUnitOfWork, report: Report) -> Iterator[list[FileSummary]]:
        for path in files:
            rules = niches.rules_for(path)
            yield [
                import_yt_dlp(
                    new_unit_of_work, path, rules, measured_at=measured_at, progress=report
                )
            ]

    _import(database, len(files), work, as_json=as_json)


def youtube_api(
    database: Database,
    files: Sequence[str],
    niches: NicheOptions,
    *,
    measured_at: datetime | None,
    as_json: bool,
) -> None:
    """Import responses of YouTube's Data API, joined by video."""
    without_titles = niches.without_titles(files)
    with_titles = [path for path in files if path not in without_titles]

    def work(new_unit_of_work: NewUnitOfWork, report: Report) -> Iterator[list[FileSummary]]:
        rules = niches.rules_for((with_titles or files)[0])
        yield import_youtube_api(
            new_unit_of_work, files, rules, measured_at=measured_at, progress=report
        )

    _import(database, len(files), work, as_json=as_json)


def _note_missing_titles(niches: NicheOptions, files: Sequence[str]) -> None:
    without = niches.without_titles(files)
    if not without:
        return
    if niches.region is None:
        said = "neither --categories nor --region was given"
    else:
        said = f"no {niches.region.upper()}_category_id.json beside {', '.join(without)}"
    tables.note(f"{said}: videos that no niche map names become 'uncategorised'")


def _import(database: Database, how_many: int, work: Work, *, as_json: bool) -> None:
    """Import, tell what became of each file, and exit 1 when one was refused."""
    done: list[FileSummary] = []
    with database.opened() as store:
        with store.unit_of_work(read_only=True):
            pass  # Refuses a database that is not up to date before a file is read.
        try:
            with _progress(how_many) as (report, finish):
                for summaries in work(store.unit_of_work, report):
                    done += summaries
                    finish(len(summaries))
        except PipelineStoreError:
            report_import(done, as_json=as_json)
            raise
    report_import(done, as_json=as_json)
    if not all(summary.is_complete for summary in done):
        raise typer.Exit(1)


@contextmanager
def _progress(how_many: int) -> Generator[tuple[Report, Callable[[int], None]]]:
    """Show how far the import is, on a terminal; the bar counts files, the text rows."""
    console = tables.error_console()
    if not console.is_terminal:
        yield lambda _summary: None, lambda _files: None
        return
    with Progress(
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=how_many)

        def report(summary: FileSummary) -> None:
            name = visible(Path(summary.path).name)
            bar.update(task, description=f"{summary.rows:,} rows of {name}")

        def finish(files: int) -> None:
            bar.advance(task, files)

        yield report, finish
