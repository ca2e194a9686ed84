"""The demo beside databases that are not its own: they stay as they are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.cli.demo.target import DemoRefusedError
from pipeline_store.errors import PipelineStoreError, StoreUnavailable
from pipeline_store.production import DiscoveredVideo
from tests.integration.demo.telling import rows_at, tell

if TYPE_CHECKING:
    from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_database_of_another_program_is_left_byte_for_byte(url: str, folder: Path) -> None:
    """The error names its tables and the cure."""
    with closing(sqlite3.connect(folder / "pipeline.db")) as connection:
        connection.execute("CREATE TABLE bookmarks (id INTEGER)")
        connection.commit()
    before = contents(folder)
    with pytest.raises(DemoRefusedError, match=r"another program \(tables: bookmarks\).*folder"):
        tell(url)
    assert contents(folder) == before


def test_an_older_database_with_the_ten_tables_is_left_byte_for_byte(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be adopted is not what a demo may play with."""
    monkeypatch.chdir(foreign.parent)
    before = contents(foreign.parent)
    with pytest.raises(DemoRefusedError, match="another program"):
        tell(f"sqlite:///{foreign}")
    assert contents(foreign.parent) == before


@pytest.mark.parametrize("content", [b"Dear diary", b"SQLite format 3\x00 but then something else"])
def test_a_file_that_is_no_database_is_left_byte_for_byte(
    url: str, folder: Path, content: bytes
) -> None:
    """Also one that starts like a database."""
    (folder / "pipeline.db").write_bytes(content)
    with pytest.raises(PipelineStoreError):
        tell(url)
    assert contents(folder) == {"pipeline.db": content}


def test_a_folder_is_no_database(url: str, folder: Path) -> None:
    """One clear error."""
    (folder / "pipeline.db").mkdir()
    with pytest.raises(StoreUnavailable, match="directory"):
        tell(url)


@pytest.mark.parametrize("content", [None, b""], ids=["missing", "empty"])
def test_an_empty_file_is_as_good_as_none(url: str, folder: Path, content: bytes | None) -> None:
    """A demo that was killed right after it made the file leaves one."""
    if content is not None:
        (folder / "pipeline.db").write_bytes(content)
    tell(url)
    assert len(rows_at(url)["pipeline_runs"]) == 4


def test_an_empty_database_is_as_good_as_none(url: str, folder: Path) -> None:
    """A demo that was killed before its tables were there leaves one."""
    with closing(sqlite3.connect(folder / "pipeline.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE gone (id)")
        connection.execute("DROP TABLE gone")
    tell(url)
    assert len(rows_at(url)["pipeline_runs"]) == 4


def test_videos_that_somebody_imported_are_left_alone(url: str) -> None:
    """A made-up upload of a video is for good."""
    store = open_store(url)
    store.upgrade()
    with store.unit_of_work() as uow:
        uow.discovered_videos.add(
            DiscoveredVideo(
                video_id="dQw4w9WgXcQ",
                title="Mine",
                channel_name="",
                channel_id="",
                url="",
                niche="gaming",
            )
        )
        uow.commit()
    store.close()
    before = rows_at(url)
    with pytest.raises(DemoRefusedError, match=r"videos that no demo imported \(1\)"):
        tell(url)
    assert rows_at(url) == before


def test_a_store_in_which_a_pipeline_works_is_left_alone(url: str) -> None:
    """Made-up uploads would spoil its numbers."""
    store = open_store(url)
    store.upgrade()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with store.unit_of_work() as uow:
        uow.pipeline_runs.for_cycle("mine", start, start + timedelta(hours=6))
        uow.commit()
    store.close()
    before = rows_at(url)
    with pytest.raises(DemoRefusedError, match=r"runs that no demo made \(1\)"):
        tell(url)
    assert rows_at(url) == before
