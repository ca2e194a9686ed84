"""Everything that happens to tasks, drawn from a seed, in memory and on SQLite: the same end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.memory.tasks import queue
from pipeline_store.tasks import CLAIMABLE, claiming
from tests.conftest import is_on
from tests.integration.expected_tasks import Violation
from tests.integration.simulation import Simulation, empty_file_in, play, play_on_both

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from uuid import UUID

    from pipeline_store.tasks import Task

SOAK = is_on("PIPELINE_STORE_SOAK")
SEEDS_AT_ONCE = 25 if SOAK else 1
FIRST_SEEDS = range(0, 500 if SOAK else 1, SEEDS_AT_ONCE)
BROKEN_SEEDS = range(20)
"""One of these has to find what is broken."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800 if SOAK else 300)]


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_file_in(tmp_path_factory.mktemp("simulated"))


@pytest.mark.parametrize("first", FIRST_SEEDS)
def test_both_stores_come_to_the_same_end(first: int, empty_file: Path, tmp_path: Path) -> None:
    """Nothing acknowledged is lost, nothing handed out wrongly, and all is finished."""
    for seed in range(first, first + SEEDS_AT_ONCE):
        try:
            log = play_on_both(seed, empty_file, tmp_path)
        except BaseException as error:
            error.add_note(f"play it again: python -m tests.integration.simulation {seed}")
            raise
        for action in Simulation.ACTIONS:
            assert SOAK or any(f" {action}: " in line for line in log), action


def test_a_seed_plays_the_same_again() -> None:
    """What is printed of a seed is enough to find what happened."""
    assert play(7, "memory://") == play(7, "memory://")
    assert play(7, "memory://") != play(8, "memory://")


def _always_held(_task: Task, _claim: object, _now: object) -> bool:
    return True


def _claimable_while_held(task: Task) -> bool:
    return task.status in CLAIMABLE


def _nobody_holds_any(_queue: object) -> Counter[UUID]:
    return Counter()


def _under_the_same_token(task: Task, worker: str, ends: Any) -> Any:
    claim = HAND_OUT(task, worker, ends)
    object.__setattr__(task, "lease_token", 1)
    return claiming.claim_of(task) if claim else claim


HAND_OUT: Any = claiming.hand_out
BROKEN = {
    "fencing": (claiming, "is_held", _always_held, "LeaseLost was to come"),
    "leases": (queue, "can_be_claimed", _claimable_while_held, "before its lease ended"),
    "capacity": (queue.MemoryTaskQueue, "_held", _nobody_holds_any, "leases"),
    "tokens": (queue, "hand_out", _under_the_same_token, "twice under 1"),
    "releases": (claiming, "give_back", lambda *_: None, "and was"),
}
"""What is taken away of the store in memory, and what must be said then."""


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without fencing, or the end of leases, or capacities, or tokens, a seed says so."""
    place, name, replacement, said = BROKEN[what]
    monkeypatch.setattr(place, name, replacement)
    with pytest.raises(Violation, match=said):
        _play_all(BROKEN_SEEDS)


def _play_all(seeds: Iterable[int]) -> None:
    for seed in seeds:
        play(seed, "memory://")
