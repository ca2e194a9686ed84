"""When the lease on a task that is worked on is prolonged, and until when its end is written."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from pipeline_store.claim import Claim
from pipeline_store.errors import LeaseLost, PipelineStoreError, StoreBusy, StoreUnavailable
from pipeline_store.services import work_holding
from pipeline_store.services.work_holding import Held, Pulse, Tries
from pipeline_store.tasks import Task


@pytest.fixture(autouse=True)
def _standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_holding, "time", SimpleNamespace(monotonic=lambda: 1_000.0))


def held_for(seconds: float) -> Held[threading.Event]:
    """A task in the hands of a worker for so long."""
    task = Task(
        channel_id=uuid4(), notion_page_id="page", title="t", topic="t", story_direction="s"
    )
    until = datetime(2026, 3, 1, tzinfo=UTC)
    claim = Claim(item=task, worker="w1", token=1, attempt=1, expires_at=until)
    return Held(claim, threading.Event(), 1_000.0 + seconds, lambda: False)


@pytest.mark.parametrize(("left", "due_in"), [(60, 20), (45, 5), (40, 0), (1, 0)])
def test_the_first_heartbeat_is_due_a_third_of_the_lease_after_the_last(
    left: float, due_in: float
) -> None:
    """Short stages before this one had none, and the lease has to outlast this one too."""
    held = held_for(left)
    pulse = Pulse(timedelta(seconds=60), held)
    assert pulse.seconds_to_next(held, None) == due_in


@pytest.mark.parametrize(
    ("left", "error"),
    [(60, LeaseLost("claim again")), (0.001, StoreBusy("away"))],
    ids=["ended", "ends before the next try"],
)
def test_what_failed_until_the_lease_ended_is_told(left: float, error: PipelineStoreError) -> None:
    """It is why the work is lost; that the lease has ended by then is what follows."""
    tries = Tries()
    assert tries.pause_after(StoreUnavailable("away"), held_for(60)) > 0
    with pytest.raises(LeaseLost, match="ended before it could be written: away"):
        tries.pause_after(error, held_for(left))


def test_a_lease_that_ended_before_the_first_try() -> None:
    """There is nothing else to tell."""
    error = LeaseLost("claim again")
    with pytest.raises(LeaseLost) as raised:
        Tries().pause_after(error, held_for(60))
    assert raised.value is error
