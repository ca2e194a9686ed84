"""What init_db makes of what it is given."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from pipeline_store import open_store
from pipeline_store.errors import (
    AdoptionRefused,
    InvalidValue,
    SchemaOutOfDate,
    StoreUnavailable,
)
from pipeline_store.legacy import (
    Clip,
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    get_pending_videos,
    get_session,
    init_db,
    log_error,
    mark_video_processed,
)
from pipeline_store.production import Processed
from tests.integration.foreign_schemas import (
    ROW_COUNTS,
    ROWS,
    SPELLINGS,
    make_foreign,
    traces,
)
from tests.integration.meanwhile import meanwhile
from tests.integration.racing import at_once

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 2, 28, 12, tzinfo=UTC)


def video(video_id: str = "aaaaaaaaaaa", niche: str = "gaming", **more: object) -> DiscoveredVideo:
    return DiscoveredVideo(
        video_id=video_id, title="T", channel_name="", channel_id="", url="", niche=niche, **more
    )  # type: ignore[arg-type]


def ready(url: str) -> str:
    """Makes the database ready and uses it."""
    with get_session(init_db(url)) as session:
        log_error(session, "start", "None", "here")
    return "done"


@pytest.mark.parametrize("start", ["nothing", *SPELLINGS])
def test_many_processes_start_on_one_file(tmp_path: Path, start: str) -> None:
    """Processes that start together on a new or a foreign file all get a database that works."""
    file = tmp_path / "a.db"
    rows = 0
    if start != "nothing":
        make_foreign(file, SPELLINGS[start], ROWS)
        rows = 1
    assert at_once(ready, str(file)) == ["done"] * 8
    engine = init_db(str(file))
    with get_session(engine) as session:
        assert session.query(ErrorLog).count() == rows + 8
    engine.dispose()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_foreign_file_is_adopted(
    tmp_path: Path, spelling: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program's file opens with all its rows; what breaks a rule is told in the log."""
    bad = "UPDATE pipeline_runs SET status = 'odd' WHERE id = 2"
    file = make_foreign(tmp_path / "a.db", SPELLINGS[spelling], ROWS, bad)
    engine = init_db(str(file))
    with get_session(engine) as session:
        assert [each.video_id for each in get_pending_videos(session, "gaming")] == [
            "ccccccccccc",
            "aaaaaaaaaaa",
            "bbbbbbbbbbb",
        ]
        mark_video_processed(session, "ccccccccccc", Processed.REJECTED)
        log_error(session, "upload", "Timeout", "again", 1)
        session.add(video("eeeeeeeeeee"))
        session.commit()
        assert session.query(Clip).one().clip_duration_seconds == 20.5
        assert session.get(PipelineRun, 2).status == "odd"  # type: ignore[union-attr]
    engine.dispose()
    assert "1 findings, listed by `pipeline-store adopt`" in caplog.text
    caplog.clear()
    init_db(str(file)).dispose()
    assert caplog.text == ""


def test_a_foreign_file_that_differs_is_refused(tmp_path: Path) -> None:
    """A file that cannot be adopted is refused with what differs, and left byte for byte."""
    change = "ALTER TABLE clips ADD COLUMN extra TEXT"
    file = make_foreign(tmp_path / "a.db", SPELLINGS["plain DDL"], ROWS, change)
    before = traces(file)
    with pytest.raises(AdoptionRefused, match="clips: column extra is not in the schema"):
        init_db(str(file))
    assert traces(file) == before


def test_a_file_beside_other_tables(tmp_path: Path) -> None:
    """A file that holds none of the ten tables gets them beside what is there."""
    file = make_foreign(tmp_path / "a.db", "CREATE TABLE clips_old (a)", "CREATE TABLE users (a)")
    engine = init_db(str(file))
    assert set(sa.inspect(engine).get_table_names()) >= {"clips_old", "users", *ROW_COUNTS}
    engine.dispose()


@pytest.mark.parametrize("legacy_path", ["path", "postgresql"], indirect=True)
def test_an_existing_store_opens(legacy_path: str) -> None:
    """What a store wrote is read by the helpers, and the other way round."""
    url = legacy_path if "://" in legacy_path else f"sqlite:///{legacy_path}"
    store = open_store(url)
    engine = init_db(legacy_path)
    with store.unit_of_work() as uow:
        uow.discovered_videos.record(video())
        uow.commit()
    with get_session(engine) as session:
        mark_video_processed(session, "aaaaaaaaaaa", 1)
    with store.unit_of_work() as uow:
        assert uow.discovered_videos.pending("gaming") == []
    with get_session(engine) as session, store.unit_of_work(session=session) as uow:  # type: ignore[call-arg]
        assert uow.discovered_videos.count() == 1
    store.close()
    engine.dispose()


def test_a_path_may_hold_what_a_url_may_not(tmp_path: Path) -> None:
    """A path is taken as it is, whatever its characters mean in a URL."""
    file = tmp_path / "50% off? #1 ünd +.db"
    engine = init_db(str(file))
    with get_session(engine) as session:
        session.add(video())
        session.commit()
    engine.dispose()
    assert file.is_file()
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path without directory is a file in the current one."""
    monkeypatch.chdir(tmp_path)
    init_db("a.db").dispose()
    assert (tmp_path / "a.db").is_file()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """A path in a directory that does not exist says so, and creates nothing."""
    with pytest.raises(StoreUnavailable, match=r"there is no directory .*missing"):
        init_db(str(tmp_path / "missing" / "a.db"))
    assert list(tmp_path.iterdir()) == []


def test_wrong_paths_are_refused(tmp_path: Path) -> None:
    """A directory, a file that is no database, and an empty path are refused and left alone."""
    with pytest.raises(StoreUnavailable, match="directory"):
        init_db(str(tmp_path))
    text = tmp_path / "notes.txt"
    text.write_text("not a database, only some notes that are long enough" * 9)
    before = traces(text)
    with pytest.raises(StoreUnavailable, match="not a database"):
        init_db(str(text))
    assert traces(text) == before
    for wrong in ("", None, tmp_path / "a.db", b"a.db"):
        path: Any = wrong
        with pytest.raises(InvalidValue, match="db_path"):
            init_db(path)
    with pytest.raises(StoreUnavailable, match="mysql"):
        init_db("mysql://somewhere/a")


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A database of a newer release is refused with what to do."""
    engine = init_db(str(tmp_path / "a.db"))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE pipeline_store_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SchemaOutOfDate, match="install a newer pipeline-store"):
        init_db(str(tmp_path / "a.db"))


def test_another_program_makes_its_tables_meanwhile(tmp_path: Path) -> None:
    """Today's program and that of tomorrow start at one moment: the file is adopted."""
    for statement in count(1):
        file = tmp_path / f"{statement}.db"
        was_kept_out: list[object] = []

        def act(file: Path = file, was_kept_out: list[object] = was_kept_out) -> None:
            with closing(sqlite3.connect(file, timeout=0)) as theirs:
                try:
                    theirs.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    was_kept_out.append(error)
                    return
                for one in SPELLINGS["older ORM"].split(";"):
                    theirs.execute(one)
                # Whoever reads at this moment keeps it out as well, for that moment.
                with suppress(sqlite3.OperationalError):
                    theirs.commit()

        with meanwhile(act, before=statement) as other:
            engine = init_db(str(file))
        with get_session(engine) as session:
            log_error(session, "start", "None", "here")
        engine.dispose()
        assert other.has_acted
        if was_kept_out:
            break
