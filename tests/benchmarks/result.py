"""One line of the report, and how rivals are timed."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS, MOST_ROUNDS = 5, 15
SHORT_WARM_UP, SHORT_ROUNDS = 3, 60
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


def quiet_seconds(
    rivals: Mapping[str, Callable[[], float]],
    is_enough: Callable[[Mapping[str, float]], bool],
    at_once: int = SHORT_ROUNDS,
) -> dict[str, float]:
    """The median of what each rival says it took, in the quietest third of many short rounds.

    For what waits for the disk, which other work makes slow for seconds on end, and slow for all
    alike: in such a round there is nothing to compare. A round is as quiet as it is short for all
    rivals together. More are run, to three times `at_once`, before a result that is not good enough
    is believed.
    """
    rounds: list[dict[str, float]] = []
    turns = list(rivals.items())
    for number in range(-SHORT_WARM_UP, 3 * at_once):
        if number > 0 and number % at_once == 0 and is_enough(_medians(rounds)):
            break
        taken = {name: run() for name, run in turns}
        turns.reverse()
        if number >= 0:
            rounds.append(taken)
    return _medians(rounds)


def short_rounds(at_once: int = SHORT_ROUNDS) -> int:
    """How often each rival of `quiet_seconds` may have its turn."""
    return SHORT_WARM_UP + 3 * at_once


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    quiet = sorted(rounds, key=lambda each: sum(each.values()))[: max(1, len(rounds) // 3)]
    return {name: statistics.median(each[name] for each in quiet) for name in quiet[0]}
