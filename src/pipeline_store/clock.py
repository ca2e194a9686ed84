"""Where "now" comes from: services and stores ask a clock, and tests pass their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from pipeline_store import values

Clock: TypeAlias = Callable[[], datetime]
"""Anything that returns the present instant as an aware datetime in UTC."""


def utc_now() -> datetime:
    """Return the present instant of the machine's clock, aware, in UTC."""
    return datetime.now(UTC)


def checked(clock: Clock) -> Clock:
    """Return a clock for a store: what it shows is aware, in UTC, and can be stored.

    A naive time that `clock` shows is taken as UTC, with a `NaiveDatetimeWarning`; the clock that
    is returned raises `InvalidValue` for what is no time from 1970 to 2200.
    """

    def now() -> datetime:
        return values.as_instant("clock", clock())

    return now
