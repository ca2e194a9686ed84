"""Keys that sort by age: UUIDs of version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import secrets
import time
from threading import Lock
from typing import Final
from uuid import UUID

_COUNTER_BITS: Final = 12
_RANDOM_BITS: Final = 62
_lock: Final = Lock()
_last = 0


def new_key() -> UUID:
    """Return a new UUID; within this process, each sorts behind the one before.

    48 bits of Unix time in milliseconds, 12 bits that count within one, 62 random bits.
    """
    global _last  # noqa: PLW0603 - one sequence for the whole process
    now = time.time_ns() // 1_000_000 << _COUNTER_BITS
    with _lock:
        # A full counter, or a clock that was set back, runs ahead of the clock for a moment.
        _last = now = max(now, _last + 1)
    milliseconds, count = now >> _COUNTER_BITS, now & (1 << _COUNTER_BITS) - 1
    return UUID(
        int=milliseconds << 80
        | 0x7 << 76
        | count << 64
        | 0b10 << _RANDOM_BITS
        | secrets.randbits(_RANDOM_BITS)
    )
