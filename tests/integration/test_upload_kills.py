"""Workers that are killed at each step of an upload: the platform has each content once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.racing import at_once
from tests.integration.uploading import STEPS, upload_and_die

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_workers_upload_everything_once(new_url: Callable[[], str]) -> None:
    """One worker after the other is killed with SIGKILL, at a later step each time."""
    (answer,) = at_once(upload_and_die, new_url(), 1)
    killed, videos, contents, published, done = map(int, answer.split())
    assert (videos, contents, published, done) == (STEPS, STEPS, STEPS, STEPS)
    assert killed == STEPS
