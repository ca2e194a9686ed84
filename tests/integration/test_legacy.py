"""The helpers that today's code bases call, on plain sessions."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline_store import legacy, open_store
from pipeline_store.errors import (
    AdoptionRefused,
    InvalidValue,
    NaiveDatetimeWarning,
    SchemaOutOfDate,
    StoreUnavailable,
)
from pipeline_store.legacy import (
    Clip,
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    ReviewLog,
    get_pending_videos,
    get_session,
    init_db,
    log_error,
    mark_video_processed,
)
from pipeline_store.production import Processed
from tests.integration.foreign_schemas import (
    INDEX_NAMES,
    ROW_COUNTS,
    ROWS,
    SPELLINGS,
    make_foreign,
    traces,
)
from tests.integration.racing import at_once
from tests.real_data import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 2, 28, 12, tzinfo=UTC)


@pytest.fixture(params=["path", ":memory:", "postgresql"])
def db_path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What a caller gives to init_db."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return str(tmp_path / "a.db") if request.param == "path" else ":memory:"


@pytest.fixture
def engine(db_path: str) -> Iterator[sa.Engine]:
    """What init_db gives back."""
    engine = init_db(db_path)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: sa.Engine) -> Iterator[Session]:
    """A plain session."""
    with get_session(engine) as session:
        yield session


def video(video_id: str = "aaaaaaaaaaa", niche: str = "gaming", **more: object) -> DiscoveredVideo:
    return DiscoveredVideo(
        video_id=video_id, title="T", channel_name="", channel_id="", url="", niche=niche, **more
    )  # type: ignore[arg-type]


def test_ten_classes_and_five_helpers() -> None:
    """The module offers the five helpers and the ten classes, and nothing else."""
    helpers = {"init_db", "get_session", "get_pending_videos", "mark_video_processed", "log_error"}
    classes = set(legacy.__all__) - helpers
    assert helpers <= set(legacy.__all__)
    assert len(classes) == 10
    assert {getattr(legacy, name).__module__.rpartition(".")[0] for name in classes} == {
        "pipeline_store.production"
    }


def test_an_empty_database_is_made_ready(engine: sa.Engine) -> None:
    """The ten tables and the seven indexes are there, under their exact names."""
    inspector = sa.inspect(engine)
    found = set(inspector.get_table_names())
    assert found >= set(ROW_COUNTS)
    indexes = {index["name"] for table in ROW_COUNTS for index in inspector.get_indexes(table)}
    assert indexes >= INDEX_NAMES


def test_sessions_are_sqlalchemys_own(session: Session) -> None:
    """The session is a plain one, and queries in the old style work on the plain classes."""
    assert type(session) is Session
    session.add(video(view_count=10_200_000_000))
    session.commit()
    found = session.query(DiscoveredVideo).filter_by(video_id="aaaaaaaaaaa").one()
    assert found.view_count == 10_200_000_000
    assert found.discovered_at.tzinfo is UTC
    assert session.query(DiscoveredVideo).filter(DiscoveredVideo.niche == "music").count() == 0


def test_sqlalchemys_own_errors_are_raised(session: Session) -> None:
    """A doubled video and a missing parent are the errors that SQLAlchemy has for them."""
    session.add(video())
    session.commit()
    session.add(video())
    with pytest.raises(sa.exc.IntegrityError):
        session.commit()
    session.rollback()
    session.add(ReviewLog(pipeline_run_id=7))
    with pytest.raises(sa.exc.IntegrityError):
        session.commit()
    session.rollback()
    assert session.query(DiscoveredVideo).count() == 1


def test_what_was_not_committed_is_undone(engine: sa.Engine, session: Session) -> None:
    """A rollback, and the end of a session, undo what was written since the last commit."""
    session.add(video())
    session.flush()
    session.rollback()
    with get_session(engine) as other:
        other.add(video())
        other.flush()
    assert session.query(DiscoveredVideo).count() == 0


def test_a_savepoint_is_undone_alone(session: Session) -> None:
    """A nested transaction can fail without the work around it, also as the first thing done."""
    with pytest.raises(ZeroDivisionError), session.begin_nested():
        session.add(video())
        session.flush()
        raise ZeroDivisionError
    session.add(video("bbbbbbbbbbb"))
    with session.begin_nested():
        session.add(video("ccccccccccc"))
    session.commit()
    assert session.query(DiscoveredVideo).count() == 2


def test_pending_videos(session: Session) -> None:
    """The niche's videos that nothing was done with come, first discovered first."""
    session.add_all(
        [
            video("aaaaaaaaaaa", discovered_at=NOON),
            video("bbbbbbbbbbb", discovered_at=NOON - timedelta(hours=1)),
            video("ccccccccccc", processed=Processed.USED),
            video("ddddddddddd", niche="music"),
        ]
    )
    session.commit()
    assert [each.video_id for each in get_pending_videos(session, "gaming")] == [
        "bbbbbbbbbbb",
        "aaaaaaaaaaa",
    ]
    assert get_pending_videos(session, "") == []


