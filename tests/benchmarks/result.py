"""One line of the report, and how rivals are timed."""

from __future__ import annotations

import gc
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS, MOST_ROUNDS = 5, 15
AT_LEAST, AT_MOST = "at least", "at most"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured, beside what; without a target it is shown for information."""

    what: str
    unit: str
    ours: float
    beside: str
    other: float
    target: float | None = None
    bound: str = AT_LEAST

    @property
    def ratio(self) -> float:
        """Ours in units of the other."""
        return self.ours / self.other

    @property
    def is_missed(self) -> bool:
        """Whether there is a target, and it is not kept."""
        return self.verdict == "MISSED"

    @property
    def verdict(self) -> str:
        """Whether the target is kept: ok, MISSED, or info where there is none."""
        if self.target is None:
            return "info"
        kept = self.ratio >= self.target if self.bound == AT_LEAST else self.ratio <= self.target
        return "ok" if kept else "MISSED"

    def as_dict(self) -> dict[str, Any]:
        """All of it, for --json."""
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict}


def best_seconds(
    rivals: Mapping[str, Callable[[], object]],
    prepare: Callable[[], object],
    is_enough: Callable[[Mapping[str, float]], bool],
) -> dict[str, float]:
    """The best time of each rival, who take turns, so that foreign load meets all of them.

    Other work on the machine only ever makes a rival slower, so more rounds are run, to a limit,
    before a result that is not good enough is believed.
    """
    best = dict.fromkeys(rivals, float("inf"))
    for number in range(MOST_ROUNDS):
        if number >= ROUNDS and is_enough(best):
            break
        for name, run in rivals.items():
            prepare()
            gc.collect()
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best
