"""Memory, SQLite and PostgreSQL driven in step by random sequences of calls: no difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import is_on
from tests.integration.in_step.channels import ChannelsInStep
from tests.integration.in_step.drawn import START
from tests.integration.in_step.drivers import Awaited, Clock, Plain
from tests.integration.in_step.production import ProductionInStep
from tests.integration.in_step.queue import QueueInStep
from tests.integration.in_step.task_queue import TasksInStep

if TYPE_CHECKING:
    from tests.integration.in_step.machine import Machine

SOAK = is_on("PIPELINE_STORE_SOAK")
STEPS = 40
MACHINES = pytest.mark.parametrize(
    "machine", [ProductionInStep, ChannelsInStep, QueueInStep, TasksInStep]
)


def run(machine: type[Machine], drivers: list[Any], sequences: int) -> None:
    machine.drivers = drivers
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=sequences,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=not SOAK,
                database=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                # Looking for the shortest sequence takes many times as long as finding one.
                phases=[Phase.generate, Phase.shrink] if SOAK else [Phase.generate],
            ),
        )
    finally:
        for driver in drivers:
            driver.close()


@pytest.fixture
def sqlite_url(sqlite_url: str) -> str:
    # No power cut is tested here.
    return f"{sqlite_url}?synchronous=OFF"


@pytest.mark.slow
@pytest.mark.timeout(3600 if SOAK else 300)
@MACHINES
def test_synchronous_stores_stay_in_step(
    machine: type[Machine], sqlite_url: str, postgres_url: str
) -> None:
    """Memory, SQLite and PostgreSQL answer every sequence of calls alike, errors included."""
    clock = machine.clock = Clock(START)
    drivers = [
        Plain("memory", "memory://", clock),
        Plain("sqlite", sqlite_url, clock),
        Plain("postgresql", postgres_url, clock),
    ]
    run(machine, drivers, sequences=300 if SOAK else 2)


@pytest.mark.slow
@pytest.mark.timeout(3600 if SOAK else 300)
@MACHINES
def test_awaited_stores_stay_in_step(
    machine: type[Machine], sqlite_url: str, postgres_url: str
) -> None:
    """The awaited stores on memory, aiosqlite and asyncpg answer every sequence alike."""
    clock = machine.clock = Clock(START)
    drivers = [
        Awaited("memory", "memory://", clock),
        Awaited("aiosqlite", sqlite_url, clock),
        Awaited("asyncpg", postgres_url, clock),
    ]
    run(machine, drivers, sequences=100 if SOAK else 1)
