"""The helpers that today's code bases call, on plain sessions."""

from __future__ import annotations

import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline_store import legacy
from pipeline_store.errors import (
    NaiveDatetimeWarning,
)
from pipeline_store.legacy import (
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    ReviewLog,
    get_pending_videos,
    get_session,
    log_error,
    mark_video_processed,
)
from pipeline_store.production import Processed
from tests.integration.foreign_schemas import (
    INDEX_NAMES,
    ROW_COUNTS,
)
from tests.real_data import REPOSITORY

NOON = datetime(2026, 2, 28, 12, tzinfo=UTC)


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


def test_an_empty_database_is_made_ready(empty_legacy_path: str) -> None:
    """The ten tables and the seven indexes are there, under their exact names."""
    legacy_engine = legacy.init_db(empty_legacy_path)
    inspector = sa.inspect(legacy_engine)
    found = set(inspector.get_table_names())
    assert found >= set(ROW_COUNTS)
    indexes = {index["name"] for table in ROW_COUNTS for index in inspector.get_indexes(table)}
    assert indexes >= INDEX_NAMES
    legacy_engine.dispose()


def test_sessions_are_sqlalchemys_own(legacy_session: Session) -> None:
    """The legacy_session is a plain one, and queries in the old style work on the plain classes."""
    assert type(legacy_session) is Session
    legacy_session.add(video(view_count=10_200_000_000))
    legacy_session.commit()
    found = legacy_session.query(DiscoveredVideo).filter_by(video_id="aaaaaaaaaaa").one()
    assert found.view_count == 10_200_000_000
    assert found.discovered_at.tzinfo is UTC
    assert (
        legacy_session.query(DiscoveredVideo).filter(DiscoveredVideo.niche == "music").count() == 0
    )


def test_sqlalchemys_own_errors_are_raised(legacy_session: Session) -> None:
    """A doubled video and a missing parent are the errors that SQLAlchemy has for them."""
    legacy_session.add(video())
    legacy_session.commit()
    legacy_session.add(video())
    with pytest.raises(sa.exc.IntegrityError):
        legacy_session.commit()
    legacy_session.rollback()
    legacy_session.add(ReviewLog(pipeline_run_id=7))
    with pytest.raises(sa.exc.IntegrityError):
        legacy_session.commit()
    legacy_session.rollback()
    assert legacy_session.query(DiscoveredVideo).count() == 1


def test_what_was_not_committed_is_undone(
    legacy_engine: sa.Engine, legacy_session: Session
) -> None:
    """A rollback, and the end of a legacy_session, undo what was written since the last commit."""
    legacy_session.add(video())
    legacy_session.flush()
    legacy_session.rollback()
    with get_session(legacy_engine) as other:
        other.add(video())
        other.flush()
    assert legacy_session.query(DiscoveredVideo).count() == 0


def test_a_savepoint_is_undone_alone(legacy_session: Session) -> None:
    """A nested transaction can fail without the work around it, also as the first thing done."""
    savepoint = legacy_session.begin_nested()
    legacy_session.add(video())
    legacy_session.flush()
    savepoint.rollback()
    legacy_session.add(video("bbbbbbbbbbb"))
    with legacy_session.begin_nested():
        legacy_session.add(video("ccccccccccc"))
    legacy_session.commit()
    assert legacy_session.query(DiscoveredVideo).count() == 2


def test_pending_videos(legacy_session: Session) -> None:
    """The niche's videos that nothing was done with come, first discovered first."""
    legacy_session.add_all(
        [
            video("aaaaaaaaaaa", discovered_at=NOON),
            video("bbbbbbbbbbb", discovered_at=NOON - timedelta(hours=1)),
            video("ccccccccccc", processed=Processed.USED),
            video("ddddddddddd", niche="music"),
        ]
    )
    legacy_session.commit()
    assert [each.video_id for each in get_pending_videos(legacy_session, "gaming")] == [
        "bbbbbbbbbbb",
        "aaaaaaaaaaa",
    ]
    assert get_pending_videos(legacy_session, "") == []


