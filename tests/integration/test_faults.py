"""A fault at every statement and at the commit of many units of work: all or nothing, and again.

Whatever goes wrong where, the caller sees an error of the package, the database holds what it held
before, the connection is back in the pool, and doing it again works.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from pipeline_store import open_async_store, open_store
from pipeline_store.errors import (
    CommitUnknown,
    PipelineStoreError,
    StoreFailure,
    StoreUnavailable,
)
from pipeline_store.production import (
    Clip,
    DiscoveredVideo,
    ErrorLog,
    ReviewAction,
    ReviewLog,
    Script,
    Short,
)
from pipeline_store.sql import SqlStore, metadata
from pipeline_store.sql.engine import read_only
from tests.conftest import is_on
from tests.integration.contract.blocking import blocking
from tests.integration.in_step.drivers import Clock
from tests.integration.in_step.kinds import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store, UnitOfWork
    from tests.postgres_server import PostgresServer

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
LATER = START + timedelta(hours=6)
SOAK = is_on("PIPELINE_STORE_SOAK")

pytestmark = pytest.mark.slow


# -- units of work to be interrupted -----------------------------------------------------------


def make_a_run(uow: UnitOfWork) -> None:
    run = uow.pipeline_runs.for_cycle("music", START, LATER)
    run.start(START)
    video = uow.discovered_videos.by_video_id("video 0")
    assert video is not None
    clip = uow.clips.add(
        Clip(
            pipeline_run_id=run.id,
            discovered_video_id=video.id,
            rank_position=1,
            start_time_seconds=1,
            end_time_seconds=20,
        )
    )
    uow.shorts.add(Short(pipeline_run_id=run.id, clip_id=clip.id))
    uow.scripts.add(Script(pipeline_run_id=run.id, full_script_json="{}"))


def record_videos(uow: UnitOfWork) -> None:
    uow.discovered_videos.record_many(a_video(n, views=100 + n) for n in range(1, 5))


def record_a_video(uow: UnitOfWork) -> None:
    video = uow.discovered_videos.by_video_id("video 0")
    assert video is not None
    video.title = "changed"
    uow.discovered_videos.record(a_video(0, views=77))
    video.viral_score = 0.5


def record_readings(uow: UnitOfWork) -> None:
    uow.analytics.record_many(
        {"youtube_video_id": "video 0", "measured_at": START + timedelta(minutes=n)}
        for n in range(5)
    )
    uow.config_overrides.set("read", "yes")


def record_new_readings(uow: UnitOfWork) -> None:
    reading = {"youtube_video_id": "video 0", "measured_at": LATER, "view_count": 2**40}
    uow.analytics.record_new([reading, reading])


def change_what_was_read(uow: UnitOfWork) -> None:
    for video in uow.discovered_videos.page():
        video.view_count = (video.view_count or 0) + 1
    run = uow.pipeline_runs.latest_for("gaming")
    assert run is not None
    run.retry_count += 1
    uow.pipeline_runs.count()
    run.error_message = "changed again"


def change_what_was_read_before(uow: UnitOfWork) -> None:
    for video in KEPT["videos"]:
        video.view_count = 9
    uow.discovered_videos.add_many(KEPT["videos"])


def remove_a_clip(uow: UnitOfWork) -> None:
    (clip,) = uow.clips.page()
    (short,) = uow.shorts.page()
    uow.shorts.remove(short)
    uow.clips.remove(clip)


def approve(uow: UnitOfWork) -> None:
    run = uow.pipeline_runs.latest_for("gaming")
    assert run is not None
    review = uow.reviews.open_for(run.id)
    assert review is not None
    review.answer(ReviewAction.APPROVE, uow.now())
    run.approve()


def hold_what_is_overdue(uow: UnitOfWork) -> None:
    (held,) = uow.reviews.hold_overdue()
    held.response_detail = "nobody answered"


def change_the_settings(uow: UnitOfWork) -> None:
    uow.config_overrides.set("paused.jobs", "1", "bot")
    uow.config_overrides.set("new", "2")
    assert uow.config_overrides.unset("paused.niche.gaming")


def log_and_resolve(uow: UnitOfWork) -> None:
    (error,) = uow.errors.recent()
    uow.errors.resolve(error.id)
    uow.errors.add_many(
        ErrorLog(module="cut", error_type="ValueError", error_message=str(n)) for n in range(3)
    )


def mark_videos(uow: UnitOfWork) -> None:
    for video in uow.discovered_videos.pending("gaming"):
        uow.discovered_videos.mark(video.video_id, 1)  # type: ignore[arg-type]


SCENARIOS = [
    make_a_run,
    record_videos,
    record_a_video,
    record_readings,
    record_new_readings,
    change_what_was_read,
    change_what_was_read_before,
    remove_a_clip,
    approve,
    hold_what_is_overdue,
    change_the_settings,
    log_and_resolve,
    mark_videos,
]
AWAITED = [make_a_run, record_a_video, record_readings, change_what_was_read]
KEPT: dict[str, Any] = {}


def a_video(number: int, views: int = 0) -> DiscoveredVideo:
    return DiscoveredVideo(
        video_id=f"video {number}",
        title="",
        channel_name="",
        channel_id="",
        url="",
        niche="gaming",
        view_count=views,
    )


def populate(uow: UnitOfWork) -> None:
    KEPT["videos"] = uow.discovered_videos.add_many(a_video(n) for n in range(3))
    run = uow.pipeline_runs.for_cycle("gaming", START, LATER)
    run.start(START)
    run.send_to_review()
    uow.reviews.add(ReviewLog(pipeline_run_id=run.id, sent_at=START - timedelta(hours=5)))
    clip = Clip(
        pipeline_run_id=run.id,
        discovered_video_id=KEPT["videos"][0].id,
        rank_position=1,
        start_time_seconds=0,
        end_time_seconds=9,
    )
    uow.clips.add(clip)
    uow.shorts.add(Short(pipeline_run_id=run.id, clip_id=clip.id))
    uow.config_overrides.set("paused.jobs", "0")
    uow.config_overrides.set("paused.niche.gaming", "0")
    uow.errors.add(ErrorLog(module="cut", error_type="ValueError", error_message="old"))


# -- stores with faults ------------------------------------------------------------------------


class Faulty:
    """A store whose statements are counted, and one of which fails when that is asked for."""

    def __init__(self, store: Store, url: str) -> None:
        self.store = store
        self.url = url
        #: A way past that store.
        self.outside = SqlStore(url)
        lifted: Any = getattr(store, "lifted", None)
        self.engine: sa.Engine = lifted.counterpart.engine if lifted else store.engine  # type: ignore[attr-defined]
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.seen = 0
        self._at = 0
        self._fault: Callable[[Any], None] = lambda _cursor: None
        for name in ("do_execute", "do_executemany", "do_execute_no_params"):
            event.listen(self.engine, name, self._before)

    def reset(self) -> None:
        """Gives the database its first contents again."""
        with self.outside.engine.begin() as connection:
            for table in TABLES:
                connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - our names
        with self.store.unit_of_work() as uow:
            populate(uow)
            uow.commit()

    def attempt(self, scenario: Callable[[UnitOfWork], None]) -> None:
        """Does the unit of work, and nothing else."""
        with self.store.unit_of_work() as uow:
            scenario(uow)
            uow.commit()

    @contextmanager
    def failing(self, at: int, fault: Callable[[Any], None]) -> Iterator[None]:
        """Lets that statement of the block fail, counted from 1; 0 lets none fail."""
        self.seen, self._at, self._fault = 0, at, fault
        try:
            yield
        finally:
            self._at = 0

    def count(self) -> None:
        """Takes note of a statement that SQLAlchemy does not see."""
        self._before(None)

    def _before(self, cursor: Any, *_: object) -> None:
        self.seen += 1
        if self.seen == self._at:
            self._fault(cursor)

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows, without the keys that a store gives."""
        with read_only(self.outside.engine).connect() as connection:
            return {
                name: sorted(map(tuple, connection.execute(rows)), key=repr)
                for name, rows in ROWS.items()
            }

    def check_pool(self) -> None:
        """Whether every connection is back."""
        pool: Any = self.engine.pool
        assert pool.checkedout() == 0


