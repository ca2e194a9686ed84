"""Numbers over time in one line of text."""

from __future__ import annotations

import pytest

from pipeline_store.cli.demo.sparkline import BLOCKS, PLAIN, sparkline


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([None, None], "  "),
        ([0, 0], "▁▁"),
        ([0, None, 8], "▁ █"),
        (list(range(8)), "▁▂▃▄▅▆▇█"),
        ([7, 0, 7], "█▁█"),
        ([2**63 - 1, 2**62, 0], "█▅▁"),
    ],
)
def test_a_value_is_drawn_by_its_share_of_the_largest(values: list[int | None], line: str) -> None:
    """What is unknown leaves a gap; 0 does not, and no number is too large."""
    assert sparkline(values) == line


def test_every_level_has_a_letter_for_outputs_without_blocks() -> None:
    """The curve has the same shape in either."""
    values = list(range(8))
    assert len(PLAIN) == len(BLOCKS)
    assert sparkline(values, PLAIN) == PLAIN
