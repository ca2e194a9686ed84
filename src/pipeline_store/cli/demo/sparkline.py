"""Numbers over time in one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS: Final = "▁▂▃▄▅▆▇█"
PLAIN: Final = "_.:-=+*#"
"""For outputs that have no block characters."""

UNKNOWN: Final = " "


def sparkline(values: Sequence[int | None], levels: str = BLOCKS) -> str:
    """Return a character for each value, from 0 to the largest; what is unknown leaves a gap."""
    largest = max((value for value in values if value is not None), default=0)
    return "".join(UNKNOWN if value is None else _level(value, largest, levels) for value in values)


def _level(value: int, largest: int, levels: str) -> str:
    if largest <= 0:
        return levels[0]
    return levels[min(len(levels) - 1, value * len(levels) // largest)]
