"""Tables of other programs, compared and taken over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs
import pytest

from pipeline_store.channels import Channel, ProcessingJob
from pipeline_store.errors import AdoptionRefused
from pipeline_store.sql import SqlStore, schema
from pipeline_store.sql.adopt import AdoptionReport, adopt
from tests.integration.foreign_schemas import (
    INDEX_NAMES,
    INDEXES,
    OLDER_ORM,
    PLAIN_DDL,
    ROW_COUNTS,
    change,
    dump,
    dump_without_ours,
    forget_adoption,
    make_foreign,
    traces,
    url_of,
)

if TYPE_CHECKING:
    from pathlib import Path


def findings(report: AdoptionReport) -> list[str]:
    return [str(finding) for finding in report.findings]


def test_every_row_is_kept_and_nothing_is_touched(foreign: Path) -> None:
    """The ten tables, their rows and whatever was made of them are the same before and after."""
    before = dump_without_ours(foreign)
    assert before == dump(foreign)
    report = adopt(url_of(foreign))
    assert report == AdoptionReport(
        database=str(foreign),
        adopted=True,
        revision=schema.newest_revision(),
        rows=ROW_COUNTS,
        findings=(),
        missing_indexes=report.missing_indexes,
    )
    assert report.tables == tuple(report.rows)
    assert dump_without_ours(foreign) == before
    store = SqlStore(url_of(foreign))
    assert store.current() == schema.newest_revision()
    store.close()


def test_the_report_cannot_be_changed(foreign: Path) -> None:
    """A report is a value."""
    report = adopt(url_of(foreign))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        report.adopted = False  # type: ignore[misc]


def test_indexes_may_be_there_or_not(foreign: Path) -> None:
    """Missing indexes are reported by name and not made; those that are there are not reported."""
    report = adopt(url_of(foreign))
    assert set(report.missing_indexes) == INDEX_NAMES
    forget_adoption(foreign)
    change(foreign, *INDEXES.strip().split("\n")[1:])
    report = adopt(url_of(foreign))
    assert report.missing_indexes == ("idx_discovered_videos_niche",)


def test_an_adopted_file_can_be_adopted_again(foreign: Path) -> None:
    """The second adoption finds a revision, changes nothing and reports the same."""
    first = adopt(url_of(foreign))
    before = traces(foreign)
    assert adopt(url_of(foreign)) == attrs.evolve(first, adopted=False)
    assert traces(foreign) == before


def test_a_file_of_our_own(tmp_path: Path) -> None:
    """A file that a store made is left as it is."""
    store = SqlStore(url_of(tmp_path / "a.db"))
    store.upgrade()
    store.close()
    before = traces(tmp_path / "a.db")
    report = store.adopt()
    assert (report.adopted, report.findings, report.missing_indexes) == (False, (), ())
    assert traces(tmp_path / "a.db") == before


def test_tables_of_the_host_are_left_alone(foreign: Path) -> None:
    """Other tables beside the ten stay, broken references of their own included."""
    change(
        foreign,
        "CREATE TABLE alembic_version (version_num TEXT)",
        "INSERT INTO alembic_version VALUES ('host7')",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES users(id))",
        "INSERT INTO users VALUES (1, 99)",
        "CREATE TABLE odd (a REFERENCES users(boss))",
        "CREATE VIEW names AS SELECT niche FROM pipeline_runs",
    )
    report = adopt(url_of(foreign))
    assert report.findings == ()
    with closing(sqlite3.connect(foreign)) as connection:
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [("host7",)]
        assert connection.execute("SELECT * FROM users").fetchall() == [(1, 99)]
        assert connection.execute("SELECT count(*) FROM names").fetchall() == [(2,)]


DIFFERENT = {
    "a table is missing": (
        ["DROP TABLE tts_audio"],
        ["table tts_audio is missing"],
    ),
    "a view in its place": (
        ["DROP TABLE tts_audio", "CREATE VIEW tts_audio AS SELECT 1 AS id"],
        ["table tts_audio is missing"],
    ),
    "a column is missing": (
        ["ALTER TABLE clips DROP COLUMN clip_file_path"],
        ["clips: column clip_file_path is missing"],
    ),
    "a column is too many": (
        ["ALTER TABLE clips ADD COLUMN extra TEXT"],
        ["clips: column extra is not in the schema"],
    ),
    "a generated column is too many": (
        ["ALTER TABLE clips ADD COLUMN extra AS (id + 1)"],
        ["clips: column extra is not in the schema"],
    ),
    "a column has another name": (
        ["ALTER TABLE analytics RENAME COLUMN measured_at TO at"],
        [
            "analytics: column measured_at is missing",
            "analytics: column at is not in the schema",
        ],
    ),
    "a column has another type": (
        [
            "ALTER TABLE scripts DROP COLUMN total_char_count",
            "ALTER TABLE scripts ADD COLUMN total_char_count TEXT",
        ],
        ["scripts: column total_char_count is TEXT, BIGINT is needed"],
    ),
    "a column has no type": (
        [
            "ALTER TABLE scripts DROP COLUMN opening_text",
            "ALTER TABLE scripts ADD COLUMN opening_text",
        ],
        ["scripts: column opening_text is untyped, TEXT is needed"],
    ),
    "a column must not be null": (
        [
            "ALTER TABLE scripts DROP COLUMN opening_text",
            "ALTER TABLE scripts ADD COLUMN opening_text TEXT NOT NULL DEFAULT ''",
        ],
        ["scripts: column opening_text is NOT NULL, the schema lets it be null"],
    ),
    "a column may be null": (
        [
            "ALTER TABLE tts_audio DROP COLUMN engine_used",
            "ALTER TABLE tts_audio ADD COLUMN engine_used TEXT",
        ],
        ["tts_audio: column engine_used may be null, the schema says NOT NULL"],
    ),
    "a reference leads elsewhere": (
        [
            "ALTER TABLE error_log DROP COLUMN stack_trace",
            "ALTER TABLE error_log ADD COLUMN stack_trace TEXT REFERENCES scripts(id)",
        ],
        ["error_log: column stack_trace refers to scripts, in the schema it does not"],
    ),
    "several": (
        ["DROP TABLE tts_audio", "ALTER TABLE clips ADD COLUMN extra TEXT"],
        ["table tts_audio is missing", "clips: column extra is not in the schema"],
    ),
}


@pytest.mark.parametrize("difference", DIFFERENT)
def test_what_differs_is_listed_and_left_byte_for_byte(foreign: Path, difference: str) -> None:
    """A file that differs is refused with the whole list, and no byte and no file is changed."""
    statements, expected = DIFFERENT[difference]
    change(foreign, *statements)
    before = traces(foreign)
    with pytest.raises(AdoptionRefused, match="cannot be adopted and was not touched") as refused:
        adopt(url_of(foreign))
    assert sorted(refused.value.differences) == sorted(expected)
    assert str(foreign) in str(refused.value)
    assert traces(foreign) == before


REMADE = {
    "(key) is needed": ("key TEXT PRIMARY KEY", "key TEXT", "its primary key is (), (key)"),
    "INTEGER keys": (
        "id INTEGER PRIMARY KEY AUTOINCREMENT",
        "id BIGINT PRIMARY KEY",
        "id is BIGINT",
    ),
    "rowid": ("updated_by TEXT DEFAULT 'system'\n)", "updated_by TEXT) WITHOUT ROWID", "ROWID"),
    "unique": (
        "video_id TEXT NOT NULL UNIQUE",
        "video_id TEXT NOT NULL",
        "(video_id) is not unique",
    ),
}


@pytest.mark.parametrize("difference", REMADE)
def test_tables_made_with_other_keys_are_refused(tmp_path: Path, difference: str) -> None:
    """Keys that do not number themselves, or are not unique, are refused."""
    old, new, expected = REMADE[difference]
    assert old in PLAIN_DDL
    file = make_foreign(tmp_path / "a.db", PLAIN_DDL.replace(old, new))
    before = traces(file)
    with pytest.raises(AdoptionRefused) as refused:
        adopt(url_of(file))
    assert any(expected in line for line in refused.value.differences), refused.value
    assert traces(file) == before


def test_an_index_makes_a_column_unique_too(tmp_path: Path) -> None:
    """A unique index serves where the column is not declared unique; a partial one does not."""
    ddl = PLAIN_DDL.replace("video_id TEXT NOT NULL UNIQUE", "video_id TEXT NOT NULL")
    index = "CREATE UNIQUE INDEX mine ON discovered_videos(video_id)"
    partial = make_foreign(tmp_path / "b.db", ddl, f"{index} WHERE processed = 0")
    with pytest.raises(AdoptionRefused, match=r"\(video_id\) is not unique"):
        adopt(url_of(partial))
    assert adopt(url_of(make_foreign(tmp_path / "a.db", ddl, index))).findings == ()


def test_oddities_are_reported(tmp_path: Path) -> None:
    """What changes how writes behave, and loses no row, is reported and adopted."""
    ddl = PLAIN_DDL.replace("clip_id INTEGER REFERENCES clips(id)", "clip_id INTEGER")
    index = "CREATE UNIQUE INDEX mine ON analytics(youtube_video_id, measured_at)"
    report = adopt(url_of(make_foreign(tmp_path / "a.db", ddl, index)))
    assert findings(report) == [
        "shorts: clip_id is not declared as a foreign key, so none is enforced",
        "analytics: mine makes (youtube_video_id, measured_at) unique, the schema does not",
    ]


def test_the_other_tables_are_added(foreign: Path) -> None:
    """An adopted file serves the channels beside the ten, and both keep what they hold."""
    store = SqlStore(url_of(foreign))
    store.adopt()
    with store.unit_of_work() as uow:
        runs = uow.pipeline_runs.count()
        channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        uow.jobs.add(ProcessingJob(channel_id=channel.id, job_type="scrape"))
        uow.commit()
    claim = store.claim_next("worker-1", lease=timedelta(minutes=1))
    assert claim is not None
    store.complete(claim)
    with store.unit_of_work(read_only=True) as uow:
        assert (uow.pipeline_runs.count(), uow.channels.count(), uow.jobs.count()) == (runs, 1, 1)
    store.close()
    assert runs == ROW_COUNTS["pipeline_runs"]


def test_an_adopted_file_goes_down_to_the_ten(foreign: Path) -> None:
    """Down to the first revision nothing of the other program's is lost."""
    before = dump(foreign)
    store = SqlStore(url_of(foreign))
    store.adopt()
    store.downgrade(schema.ADOPTED_REVISION)
    store.close()
    assert dump(foreign) == before


def test_both_spellings_are_what_they_say() -> None:
    """The fixtures hold what makes the two spellings differ."""
    assert "AUTOINCREMENT" in PLAIN_DDL
    assert "TIMESTAMP DEFAULT CURRENT_TIMESTAMP" in PLAIN_DDL
    assert "VARCHAR" not in PLAIN_DDL
    assert "DATETIME NOT NULL" in OLDER_ORM
    assert "PRIMARY KEY (id)" in OLDER_ORM
    assert "AUTOINCREMENT" not in OLDER_ORM
