"""Two imports of one video at once: the newer reading wins, whichever is committed last."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.importers import NicheRules
from pipeline_store.importers.importing import import_yt_dlp
from tests.unit.importers.imports import ONE, day, dump
from tests.unit.importers.made_up import json_file_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork

LONG_ENOUGH_TO_READ = 0.3
PATIENCE = 30


@pytest.fixture
def store(new_url: Callable[[], str]) -> Iterator[Store]:
    """An empty database of either kind."""
    opened = open_store(new_url(), clock=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    yield opened
    opened.close()


def test_an_older_reading_that_is_stored_meanwhile_overwrites_nothing(
    store: Store, tmp_path: Path
) -> None:
    """The import of the older one waits, and then sees the newer one."""
    newer = json_file_of(tmp_path, dump(day(15), view_count=300, title="new"), "newer.json")
    older = json_file_of(tmp_path, dump(day(14), view_count=100, title="old"), "older.json")
    newer_is_written, older_has_begun = Event(), Event()

    def slow_to_commit() -> UnitOfWork:
        uow = store.unit_of_work()
        commit = uow.commit

        def commit_late() -> None:
            newer_is_written.set()
            assert older_has_begun.wait(PATIENCE)
            time.sleep(LONG_ENOUGH_TO_READ)
            commit()

        setattr(uow, "commit", commit_late)  # noqa: B010 - a type checker forbids the other way
        return uow

    def at_the_same_time() -> UnitOfWork:
        assert newer_is_written.wait(PATIENCE)
        older_has_begun.set()
        return store.unit_of_work()

    with ThreadPoolExecutor() as threads:
        first = threads.submit(import_yt_dlp, slow_to_commit, newer, NicheRules())
        second = threads.submit(import_yt_dlp, at_the_same_time, older, NicheRules())
        accounts = [first.result(PATIENCE), second.result(PATIENCE)]
    assert [account.problem for account in accounts] == [None, None]
    with store.unit_of_work() as uow:
        video = uow.discovered_videos.by_video_id(ONE)
        assert video is not None
        assert (video.title, video.view_count) == ("new", 300)
        assert [one.view_count for one in uow.analytics.series(ONE)] == [100, 300]