ROWS = {
    table.name: sa.select(
        *(column for column in table.columns if column.name != "id" and not column.foreign_keys)
    )
    for table in metadata.sorted_tables
    if table.name in TABLES
}


FILES = ["sqlite", "aiosqlite"]
SERVERS = [
    pytest.param("psycopg", marks=pytest.mark.postgres),
    pytest.param("asyncpg", marks=pytest.mark.postgres),
]
WHERE_AND_WHAT = [
    pytest.param(name, scenario, marks=[pytest.mark.postgres] if name.endswith("pg") else [])
    for name in ("sqlite", "aiosqlite", "psycopg", "asyncpg")
    for scenario in SCENARIOS
    # The awaited stores run the same code over other drivers.
    if SOAK or name in {"sqlite", "psycopg"} or scenario in AWAITED
]


@pytest.fixture(scope="module")
def open_faulty(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Faulty]]:
    """Opens the store of a driver once: every test gives it its first contents again."""
    opened: dict[str, Faulty] = {}
    with ExitStack() as undo:

        def open_once(driver: str) -> Faulty:
            if driver not in opened:
                url = f"sqlite:///{tmp_path_factory.mktemp(driver) / 'a.db'}"
                if not driver.endswith("sqlite"):
                    server: PostgresServer = request.getfixturevalue("postgres_server")
                    url = server.create_database()
                    undo.callback(server.drop_database, url)
                opened[driver] = undo.enter_context(new_faulty(driver, url))
            return opened[driver]

        yield open_once


