"""The keys that seal secrets: making them, changing over to a new one, looking after them."""

# Typer reads annotations while the program runs, so they are not postponed here.

import os
import re
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn

from pipeline_store.cli import tables
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.repository import LONGEST_PAGE
from pipeline_store.secrets import (
    KEY_FILE_VARIABLE,
    KEYS_VARIABLE,
    Keyring,
    add_key,
    drop_key,
    key_id_of_key,
    new_key,
    read_key_file,
)
from pipeline_store.services import key_rotation
from pipeline_store.services.key_rotation import Rotation, Unreadable, Verification

keys_app = typer.Typer(
    help="Make and change the keys that seal secrets.",
    no_args_is_help=True,
)

UNREADABLE_SHOWN: Final = 20

_KEY_ID: Final = re.compile(r"[0-9a-f]{16}")

KeyFile = Annotated[
    str | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help=f"A key file, in place of ${KEYS_VARIABLE} and ${KEY_FILE_VARIABLE}.",
    ),
]


@keys_app.command("new")
def new(
    *,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Put it at the head of this key file, made if it is not there, and print no key.",
        ),
    ] = None,
) -> None:
    """Make a key and print it, or put it at the head of a key file."""
    key = new_key()
    if file is None:
        sys.stdout.write(f"{key.reveal()}\n")
        tables.note(f"this is key {key_id_of_key(key)}; put it first in ${KEYS_VARIABLE}")
        return
    key_id = add_key(file, key)
    tables.say(f"key {key_id} is at the head of {file}, with {_keys(len(read_key_file(file)))}")


@keys_app.command("rotate")
def rotate(
    context: typer.Context,
    *,
    file: KeyFile = None,
    batch: Annotated[
        int,
        typer.Option(
            "--batch", metavar="NUMBER", min=1, max=LONGEST_PAGE, help="Rows changed at a time."
        ),
    ] = 100,
) -> None:
    """Seal every stored secret anew with the newest key. Safe to stop and to repeat."""
    keyring = _keyring(file)
    keyring.check_ready("the stored values")
    with database_of(context).opened() as store:
        with store.unit_of_work(read_only=True) as uow:
            total = key_rotation.survey(uow).values
        with _progress(total) as progress:
            done = key_rotation.rotate(store.unit_of_work, keyring, batch=batch, progress=progress)
    newest = keyring.newest_id
    tables.say(f"sealed {_values(done.rotated)} anew with key {newest}; {done.current:,} had it")
    _complain(done.unreadable)


@keys_app.command("verify")
def verify(context: typer.Context, *, file: KeyFile = None, as_json: AsJson = False) -> None:
    """Open every stored secret, and show which keys are needed."""
    keyring = _keyring(file)
    with database_of(context).unit_of_work(read_only=True) as uow:
        found = key_rotation.verify(uow, keyring)
    if as_json:
        print_json(_document(found))
        if found.unreadable:
            raise typer.Exit(1)
        return
    table = tables.new_table()
    tables.add_exact_column(table, "key")
    tables.add_exact_column(table, "standing")
    tables.add_exact_column(table, "values", number=True)
    for key_id, standing, values in _standings(found):
        colour: tables.Colour = "red" if standing in {_MISSING, _UNKNOWN} else ""
        tables.add_row(table, (key_id, tables.cell(standing, colour), values))
    tables.print_table(table, "no keys, and nothing sealed")
    _complain(found.unreadable)


@keys_app.command("drop", context_settings={"ignore_unknown_options": True})
def drop(
    context: typer.Context,
    key_id: Annotated[
        str, typer.Argument(metavar="KEY_ID", help="Its id, as `keys verify` shows it.")
    ],
    *,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help=f"The key file. Else ${KEY_FILE_VARIABLE}."),
    ] = None,
) -> None:
    """Take an older key out of a key file, unless a stored secret needs it."""
    if not _KEY_ID.fullmatch(key_id):
        # It is not repeated: somebody may have given the key itself.
        message = "KEY_ID: 16 hexadecimal digits expected, as `keys verify` shows them"
        raise typer.BadParameter(message)
    path = file or os.environ.get(KEY_FILE_VARIABLE, "")
    if not path:
        message = f"--file FILE or ${KEY_FILE_VARIABLE} expected: only a file can be changed"
        raise typer.BadParameter(message)
    with database_of(context).unit_of_work(read_only=True) as uow:
        without_key = key_rotation.survey(uow).without_key
        drop_key(path, key_id, lambda: key_rotation.check_unused(uow, key_id))
    tables.say(f"key {key_id} is out of {path}, which has {_keys(len(read_key_file(path)))} left")
    if without_key:
        tables.note(f"{_values(without_key)} without a readable key; see `keys verify`")


# Reading and telling


def _keyring(file: str | None) -> Keyring:
    return Keyring.from_environment() if file is None else Keyring(read_key_file(file))


_NEWEST: Final = "newest"
_OLDER: Final = "older"
_MISSING: Final = "missing"
_UNKNOWN: Final = "damaged"


def _standings(found: Verification) -> Generator[tuple[str | None, str, int]]:
    """Yield each key, how it stands and how many values need it, the newest first."""
    by_key = found.use.by_key
    for place, key_id in enumerate(found.key_ids):
        yield key_id, _OLDER if place else _NEWEST, by_key.get(key_id, 0)
    for key_id in sorted(set(by_key) - set(found.key_ids)):
        yield key_id, _MISSING, by_key[key_id]
    if found.use.without_key:
        yield None, _UNKNOWN, found.use.without_key


def _document(found: Verification) -> dict[str, Any]:
    return {
        "keys": [
            {"key_id": key_id, "standing": standing, "values": values}
            for key_id, standing, values in _standings(found)
        ],
        "values": found.use.values,
        "unreadable": found.unreadable,
    }


def _complain(unreadable: Sequence[Unreadable]) -> None:
    """Name the values that do not open, and end as a command that found a problem."""
    for one in unreadable[:UNREADABLE_SHOWN]:
        key = "" if one.key_id is None else f" (key {one.key_id})"
        tables.complain(f"{one.place}{key}: {one.reason}")
    if len(unreadable) > UNREADABLE_SHOWN:
        tables.complain(
            f"and {_values(len(unreadable) - UNREADABLE_SHOWN)} more; see `keys verify --json`"
        )
    if unreadable:
        raise typer.Exit(1)


def _values(count: int) -> str:
    return f"{count:,} value{'' if count == 1 else 's'}"


def _keys(count: int) -> str:
    return f"{count} key{'' if count == 1 else 's'}"


@contextmanager
def _progress(total: int) -> Generator[Callable[[Rotation], None]]:
    """Show how far the rotation is, on a terminal."""
    console = tables.error_console()
    if not console.is_terminal:
        yield lambda _done: None
        return
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)

        def progress(done: Rotation) -> None:
            count = done.rotated + done.current + len(done.unreadable)
            bar.update(task, completed=count)

        yield progress
