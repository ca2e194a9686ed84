"""Databases that cannot be opened, and values that cannot be stored: one line, no traceback."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.integration.cli.conftest import DATABASES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command, Outcome

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)


def assert_refused_in_a_line(done: Outcome, *words: str) -> None:
    assert (done.code, done.out) == (1, "")
    [line] = done.err.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    "verb", [["status"], ["current"], ["adopt"], ["downgrade", "base", "--yes"]]
)
@pytest.mark.parametrize("spelling", ["{}", "sqlite:///{}"])
def test_a_mistyped_path_is_refused_and_not_created(
    new_command: Command, tmp_path: Path, spelling: str, verb: list[str]
) -> None:
    """Neither the file nor anything beside it appears."""
    path = str(tmp_path / "mistyped.db")
    cure = "nothing to adopt" if verb == ["adopt"] else "`pipeline-store init`"
    assert_refused_in_a_line(new_command.on(spelling.format(path), *verb), path, cure)
    assert list(tmp_path.iterdir()) == []


def test_a_path_is_an_sqlite_file_whatever_its_letters(
    new_command: Command, tmp_path: Path
) -> None:
    """Letters that mean something in a URL mean nothing in a path."""
    path = tmp_path / "50% of a? b#c @d:e.db"
    assert new_command.on(str(path), "init").code == 0
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert new_command.on(str(path), "review", "status", "--json").json == []


@pytest.mark.parametrize("verb", ["status", "init", "upgrade", "adopt"])
def test_what_is_no_database_is_refused(new_command: Command, tmp_path: Path, verb: str) -> None:
    """A directory, a text file, a special file, and a file that is not there to be made."""
    text = tmp_path / "notes.txt"
    text.write_text("not a database, and longer than the sixteen bytes of a header")
    pipe = tmp_path / "pipe.db"
    os.mkfifo(pipe)
    assert_refused_in_a_line(new_command.on(str(tmp_path), verb), str(tmp_path), "directory")
    assert_refused_in_a_line(new_command.on(str(text), verb), str(text), "not an SQLite database")
    assert_refused_in_a_line(new_command.on(str(pipe), verb), str(pipe), "not a regular file")
    nowhere = tmp_path / "nowhere" / "pipeline.db"
    assert_refused_in_a_line(new_command.on(str(nowhere), verb), str(nowhere))
    assert text.read_text().startswith("not a database")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret@host/db",
        "postgres://u:secret@host/db",
        "http://u:secret@host/",
        "nonsense://u:secret@host",
        "://u:secret@host",
        "postgresql://u:secret@127.0.0.1:port/db",
        "postgresql://u:secret@127.0.0.1:1/db",
        "postgresql://u@127.0.0.1:1/db?password=secret",
        "sqlite://pipeline.db",
        "sqlite://",
        "memory://",
        ":memory:",
        "",
    ],
)
@pytest.mark.parametrize("verb", ["status", "init"])
def test_an_unusable_url_is_refused(new_command: Command, url: str, verb: str) -> None:
    """The reason in one line, and never a password."""
    done = new_command.on(url, verb)
    assert_refused_in_a_line(done)
    assert "secret" not in done.err


def test_a_path_with_two_slashes_is_told_of_the_third(new_command: Command) -> None:
    """In sqlite://FILE the name would be a host, and no file."""
    assert_refused_in_a_line(new_command.on("sqlite://pipeline.db", "init"), "three slashes")
    assert_refused_in_a_line(new_command.on("sqlite:///a%00b", "init"), "NUL")


@pytest.mark.postgres
def test_no_output_holds_a_password(
    command: Command, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What names a database leaves out the password, wherever it stood in the URL."""
    monkeypatch.setenv("PGOPTIONS", "")
    scheme, rest = postgres_url.split("://")
    who, at, where = rest.rpartition("@")
    user = who.partition(":")[0]
    join = "&" if "?" in where else "?"
    for url in (
        f"{scheme}://{user}:secret{at}{where}",
        f"{scheme}://{rest}{join}application_name=secret",
    ):
        for verb in ("init", "current", "upgrade"):
            for flag in ([], ["--json"]):
                done = command.on(url, verb, *flag)
                assert "secret" not in done.out + done.err


def test_the_environment_names_the_database(
    new_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`PIPELINE_STORE_URL` counts without --database, which beats it; empty, it is not set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIPELINE_STORE_URL", "sqlite:///from_environment.db")
    assert new_command.without_database("init").code == 0
    assert new_command.on("from_option.db", "init").code == 0
    monkeypatch.setenv("PIPELINE_STORE_URL", "")
    assert new_command.without_database("init").code == 0
    names = {path.name for path in tmp_path.iterdir() if path.suffix == ".db"}
    assert names == {"from_environment.db", "from_option.db", "pipeline.db"}


NOT_FOUND_OR_NOT_STORABLE = [
    ["review", "approve", "77"],
    ["review", "approve", "9" * 30],
    ["review", "hold", "--", "-1"],
    ["review", "upload-short", "77", "id"],
    ["review", "resolve", "77"],
    ["review", "set", "", "value"],
    ["review", "set", "k" * 300, "value"],
    ["review", "set", "key", "half a character \udc80"],
    ["review", "pause", ""],
]


@both
def test_what_cannot_be_found_or_stored_is_refused(seeded: Command) -> None:
    """The package's own error, in one line, on both databases."""
    for arguments in NOT_FOUND_OR_NOT_STORABLE:
        assert_refused_in_a_line(seeded(*arguments))


def test_a_busy_file_is_one_line(
    seeded: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that others keep locked says so, and to try again."""
    monkeypatch.setattr("pipeline_store.sql.engine.BUSY_TIMEOUT_SECONDS", 0)
    holder = sqlite3.connect(tmp_path / "pipeline.db", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        assert_refused_in_a_line(seeded("review", "set", "a", "b"), "try again")
    finally:
        holder.close()