@pytest.mark.parametrize("status", [1, Processed.USED], ids=["number", "name"])
def test_marking_a_video_commits(
    legacy_engine: sa.Engine, legacy_session: Session, status: int
) -> None:
    """A mark, as a number or by name, is seen by others at once, with all that was pending."""
    legacy_session.add(video())
    mark_video_processed(legacy_session, "aaaaaaaaaaa", status)
    legacy_session.rollback()
    with get_session(legacy_engine) as other:
        (found,) = other.query(DiscoveredVideo)
        assert found.processed is Processed.USED
        assert get_pending_videos(other, "gaming") == []


@pytest.mark.parametrize(
    ("video_id", "status"),
    [
        ("", 1),
        (None, 1),
        ("bbbbbbbbbbb", 1),
        ("aaaaaaaaaaa", 4),
        ("aaaaaaaaaaa", None),
        ("aaaaaaaaaaa", True),
        ("aaaaaaaaaaa", "1"),
        ("aaaaaaaaaaa", ""),
    ],
)
def test_a_wrong_mark_is_a_value_error(legacy_session: Session, video_id: str, status: int) -> None:
    """Empty arguments, an unknown video and an unknown status are a ValueError; nothing changes."""
    legacy_session.add(video())
    legacy_session.commit()
    with pytest.raises(ValueError, match=r"video_id|status"):
        mark_video_processed(legacy_session, video_id, status)
    assert legacy_session.query(DiscoveredVideo).one().processed is Processed.PENDING


def test_logging_an_error_commits(legacy_engine: sa.Engine, legacy_session: Session) -> None:
    """An error is kept with all that was said about it, and seen by others at once."""
    run = PipelineRun(niche="gaming", cycle_start=NOON, cycle_end=NOON)
    legacy_session.add(run)
    legacy_session.commit()
    log_error(legacy_session, "upload", "Timeout", "no answer", run.id, "Traceback")
    log_error(legacy_session, "cut", "OSError", "disk full")
    legacy_session.rollback()
    with get_session(legacy_engine) as other:
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
    legacy_session: Session, missing: int, nothing: str
) -> None:
    """An empty module, type or message is a ValueError, and nothing is kept."""
    said = ["upload", "Timeout", "no answer"]
    said[missing] = nothing
    with pytest.raises(ValueError, match=r"module|error_type|message"):
        log_error(legacy_session, *said)
    assert legacy_session.query(ErrorLog).count() == 0


def test_an_error_is_logged_where_the_failure_is_handled(legacy_session: Session) -> None:
    """A legacy_session whose flush has just failed can record what failed."""
    legacy_session.add(video())
    legacy_session.commit()
    legacy_session.add(video())
    try:
        legacy_session.flush()
    except sa.exc.IntegrityError as error:
        log_error(legacy_session, "discover", type(error).__name__, str(error))
    assert legacy_session.query(ErrorLog).one().error_type == "IntegrityError"


def test_naive_times_are_utc(legacy_session: Session) -> None:
    """A naive time is taken as UTC in a constructor, an assignment and a filter, with a warning."""
    now = datetime(2026, 2, 28, 12)  # noqa: DTZ001 - as today's callers
    with pytest.warns(NaiveDatetimeWarning, match="cycle_start"):
        run = PipelineRun(niche="gaming", cycle_start=now, cycle_end=NOON)
    with pytest.warns(NaiveDatetimeWarning, match="started_at"):
        run.started_at = now
    legacy_session.add(run)
    legacy_session.commit()
    with pytest.warns(NaiveDatetimeWarning):
        (found,) = legacy_session.query(PipelineRun).filter(
            PipelineRun.cycle_start >= now - timedelta(hours=1)
        )
    with pytest.warns(NaiveDatetimeWarning):
        assert legacy_session.query(PipelineRun).filter_by(cycle_start=now).one() is found
    assert found.cycle_start == found.started_at == NOON


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


def test_times_of_today_raise_no_warning(legacy_session: Session) -> None:
    """Aware times, as they are read back, raise no warning when they are used again."""
    legacy_session.add(video(discovered_at=NOON))
    legacy_session.commit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = legacy_session.query(DiscoveredVideo).filter(
            DiscoveredVideo.discovered_at <= NOON
        )
        found.discovered_at = found.discovered_at + timedelta(hours=1)
        legacy_session.commit()
    assert found.discovered_at == NOON + timedelta(hours=1)