@contextmanager
def new_faulty(driver: str, url: str) -> Iterator[Faulty]:
    with ExitStack() as undo:
        clock = Clock(START)
        if driver in {"sqlite", "psycopg"}:
            store = open_store(url, clock=clock)
            undo.callback(store.close)
        else:
            store = undo.enter_context(blocking(open_async_store(url, clock=clock)))
        store.upgrade()
        faulty = Faulty(store, url)
        undo.callback(faulty.outside.close)
        yield faulty


@pytest.fixture(params=[*FILES, *SERVERS])
def faulty(
    request: pytest.FixtureRequest,
    open_faulty: Callable[[str], Faulty],
    monkeypatch: pytest.MonkeyPatch,
) -> Faulty:
    faulty = open_faulty(request.param)
    if request.param == "psycopg":
        copy = psycopg.Cursor.copy

        def counted(cursor: Any, *arguments: Any, **named: Any) -> Any:
            faulty.count()
            return copy(cursor, *arguments, **named)

        monkeypatch.setattr(psycopg.Cursor, "copy", counted)
    if request.param == "asyncpg":
        copy_records = asyncpg.Connection.copy_records_to_table

        async def counted_copy(connection: Any, *arguments: Any, **named: Any) -> Any:
            faulty.count()
            return await copy_records(connection, *arguments, **named)

        monkeypatch.setattr(asyncpg.Connection, "copy_records_to_table", counted_copy)
    return faulty


def disk_error(faulty: Faulty) -> Callable[[Any], None]:
    """What a driver raises when the disk fails."""

    def raise_it(cursor: Any) -> None:
        if faulty.is_sqlite:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_READ"
            raise error
        if faulty.engine.dialect.driver == "psycopg":
            raise psycopg.errors.DiskFull("could not extend file")
        if cursor is None:
            raise asyncpg.DiskFullError("could not extend file")
        dbapi: Any = faulty.engine.dialect.loaded_dbapi
        error = dbapi.OperationalError("could not extend file")
        error.sqlstate = asyncpg.DiskFullError.sqlstate
        raise error

    return raise_it


def cut_connection(faulty: Faulty) -> Callable[[Any], None]:
    """Ends the server's side of the connection that the statement is about to use."""

    def cut(_cursor: Any) -> None:
        with psycopg.connect(faulty.url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND state LIKE 'idle in transaction%'"
            )

    return cut


