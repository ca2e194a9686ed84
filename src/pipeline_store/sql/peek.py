"""Reading another program's SQLite file without changing it or leaving a file beside it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from pipeline_store.errors import ReadOnly, StoreUnavailable
from pipeline_store.sql.engine import BEGIN_OPTION, WHEN_WRITING, make_engine, sqlite_file
from pipeline_store.sql.failures import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

_HEADER_LENGTH: Final = 100
_FORMAT_OF_READER: Final = 19
_WRITE_AHEAD: Final = 2


@contextmanager
def opened_without_trace(url: sa.URL) -> Iterator[sa.Connection]:
    """Open the SQLite file of `url` for reading; each statement sees what is committed.

    Raises:
        StoreUnavailable: there is no such file, or it is no database.
    """
    file = _existing(sqlite_file(url))
    log, index = _beside(file, "-wal"), _beside(file, "-shm")
    if not _uses_write_ahead_log(file):
        try:
            with _reading(url, mode="ro") as connection:
                yield connection
                return
        except ReadOnly:
            # Its program died while it wrote: its journal must be played back first, on a copy.
            pass
    elif not _holds_something(log):
        # The files that a reader of such a database makes are removed by the last one that closes
        # it, unless that one may not write.
        with _reading(url, mode="rw") as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")
            yield connection
            return
    elif index.exists():
        with _reading(url, mode="ro") as connection:
            yield connection
            return
    with _copied(file) as copy, _reading(url.set(database=str(copy)), mode="rw") as connection:
        yield connection


@contextmanager
def _reading(url: sa.URL, mode: str) -> Iterator[sa.Connection]:
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
def _copied(file: Path) -> Iterator[Path]:
    with TemporaryDirectory(prefix="pipeline-store-") as folder:
        copy = Path(folder) / file.name
        for part in (file, _beside(file, "-wal"), _beside(file, "-journal")):
            if part.exists():
                shutil.copyfile(part, copy.with_name(part.name))
        yield copy


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
    return file.exists() and file.stat().st_size > 0


def _uses_write_ahead_log(file: Path) -> bool:
    with translated(), file.open("rb") as opened:
        header = opened.read(_HEADER_LENGTH)
    return len(header) == _HEADER_LENGTH and header[_FORMAT_OF_READER] == _WRITE_AHEAD
