"""Writers killed with SIGKILL: what was acknowledged is there, and nothing by halves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from tests.conftest import is_on
from tests.integration.killing import ERRORS_PER_UNIT, kill_writers

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 60 if is_on("PIPELINE_STORE_SOAK") else 6


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_writer_leaves_whole_units_of_work(new_url: Callable[[], str]) -> None:
    """Whenever a writer dies, what was acknowledged is there, and nothing is there in part."""
    url = new_url()
    store = open_store(url)
    store.upgrade()
    rounds = kill_writers(url, ROUNDS)
    inside = sum(each.killed_inside for each in rounds)
    if inside == 0:
        pytest.fail("INCONCLUSIVE: no writer was killed inside a unit of work", pytrace=False)
    begun = {number for each in rounds for number in each.begun}
    acknowledged = {number for each in rounds for number in each.acknowledged}
    assert acknowledged
    with store.unit_of_work(read_only=True) as uow:
        runs = uow.pipeline_runs.page(limit=10_000)
        stored = {run.retry_count for run in runs}
        parts = {
            run.id: (
                [script.total_char_count for script in uow.scripts.for_run(run.id)],
                run.retry_count,
            )
            for run in runs
        }
        errors = uow.errors.page(limit=10_000)
        scripts = uow.scripts.count()
    assert acknowledged <= stored <= begun
    assert all(found == [number] for found, number in parts.values())
    assert scripts == len(runs)
    told = sorted((error.pipeline_run_id, error.error_message) for error in errors)
    assert told == sorted(
        (run.id, str(run.retry_count)) for run in runs for _ in range(ERRORS_PER_UNIT)
    )
    # The store goes on working where the writers were stopped.
    with store.unit_of_work() as uow:
        uow.config_overrides.set("after", "the kills")
        uow.commit()
    store.close()
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    print(f"\n{url[:6]}: {len(acknowledged)} acknowledged, {inside} killed inside")  # noqa: T201