def interrupt(
    faulty: Faulty,
    scenario: Callable[[UnitOfWork], None],
    fault: Callable[[Any], None],
    expected: type[PipelineStoreError],
    first: int = 1,
) -> None:
    """Does the unit of work once for each of its statements, which fails, and then once more.

    Without `make soak` it is done once more after the first and the last statement only.
    """
    faulty.reset()
    before = faulty.contents()
    with faulty.failing(0, fault):
        faulty.attempt(scenario)
    statements = faulty.seen
    after = faulty.contents()
    assert after != before
    assert statements >= first
    faulty.reset()
    every = range(first, statements + 1, 1 if SOAK else 3)
    for at in sorted({*every, statements}):
        with faulty.failing(at, fault), pytest.raises(expected):
            faulty.attempt(scenario)
        faulty.check_pool()
        assert faulty.contents() == before, f"statement {at} of {statements}"
        if SOAK or at in {first, statements}:
            faulty.attempt(scenario)
            assert faulty.contents() == after, f"statement {at} of {statements}"
            faulty.check_pool()
            faulty.reset()


@pytest.mark.parametrize(("faulty", "scenario"), WHERE_AND_WHAT, indirect=["faulty"])
def test_a_fault_at_any_statement_undoes_all(
    faulty: Faulty, scenario: Callable[[UnitOfWork], None]
) -> None:
    """A unit of work that a statement fails in changes nothing, and can be done again."""
    interrupt(faulty, scenario, disk_error(faulty), StoreFailure)


@pytest.mark.parametrize("faulty", SERVERS, indirect=True)
@pytest.mark.parametrize("scenario", SCENARIOS if SOAK else AWAITED)
def test_a_connection_lost_at_any_statement_undoes_all(
    faulty: Faulty, scenario: Callable[[UnitOfWork], None]
) -> None:
    """A unit of work whose connection is lost changes nothing, and can be done again."""
    # Before the first statement there is no transaction; the pool finds that loss by itself.
    interrupt(faulty, scenario, cut_connection(faulty), StoreUnavailable, first=2)


@pytest.mark.parametrize("scenario", SCENARIOS if SOAK else AWAITED)
def test_a_fault_at_the_commit_undoes_all(
    faulty: Faulty, scenario: Callable[[UnitOfWork], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit of work whose commit is refused changes nothing, and can be done again."""
    faulty.reset()
    before = faulty.contents()
    with monkeypatch.context() as patch:
        patch.setattr(faulty.engine.dialect, "do_commit", disk_error(faulty))
        with pytest.raises(StoreFailure):
            faulty.attempt(scenario)
    faulty.check_pool()
    assert faulty.contents() == before
    faulty.attempt(scenario)
    assert faulty.contents() != before


@pytest.mark.parametrize("faulty", SERVERS, indirect=True)
def test_an_unknown_commit_says_so(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection lost after the commit was sent raises CommitUnknown; the changes are there."""
    faulty.reset()
    commit = faulty.engine.dialect.do_commit
    cut = cut_connection(faulty)

    def commit_and_lose(connection: Any) -> None:
        commit(connection)
        cut(None)
        dbapi: Any = faulty.engine.dialect.loaded_dbapi
        raise dbapi.OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(faulty.engine.dialect, "do_commit", commit_and_lose)
        with pytest.raises(CommitUnknown):
            faulty.attempt(change_the_settings)
    faulty.check_pool()
    with faulty.outside.unit_of_work(read_only=True) as uow:
        assert uow.config_overrides.value("new") == "2"


def test_a_fault_while_rolling_back_keeps_the_first_error(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the caller is not hidden by a rollback that fails, and the pool stays whole."""
    faulty.reset()
    before = faulty.contents()
    with monkeypatch.context() as patch:
        patch.setattr(faulty.engine.dialect, "do_rollback", disk_error(faulty))
        errors = (ZeroDivisionError, PipelineStoreError)
        with pytest.raises(errors) as raised, faulty.store.unit_of_work() as uow:  # noqa: PT012
            make_a_run(uow)
            raise ZeroDivisionError
    error: BaseException | None = raised.value
    while error is not None and not isinstance(error, ZeroDivisionError):
        error = error.__context__
    assert isinstance(error, ZeroDivisionError)
    faulty.check_pool()
    assert faulty.contents() == before
    faulty.attempt(make_a_run)
    assert faulty.contents() != before
