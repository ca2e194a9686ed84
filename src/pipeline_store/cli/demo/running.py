"""The demo from start to end: a store, an import, a week, and a picture of what came of it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from pipeline_store.cli.demo import picture
from pipeline_store.cli.demo.documentaries import make_documentaries
from pipeline_store.cli.demo.next_commands import show_next_commands
from pipeline_store.cli.demo.outcome import show_outcome
from pipeline_store.cli.demo.plan import (
    first_cycle,
    make_plan,
    steps_done,
    stored_plan,
    take_step,
)
from pipeline_store.cli.demo.progress import progress_bars
from pipeline_store.cli.demo.simulated_clock import SimulatedClock
from pipeline_store.cli.demo.sources import import_sources, recognised, sample
from pipeline_store.cli.demo.target import DemoRefusedError, begin, prepared_store
from pipeline_store.cli.demo.week import happenings
from pipeline_store.clock import utc_now
from pipeline_store.errors import AlreadyExists, Conflict, IllegalTransition, StoreBusy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from rich.console import Console

    from pipeline_store.cli.demo.plan import Plan
    from pipeline_store.cli.demo.sources import Source
    from pipeline_store.cli.demo.week import Happening
    from pipeline_store.clock import Clock
    from pipeline_store.importers import FileSummary
    from pipeline_store.unit_of_work import Store

ATTEMPTS: Final = 5


def run_demo(
    url: str,
    files: Sequence[Path],
    console: Console,
    *,
    now: Clock = utc_now,
    workers: int = 0,
) -> None:
    """Tell a week of a pipeline in the database at `url`, and show what came of it.

    Safe to repeat, also after it was killed: what was told before is not told again.

    Args:
        url: where to; an SQLite file is made when it is missing.
        files: trending lists, dumps of yt-dlp, responses of YouTube's API; without any, a sample
            is imported that was made up for the demo.
        console: where to show it.
        now: the real time, at which the simulated week ends.
        workers: how many processes make documentaries after that.

    Raises:
        InputFileRefused: a file is of no known kind; nothing was made.
        DemoRefusedError: the database is not the demo's; nothing was changed.
    """
    sources = recognised(files)
    started = now()
    clock = SimulatedClock(first_cycle(started))
    with closing(prepared_store(url, clock)) as store:
        picture.show_heading(console, url)
        plan = _earlier_plan(store, console)
        if plan is None and not sources:
            sources = sample()
        clock.time = first_cycle(started if plan is None else plan.started)
        if sources:
            picture.show_imports(console, _import(store, sources, console))
        if plan is None:
            plan = _planned(store, started)
        _tell(store, plan, clock, console)
        with store.unit_of_work(read_only=True) as uow:
            show_outcome(console, uow, plan)
        if workers:
            make_documentaries(url, workers, console)
        show_next_commands(console, url)


def _earlier_plan(store: Store, console: Console) -> Plan | None:
    with store.unit_of_work(read_only=True) as uow:
        plan = stored_plan(uow)
        if plan is not None:
            picture.show_earlier_demo(console, plan, steps_done(uow), len(happenings(plan)))
            return plan
    with store.unit_of_work() as uow:
        begin(uow)
        uow.commit()
    return None


def _import(store: Store, sources: Sequence[Source], console: Console) -> list[FileSummary]:
    done: list[FileSummary] = []
    with progress_bars(console) as bars:
        bar = bars.add_task("importing", total=len(sources))

        def show(summary: FileSummary) -> None:
            bars.update(bar, description=f"importing, row {summary.rows:,}")

        for accounts in import_sources(store.unit_of_work, sources, show):
            done.extend(accounts)
            bars.advance(bar, len(accounts))
    return done


def _planned(store: Store, started: datetime) -> Plan:
    """Return the plan, made now unless another demo was faster."""
    try:
        with store.unit_of_work() as uow:
            plan = stored_plan(uow) or make_plan(uow, started)
            uow.commit()
    except (AlreadyExists, Conflict, DemoRefusedError):
        # Refused for runs, perhaps, that the other one has made already.
        with store.unit_of_work(read_only=True) as uow:
            theirs = stored_plan(uow)
        if theirs is None:
            raise
        return theirs
    return plan


def _tell(store: Store, plan: Plan, clock: SimulatedClock, console: Console) -> None:
    """Let happen what has not happened yet."""
    with store.unit_of_work(read_only=True) as uow:
        done = steps_done(uow)
    to_come = happenings(plan)[done:]
    if not to_come:
        return
    picture.show_week_heading(console, plan)
    with progress_bars(console) as bars:
        bar = bars.add_task("", total=done + len(to_come), completed=done)
        for number, happening in enumerate(to_come, start=done + 1):
            bars.update(bar, description=f"{happening.at:%a %H:%M}  {happening.name}")
            clock.time = happening.at
            words = _once(store, number, happening)
            if words is not None:
                picture.show_happening(bars.console, happening, words)
            bars.advance(bar)


def _once(store: Store, number: int, happening: Happening) -> str | None:
    """Let it happen unless it has, and return what is worth telling of it."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with store.unit_of_work() as uow:
                if not take_step(uow, number):
                    return None
                words = happening.act(uow)
                uow.commit()
                return words
        except (Conflict, StoreBusy):
            # Another demo on the same database: look again what is left to do.
            if attempt == ATTEMPTS:
                raise
        except IllegalTransition as decided:
            return _leave_alone(store, number, decided)
    return None


def _leave_alone(store: Store, number: int, decided: IllegalTransition) -> str:
    """Go on past something that a person has decided otherwise since an earlier demo stopped."""
    with store.unit_of_work() as uow:
        take_step(uow, number)
        uow.commit()
    return f"left alone: {decided}"
