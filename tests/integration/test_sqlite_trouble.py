"""SQLite files that are moved, replaced, oddly named or hold what no program of ours writes."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.errors import (
    PipelineStoreError,
    SchemaOutOfDate,
    StoreFailure,
    StoreUnavailable,
)
from tests.integration.test_sqlite_files import colour, engine_of, file, log, messages, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store

__all__ = ["colour", "file"]


# -- errors that the driver raises past SQLAlchemy ----------------------------------------------


def too_long_for_the_files_beside_it(folder: Path) -> Path:
    return folder / ("x" * 255)


def no_regular_file(folder: Path) -> Path:
    link = folder / "a.db"
    link.symlink_to(os.devnull)
    return link


@pytest.mark.parametrize("make", [too_long_for_the_files_beside_it, no_regular_file])
def test_an_upgrade_of_an_impossible_file(
    colour: str, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    """What keeps SQLite from a write-ahead log is an error of the package."""
    with opened(colour, make(tmp_path)) as store:
        with pytest.raises(PipelineStoreError):
            store.upgrade()
        assert engine_of(store).pool.checkedout() == 0


def test_wakeups_of_what_is_no_database(colour: str, tmp_path: Path) -> None:
    """Whoever waits for hints on an unreadable file gets none; the next look tells why."""
    file = tmp_path / "notes.db"
    file.write_text("not a database " * 100)
    with opened(colour, file) as store, store.wakeups() as wakeups:
        assert wakeups.wait(timedelta(0)) is False


def test_text_that_is_not_utf_8(colour: str, file: Path) -> None:
    """It is named by its column and not shown, and no reason to connect again."""
    with opened("sqlite3", file) as store:
        log(store, "one")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE error_log SET error_message = CAST(x'ff63616e617279' AS TEXT)")
    with opened(colour, file) as store:
        with pytest.raises(StoreFailure, match="error_message") as raised:
            messages(store)
        assert "canary" not in str(raised.value)


# -- files that are moved, removed or replaced while a store is open ------------------------------


def claim(store: Store) -> object:
    return store.claim_next("worker", lease=timedelta(minutes=1))


def claim_a_task(store: Store) -> object:
    return store.claim_next("worker", lease=timedelta(minutes=1), queue="tasks")


def log_one(store: Store) -> None:
    log(store, "new")


@pytest.mark.parametrize("use", [messages, log_one, claim, claim_a_task])
def test_a_file_that_was_removed(colour: str, file: Path, use: Callable[[Store], object]) -> None:
    """Nothing is stored where nobody finds it again: a removed file is as one that never was."""
    with opened(colour, file) as store:
        log(store, "old")
        for each in file.parent.iterdir():
            each.unlink()
        with pytest.raises(StoreUnavailable, match="there is no database"):
            use(store)
        assert list(file.parent.iterdir()) == []
        store.upgrade()
        use(store)
    with opened("sqlite3", file) as store:
        assert "old" not in messages(store)


@pytest.mark.parametrize("use", [messages, log_one, claim, claim_a_task])
def test_a_file_that_was_replaced(
    colour: str, file: Path, migrated_file: Path, use: Callable[[Store], object]
) -> None:
    """After another file was moved into its place, the store reads and writes that one."""
    another = Path(shutil.copy(migrated_file, file.with_name("another.db")))
    with opened("sqlite3", another) as store:
        log(store, "restored")
    with opened(colour, file) as store:
        log(store, "old")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        another.replace(file)
        for ending in ("-wal", "-shm"):
            file.with_name(file.name + ending).unlink()
        use(store)
        log(store, "kept")
        found = messages(store)
    assert found == ["restored", *(["new"] if use is log_one else []), "kept"]
    with opened("sqlite3", file) as store:
        assert messages(store) == found


def test_a_replaced_file_is_looked_at_anew(colour: str, file: Path) -> None:
    """A file without the schema in its place is refused, however often the first one was used."""
    with opened(colour, file) as store:
        log(store, "old")
        empty = file.with_name("empty.db")
        empty.touch()
        empty.replace(file)
        with pytest.raises(SchemaOutOfDate):
            log(store, "new")


def test_a_replaced_file_is_the_one_that_is_downgraded(
    colour: str, file: Path, migrated_file: Path
) -> None:
    """The revision goes down in the file that bears the name now."""
    another = Path(shutil.copy(migrated_file, file.with_name("another.db")))
    with opened(colour, file) as store:
        log(store, "old")
        another.replace(file)
        for ending in ("-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
        store.downgrade("0001")
    with opened("sqlite3", file) as store:
        assert store.current() == "0001"


def test_a_relative_path_stays_where_it_was(
    colour: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program may change its folder, as daemons do, and still find the file it had named."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(file, elsewhere)
    monkeypatch.chdir(tmp_path)
    with opened(colour, Path(file.name)) as store:
        log(store, "before")
        monkeypatch.chdir(elsewhere)
        with store.unit_of_work(read_only=True) as uow:
            uow.errors.count()
            log(store, "on a second connection")
        assert store.current() is not None
    with opened("sqlite3", file) as store:
        assert messages(store) == ["before", "on a second connection"]


def test_a_name_that_is_no_text(colour: str, file: Path) -> None:
    """A file whose name is not UTF-8, which Python spells in its own way, is opened like others."""
    odd = file.with_name(os.fsdecode(b"caf\xe9.db"))
    file.rename(odd)
    with opened(colour, odd) as store:
        log(store, "one")
        assert messages(store) == ["one"]


def test_a_name_that_no_file_can_have() -> None:
    """Half a character is refused when the store is opened."""
    with pytest.raises(StoreUnavailable, match="name"):
        open_store("sqlite:///\ud800.db")


def test_two_revisions_at_once(file: Path) -> None:
    """A file whose revision was tampered with is refused by an error of the package."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO pipeline_store_version VALUES ('0001')")
    with opened("sqlite3", file) as store, pytest.raises(StoreFailure, match="overlaps"):
        store.adopt()
