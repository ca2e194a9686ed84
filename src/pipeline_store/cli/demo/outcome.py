"""What came of the demo's week, read back from the store: runs, growth, totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from pipeline_store.cli import tables
from pipeline_store.cli.demo.picture import say, show_title
from pipeline_store.cli.demo.sparkline import BLOCKS, PLAIN, sparkline
from pipeline_store.cli.demo.week import READINGS_EVERY
from pipeline_store.production import ReviewAction, RunStatus, ShortStatus
from pipeline_store.services import overview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from pipeline_store.cli.demo.plan import Plan
    from pipeline_store.production import Analytics, PipelineRun, ReviewLog
    from pipeline_store.unit_of_work import UnitOfWork


def show_outcome(console: Console, uow: UnitOfWork, plan: Plan) -> None:
    """Show what came of the runs, and how what was uploaded does."""
    _show_runs(console, uow)
    _show_growth(console, uow, plan)
    _show_totals(console, uow)


def _show_runs(console: Console, uow: UnitOfWork) -> None:
    show_title(console, "What came of the runs")
    table = tables.new_table()
    tables.add_exact_column(table, "run", number=True)
    tables.add_text_column(table, "niche", at_least=8)
    tables.add_exact_column(table, "clips", number=True)
    tables.add_exact_column(table, "minutes", number=True)
    tables.add_text_column(table, "what people were asked and said", at_least=12)
    tables.add_exact_column(table, "now")
    for run in uow.pipeline_runs.page():
        log = uow.reviews.for_run(run.id)
        tables.add_row(
            table,
            (
                str(run.id),
                run.niche,
                len(uow.clips.for_run(run.id, skipped=False)),
                _minutes(run),
                ", ".join(map(_words, log)),
                tables.status_cell(run.status),
            ),
        )
    console.print(tables.Trimmed(table))


def _show_growth(console: Console, uow: UnitOfWork, plan: Plan) -> None:
    show_title(console, "How the uploads grow")
    levels = BLOCKS if _can_print(console, BLOCKS) else PLAIN
    table = tables.new_table()
    tables.add_exact_column(table, "video")
    tables.add_exact_column(table, "kind")
    tables.add_text_column(table, "niche", at_least=8)
    tables.add_exact_column(table, "views, every 6 hours")
    tables.add_exact_column(table, "views", number=True)
    tables.add_exact_column(table, "likes", number=True)
    for video_id, kind, niche in _uploads(uow):
        series = uow.analytics.series(video_id)
        newest = series[-1] if series else None
        tables.add_row(
            table,
            (
                video_id,
                kind,
                niche,
                Text(sparkline(_by_slot(series, plan), levels), style="green"),
                newest and newest.view_count,
                newest and newest.like_count,
            ),
        )
    console.print(tables.Trimmed(table))
    say(console, "A gap is a reading that failed: unknown, not 0.", "dim")


def _show_totals(console: Console, uow: UnitOfWork) -> None:
    numbers = overview.statistics(uow)
    views = "unknown" if numbers.views is None else f"{numbers.views:,}"
    console.print()
    say(
        console,
        f"{numbers.uploaded_videos} videos and {numbers.uploaded_shorts} shorts uploaded, "
        f"{views} views, {numbers.errors} errors ({numbers.unresolved_errors} unresolved)",
    )


def _uploads(uow: UnitOfWork) -> Iterator[tuple[str, str, str]]:
    niches = {run.id: run.niche for run in uow.pipeline_runs.page()}
    for run in uow.pipeline_runs.in_status(RunStatus.UPLOADED):
        if run.youtube_video_id is not None:
            yield run.youtube_video_id, "video", run.niche
    for short in uow.shorts.in_status(ShortStatus.UPLOADED):
        if short.youtube_video_id is not None:
            yield short.youtube_video_id, "short", niches[short.pipeline_run_id]


def _by_slot(series: list[Analytics], plan: Plan) -> list[int | None]:
    """Return the views of each six hours of the week, None where nothing was read."""
    views = {
        (reading.measured_at - plan.week_start) // READINGS_EVERY: reading.view_count
        for reading in series
    }
    slots = (plan.started - plan.week_start) // READINGS_EVERY
    return [views.get(slot) for slot in range(1, slots + 1)]


def _minutes(run: PipelineRun) -> str | None:
    if run.video_duration_seconds is None:
        return None
    minutes, seconds = divmod(round(run.video_duration_seconds), 60)
    return f"{minutes}:{seconds:02}"


def _words(review: ReviewLog) -> str:
    if review.is_open:
        return "asked"
    if review.action == ReviewAction.HOLD:
        return "no answer, held" if review.auto_held else "held"
    if review.action == ReviewAction.SKIP:
        return review.response_detail or "skip"
    return str(review.action).replace("_", " ")


def _can_print(console: Console, characters: str) -> bool:
    try:
        characters.encode(console.encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
