"""A worker on the command line, whose handlers are in a module of the user's own."""

# Typer reads annotations while the program runs, so they are not postponed here.

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import Annotated, Any, Final, cast

import typer

from pipeline_store.awaited import is_awaited
from pipeline_store.cli import tables
from pipeline_store.cli.answers import span
from pipeline_store.cli.database import Database
from pipeline_store.cli.json_output import as_json as in_json
from pipeline_store.cli.options import database_of
from pipeline_store.cli.task_claim_commands import LONGEST_SECONDS, Lease
from pipeline_store.services.async_work import AsyncWorker
from pipeline_store.services.work import Outcome, OutcomeKind, Worker
from pipeline_store.services.work_errors import words_of
from pipeline_store.services.work_settings import LEASE, POLL
from pipeline_store.services.work_signals import stopping_loop_on_signals, stopping_on_signals
from pipeline_store.tasks import TaskStatus

LEASE_SECONDS: Final = LEASE.total_seconds()
POLL_SECONDS: Final = POLL.total_seconds()

STOPPING: Final = (
    b"note: stopping when the present task, if any, is done; a second signal gives it back now\n"
)

COLOURS: dict[OutcomeKind, tables.Colour] = {
    OutcomeKind.DONE: "green",
    OutcomeKind.FAILED: "red",
    OutcomeKind.LOST: "yellow",
    OutcomeKind.RELEASED: "cyan",
}


def worker(
    context: typer.Context,
    *,
    handler: Annotated[
        str,
        typer.Option(
            "--handler",
            metavar="MODULE:NAME",
            help="A function, or a mapping of stages to functions; found from this folder.",
        ),
    ],
    stages: Annotated[
        list[TaskStatus] | None,
        typer.Option("--stages", metavar="STAGE", help="Only these; may be repeated."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Who it is; machine and process unless given."),
    ] = None,
    lease: Lease = LEASE_SECONDS,
    poll: Annotated[
        float,
        typer.Option(
            "--poll",
            metavar="SECONDS",
            min=0.01,
            max=LONGEST_SECONDS,
            help="How long to wait for a hint before looking.",
        ),
    ] = POLL_SECONDS,
    grace: Annotated[
        float | None,
        typer.Option(
            "--grace",
            metavar="SECONDS",
            min=0,
            max=LONGEST_SECONDS,
            help="How long a task may go on when the worker is to stop; else until it is done.",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Take one task and end.")] = False,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when no task waits.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON document in a line for each stage.")
    ] = False,
) -> None:
    """Work on tasks until SIGTERM or control-C; a second one gives the task back at once."""
    if once and until_idle:
        message = "say --once or --until-idle, not both"
        raise typer.BadParameter(message)
    seen: Counter[OutcomeKind] = Counter()

    def show(outcome: Outcome) -> None:
        seen[outcome.kind] += 1
        _show(outcome, as_json=as_json)

    settings = {
        "name": name,
        "stages": stages or None,
        "lease": timedelta(seconds=lease),
        "poll": timedelta(seconds=poll),
        "grace": None if grace is None else timedelta(seconds=grace),
        "on_outcome": show,
    }
    handlers = _handlers_named(handler)
    how = "run_once" if once else "run_until_idle" if until_idle else "run"
    database = database_of(context)
    try:
        if _are_awaited(handlers):
            asyncio.run(_work_awaited(database, handlers, settings, how))
        else:
            _work(database, handlers, settings, how)
    except (KeyboardInterrupt, asyncio.CancelledError):
        tables.note(f"the worker was interrupted: {_in_words(seen)}")
        raise KeyboardInterrupt from None
    if how == "run":
        tables.note(f"the worker has stopped: {_in_words(seen)}")
    elif seen[OutcomeKind.FAILED]:
        raise typer.Exit(1)


def _work(database: Database, handlers: Any, settings: dict[str, Any], how: str) -> None:
    with database.opened() as store:
        at_work = Worker(store, handlers, **settings)
        with stopping_on_signals(_telling(at_work.stop)):
            if how == "run":
                _say_that_it_begins(at_work.name)
                at_work.run(handle_signals=False)
            else:
                getattr(at_work, how)()


async def _work_awaited(
    database: Database, handlers: Any, settings: dict[str, Any], how: str
) -> None:
    from pipeline_store import open_async_store  # noqa: PLC0415 - loads SQLAlchemy

    with database.opened():
        store = open_async_store(database.url)
    try:
        at_work = AsyncWorker(store, handlers, **settings)
        with stopping_loop_on_signals(_telling(at_work.stop)):
            if how == "run":
                _say_that_it_begins(at_work.name)
                await at_work.run(handle_signals=False)
            else:
                await getattr(at_work, how)()
    finally:
        await store.close()


def _say_that_it_begins(name: str) -> None:
    tables.note(f"worker {name} takes tasks until control-C")


def _telling(stop: Callable[[], None]) -> Callable[[], None]:
    """Return what stops the worker and says at the first time what happens now."""
    told = False

    def stop_and_tell() -> None:
        nonlocal told
        stop()
        if not told:
            told = True
            # A signal may come amidst any output of the handler, so no stream of Python is used.
            with suppress(OSError, ValueError):
                os.write(sys.stderr.fileno(), STOPPING)

    return stop_and_tell


def _in_words(seen: Counter[OutcomeKind]) -> str:
    counts = (f"{count:,} {kind}" for kind, count in sorted(seen.items()))
    return ", ".join(counts) or "nothing was done"


def _show(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(in_json(outcome), allow_nan=False) + "\n")
        sys.stdout.flush()
        return
    moved = "" if outcome.status in {None, outcome.stage} else f" -> {outcome.status}"
    why = f": {outcome.message}" if outcome.message else ""
    took = span(timedelta(seconds=outcome.seconds))
    tables.say(
        f"task {outcome.task_id}: {outcome.stage}{moved}, {outcome.kind} after {took}{why}",
        COLOURS[outcome.kind],
    )


def _handlers_named(given: str) -> Any:
    """Return what a text like "package.module:name" stands for."""
    module_name, _, name = given.partition(":")
    if not module_name or not name:
        message = f"--handler: MODULE:NAME expected, found {given!r}"
        raise typer.BadParameter(message)
    folder = os.getcwd()  # noqa: PTH109 - a text, as the import path holds
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        of_ours = error.name is not None and f"{module_name}.".startswith(f"{error.name}.")
        why = "not found in this folder or installed" if of_ours else words_of(error)
        message = f"--handler: {module_name} cannot be imported: {why}"
        raise typer.BadParameter(message) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a module of the user's does
        message = f"--handler: {module_name} cannot be imported: {words_of(error)}"
        raise typer.BadParameter(message) from None
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        message = f"--handler: {module_name} has no {name}"
        raise typer.BadParameter(message) from None
    except Exception as error:  # noqa: BLE001 - a module may answer for its names by itself
        message = f"--handler: {name} of {module_name} cannot be had: {words_of(error)}"
        raise typer.BadParameter(message) from None
    return found


def _are_awaited(handlers: Any) -> bool:
    if not isinstance(handlers, Mapping):
        return is_awaited(handlers)
    named = cast("Mapping[object, Callable[..., object]]", handlers)
    return any(map(is_awaited, named.values()))
