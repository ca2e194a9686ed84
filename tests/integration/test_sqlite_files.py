"""SQLite files: how they are opened and made, and what is no database, locked, full or damaged."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import threading
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from pipeline_store import open_async_store, open_store
from pipeline_store.errors import (
    PipelineStoreError,
    ReadOnly,
    StoreBusy,
    StoreFailure,
    StoreUnavailable,
)
from pipeline_store.production import ErrorLog
from tests.integration.contract.blocking import blocking
from tests.integration.racing import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store

NOBODY = 65534


@contextmanager
def opened(colour: str, file: Path, query: str = "", **options: Any) -> Iterator[Any]:
    """The synchronous store on a file, or the awaited one behind the same face."""
    url = f"sqlite:///{file}{query}"
    if colour == "sqlite3":
        store = open_store(url, **options)
        yield store
        store.close()
    else:
        with blocking(open_async_store(url, **options)) as store:
            yield store


def engine_of(store: Any) -> Any:
    lifted = getattr(store, "lifted", None)
    return (lifted.counterpart if lifted else store).engine


@pytest.fixture(params=["sqlite3", "aiosqlite"])
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def file(migrated_file: Path, tmp_path: Path) -> Path:
    """A database with the newest schema."""
    return Path(shutil.copy(migrated_file, tmp_path / "a.db"))


def log(store: Store, message: str) -> None:
    with store.unit_of_work() as uow:
        uow.errors.add(ErrorLog(module="cut", error_type="ValueError", error_message=message))
        uow.commit()


def messages(store: Store) -> list[str]:
    with store.unit_of_work(read_only=True) as uow:
        return [error.error_message for error in uow.errors.page(limit=10_000)]


# -- how a file is opened -----------------------------------------------------------------------


def test_every_connection_is_safe(colour: str, file: Path) -> None:
    """Each connection enforces foreign keys, waits for the disk, and 30 s for other writers."""
    with opened(colour, file, pool_size=3, max_overflow=0) as store:
        engine = engine_of(store)
        seen: list[tuple[int, ...]] = []

        def ask(dbapi: Any, *_: object) -> None:
            cursor = dbapi.cursor()
            answers: list[int] = []
            for pragma in ("foreign_keys", "synchronous", "busy_timeout"):
                cursor.execute(f"PRAGMA {pragma}")
                answers.append(cursor.fetchone()[0])
            cursor.close()
            seen.append(tuple(answers))

        event.listen(engine, "checkout", ask)
        with store.unit_of_work(read_only=True) as first:
            first.errors.count()
            with store.unit_of_work(read_only=True) as second, store.unit_of_work() as third:
                second.errors.count()
                third.errors.count()
        event.remove(engine, "checkout", ask)
    assert len(seen) >= 3
    assert set(seen) == {(1, 2, 30_000)}


@pytest.mark.parametrize(("asked", "found"), [("off", 0), ("NORMAL", 1), ("full", 2), ("extra", 3)])
def test_a_url_may_ask_how_a_commit_waits(file: Path, asked: str, found: int) -> None:
    """`?synchronous=` in the URL is what every connection is set to."""
    with (
        opened("sqlite3", file, f"?synchronous={asked}") as store,
        engine_of(store).connect() as connection,
    ):
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == found


def test_another_way_to_wait_is_refused(file: Path) -> None:
    """A level that SQLite does not know is refused when the store is opened, and named."""
    with pytest.raises(StoreUnavailable, match="NORMAL"):
        open_store(f"sqlite:///{file}?synchronous=maybe")


def test_a_new_file_is_private_and_has_a_write_ahead_log(tmp_path: Path, colour: str) -> None:
    """A file made by upgrade, and its companions, are their owner's only, whatever the umask."""
    file = tmp_path / "new.db"
    umask = os.umask(0)
    try:
        with opened(colour, file) as store:
            store.upgrade()
            log(store, "one")
            made = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    finally:
        os.umask(umask)
    assert made == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_reader_does_not_block_a_writer(colour: str, file: Path) -> None:
    """A unit of work that reads and idles lets others write, and goes on seeing what it saw."""
    options: dict[str, Any] = {"connect_args": {"timeout": 0}}
    with opened(colour, file, **options) as store, opened("sqlite3", file, **options) as other:
        log(other, "one")
        with store.unit_of_work(read_only=True) as uow:
            assert uow.errors.count() == 1
            log(other, "two")
            assert uow.errors.count() == 1
        assert messages(store) == ["one", "two"]


def test_options_for_the_driver_leave_the_others_alone(colour: str, file: Path) -> None:
    """A store opened with one option of the driver's keeps the timeout of the package."""
    with opened(colour, file, connect_args={"cached_statements": 7}) as store:
        seen: list[int] = []

        def ask(dbapi: Any, *_: object) -> None:
            cursor = dbapi.cursor()
            cursor.execute("PRAGMA busy_timeout")
            seen.append(cursor.fetchone()[0])
            cursor.close()

        event.listen(engine_of(store), "connect", ask)
        log(store, "one")
    assert seen == [30_000]


def test_a_store_serves_several_threads(file: Path) -> None:
    """Connections of the pool go from one thread to another."""
    failed: list[BaseException] = []
    with opened("sqlite3", file, pool_size=1, max_overflow=0) as store:

        def work() -> None:
            try:
                log(store, "from a thread")
            except BaseException as error:  # noqa: BLE001 - shown below
                failed.append(error)

        log(store, "from here")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert failed == []
        assert messages(store) == ["from here", "from a thread"]


# -- what cannot be opened ----------------------------------------------------------------------


def not_a_database(folder: Path) -> Path:
    file = folder / "notes.db"
    file.write_text("not a database " * 100)
    return file


