"""Workers and servers that are killed: no task is lost, none has two holders, all are finished."""

from __future__ import annotations

import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from tests.conftest import is_on, skip_without_postgres
from tests.integration.job_history import KILLED, judge, read_diaries
from tests.integration.killed_task_workers import Plan, add_channels, outcomes, run_workers
from tests.postgres_server import (
    FAST,
    LocalPostgresServer,
    PostgresMissingError,
    find_binaries,
    wheel_binaries,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.job_history import Verdict

SOAK = is_on("PIPELINE_STORE_SOAK")
ROUNDS = {"sqlite": 25, "postgresql": 20} if SOAK else {"sqlite": 2, "postgresql": 2}
CRASHES = 5 if SOAK else 1

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900 if SOAK else 300)]


def verdict_on(plan: Plan, folder: Path) -> Verdict:
    """What is found once the workers of the plan have done all that there was."""
    store = open_store(plan.url)
    try:
        run_workers(plan)
        found = outcomes(store)
        with store.unit_of_work(read_only=True) as uow:
            moves, tasks = uow.task_transitions.count(), uow.tasks.count()
    finally:
        store.close()
    verdict = judge(read_diaries(folder), found)
    if plan.fenced:
        # A task that went on twice has two rows there.
        assert moves == tasks == len(found)
        assert tasks >= plan.load
    print(f"\n{plan.url[:6]}: {tasks} tasks, {verdict}"[:2_000])  # noqa: T201 - figures
    return verdict


def with_channels(url: str) -> str:
    """The URL of a store that is made ready there."""
    if url.startswith("sqlite") and not SOAK:
        # No power cut is tested here.
        url = f"{url}?synchronous=OFF"
    store = open_store(url)
    store.upgrade()
    add_channels(store)
    store.close()
    return url


def test_killed_workers_lose_nothing(new_url: Callable[[], str], tmp_path: Path) -> None:
    """8 workers on 20 channels, of which some are killed in every round."""
    url = with_channels(new_url())
    plan = Plan(url=url, folder=str(tmp_path), rounds=ROUNDS[url.partition(":")[0]])
    verdict = verdict_on(plan, tmp_path)
    assert verdict.violations == []
    assert verdict.kills == plan.rounds * plan.killed_at_once
    refuse_unless_conclusive(verdict)
    if url.startswith("sqlite"):
        file = url.removeprefix("sqlite:///").partition("?")[0]
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def refuse_unless_conclusive(verdict: Verdict) -> None:
    """Fails when no worker was killed inside a claim, or none came too late."""
    if not verdict.killed_inside:
        pytest.fail("INCONCLUSIVE: no worker was killed inside a claim", pytrace=False)
    if not verdict.refused:
        pytest.fail("INCONCLUSIVE: nobody wrote after the end of a lease", pytrace=False)


def test_a_kill_outside_of_any_claim_proves_nothing(tmp_path: Path) -> None:
    """The check fails when no kill landed inside a claim."""
    (tmp_path / "1.jsonl").write_text(
        f'{{"process": 1, "at": 1, "what": "{KILLED}", "detail": "2"}}\n'
    )
    with pytest.raises(pytest.fail.Exception, match="INCONCLUSIVE"):
        refuse_unless_conclusive(judge(read_diaries(tmp_path), []))


def test_without_fencing_the_check_finds_it(new_url: Callable[[], str], tmp_path: Path) -> None:
    """Where a write asks for no lease, late ones are accepted, and that is seen.

    Somebody has to come late for that, so there are some tries.
    """
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        plan = Plan(
            url=with_channels(new_url()),
            folder=str(folder),
            rounds=1,
            lease=0.2,
            sleepers=6,
            # Without it they get nowhere.
            limit=1.5,
            fenced=False,
        )
        found = verdict_on(plan, folder).violations
        if any("was written after its lease ended" in each for each in found):
            return
    pytest.fail("late writes were not found")


@pytest.fixture
def durable_server() -> Iterator[LocalPostgresServer]:
    """A server that may crash: what it has acknowledged is there when it is started again."""
    try:
        binaries = find_binaries(os.environ, wheel_binaries())
    except PostgresMissingError as missing:
        skip_without_postgres(str(missing), os.environ)
    # The machine goes on, so what was handed to it need not have reached the disk.
    with LocalPostgresServer(binaries, {**FAST, "synchronous_commit": "on"}) as server:
        yield server


@pytest.mark.postgres
def test_a_crash_of_the_server_loses_nothing(
    durable_server: LocalPostgresServer, tmp_path: Path
) -> None:
    """The server is gone at once, again and again, while workers work and are killed."""
    url = with_channels(durable_server.create_database())
    plan = Plan(url=url, folder=str(tmp_path), rounds=3 * CRASHES)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(verdict_on, plan, tmp_path)
        crashes = 0
        while crashes < CRASHES and not running.done():
            time.sleep(0.7)
            durable_server.stop("immediate")
            durable_server.start()
            crashes += 1
        verdict = running.result()
    assert verdict.violations == []
    assert crashes == CRASHES
    refuse_unless_conclusive(verdict)
