"""The verbs of the command line, what holds for all of them, and how errors are told."""

# Typer reads annotations while the program runs, so they are not postponed here.

import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from pipeline_store.cli import schema_commands, tables
from pipeline_store.cli.channel_commands import channel_app
from pipeline_store.cli.config_commands import config_app
from pipeline_store.cli.database import DEFAULT_URL, URL_VARIABLE, database_from
from pipeline_store.cli.error_commands import errors_app
from pipeline_store.cli.escaping import visible
from pipeline_store.cli.import_commands import import_app
from pipeline_store.cli.job_commands import job_app
from pipeline_store.cli.key_commands import keys_app
from pipeline_store.cli.music_commands import music_app
from pipeline_store.cli.options import database_of
from pipeline_store.cli.preset_commands import preset_app
from pipeline_store.cli.queue_command import queue
from pipeline_store.cli.quota_commands import quota_app
from pipeline_store.cli.review_commands import review_app
from pipeline_store.cli.status_command import status
from pipeline_store.cli.task_commands import task_app
from pipeline_store.cli.usage import tidy_help, usage_message
from pipeline_store.cli.worker_command import worker
from pipeline_store.errors import AdoptionRefused, PipelineStoreError

PROGRAM: Final = "pipeline-store"
INTERRUPTED: Final = 130
"""What shells report for a program that control-C ended."""

app = typer.Typer(
    name=PROGRAM,
    help="The store of a video pipeline: on an SQLite file, or on PostgreSQL.",
    epilog="Exit codes: 0 done, 1 refused or a problem found, 2 wrong usage.",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed_version  # noqa: PLC0415 - seldom used

        typer.echo(f"{PROGRAM} {installed_version(PROGRAM)}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    *,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help=f"A URL, or the path of an SQLite file. Else ${URL_VARIABLE}, else {DEFAULT_URL}.",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Keep the options that hold for every verb."""
    context.obj = database_from(database)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


_DAILY: Final = "The daily work"
_CHANNELS: Final = "Channels"
_TASKS: Final = "Tasks"
_SCHEMA: Final = "The database"
_START: Final = "To begin with"


@app.command("demo", rich_help_panel=_START)
def demo(
    context: typer.Context,
    *,
    from_files: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="FILE...", help="Real files, in place of the made-up ones."),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", metavar="NUMBER", min=0, max=16, help="Processes that make documentaries."
        ),
    ] = 4,
    more_files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", hidden=True)
    ] = None,
) -> None:
    """Show the whole work in one go, from import to upload. Safe to repeat."""
    if more_files and not from_files:
        message = "give files as --from FILE..."
        raise typer.BadParameter(message)
    from pipeline_store.cli.demo import run_demo  # noqa: PLC0415 - large, and loads SQLAlchemy

    files = [*(from_files or ()), *(more_files or ())]
    run_demo(database_of(context).url, files, tables.console(), workers=workers)


app.command("init", rich_help_panel=_START)(schema_commands.init)
app.add_typer(import_app, name="import", rich_help_panel=_DAILY)
app.command("status", rich_help_panel=_DAILY)(status)
app.command("queue", rich_help_panel=_DAILY)(queue)
app.add_typer(review_app, name="review", rich_help_panel=_DAILY)
app.add_typer(errors_app, name="errors", rich_help_panel=_DAILY)
app.add_typer(channel_app, name="channel", rich_help_panel=_CHANNELS)
app.add_typer(preset_app, name="preset", rich_help_panel=_CHANNELS)
app.add_typer(music_app, name="music", rich_help_panel=_CHANNELS)
app.add_typer(job_app, name="job", rich_help_panel=_CHANNELS)
app.add_typer(task_app, name="task", rich_help_panel=_TASKS)
app.command("worker", rich_help_panel=_TASKS)(worker)
app.add_typer(quota_app, name="quota", rich_help_panel=_TASKS)
app.add_typer(config_app, name="config", rich_help_panel=_DAILY)
app.add_typer(keys_app, name="keys", rich_help_panel=_SCHEMA)
app.command("current", rich_help_panel=_SCHEMA)(schema_commands.current)
app.command("upgrade", rich_help_panel=_SCHEMA)(schema_commands.upgrade)
app.command("downgrade", rich_help_panel=_SCHEMA)(schema_commands.downgrade)
app.command("adopt", rich_help_panel=_SCHEMA)(schema_commands.adopt)


_USAGE_ERRORS: Final[type[Exception]] = next(
    base
    for base in typer.BadParameter.__mro__
    if base.__name__ == "ClickException" and issubclass(base, Exception)
)
"""What a wrong command line raises; typer has moved this class, and makes it public only lately."""


@cache
def _command() -> Any:
    command = typer.main.get_command(app)
    tidy_help(command)
    return command


def run(arguments: Sequence[str] | None) -> int:
    """Run one command and return its exit code; what went wrong is told in a line."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        _print_whatever_comes(stream)
    try:
        code = _command().main(
            args=None if arguments is None else list(arguments),
            prog_name=PROGRAM,
            standalone_mode=False,
        )
        # A reader that went away is noticed here, not when the interpreter is gone.
        sys.stdout.flush()
    except OSError as error:
        # The disk that the output goes to is full, most likely; databases have errors of our own.
        if not isinstance(error, BrokenPipeError):
            tables.complain(error.strerror or type(error).__name__)
        _forget_output()
        return 1
    except AdoptionRefused as refused:
        tables.complain(str(refused).partition("\n")[0])
        for difference in refused.differences:
            sys.stderr.write(f"  - {visible(difference)}\n")
        return 1
    except PipelineStoreError as error:
        tables.complain(error)
        return 1
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except _USAGE_ERRORS as error:
        return _tell_usage(error)
    return code if isinstance(code, int) else 0


def _tell_usage(error: Any) -> int:
    context: Any = getattr(error, "ctx", None)
    where = PROGRAM if context is None else context.command_path
    message = usage_message(error, PROGRAM)
    # A group without a verb has printed its help already, or has it for its message.
    if context is not None and "Usage:" in message:
        sys.stderr.write(message + "\n")
    elif message:
        tables.complain(f"{message} (try `{where} --help`)")
    code: int = error.exit_code
    return code


def _open_what_is_closed() -> None:
    """Let a process without a standard input or output have an empty one, which nobody reads.

    Without one, the first file that is opened would be taken for it by programs started here.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _print_whatever_comes(stream: object) -> None:
    """Let a terminal that lacks a letter show its number: no output is lost to an encoding."""
    reconfigure: Any = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """Give the interpreter somewhere to flush what nobody reads any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
