"""The demo that is stopped, and goes on where it was; two demos at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.services import reviews
from pipeline_store.sql.unit_of_work import SqlUnitOfWork
from tests.conftest import is_on
from tests.integration.demo.telling import rows_at, tell
from tests.integration.racing import killed_along

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.demo.telling import Told


COMMITS = 2 if is_on("PIPELINE_STORE_SOAK") else 7
KILLS = 4 if is_on("PIPELINE_STORE_SOAK") else 3
"""The first statement, the last, and between."""


class StoppedError(BaseException):
    """The process ends here: nobody catches this."""


def stop_after(commits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets so many units of work commit; the next one is as far as it gets."""
    left = commits
    commit = SqlUnitOfWork.commit

    def commit_or_stop(uow: SqlUnitOfWork) -> None:
        nonlocal left
        if left == 0:
            raise StoppedError
        left -= 1
        commit(uow)

    monkeypatch.setattr(SqlUnitOfWork, "commit", commit_or_stop)


def tell_and_stop(url: str, commits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        stop_after(commits, patched)
        with pytest.raises(StoppedError):
            tell(url)


def test_a_demo_that_is_stopped_at_every_step_ends_like_one_that_is_not(
    url: str, folder: Path
) -> None:
    """Each try may commit some units of work and dies in the next, as the power may fail."""
    whole = f"sqlite:///{folder / 'whole.db'}"
    tell(whole)
    tries = 0
    while True:
        tries += 1
        with pytest.MonkeyPatch.context() as patched:
            stop_after(COMMITS, patched)
            try:
                tell(url)
            except StoppedError:
                continue
            break
    assert tries > 40 / COMMITS
    assert rows_at(url) == rows_at(whole)


def test_a_stopped_demo_says_where_it_goes_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beginning, import and plan are the first three units of work."""
    tell_and_stop(url, 3 + 10, monkeypatch)
    assert "stopped after step 10 of" in tell(url)


def test_what_a_person_decided_meanwhile_is_left_alone(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo does not approve what was rejected."""
    tell_and_stop(url, 3 + 20, monkeypatch)
    store = open_store(url)
    with store.unit_of_work() as uow:
        [waiting, *_] = [run for run in reviews.queue(uow) if run.run.niche == "gaming"]
        reviews.reject(uow, waiting.run.id, "no")
        uow.commit()
    store.close()
    shown = tell(url)
    assert "left alone: run 1 (not in review) is failed" in shown
    assert [run["status"] for run in rows_at(url)["pipeline_runs"]] == [
        "failed",
        "failed",
        "uploaded",
        "review",
    ]


def tell_it(url: str) -> str:
    """Runs the demo in another process."""
    tell(url)
    return "told"


def test_a_killed_demo_is_told_to_its_end_by_the_next(folder: Path) -> None:
    """SIGKILL lets nothing be tidied up; it comes at the first statement, the last or between."""
    sample, *killed = [f"sqlite:///{folder / f'{number}.db'}" for number in range(1 + KILLS)]
    statements, landed = killed_along(tell_it, sample, killed)
    assert statements > 100
    assert landed == len(killed), "a kill that did not land inside the demo proves nothing"
    for url in killed:
        assert "2 videos and 2 shorts uploaded" in tell(url)
        rows = rows_at(url)
        assert [run["status"] for run in rows["pipeline_runs"]] == [
            "uploaded",
            "failed",
            "uploaded",
            "review",
        ]
        counts = [len(rows[name]) for name in ("discovered_videos", "clips", "shorts", "reviews")]
        assert counts == [24, 20, 4, 7]


def test_two_demos_at_once_tell_one_week(new_empty_url: Callable[[], str], told: Told) -> None:
    """Each thing happens once, whichever of them does it."""
    together = new_empty_url()
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(tell, together) for _ in range(2)]
        assert all("2 videos and 2 shorts" in one.result(60) for one in both)
    counts = [
        {name: len(rows) for name, rows in each.items()} for each in (told.rows, rows_at(together))
    ]
    assert counts[0] == counts[1]
