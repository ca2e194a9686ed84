"""`init`, `upgrade`, `downgrade`, `current`: the life of a database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.sql.schema import newest_revision
from tests.integration.cli.conftest import DATABASES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)


def revision_of(url: str) -> str | None:
    store = open_store(url)
    try:
        return store.current()
    finally:
        store.close()


@both
def test_init_makes_a_database_and_may_be_repeated(new_command: Command) -> None:
    """The first call creates, the second changes nothing."""
    first, second = new_command("init", "--json"), new_command("init", "--json")
    needed = newest_revision()
    assert (first.code, first.json["before"], first.json["after"]) == (0, None, needed)
    assert (second.code, second.json["before"], second.json["after"]) == (0, needed, needed)
    assert revision_of(new_command.url) == needed


@both
def test_current_compares_the_revision_found_with_the_one_needed(new_command: Command) -> None:
    """Exit 0 when they agree; else 1, with the cure on the standard error."""
    new_command("init")
    new_command("downgrade", "base", "--yes")
    before = new_command("current", "--json")
    assert (before.code, before.json["found"], before.json["current"]) == (1, None, False)
    assert before.err.count("\n") == 1
    assert "pipeline-store upgrade" in before.err
    assert new_command("upgrade").code == 0
    after = new_command("current", "--json")
    assert (after.code, after.err) == (0, "")
    assert after.json["found"] == after.json["needed"] == newest_revision()


def test_upgrade_does_not_create_a_file(new_command: Command, tmp_path: Path) -> None:
    """Only init and demo may make a file."""
    refused = new_command("upgrade")
    assert refused.code == 1
    assert "pipeline-store init" in refused.err
    assert list(tmp_path.iterdir()) == []


@both
def test_a_downgrade_needs_yes_where_nobody_can_be_asked(
    seeded: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal and without --yes nothing happens; with it, the tables go."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    refused = seeded("downgrade", "base")
    assert (refused.code, refused.out) == (1, "")
    assert "--yes" in refused.err
    assert revision_of(seeded.url) == newest_revision()
    done = seeded("downgrade", "base", "--yes", "--json")
    assert (done.code, done.json["after"]) == (0, None)
    assert revision_of(seeded.url) is None


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_a_person_is_asked_before_a_downgrade(
    seeded: Command, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    """On a terminal the answer decides."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    def confirm(_question: str, **_options: object) -> bool:
        return answer == "y"

    monkeypatch.setattr("typer.confirm", confirm)
    assert seeded("downgrade", "base").code == code
    assert (revision_of(seeded.url) is None) == (answer == "y")


@both
def test_an_unknown_revision_is_refused(seeded: Command) -> None:
    """A downgrade to a revision that does not exist changes nothing."""
    refused = seeded("downgrade", "nowhere", "--yes")
    assert refused.code == 1
    assert refused.err.startswith("error: cannot downgrade to 'nowhere'")
    assert len(refused.err.splitlines()) == 1
    assert revision_of(seeded.url) == newest_revision()


EVERY_VERB_THAT_NEEDS_THE_SCHEMA = [
    ["status"],
    ["queue"],
    ["errors"],
    ["errors", "resolve", "1"],
    ["review", "stats"],
    ["review", "approve", "1"],
    ["review", "set", "a", "b"],
    ["import", "trending", "list.csv"],
    ["import", "youtube-api", "response.json"],
]


@both
def test_an_out_of_date_schema_is_one_line(command: Command) -> None:
    """Found, needed and the command, for every verb that needs the tables."""
    command("downgrade", "base", "--yes")
    cure = "call store.upgrade() or run `pipeline-store upgrade`"
    for verb in EVERY_VERB_THAT_NEEDS_THE_SCHEMA:
        refused = command(*verb)
        assert (refused.code, refused.out) == (1, "")
        errors = [line for line in refused.err.splitlines() if not line.startswith("note: ")]
        assert errors == [f"error: found no schema, needed revision {newest_revision()}: {cure}"]


@pytest.mark.parametrize("verb", [["status"], ["upgrade"], ["init"], ["current"]], ids=" ".join)
def test_a_database_of_a_newer_release_is_left_alone(
    command: Command, tmp_path: Path, verb: list[str]
) -> None:
    """The revision found, the one needed, and that the package is too old."""
    with closing(sqlite3.connect(tmp_path / "pipeline.db")) as raw, raw:
        raw.execute("UPDATE pipeline_store_version SET version_num = '9999'")
    refused = command(*verb)
    assert refused.code == 1
    assert "found schema revision 9999" in refused.err
    assert "newer pipeline-store" in refused.err
