"""Workers killed with SIGKILL: every job is done, its effect is recorded once, none is early."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from tests.conftest import is_on
from tests.integration.job_history import judge, read_diaries
from tests.integration.killed_workers import PAUSED_TYPE, Plan, add_jobs, outcomes, run_workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.job_history import Verdict

SOAK = is_on("PIPELINE_STORE_SOAK")
SOUND = (
    Plan(jobs=5_000, lease=3.0, kill_every=1.0, most_work=0.2, limit=900)
    if SOAK
    else Plan(
        jobs=80,
        lease=1.5,
        kill_every=0.3,
        written_between_kills=2_000,
        most_work=0.3,
        rest=0.3,
        limit=240,
        unlucky_one_in=22,
    )
)
UNFENCED = Plan(
    jobs=40,
    lease=0.5,
    kill_every=0.5,
    most_work=0.1,
    rest=0.15,
    limit=120,
    sleepers=6,
    fenced=False,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200 if SOAK else 600)]


def verdict_on(url: str, folder: Path, plan: Plan) -> Verdict:
    """What is found when workers do jobs at the URL and are killed."""
    if url.startswith("sqlite") and not SOAK:
        # No power cut is tested here.
        url = f"{url}?synchronous=OFF"
    store = open_store(url)
    store.upgrade()
    add_jobs(store, plan.jobs)
    run_workers(url, folder, plan)
    verdict = judge(read_diaries(folder), outcomes(store), PAUSED_TYPE)
    store.close()
    print(f"\n{url[:6]}: {verdict}"[:2_000])  # noqa: T201 - figures
    return verdict


def test_killed_workers_do_every_job_once(new_url: Callable[[], str], tmp_path: Path) -> None:
    """Each job's effect is there exactly once, and nobody had what another held."""
    url = new_url()
    verdict = verdict_on(url, tmp_path, SOUND)
    assert verdict.violations == []
    verdict.refuse_unless_conclusive()
    assert verdict.claimed_after_the_pause >= SOUND.jobs / 4
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_without_fencing_the_check_finds_it(new_url: Callable[[], str], tmp_path: Path) -> None:
    """Where a completion asks for no lease, late writers are accepted and effects doubled.

    A sleeper has to wake up between two others for that, so there are some tries.
    """
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = verdict_on(new_url(), folder, UNFENCED).violations
        is_late = any("was written after its lease ended" in each for each in found)
        if is_late and any("has 2 effects" in each for each in found):
            return
    pytest.fail("late writes were not found")