@pytest.mark.parametrize("status", [1, Processed.USED], ids=["number", "name"])
def test_marking_a_video_commits(engine: sa.Engine, session: Session, status: int) -> None:
    """A mark, given as a number or by name, is seen by others at once, with all that was pending."""
    session.add(video())
    mark_video_processed(session, "aaaaaaaaaaa", status)
    session.rollback()
    with get_session(engine) as other:
        (found,) = other.query(DiscoveredVideo)
        assert found.processed is Processed.USED
        assert get_pending_videos(other, "gaming") == []


@pytest.mark.parametrize(
    ("video_id", "status"),
    [("", 1), (None, 1), ("bbbbbbbbbbb", 1), ("aaaaaaaaaaa", 4), ("aaaaaaaaaaa", None)]
    + [("aaaaaaaaaaa", True), ("aaaaaaaaaaa", "1"), ("aaaaaaaaaaa", "")],
)
def test_a_wrong_mark_is_a_value_error(session: Session, video_id: str, status: int) -> None:
    """Empty arguments, an unknown video and an unknown status are a ValueError; nothing changes."""
    session.add(video())
    session.commit()
    with pytest.raises(ValueError, match="video_id|status"):
        mark_video_processed(session, video_id, status)
    assert session.query(DiscoveredVideo).one().processed is Processed.PENDING


def test_logging_an_error_commits(engine: sa.Engine, session: Session) -> None:
    """An error is kept with all that was said about it, and seen by others at once."""
    run = PipelineRun(niche="gaming", cycle_start=NOON, cycle_end=NOON)
    session.add(run)
    session.commit()
    log_error(session, "upload", "Timeout", "no answer", run.id, "Traceback")
    log_error(session, "cut", "OSError", "disk full")
    session.rollback()
    with get_session(engine) as other:
        first, second = other.query(ErrorLog).order_by(ErrorLog.id)  # type: ignore[arg-type]
        assert (first.module, first.error_type, first.error_message) == (
            "upload",
            "Timeout",
            "no answer",
        )
        assert (first.pipeline_run_id, first.stack_trace) == (run.id, "Traceback")
        assert (second.pipeline_run_id, second.stack_trace, second.resolved) == (None, None, 0)
        assert datetime.now(UTC) - second.occurred_at < timedelta(minutes=1)


@pytest.mark.parametrize("missing", range(3))
@pytest.mark.parametrize("nothing", ["", None], ids=["empty", "none"])
def test_an_error_without_content_is_a_value_error(
    session: Session, missing: int, nothing: str
) -> None:
    """An empty module, type or message is a ValueError, and nothing is kept."""
    said = ["upload", "Timeout", "no answer"]
    said[missing] = nothing
    with pytest.raises(ValueError, match="module|error_type|message"):
        log_error(session, *said)
    assert session.query(ErrorLog).count() == 0


def test_an_error_is_logged_where_the_failure_is_handled(session: Session) -> None:
    """A session whose flush has just failed can record what failed."""
    session.add(video())
    session.commit()
    session.add(video())
    try:
        session.flush()
    except sa.exc.IntegrityError as error:
        log_error(session, "discover", type(error).__name__, str(error))
    assert session.query(ErrorLog).one().error_type == "IntegrityError"


def test_naive_times_are_utc(session: Session) -> None:
    """A naive time is taken as UTC in a constructor, an assignment and a filter, with a warning."""
    now = datetime(2026, 2, 28, 12)  # noqa: DTZ001 - what today's code passes
    with pytest.warns(NaiveDatetimeWarning, match="cycle_start"):
        run = PipelineRun(niche="gaming", cycle_start=now, cycle_end=NOON)
    with pytest.warns(NaiveDatetimeWarning, match="started_at"):
        run.started_at = now
    session.add(run)
    session.commit()
    with pytest.warns(NaiveDatetimeWarning):
        (found,) = session.query(PipelineRun).filter(
            PipelineRun.cycle_start >= now - timedelta(hours=1)
        )
    with pytest.warns(NaiveDatetimeWarning):
        assert session.query(PipelineRun).filter_by(cycle_start=now).one() is found
    assert found.cycle_start == found.started_at == NOON


