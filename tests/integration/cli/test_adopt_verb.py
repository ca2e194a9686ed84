"""`adopt`: what is told about a file that another program made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.integration.foreign_schemas import ROW_COUNTS, ROWS, SPELLINGS, make_foreign

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command


@pytest.fixture(params=SPELLINGS)
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of another program, without the indexes of the schema."""
    return make_foreign(tmp_path / "old.db", SPELLINGS[request.param], ROWS)


def test_an_adopted_file_is_reported_table_by_table(new_command: Command, foreign: Path) -> None:
    """Rows per table and missing indexes; after it, every verb works."""
    refused = new_command.on(str(foreign), "status")
    assert refused.code == 1
    assert "pipeline-store adopt" in refused.err
    report = new_command.on(str(foreign), "adopt", "--json")
    assert report.code == 0
    assert report.json["adopted"] is True
    assert report.json["rows"] == ROW_COUNTS
    assert report.json["missing_indexes"]
    assert new_command.on(str(foreign), "current").code == 0
    assert new_command.on(str(foreign), "status").code == 0


def test_the_report_is_a_table_and_its_findings(new_command: Command, foreign: Path) -> None:
    """A row that breaks a rule is named by table and key; a second adoption says so."""
    with closing(sqlite3.connect(foreign)) as raw, raw:
        raw.execute(
            "UPDATE clips SET pipeline_run_id = 4711 WHERE id = (SELECT min(id) FROM clips)"
        )
    first = new_command.on(str(foreign), "adopt")
    assert first.code == 0
    assert f"{foreign} was adopted and is at revision" in first.out
    assert "pipeline_run_id: 4711 is no row of pipeline_runs" in first.out
    assert "is missing" in first.err
    assert "is this package's already, at revision" in new_command.on(str(foreign), "adopt").out


def test_findings_are_counted(new_command: Command, foreign: Path) -> None:
    """One row may have several, and an index has some that are of no row."""
    with closing(sqlite3.connect(foreign)) as raw, raw:
        raw.execute("UPDATE clips SET content_id_risk = 'odd', extraction_method = 'odd'")
    report = new_command.on(str(foreign), "adopt")
    assert report.out.count("content_id_risk: one of") == 1
    assert "\n2 findings; everything was kept as it is:\n" in report.out
    with closing(sqlite3.connect(foreign)) as raw, raw:
        raw.execute("UPDATE clips SET content_id_risk = 'low'")
    report = new_command.on(str(foreign), "adopt")
    assert "\n1 finding; everything was kept as it is:\n" in report.out


def test_a_time_that_cannot_be_read_is_found_by_adopting(
    new_command: Command, foreign: Path
) -> None:
    """What reads its row is refused and says how to find it; once corrected, all goes on."""
    with closing(sqlite3.connect(foreign)) as raw, raw:
        raw.execute("UPDATE pipeline_runs SET cycle_start = '28.02.2026'")
    report = new_command.on(str(foreign), "adopt")
    assert "cycle_start: a stored time cannot be read: '28.02.2026'\n" in report.out
    refused = new_command.on(str(foreign), "status")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        "error: a stored time cannot be read: '28.02.2026'; "
        "`pipeline-store adopt` names its row, to be corrected in the file\n"
    )
    with closing(sqlite3.connect(foreign)) as raw, raw:
        raw.execute("UPDATE pipeline_runs SET cycle_start = '2026-02-28 00:00:00'")
    assert new_command.on(str(foreign), "status").code == 0


def test_a_file_that_differs_is_refused_with_the_list(new_command: Command, foreign: Path) -> None:
    """Each difference on a line of its own, or as JSON; the file is left byte for byte."""
    with closing(sqlite3.connect(foreign)) as raw, raw:
        raw.execute("ALTER TABLE clips ADD COLUMN mood TEXT")
        raw.execute("DROP TABLE shorts")
    before = foreign.read_bytes()
    refused = new_command.on(str(foreign), "adopt")
    assert (refused.code, refused.out) == (1, "")
    first, *differences = refused.err.splitlines()
    assert first == f"error: {foreign} cannot be adopted and was not touched:"
    assert len(differences) == 2
    assert all(line.startswith("  - ") for line in differences)
    listed = new_command.on(str(foreign), "adopt", "--json").json
    assert listed["adopted"] is False
    assert len(listed["differences"]) == 2
    assert foreign.read_bytes() == before
    assert [path.name for path in foreign.parent.iterdir()] == [foreign.name]


@pytest.mark.postgres
def test_only_files_are_adopted(new_command: Command, postgres_url: str) -> None:
    """A server is refused, its password not told."""
    refused = new_command.on(postgres_url, "adopt")
    assert refused.code == 1
    assert "only SQLite files" in refused.err


def test_a_path_that_leads_nowhere_is_told_and_nothing_is_made(
    new_command: Command, tmp_path: Path
) -> None:
    """Nobody who looks for a file is told to create another."""
    refused = new_command.on(str(tmp_path / "mistyped.db"), "adopt")
    assert refused.code == 1
    assert refused.err.endswith("mistyped.db, so there is nothing to adopt\n")
    assert not (tmp_path / "mistyped.db").exists()
