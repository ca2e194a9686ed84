"""Several plain sessions at a time: in one process, in threads, in many processes."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline_store.legacy import (
    DiscoveredVideo,
    ErrorLog,
    get_pending_videos,
    get_session,
    init_db,
    log_error,
    mark_video_processed,
)
from pipeline_store.production import Processed
from tests.integration.racing import at_once

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa
    from sqlalchemy.orm import Session

NOON = datetime(2026, 2, 28, 12, tzinfo=UTC)


def video(video_id: str = "aaaaaaaaaaa", niche: str = "gaming", **more: object) -> DiscoveredVideo:
    return DiscoveredVideo(
        video_id=video_id, title="T", channel_name="", channel_id="", url="", niche=niche, **more
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("legacy_path", ["path", "postgresql"], indirect=True)
def test_long_lived_sessions_see_what_others_wrote(
    legacy_engine: sa.Engine, legacy_session: Session
) -> None:
    """A legacy_session that is never closed finds new rows, and after its commit new values."""
    legacy_session.add(video())
    legacy_session.commit()
    assert [each.title for each in get_pending_videos(legacy_session, "gaming")] == ["T"]
    with get_session(legacy_engine) as other:
        other.query(DiscoveredVideo).one().title = "new"
        other.add(video("bbbbbbbbbbb"))
        other.commit()
    assert len(get_pending_videos(legacy_session, "gaming")) == 2
    legacy_session.commit()
    assert [each.title for each in get_pending_videos(legacy_session, "gaming")] == ["new", "T"]


def test_two_sessions_at_a_time(legacy_engine: sa.Engine) -> None:
    """A second session can read and write while the first is open, in memory too."""
    with get_session(legacy_engine) as first, get_session(legacy_engine) as second:
        first.add(video())
        first.commit()
        # Each holds what it reads through until it commits.
        assert first.query(DiscoveredVideo).count() == 1
        assert second.query(DiscoveredVideo).count() == 1
        mark_video_processed(second, "aaaaaaaaaaa", 2)
        first.expire_all()
        assert first.query(DiscoveredVideo).one().processed is Processed.SKIPPED


def test_threads_see_one_database(legacy_engine: sa.Engine) -> None:
    """A session of another thread sees what this one committed, in memory too."""
    with get_session(legacy_engine) as session:
        session.add(video())
        session.commit()
    found: list[int] = []

    def count() -> None:
        with get_session(legacy_engine) as other:
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
