"""Files of other programs in whatever state: taken over whole, or left as they were."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from pipeline_store.errors import (
    AdoptionRefused,
    ReadOnly,
    SchemaOutOfDate,
    StoreUnavailable,
)
from pipeline_store.sql import SqlStore, schema
from pipeline_store.sql.adopt import adopt
from tests.conftest import is_on
from tests.integration.foreign_schemas import (
    ROW_COUNTS,
    ROWS,
    SPELLINGS,
    change,
    dump,
    dump_without_ours,
    make_foreign,
    traces,
    url_of,
)
from tests.integration.racing import at_once, killed_along

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIX = datetime(2026, 2, 28, 6, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 28, tzinfo=UTC)


def test_a_file_without_the_ten(tmp_path: Path) -> None:
    """A file with none of the ten tables, and an empty one, are refused with what to do instead."""
    for file in (make_foreign(tmp_path / "a.db", "CREATE TABLE users (a)"), tmp_path / "b.db"):
        file.touch()
        before = traces(file)
        with pytest.raises(AdoptionRefused, match=r"none of the ten tables; `pipeline-store init`"):
            adopt(url_of(file))
        assert traces(file) == before


def test_what_is_no_database_file(tmp_path: Path, postgres_url: str) -> None:
    """Missing files, directories, other files, memory and servers are refused, nothing is made."""
    text = tmp_path / "notes.txt"
    text.write_text("only some notes, long enough to be looked at as a database" * 9)
    before = traces(text)
    with pytest.raises(StoreUnavailable, match=r"missing\.db does not exist"):
        adopt(url_of(tmp_path / "missing.db"))
    with pytest.raises(StoreUnavailable, match="is a directory"):
        adopt(url_of(tmp_path))
    with pytest.raises(StoreUnavailable, match="not a database"):
        adopt(url_of(text))
    with pytest.raises(AdoptionRefused, match=r"only SQLite files .* not a database in memory"):
        adopt("sqlite://")
    with pytest.raises(AdoptionRefused, match="only SQLite files can be adopted, not postgresql"):
        adopt(postgres_url.replace("postgres@", "postgres:secret@"))
    with pytest.raises(AdoptionRefused) as refused:
        SqlStore(postgres_url.replace("postgres@", "postgres:secret@")).adopt()
    assert "secret" not in str(refused.value)
    assert traces(text) == before


def test_a_read_only_file(foreign: Path) -> None:
    """A file that cannot be written is refused as that, and left as it was."""
    before = traces(foreign)
    with pytest.raises(ReadOnly):
        adopt(f"{url_of(foreign)}?mode=ro")
    assert traces(foreign) == before


def test_a_newer_file(foreign: Path) -> None:
    """A file of a newer release is refused with what to do, and left as it was."""
    adopt(url_of(foreign))
    change(foreign, "UPDATE pipeline_store_version SET version_num = '9999'")
    before = traces(foreign)
    with pytest.raises(SchemaOutOfDate, match="install a newer pipeline-store"):
        adopt(url_of(foreign))
    assert traces(foreign) == before


# What other programs leave behind: each makes a directory with a database in some state.


def write_ahead(file: Path) -> None:
    """A file in write-ahead mode, closed."""
    change(file, "PRAGMA journal_mode=WAL")


def died(file: Path, *statements: str) -> None:
    """A program that changed the file and was killed before it closed it."""
    program = (
        "import os, signal, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for statement in sys.argv[2:]: connection.execute(statement)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(file), *statements], check=False)
    assert ended.returncode == -signal.SIGKILL


def pending_log(file: Path) -> None:
    """A file in write-ahead mode, whose program died before it put the log into the file."""
    died(
        file,
        "PRAGMA journal_mode=WAL",
        "PRAGMA wal_autocheckpoint=0",
        "INSERT INTO config_overrides (key, value, updated_at, updated_by)"
        " VALUES ('late', '1', '2026-02-28 01:02:03', 'bot')",
    )
    assert file.with_name(f"{file.name}-wal").stat().st_size > 0


def moved_log(file: Path) -> None:
    """The same without the shared memory, as after a copy to another machine."""
    pending_log(file)
    file.with_name(f"{file.name}-shm").unlink()


def hot_journal(file: Path) -> None:
    """A program died in the middle of a transaction that had reached the file."""
    died(
        file,
        "PRAGMA cache_size=1",
        "BEGIN",
        "UPDATE discovered_videos SET title = hex(zeroblob(20000))",
        "DELETE FROM analytics",
        "INSERT INTO error_log (module, error_type, error_message, occurred_at, resolved)"
        " SELECT 'm', 't', hex(zeroblob(20000)), '2026-02-28 01:02:03', 0 FROM clips",
    )
    assert file.with_name(f"{file.name}-journal").exists()


LEFT_BEHIND = {
    function.__name__: function for function in (write_ahead, pending_log, moved_log, hot_journal)
}


@pytest.mark.parametrize("state", LEFT_BEHIND)
def test_a_refusal_leaves_no_trace(foreign: Path, state: str) -> None:
    """Whatever its program left beside the file, a refusal changes, adds and removes nothing."""
    change(foreign, "ALTER TABLE clips ADD COLUMN extra TEXT")
    LEFT_BEHIND[state](foreign)
    before = traces(foreign)
    with pytest.raises(AdoptionRefused) as refused:
        adopt(url_of(foreign))
    assert refused.value.differences == ("clips: column extra is not in the schema",)
    assert traces(foreign) == before


@pytest.mark.parametrize("state", LEFT_BEHIND)
def test_what_was_left_behind_is_adopted(foreign: Path, state: str, tmp_path: Path) -> None:
    """Whatever its program left beside the file, what was committed is adopted, and no more."""
    LEFT_BEHIND[state](foreign)
    copies = tmp_path / "expected"
    copies.mkdir()
    for part in tmp_path.glob("a.db*"):
        if not part.name.endswith("-shm"):
            shutil.copy(part, copies)
    before = dump(copies / "a.db")
    late = int(state in {"pending_log", "moved_log"})
    report = adopt(url_of(foreign))
    assert report.adopted
    assert report.rows == ROW_COUNTS | {"config_overrides": 1 + late}
    assert report.findings == ()
    assert dump_without_ours(foreign) == before


def test_a_file_that_is_in_use(foreign: Path) -> None:
    """A file is adopted while its program reads and writes it, and the program goes on."""
    write_ahead(foreign)
    with closing(sqlite3.connect(foreign)) as owner:
        owner.execute("UPDATE discovered_videos SET title = 'new' WHERE id = 1")
        owner.commit()
        assert owner.execute("SELECT count(*) FROM clips").fetchone() == (1,)
        assert adopt(url_of(foreign)).adopted
        owner.execute("UPDATE discovered_videos SET title = 'newer' WHERE id = 1")
        owner.commit()
    assert "newer" in str(dump_without_ours(foreign))


def journal_mode(file: Path) -> str:
    """The mode that the file itself is in."""
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def test_the_comparison_is_made_again_under_the_lock(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that changes between the first look and the lock is still found."""
    original = schema.adopt

    def somebody_was_faster(*arguments: object) -> bool:
        change(foreign, "ALTER TABLE clips ADD COLUMN extra TEXT")
        monkeypatch.setattr(schema, "adopt", original)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(schema, "adopt", somebody_was_faster)
    with pytest.raises(AdoptionRefused, match="extra"):
        adopt(url_of(foreign))
    store = SqlStore(url_of(foreign))
    assert store.current() is None
    store.close()
    assert journal_mode(foreign) == "delete"


