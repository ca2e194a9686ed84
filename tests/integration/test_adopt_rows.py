"""Rows of other programs: those that break a rule are named, all are kept, new ones fit in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InvalidValue, NotFound
from pipeline_store.production import Clip, DiscoveredVideo, RunStatus
from pipeline_store.sql import SqlStore, schema
from pipeline_store.sql.adopt import AdoptionReport, adopt
from tests.integration.foreign_schemas import (
    ROW_COUNTS,
    change,
    url_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIX = datetime(2026, 2, 28, 6, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 28, tzinfo=UTC)


@pytest.fixture
def adopted(foreign: Path) -> Iterator[SqlStore]:
    """A store on an adopted file."""
    store = SqlStore(url_of(foreign))
    store.adopt()
    yield store
    store.close()


def findings(report: AdoptionReport) -> list[str]:
    return [str(finding) for finding in report.findings]


def orphaned(file: Path) -> list[str]:
    """Rows that refer to nothing, where keys are declared and where they are not."""
    change(
        file,
        "UPDATE clips SET discovered_video_id = 77",
        "UPDATE shorts SET pipeline_run_id = 78, clip_id = 79",
        "UPDATE error_log SET pipeline_run_id = 80",
    )
    return [
        "clips 1: discovered_video_id: 77 is no row of discovered_videos",
        "shorts 1: pipeline_run_id: 78 is no row of pipeline_runs",
        "shorts 1: clip_id: 79 is no row of clips",
        "error_log 1: pipeline_run_id: 80 is no row of pipeline_runs",
    ]


def unreadable_times(file: Path) -> list[str]:
    """Texts that are no time, and numbers."""
    change(
        file,
        "UPDATE discovered_videos SET discovered_at = 'yesterday' WHERE id = 2",
        "UPDATE pipeline_runs SET cycle_end = 1772236800 WHERE id = 2",
        "UPDATE config_overrides SET updated_at = '2026-02-30 00:00:00'",
    )
    return [
        "discovered_videos 2: discovered_at: a stored time cannot be read: 'yesterday'",
        "pipeline_runs 2: cycle_end: a stored time cannot be read: 1772236800",
        (
            "config_overrides paused.niche.gaming: updated_at: "
            "a stored time cannot be read: '2026-02-30 00:00:00'"
        ),
    ]


def broken_rules(file: Path) -> list[str]:
    """Values that load and that nobody could write through the package."""
    change(
        file,
        "UPDATE discovered_videos SET view_count = -1, viral_score = 1.5 WHERE id = 3",
        "UPDATE discovered_videos SET processed = 9 WHERE id = 3",
        "UPDATE discovered_videos SET like_count = 1.5, content_id_risk = 'odd' WHERE id = 4",
        "UPDATE pipeline_runs SET status = 'exploded' WHERE id = 1",
        "UPDATE clips SET end_time_seconds = 40, clip_duration_seconds = 30",
        "UPDATE scripts SET full_script_json = '{', opening_text = x'00ff'",
        "UPDATE review_log SET action = 'shrug', sent_at = '1969-12-31 00:00:00'",
        "UPDATE error_log SET occurred_at = '20260228T010203', module = cast(x'ff' AS TEXT)",
    )
    return [
        "discovered_videos 3: view_count: 0 to 9223372036854775807 expected, found -1",
        "discovered_videos 3: viral_score: 0.0 to 1.0 expected, found 1.5",
        "discovered_videos 3: processed: one of 0, 1, 2, 3 expected, found 9",
        "discovered_videos 4: like_count: whole number expected, found float",
        (
            "discovered_videos 4: content_id_risk: one of low, medium, high, unknown expected, "
            "found 'odd'"
        ),
        (
            "pipeline_runs 1: status: one of pending, running, review, approved, uploaded, failed "
            "expected, found 'exploded'"
        ),
        "clips 1: clip_duration_seconds: 30.0, the limit is 25",
        "scripts 1: opening_text: text expected, found bytes",
        (
            "scripts 1: full_script_json: not JSON (Expecting property name enclosed in double "
            "quotes: line 1 column 2 (char 1))"
        ),
        "review_log 1: sent_at: a time from 1970 to 2200 expected, found year 1969",
        (
            "review_log 1: action: one of approve, reject, hold, skip, redo_script expected, "
            "found 'shrug'"
        ),
        "error_log 1: occurred_at: '20260228T010203' is spelled unusually and may sort wrongly",
        "error_log 1: module: not UTF-8, so the row cannot be read",
    ]


def nearly_too_long(file: Path) -> list[str]:
    """A clip of 25 seconds whose ends are tenths of seconds: 32.2 - 7.2 is a trifle more."""
    change(
        file,
        "UPDATE clips SET start_time_seconds = 7.2, end_time_seconds = 32.2",
        "UPDATE clips SET clip_duration_seconds = end_time_seconds - start_time_seconds",
    )
    return []


def broken_together(file: Path) -> list[str]:
    """Values that are right one by one and wrong together."""
    change(
        file,
        "UPDATE pipeline_runs SET cycle_end = '2026-02-27 00:00:00' WHERE id = 1",
        "UPDATE pipeline_runs SET niche = 'gaming' WHERE id = 2",
        "UPDATE clips SET clip_duration_seconds = 7",
    )
    return [
        "pipeline_runs 1: cycle_end: must not lie before cycle_start",
        "pipeline_runs 2: the same niche and cycle_start as row 1",
        "clips 1: clip_duration_seconds: end - start is 20.5, found 7.0",
    ]


@pytest.mark.parametrize(
    "damage", [orphaned, unreadable_times, broken_rules, nearly_too_long, broken_together]
)
def test_rows_that_break_a_rule_are_listed(
    foreign: Path, damage: Callable[[Path], list[str]]
) -> None:
    """Rows that break a rule are named by table and key, and adopted as they are."""
    expected = damage(foreign)
    before = dump_of_bytes(foreign)
    report = adopt(url_of(foreign))
    assert findings(report) == expected
    assert report.rows == ROW_COUNTS
    assert dump_of_bytes(foreign) == before


def dump_of_bytes(file: Path) -> list[str]:
    """Everything in the ten tables, also what is not text."""
    with closing(sqlite3.connect(file)) as connection:
        connection.text_factory = bytes
        return [
            repr(connection.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608
            for table in ROW_COUNTS
        ]


def test_many_rows_are_all_looked_at(foreign: Path) -> None:
    """More rows than are read at a time are counted, and the last of them is looked at."""
    change(
        foreign,
        "INSERT INTO analytics (youtube_video_id, measured_at) WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) "
        "SELECT 'v' || i, '2026-02-28 00:00:00' FROM n",
        "UPDATE analytics SET view_count = -5 WHERE id = (SELECT max(id) FROM analytics)",
    )
    report = adopt(url_of(foreign))
    assert report.rows["analytics"] == 12003
    assert [(each.table, each.row) for each in report.findings] == [("analytics", 12003)]


def test_rows_that_break_a_rule_load(foreign: Path) -> None:
    """Odd values load as they stand; only a time that cannot be read raises, and says so."""
    change(
        foreign,
        "UPDATE pipeline_runs SET status = 'exploded' WHERE id = 1",
        "UPDATE clips SET end_time_seconds = 40, clip_duration_seconds = 30",
        "UPDATE discovered_videos SET view_count = -1, processed = 9 WHERE id = 1",
        "UPDATE scripts SET generated_at = '0001-01-01T00:00:00+05:00'",
    )
    store = SqlStore(url_of(foreign))
    store.adopt()
    with store.unit_of_work() as uow:
        run = uow.pipeline_runs.get(1)
        assert run.status == "exploded"
        assert not isinstance(run.status, RunStatus)
        assert uow.clips.get(1).clip_duration_seconds == 30
        odd = uow.discovered_videos.get(1)
        assert (odd.view_count, odd.processed) == (-1, 9)
        run.video_file_path = "a.mp4"
        uow.commit()
    with store.unit_of_work() as uow, pytest.raises(InvalidValue, match="cannot be read"):
        uow.scripts.get(1)
    store.close()


def test_orphans_do_not_stop_a_later_migration(foreign: Path) -> None:
    """A file that was adopted with orphans can be taken down and up like any other."""
    orphaned(foreign)
    store = SqlStore(url_of(foreign))
    store.adopt()
    store.upgrade()
    store.downgrade("base")
    store.upgrade()
    assert store.current() == schema.newest_revision()
    store.close()


def test_foreign_keys_are_enforced_afterwards(adopted: SqlStore) -> None:
    """What is written into an adopted file must refer to something."""
    clip = Clip(
        pipeline_run_id=99,
        discovered_video_id=1,
        rank_position=1,
        start_time_seconds=0.0,
        end_time_seconds=1.0,
    )
    with adopted.unit_of_work() as uow, pytest.raises(NotFound):
        uow.clips.add(clip)


def test_new_rows_fit_into_the_old_tables(adopted: SqlStore) -> None:
    """Rows written by the package and rows of the other program live side by side."""
    with adopted.unit_of_work() as uow:
        new = uow.discovered_videos.record(
            DiscoveredVideo(
                video_id="eeeeeeeeeee",
                title="E",
                channel_name="",
                channel_id="",
                url="",
                niche="gaming",
            )
        )
        assert new.id == 5
        again = DiscoveredVideo(
            video_id="ddddddddddd", title="", channel_name="", channel_id="", url="", niche="x"
        )
        assert uow.discovered_videos.record(again).id == 4
        assert uow.config_overrides.set("paused.niche.gaming", "0").updated_by == "system"
        uow.analytics.record_many([{"youtube_video_id": "aaaaaaaaaaa", "view_count": 40}])
        uow.commit()
    with adopted.unit_of_work() as uow:
        assert uow.discovered_videos.get(4).title == "D"
        assert uow.discovered_videos.get(4).niche == "gaming"
        assert uow.analytics.latest_for(["aaaaaaaaaaa"])["aaaaaaaaaaa"].view_count == 40