def test_long_lived_sessions_see_what_others_wrote(engine: sa.Engine, session: Session) -> None:
    """A session that is never closed finds new rows, and after its commit new values."""
    session.add(video())
    session.commit()
    assert [each.title for each in get_pending_videos(session, "gaming")] == ["T"]
    if engine.url.database == ":memory:":
        pytest.skip("sessions on one database in memory share its one connection")
    with get_session(engine) as other:
        other.query(DiscoveredVideo).one().title = "new"
        other.add(video("bbbbbbbbbbb"))
        other.commit()
    assert len(get_pending_videos(session, "gaming")) == 2
    session.commit()
    assert [each.title for each in get_pending_videos(session, "gaming")] == ["new", "T"]


def test_two_sessions_at_a_time(engine: sa.Engine) -> None:
    """A second session can read and write while the first is open, in memory too."""
    with get_session(engine) as first, get_session(engine) as second:
        first.add(video())
        first.commit()
        assert second.query(DiscoveredVideo).count() == 1
        mark_video_processed(second, "aaaaaaaaaaa", 2)
        first.expire_all()
        assert first.query(DiscoveredVideo).one().processed is Processed.SKIPPED


def test_threads_see_one_database(engine: sa.Engine) -> None:
    """A session of another thread sees what this one committed, in memory too."""
    with get_session(engine) as session:
        session.add(video())
        session.commit()
    found: list[int] = []

    def count() -> None:
        with get_session(engine) as other:
            found.append(other.query(DiscoveredVideo).count())

    thread = threading.Thread(target=count)
    thread.start()
    thread.join()
    assert found == [1]


def write_once(url: str) -> str:
    """Marks a video in another process; returns how many seconds it took."""
    started = time.monotonic()
    with get_session(init_db(url)) as session:
        mark_video_processed(session, "aaaaaaaaaaa", 1)
    return f"{time.monotonic() - started:.2f}"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_an_idle_reader_stops_nobody(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A session that has read and stays open lets others write, and can write afterwards itself."""
    url = (
        f"sqlite:///{tmp_path / 'a.db'}"
        if database == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    engine = init_db(url)
    with get_session(engine) as idle:
        idle.add_all([video(), video("bbbbbbbbbbb")])
        idle.commit()
        assert len(get_pending_videos(idle, "gaming")) == 2
        (seconds,) = at_once(write_once, url, 1)
        assert float(seconds) < 10
        # It has read before the other wrote; a lock that is asked for late would be refused.
        mark_video_processed(idle, "bbbbbbbbbbb", 2)
        assert get_pending_videos(idle, "gaming") == []
    engine.dispose()


def write_many(url: str) -> str:
    """Reads and writes in turns on one session, beside others that do the same."""
    with get_session(init_db(url)) as session:
        for number in range(50):
            assert get_pending_videos(session, "gaming")
            log_error(session, "race", "Turn", str(number))
    return "done"


def test_readers_that_write_are_never_told_to_try_again(tmp_path: Path) -> None:
    """Processes that read and write in turns on one SQLite file wait for each other."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    engine = init_db(url)
    with get_session(engine) as session:
        session.add(video())
        session.commit()
    assert at_once(write_many, url, 4) == ["done"] * 4
    with get_session(engine) as session:
        assert session.query(ErrorLog).count() == 200
    engine.dispose()


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
    """The file of another program opens with all its rows; what breaks a rule is told in the log."""
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


def test_an_existing_store_opens(db_path: str) -> None:
    """What a store wrote is read by the helpers, and the other way round."""
    if db_path == ":memory:":
        pytest.skip("a database in memory is gone with its engine")
    url = db_path if "://" in db_path else f"sqlite:///{db_path}"
    store = open_store(url)
    engine = init_db(db_path)
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
    with pytest.raises(InvalidValue, match="db_path"):
        init_db("")
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


def test_objects_made_before_the_mapping_can_be_added() -> None:
    """An object that was made before this module was imported is added like any other."""
    program = (
        "from pipeline_store.production import DiscoveredVideo\n"
        "early = DiscoveredVideo(video_id='a', title='', channel_name='', channel_id='', url='',\n"
        "                        niche='n')\n"
        "import sys; assert 'sqlalchemy' not in sys.modules\n"
        "from pipeline_store.legacy import *\n"
        "session = get_session(init_db(':memory:'))\n"
        "session.add(early); session.commit()\n"
        "assert session.query(DiscoveredVideo).filter_by(video_id='a').one() is early\n"
        "assert early.id == 1\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=REPOSITORY, check=True)


def test_times_of_today_raise_no_warning(session: Session) -> None:
    """Aware times, as they are read back, raise no warning when they are used again."""
    session.add(video(discovered_at=NOON))
    session.commit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = session.query(DiscoveredVideo).filter(DiscoveredVideo.discovered_at <= NOON)
        found.discovered_at = found.discovered_at + timedelta(hours=1)
        session.commit()
    assert found.discovered_at == NOON + timedelta(hours=1)
