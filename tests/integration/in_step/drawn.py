"""Values that rules draw from: sound ones, and those that every store has to refuse."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
TIMES = [START + timedelta(hours=6 * i) for i in range(4)]

BAD_TEXTS = ["\x00", "\ud800", 7, b"bytes"]
BAD_COUNTS = [-1, 2**63, 1.5, True, "7", math.nan]
BAD_NUMBERS = [math.nan, math.inf, "1", True, -1.0]
BAD_TIMES = ["2026-01-01", datetime(1969, 1, 1, tzinfo=UTC), 5]
BAD_JSON = [math.nan, {1: 2}, {"a": {2**63}}, "\x00", {"\ud800": 1}, b"x"]

Assignments = dict[type[Any], dict[str, list[Any]]]
"""Values to assign, by class and field."""


def field(*good: Any, bad: list[Any]) -> list[Any]:
    """Values to assign: the good ones three times as often as all bad ones together."""
    return [*good * (3 * len(bad) // len(good) + 1), *bad]


TEXT = field("x", "", "länger 🎬", None, bad=BAD_TEXTS)
NEEDED_TEXT = field("x", "", "länger 🎬", bad=[*BAD_TEXTS, None])
COUNT = field(0, 7, 2**40, 2**63 - 1, None, bad=BAD_COUNTS)
NUMBER = field(0.0, 2, 1.5, None, bad=BAD_NUMBERS)
TIME = field(*TIMES, None, bad=BAD_TIMES)
NEEDED_TIME = field(*TIMES, bad=[*BAD_TIMES, None])
FLAG = field(True, False, bad=[1, None, "true"])  # noqa: FBT003 - values

numbers = st.integers(0, 63)
times = st.sampled_from(TIMES)
