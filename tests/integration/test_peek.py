"""Looking into a file of another program, while other programs work on it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from pipeline_store.sql.peek import opened_without_trace
from tests.integration.foreign_schemas import ROWS, SPELLINGS, make_foreign, url_of
from tests.integration.test_adopt_files import hot_journal, moved_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def ends_its_transaction(foreign: Path) -> Callable[[], None]:
    """A program that is writing, and whose journal goes with the next call."""
    writer = sqlite3.connect(foreign, isolation_level=None)
    writer.execute("BEGIN")
    writer.execute("UPDATE discovered_videos SET title = 'not to be seen'")
    assert foreign.with_name(f"{foreign.name}-journal").exists()

    def end() -> None:
        writer.execute("ROLLBACK")
        writer.close()

    return end


def opens_what_was_left(foreign: Path) -> Callable[[], None]:
    """A program that puts what another one left beside the file into it, and closes it."""

    def open_and_close() -> None:
        with closing(sqlite3.connect(foreign)) as connection:
            assert connection.execute("SELECT count(*) FROM clips").fetchone()

    return open_and_close


def nothing_left(_file: Path) -> None:
    """A file in rollback mode, closed."""


MEANWHILE: dict[str, tuple[Callable[[Path], None], Callable[[Path], Callable[[], None]]]] = {
    "a transaction ends": (nothing_left, ends_its_transaction),
    "a journal is played back": (hot_journal, opens_what_was_left),
    "a log is put into the file": (moved_log, opens_what_was_left),
}


@pytest.mark.parametrize("case", MEANWHILE)
def test_another_program_works_on_the_file_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Between any two looks at the files, what is beside the database may go into it."""
    leave, other = MEANWHILE[case]
    for look in count(1):
        foreign = make_foreign(tmp_path / f"{look}.db", SPELLINGS["older ORM"], ROWS)
        leave(foreign)
        act, looks = other(foreign), count(1)
        acted: list[int] = []

        def looked(
            act: Callable[[], None] = act,
            looks: Iterator[int] = looks,
            at: int = look,
            acted: list[int] = acted,
        ) -> None:
            if next(looks) == at:
                acted.append(at)
                act()

        with monkeypatch.context() as patched:
            for owner, name in ((Path, "stat"), (shutil, "copyfile")):
                original = getattr(owner, name)

                def watched(
                    *arguments: Any, original: Any = original, looked: Any = looked, **named: Any
                ) -> Any:
                    looked()
                    return original(*arguments, **named)

                patched.setattr(owner, name, watched)
            with opened_without_trace(sa.make_url(url_of(foreign))) as connection:
                asked = sa.text("SELECT count(*) FROM config_overrides")
                found = connection.execute(asked).scalar_one()
                titles = connection.execute(sa.text("SELECT title FROM discovered_videos")).all()
                broken = connection.execute(sa.text("PRAGMA integrity_check")).all()
        assert found == 1 + (leave is moved_log), look
        assert "not to be seen" not in {title for (title,) in titles}, look
        assert max(len(title) for (title,) in titles) < 1000, look
        assert broken == [("ok",)], look
        if not acted:
            act()
            break