def a_cut_database(folder: Path) -> Path:
    file = folder / "cut.db"
    file.write_bytes(b"SQLite format 3\x00" + bytes(range(84)) * 2)
    return file


def a_directory(folder: Path) -> Path:
    file = folder / "folder.db"
    file.mkdir()
    return file


def missing(folder: Path) -> Path:
    return folder / "missing.db"


def in_a_missing_folder(folder: Path) -> Path:
    return folder / "nowhere" / "missing.db"


CALLS: list[Callable[[Any], object]] = [
    messages,
    lambda store: log(store, "one"),
    lambda store: store.current(),
    lambda store: store.downgrade("base"),
]


@pytest.mark.parametrize(
    "make", [not_a_database, a_cut_database, a_directory, missing, in_a_missing_folder]
)
def test_what_is_no_database_is_store_unavailable(
    colour: str, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    """A path that leads to no database is StoreUnavailable, and nothing is made or changed."""
    file = make(tmp_path)
    before = contents_of(tmp_path)
    with opened(colour, file) as store:
        for call in CALLS:
            with pytest.raises(StoreUnavailable):
                call(store)
        if make is not missing:
            with pytest.raises(StoreUnavailable):
                store.upgrade()
        assert engine_of(store).pool.checkedout() == 0
    assert contents_of(tmp_path) == before


def test_waiting_for_hints_on_what_is_not_there(tmp_path: Path) -> None:
    """Hints are waited for as long as they may be where there is no file yet."""
    with opened("sqlite3", tmp_path / "later.db") as store, store.wakeups() as wakeups:
        assert wakeups.wait(timedelta(seconds=0.1)) is False
        store.upgrade()
        assert wakeups.wait(timedelta(seconds=10)) is True


def test_a_folder_is_told_from_what_is_missing(colour: str, tmp_path: Path) -> None:
    """Nobody is told to create a database where a folder is."""
    with (
        opened(colour, tmp_path) as store,
        pytest.raises(StoreUnavailable, match="is a directory, not a database"),
    ):
        log(store, "one")


def contents_of(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_a_file_opened_for_reading_refuses_writes(colour: str, file: Path) -> None:
    """A file opened with mode=ro can be read, and a write is ReadOnly."""
    with opened("sqlite3", file) as store:
        log(store, "one")
    with opened(colour, file, "?mode=ro") as store:
        with pytest.raises(ReadOnly, match="its file and the folder have to be writable"):
            log(store, "two")
        assert messages(store) == ["one"]
        assert engine_of(store).pool.checkedout() == 0


@pytest.mark.parametrize("option", ["mdoe=ro", "Synchronous=OFF", "sslmode=require"])
def test_an_option_that_a_file_does_not_have_is_refused(
    colour: str, file: Path, option: str
) -> None:
    """It would be left out: a file that was to be read only could be written to."""
    with (
        pytest.raises(StoreUnavailable, match=r"no option .*; there are .*mode.*synchronous"),
        opened(colour, file, f"?{option}"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")
def test_a_file_of_somebody_else_is_refused() -> None:
    """A file that the process may not write, or not even read, is a typed error."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "a.db"
        with opened("sqlite3", file) as store:
            store.upgrade()
        ends = {}
        for mode in (0o444, 0o000):
            file.chmod(mode)
            (ends[mode],) = at_once(write_as_nobody, f"sqlite:///{file}", 1)
    assert ends[0o444] in {"ReadOnly", "StoreUnavailable"}
    assert ends[0o000] == "StoreUnavailable"


def write_as_nobody(url: str) -> str:
    """Becomes nobody, tries to write in the file, and names the error."""
    store = open_store(url)
    os.seteuid(NOBODY)
    try:
        log(store, "two")
    except PipelineStoreError as error:
        return type(error).__name__
    return "done"


# -- what goes wrong while it is open -----------------------------------------------------------


def test_a_file_locked_by_others_is_store_busy(colour: str, file: Path) -> None:
    """A lock held for longer than the store waits is StoreBusy; once it is given up it works."""
    with opened(colour, file, connect_args={"timeout": 0.1}) as store:
        log(store, "one")
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy, match="by another process, or by a unit of work"):
                log(store, "two")
            assert messages(store) == ["one"]
            assert engine_of(store).pool.checkedout() == 0
        log(store, "three")
        assert messages(store) == ["one", "three"]


def test_a_full_disk_undoes_the_unit_of_work(colour: str, file: Path) -> None:
    """A database that cannot grow is a typed error, and holds what it held before."""

    def limit(dbapi: Any, *_: object) -> None:
        cursor = dbapi.cursor()
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count={pages + 2}")
        cursor.close()

    with opened(colour, file) as store:
        event.listen(engine_of(store), "connect", limit)
        log(store, "one")
        with pytest.raises(StoreFailure, match="full"):
            log(store, "x" * 100_000)
        assert messages(store) == ["one"]
        log(store, "two")
        assert messages(store) == ["one", "two"]
        assert engine_of(store).pool.checkedout() == 0


def test_a_damaged_page_is_a_typed_error(colour: str, file: Path) -> None:
    """Damage that shows only while rows are fetched is an error of the package, too."""
    with opened("sqlite3", file) as store, store.unit_of_work() as uow:
        uow.errors.add_many(
            ErrorLog(module="cut", error_type="ValueError", error_message=f"{n} " * 300)
            for n in range(300)
        )
        uow.commit()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    with file.open("r+b") as opened_file:
        # The last rows: the first ones of the table can still be fetched.
        opened_file.seek(size * (pages - 12))
        opened_file.write(b"\xff" * size * 12)
    with opened(colour, file) as store:
        with pytest.raises(StoreFailure, match="malformed"):
            messages(store)
        assert engine_of(store).pool.checkedout() == 0
