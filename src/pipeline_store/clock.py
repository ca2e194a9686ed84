"""Where "now" comes from: services and stores ask a clock, and tests pass their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Anything that returns the present instant as an aware datetime in UTC."""


def utc_now() -> datetime:
    """Return the present instant of the machine's clock, aware, in UTC."""
    return datetime.now(UTC)
