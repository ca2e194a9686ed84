"""Keys that sort by age: UUIDs of version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import secrets
import time
from threading import Lock
from typing import Final
from uuid import UUID

_COUNTER_BITS: Final = 12
_RANDOM_BITS: Final = 62
_RANDOM_MASK: Final = (1 << _RANDOM_BITS) - 1
_lock: Final = Lock()
_last = 0


def new_key() -> UUID:
    """Return a new UUID; within this process, each sorts behind the one before.

    48 bits of Unix time in milliseconds, 12 bits of what is left of one, which count on when keys
    are wanted faster, 62 random bits.
    """
    return _key(_take(1), secrets.randbits(_RANDOM_BITS))


def new_keys(count: int) -> list[UUID]:
    """Return as many new UUIDs, in their order, as that many calls of `new_key` would."""
    first = _take(count)
    chance = memoryview(secrets.token_bytes(8 * count)).cast("Q")
    return [_key(number, bits & _RANDOM_MASK) for number, bits in enumerate(chance.tolist(), first)]


def _take(count: int) -> int:
    """Return the first of so many numbers in a row that nobody else in this process gets."""
    global _last  # noqa: PLW0603 - one sequence for the whole process
    now = (time.time_ns() << _COUNTER_BITS) // 1_000_000
    with _lock:
        # A full counter, or a clock that was set back, runs ahead of the clock for a moment.
        first = max(now, _last + 1)
        _last = first + count - 1
    return first


def _key(number: int, chance: int) -> UUID:
    milliseconds, count = number >> _COUNTER_BITS, number & (1 << _COUNTER_BITS) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | count << 64 | 0b10 << _RANDOM_BITS | chance)
