"""Reading another program's SQLite file without changing it or leaving a file beside it."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from pipeline_store.errors import ReadOnly, StoreBusy, StoreUnavailable
from pipeline_store.sql.engine import BEGIN_OPTION, WHEN_WRITING, make_engine
from pipeline_store.sql.failures import translated
from pipeline_store.sql.urls import sqlite_file

if TYPE_CHECKING:
    from collections.abc import Generator

    import sqlalchemy as sa

_HEADER_LENGTH: Final = 100
_FORMAT_OF_READER: Final = 19
_WRITE_AHEAD: Final = 2

ATTEMPTS: Final = 10
"""How often a file is copied that others change meanwhile."""


@contextmanager
def opened_without_trace(url: sa.URL) -> Generator[sa.Connection, None, None]:
    """Open the SQLite file of `url` for reading; each statement sees what is committed.

    Raises:
        StoreUnavailable: there is no such file, or it is no database.
    """
    file = _existing(sqlite_file(url))
    with ExitStack() as opened:
        mode = _quiet_mode(file)
        if mode is None or _must_be_played_back(url, file):
            copy = opened.enter_context(_copied(file))
            url, mode = url.set(database=str(copy)), "rw"
        connection = opened.enter_context(_reading(url, mode))
        connection.exec_driver_sql("PRAGMA query_only=ON")
        yield connection


def _quiet_mode(file: Path) -> str | None:
    """Return the mode in which SQLite leaves nothing behind, or None when there is none."""
    if not _uses_write_ahead_log(file):
        return "ro"
    if not _holds_something(_beside(file, "-wal")):
        # The files that a reader of such a database makes are removed by the last one that closes
        # it, unless that one may not write.
        return "rw"
    # To the last one that closes it the log would be something to put into the file.
    return "ro" if _beside(file, "-shm").exists() else None


def _must_be_played_back(url: sa.URL, file: Path) -> bool:
    """Whether a program died while it wrote, so that its journal holds what belongs in the file."""
    if not _holds_something(_beside(file, "-journal")):
        return False
    try:
        with _reading(url, "ro"):
            return False
    except ReadOnly:
        return True


@contextmanager
def _reading(url: sa.URL, mode: str) -> Generator[sa.Connection, None, None]:
    engine = make_engine(url.update_query_dict({"mode": mode}))
    try:
        with (
            translated(),
            engine.execution_options(**{BEGIN_OPTION: WHEN_WRITING}).connect() as connection,
        ):
            # Fails here, before anybody looks, when the file cannot be read.
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _copied(file: Path) -> Generator[Path, None, None]:
    """Copy the file and what is beside it, as they are at one moment.

    Raises:
        StoreBusy: other programs wrote each time.
    """
    parts = (file, _beside(file, "-wal"), _beside(file, "-journal"))
    for _ in range(ATTEMPTS):
        with TemporaryDirectory(prefix="pipeline-store-") as folder:
            before = [_state(part) for part in parts]
            for part in parts:
                # What was put into the file meanwhile is gone, and seen below.
                with suppress(FileNotFoundError):
                    shutil.copyfile(part, Path(folder) / part.name)
            if [_state(part) for part in parts] == before:
                yield Path(folder) / file.name
                return
    raise StoreBusy(f"other programs write to {file} all the time; try again")


def _existing(file: Path | None) -> Path:
    if file is None:
        raise StoreUnavailable("a database in memory has no file to look into")
    if not file.is_file():
        found = "is a directory" if file.is_dir() else "does not exist"
        raise StoreUnavailable(f"{file} {found}")
    # SQLite keeps its other files beside the file that a link leads to.
    return file.resolve()


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _holds_something(file: Path) -> bool:
    state = _state(file)
    return state is not None and state[0] > 0


def _state(file: Path) -> tuple[int, int, int] | None:
    """Return what changes with every change of a file, its size first; None without the file.

    Asked once: what is beside a database goes at any moment.
    """
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _uses_write_ahead_log(file: Path) -> bool:
    with translated(), file.open("rb") as opened:
        header = opened.read(_HEADER_LENGTH)
    return len(header) == _HEADER_LENGTH and header[_FORMAT_OF_READER] == _WRITE_AHEAD
