"""When the lease on a task that is worked on is prolonged."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from pipeline_store.services.work_holding import Held, Pulse


@pytest.mark.parametrize(("left", "due_in"), [(60, 20), (45, 5), (40, 0), (1, 0)])
def test_the_first_heartbeat_is_due_a_third_of_the_lease_after_the_last(
    left: float, due_in: float
) -> None:
    """Short stages before this one had none, and the lease has to outlast this one too."""
    claim: Any = None
    held = Held(claim, threading.Event(), time.monotonic() + left, lambda: False)
    pulse = Pulse(timedelta(seconds=60), held)
    assert due_in - 1 < pulse.seconds_to_next(held, None) <= due_in