def test_a_writer_delays_the_change_of_mode(foreign: Path) -> None:
    """Where SQLite gives up at once, the change to a write-ahead log waits for a writer."""
    adopt(url_of(foreign))
    change(foreign, "PRAGMA journal_mode=DELETE")
    store = SqlStore(url_of(foreign))
    with closing(sqlite3.connect(foreign, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        threading.Timer(0.5, writer.rollback).start()
        store.upgrade()
    store.close()
    assert journal_mode(foreign) == "wal"


def test_a_store_says_how_to_adopt(foreign: Path) -> None:
    """Opening or upgrading a file that waits for adoption is refused with the command to run."""
    before = traces(foreign)
    store = SqlStore(url_of(foreign))
    with pytest.raises(SchemaOutOfDate, match="`pipeline-store adopt`"), store.unit_of_work():
        pass
    with pytest.raises(SchemaOutOfDate, match="`pipeline-store adopt`"):
        store.upgrade()
    store.close()
    assert traces(foreign) == before


def job(url: str) -> str:
    """Adopts the file in another process."""
    return "done" if adopt(url).rows == ROW_COUNTS else "wrong"


def test_eight_processes_adopt_one_file(foreign: Path) -> None:
    """Adoptions that start at the same moment all succeed, and the tables stay as they were."""
    before = dump(foreign)
    assert at_once(job, url_of(foreign)) == ["done"] * 8
    assert dump_without_ours(foreign) == before


def test_another_process_adopts_meanwhile(tmp_path: Path) -> None:
    """What it adds beside the ten tables is not taken for tables of others."""
    for statement in range(1, 8):
        foreign = make_foreign(tmp_path / f"{statement}.db", SPELLINGS["older ORM"], ROWS)
        statements = count(1)

        def meanwhile(
            *_: object,
            url: str = url_of(foreign),
            statements: Iterator[int] = statements,
            at: int = statement,
        ) -> None:
            if next(statements) == at:
                adopt(url)

        sa.event.listen(sa.Engine, "before_cursor_execute", meanwhile)
        try:
            assert not adopt(url_of(foreign)).adopted
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", meanwhile)


KILLS = 10 if is_on("PIPELINE_STORE_SOAK") else 4
"""Spread over all statements."""


def test_killed_half_way(foreign: Path, tmp_path: Path) -> None:
    """An adoption that dies at any of its statements leaves a foreign file; the next one works."""
    files = [tmp_path / f"{number}" / "a.db" for number in range(1 + KILLS)]
    for file in files:
        file.parent.mkdir()
        shutil.copy(foreign, file)
    sample, *killed = [url_of(file) for file in files]
    statements, landed = killed_along(job, sample, killed)
    assert statements > 5
    assert landed == KILLS, "a kill that did not land inside the adoption proves nothing"
    before = dump(foreign)
    for file in files[1:]:
        assert dump(file) == before
        assert adopt(url_of(file)).adopted
        assert dump_without_ours(file) == before
