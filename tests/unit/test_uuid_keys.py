"""Keys sort by age, one by one and many at once, and are given to one caller each."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import RFC_4122

import pytest

from pipeline_store.uuid_keys import new_key, new_keys


def test_many_are_keys_like_single_ones() -> None:
    """Version 7, in order between those before and behind."""
    keys = [new_key(), *new_keys(10_000), new_key(), *new_keys(1), *new_keys(0), new_key()]
    assert all(one < other for one, other in pairwise(keys))
    assert {(key.version, key.variant) for key in keys} == {(7, RFC_4122)}


def test_chance_differs() -> None:
    """What follows the count is not the same, nor of few values."""
    bits = [key.int & (1 << 62) - 1 for key in new_keys(1_000)]
    assert len(set(bits)) == 1_000
    assert max(bits) > 1 << 61 > min(bits)


def test_the_time() -> None:
    """They begin with the milliseconds of now; a full counter runs ahead of the clock."""
    before = time.time_ns() // 1_000_000
    first, *_, last = new_keys(3 * 4_096)
    after = time.time_ns() // 1_000_000
    # Earlier tests may have left the count ahead.
    assert before <= first.int >> 80 <= after + 60_000
    assert (last.int >> 80) - (first.int >> 80) in {2, 3}


@pytest.mark.parametrize("count", [1, 7])
def test_threads_at_once(count: int) -> None:
    """No two callers get numbers of one another."""
    with ThreadPoolExecutor(8) as pool:
        several = list(pool.map(new_keys, [count] * 400))
    numbers = [key.int >> 64 for keys in several for key in keys]
    assert len(set(numbers)) == 400 * count
