"""How things stand: niches, runs that wait for a review, totals."""

# Typer reads annotations while the program runs, so they are not postponed here.

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import typer

from pipeline_store.cli import tables
from pipeline_store.cli.json_output import as_json as in_json
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, Hours, database_of, review_limit
from pipeline_store.production import REVIEW_LIMIT, RunStatus
from pipeline_store.services import overview, reviews

DEFAULT_HOURS = REVIEW_LIMIT / timedelta(hours=1)


def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show every niche: latest run, last upload, what is pending."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        niches = overview.status(uow)
    if as_json:
        print_json(niches)
    else:
        print_niches(niches)


def print_niches(niches: Iterable[overview.NicheStatus]) -> None:
    """Print how niches stand."""
    table = tables.new_table()
    tables.add_text_column(table, "niche", at_least=8)
    tables.add_exact_column(table, "state")
    tables.add_exact_column(table, "run", number=True)
    tables.add_exact_column(table, "status")
    tables.add_text_column(table, "last upload (UTC)", at_least=10)
    tables.add_exact_column(table, "pending\nvideos", number=True)
    tables.add_exact_column(table, "pending\nruns", number=True)
    for niche in niches:
        run, upload = niche.latest_run, niche.last_upload
        tables.add_row(
            table,
            (
                niche.niche,
                tables.cell("paused", "yellow") if niche.is_paused else tables.cell("active"),
                None if run is None else str(run.id),
                tables.status_cell(None if run is None else run.status),
                None if upload is None else _upload(upload.completed_at, upload.youtube_video_id),
                niche.pending_videos,
                niche.runs_by_status.get(RunStatus.PENDING, 0),
            ),
        )
    tables.print_table(table, "no niches yet: `pipeline-store import` brings videos")


def _upload(at: datetime | None, video: str | None) -> str:
    return " ".join(part for part in (tables.instant(at), video) if part)


def queue(context: typer.Context, *, hours: Hours = DEFAULT_HOURS, as_json: AsJson = False) -> None:
    """List the runs that wait for a review, longest first."""
    limit = review_limit(hours)
    with database_of(context).unit_of_work(read_only=True) as uow:
        waiting = reviews.queue(uow)
        now = uow.now()
    if as_json:
        print_json([_as_mapping(entry, now, limit) for entry in waiting])
        return
    table = tables.new_table()
    tables.add_exact_column(table, "run", number=True)
    tables.add_text_column(table, "niche", at_least=8)
    tables.add_exact_column(table, "waited", number=True)
    tables.add_exact_column(table, "state")
    tables.add_exact_column(table, "answer until (UTC)")
    for entry in waiting:
        state = _state(entry, now, limit)
        colour: tables.Colour = "red" if state == "overdue" else "yellow"
        tables.add_row(
            table,
            (
                str(entry.run.id),
                entry.run.niche,
                tables.length(entry.waited),
                tables.cell(state, "" if state == "open" else colour),
                tables.instant(_deadline(entry, limit)),
            ),
        )
    tables.print_table(table, "no run waits for a review")


def _deadline(entry: reviews.WaitingRun, limit: timedelta) -> datetime | None:
    """Return when the open request will be held."""
    is_open = entry.last is not None and entry.last.is_open
    return entry.last.sent_at + limit if entry.last is not None and is_open else None


def _state(entry: reviews.WaitingRun, now: datetime, limit: timedelta) -> str:
    if entry.last is None:
        return "not asked"
    deadline = _deadline(entry, limit)
    if deadline is not None:
        return "overdue" if now >= deadline else "open"
    if entry.is_held:
        return "held, no answer" if entry.last.auto_held else "held"
    return f"answered {entry.last.action}"


def _as_mapping(entry: reviews.WaitingRun, now: datetime, limit: timedelta) -> dict[str, Any]:
    return {
        "run_id": entry.run.id,
        "niche": entry.run.niche,
        "waited_seconds": entry.waited.total_seconds(),
        "state": _state(entry, now, limit),
        "is_held": entry.is_held,
        "deadline": in_json(_deadline(entry, limit)),
        "run": entry.run,
        "last_review": entry.last,
    }


def stats(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show uploads, their views, and errors."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        numbers = overview.statistics(uow)
    if as_json:
        print_json(numbers)
        return
    table = tables.new_table()
    table.show_header = False
    tables.add_text_column(table, "what", at_least=12)
    tables.add_exact_column(table, "number", number=True)
    tables.add_row(table, ("uploaded videos", numbers.uploaded_videos))
    tables.add_row(table, ("uploaded shorts", numbers.uploaded_shorts))
    tables.add_row(table, ("views", "unknown" if numbers.views is None else numbers.views))
    tables.add_row(table, ("measured (UTC)", tables.instant(numbers.measured_at)))
    tables.add_row(table, ("errors", numbers.errors))
    tables.add_row(table, ("unresolved errors", numbers.unresolved_errors))
    tables.print_table(table, "")
