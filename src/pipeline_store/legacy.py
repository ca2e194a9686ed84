"""The helpers that today's code bases call, beside the ten classes; new code opens a store instead.

    engine = init_db("pipeline.db")
    with get_session(engine) as session:
        for video in get_pending_videos(session, "gaming"):
            mark_video_processed(session, video.video_id, Processed.USED)

Sessions are SQLAlchemy's own, so its own errors are raised on them. On SQLite they take the write
lock with the first write and not with the first read: a program that has read and then does nothing
stops nobody, and one that reads, waits and then writes is not told "database is locked" because
somebody else wrote meanwhile. The price is the usual one of such sessions: of two that change the
same column of the same row, the later one wins. A unit of work gives the later one a `Conflict`.

Times read back are aware, in UTC; naive ones are taken as UTC, with a `NaiveDatetimeWarning`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from pipeline_store import values
from pipeline_store.errors import InvalidValue, SchemaOutOfDate
from pipeline_store.production import (
    Analytics,
    Clip,
    ConfigOverride,
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    Processed,
    ReviewLog,
    Script,
    Short,
    TTSAudio,
)
from pipeline_store.sql import schema
from pipeline_store.sql.adopt import adopt, waits_for_adoption
from pipeline_store.sql.columns import chronological
from pipeline_store.sql.engine import locking_late, make_engine
from pipeline_store.sql.production import discovered_videos
from pipeline_store.sql.urls import create_sqlite_file, parse_url, sqlite_file

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

__all__ = [
    "Analytics",
    "Clip",
    "ConfigOverride",
    "DiscoveredVideo",
    "ErrorLog",
    "PipelineRun",
    "ReviewLog",
    "Script",
    "Short",
    "TTSAudio",
    "get_pending_videos",
    "get_session",
    "init_db",
    "log_error",
    "mark_video_processed",
]

_log = logging.getLogger(__name__)


def init_db(db_path: str) -> Engine:
    """Return an engine on a database that is ready: created, adopted or upgraded as needed.

    Args:
        db_path: the path of an SQLite file in a directory that exists, ":memory:" for a database
            that is gone with the engine, or a URL of SQLite or PostgreSQL.

    Raises:
        AdoptionRefused: the file holds some of the ten tables, and they differ from the schema.
        SchemaOutOfDate: a newer release of this package made the database.
        StoreUnavailable: it cannot be opened or created.
    """
    url = _url(db_path)
    file = sqlite_file(url)
    if file is not None:
        create_sqlite_file(url)
        _adopt_what_waits(url)
    if file is None and url.get_backend_name() == "sqlite":
        # All sessions see one database in memory, also several at a time.
        engine = make_engine(url, poolclass=StaticPool)
    else:
        engine = make_engine(url)
    try:
        try:
            schema.upgrade(engine)
        except SchemaOutOfDate:
            # Another program may have made the ten tables since they were looked for.
            if file is None or not _adopt_what_waits(url):
                raise
    except BaseException:
        engine.dispose()
        raise
    return locking_late(engine)


def _adopt_what_waits(url: sa.URL) -> bool:
    """Adopt the file if it holds some of the ten tables, and return whether it did."""
    if not waits_for_adoption(url):
        return False
    report = adopt(url)
    if report.findings:
        count = len(report.findings)
        message = "%s was adopted; %d findings, listed by `pipeline-store adopt`"
        _log.warning(message, url.database, count)
    return True


def get_session(engine: Engine) -> Session:
    """Return a new session, which the caller closes."""
    return Session(engine)


def get_pending_videos(session: Session, niche: str) -> list[DiscoveredVideo]:
    """Return the niche's videos that nothing was done with yet, first discovered first."""
    c = discovered_videos.c
    statement = (
        sa.select(DiscoveredVideo)
        .where(c.niche == niche, c.processed == Processed.PENDING)
        .order_by(chronological(c.discovered_at), c.id)
    )
    return list(session.scalars(statement))


def mark_video_processed(session: Session, video_id: str, status: int) -> None:
    """Set what became of the video with YouTube's id `video_id`, and commit.

    Args:
        session: the session; all else that is pending in it is committed too.
        video_id: YouTube's id.
        status: a `Processed` or its number: 0 pending, 1 used, 2 skipped, 3 rejected.

    Raises:
        ValueError: the id is empty, the status is none of these, or no such video was discovered.
    """
    values.check_text("video_id", video_id, empty=False)
    processed: Processed = values.as_member("status", Processed, status)
    found = sa.select(DiscoveredVideo).where(discovered_videos.c.video_id == video_id)
    video = session.scalar(found)
    if video is None:
        raise InvalidValue(f"video_id: {video_id!r:.40} was not discovered")
    video.processed = processed
    session.commit()


def log_error(  # noqa: PLR0917 - today's callers pass them by position
    session: Session,
    module: str,
    error_type: str,
    message: str,
    pipeline_run_id: int | None = None,
    stack_trace: str | None = None,
) -> None:
    """Record an error, and commit.

    Args:
        session: the session; all else that is pending in it is committed too. One whose last flush
            failed is rolled back first, so that this can be called where the failure is handled.
        module: the part of the program that failed.
        error_type: for example the name of the exception's class.
        message: what went wrong.
        pipeline_run_id: the run that it happened in, if any.
        stack_trace: the traceback, if any.

    Raises:
        ValueError: the module, the type or the message is empty.
    """
    for name, text in (("module", module), ("error_type", error_type), ("message", message)):
        values.check_text(name, text, empty=False)
    error = ErrorLog(
        module=module,
        error_type=error_type,
        error_message=message,
        pipeline_run_id=pipeline_run_id,
        stack_trace=stack_trace,
    )
    if not session.is_active:
        session.rollback()
    session.add(error)
    session.commit()


def _url(db_path: str) -> sa.URL:
    values.check_text("db_path", db_path, empty=False)
    if "://" in db_path:
        return parse_url(db_path)
    # Not parsed: a path may hold what means something in a URL.
    return sa.URL.create("sqlite", database=db_path)
