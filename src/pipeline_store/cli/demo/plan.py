"""What the demo is going to tell, and how far it came: kept in the store, so that it can go on.

A demo that was killed is told to its end by the next one, whatever the time is then.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import repeat
from typing import TYPE_CHECKING, Final

import attrs

from pipeline_store.cli.demo.pipeline import CYCLE, window_of
from pipeline_store.cli.demo.target import DemoRefusedError, refuse_real_runs
from pipeline_store.production import ConfigOverride

if TYPE_CHECKING:
    from pipeline_store.unit_of_work import UnitOfWork

PLAN_KEY: Final = "demo.plan"
STEPS_KEY: Final = "demo.steps_done"

DAYS: Final = 7
MOST_NICHES: Final = 6
MOST_CLIPS: Final = 5


class Ending(StrEnum):
    """What becomes of a run."""

    APPROVED = "approved"
    REJECTED = "rejected"
    HELD = "held"
    WAITING = "waiting"


@attrs.frozen(kw_only=True)
class PlannedRun:
    """One run to come."""

    niche: str
    cycle_start: datetime
    ending: Ending
    clips: int


@attrs.frozen(kw_only=True)
class Plan:
    """All runs of the demo's week, which ended when the demo was first started."""

    started: datetime
    runs: tuple[PlannedRun, ...]

    @property
    def week_start(self) -> datetime:
        """When the first cycle starts."""
        return first_cycle(self.started)


def first_cycle(now: datetime) -> datetime:
    """Return the start of the six-hour window that was the current one a week ago."""
    return window_of(now - timedelta(days=DAYS))


def stored_plan(uow: UnitOfWork) -> Plan | None:
    """Return the plan that an earlier demo made, or None."""
    text = uow.config_overrides.value(PLAN_KEY)
    return None if text is None else _plan_from(text)


def make_plan(uow: UnitOfWork, now: datetime) -> Plan:
    """Plan the runs for what was imported, and keep the plan.

    Raises:
        DemoRefusedError: there are runs that no demo made, or no videos.
    """
    refuse_real_runs(uow)
    plan = Plan(started=now, runs=tuple(_planned_runs(uow, first_cycle(now))))
    if not plan.runs:
        raise DemoRefusedError(
            "no video that could be cut into clips: give files with titles in them"
        )
    # Added and not set: of two demos that start at once, one is refused and takes over this plan.
    for key, value in ((PLAN_KEY, _as_text(plan)), (STEPS_KEY, "0")):
        uow.config_overrides.add(ConfigOverride(key=key, value=value, updated_by="demo"))
    return plan


def steps_done(uow: UnitOfWork) -> int:
    """Return how many things have happened already."""
    return int(uow.config_overrides.get(STEPS_KEY).value)


def take_step(uow: UnitOfWork, number: int) -> bool:
    """Note that thing `number` has happened, and return False when it had before.

    Committed together with the thing itself, it happens exactly once. The setting is read and
    changed as one object: of two demos at the same step, the later one gets a `Conflict`.
    """
    steps = uow.config_overrides.get(STEPS_KEY)
    if int(steps.value) >= number:
        return False
    steps.value = str(number)
    steps.updated_at = uow.now()
    return True


def _planned_runs(uow: UnitOfWork, start: datetime) -> list[PlannedRun]:
    """Give each niche a run; with few niches, some have further runs in the cycles that follow."""
    pending = _pending_videos(uow)
    cycles = range(max(pending.values(), default=0))
    slots = [(niche, number) for number in cycles for niche in pending if pending[niche] > number]
    # Every ending once, then nothing but approved runs of further niches.
    endings = [*Ending, *repeat(Ending.APPROVED, max(0, len(pending) - len(Ending)))]
    chosen = slots[: len(endings)]
    runs = Counter(niche for niche, _ in chosen)
    return [
        PlannedRun(
            niche=niche,
            cycle_start=start + number * CYCLE,
            ending=ending,
            clips=min(MOST_CLIPS, pending[niche] // runs[niche]),
        )
        for ending, (niche, number) in zip(endings, chosen, strict=False)
    ]


def _pending_videos(uow: UnitOfWork) -> dict[str, int]:
    """Return how many unused videos the niches with the most of them have."""
    niches = uow.discovered_videos.niches()
    pending = {niche: len(uow.discovered_videos.pending(niche)) for niche in niches}
    largest = sorted((niche for niche in niches if pending[niche]), key=lambda n: -pending[n])
    return {niche: pending[niche] for niche in largest[:MOST_NICHES]}


def _as_text(plan: Plan) -> str:
    runs = [
        {
            "niche": run.niche,
            "cycle_start": run.cycle_start.isoformat(),
            "ending": run.ending,
            "clips": run.clips,
        }
        for run in plan.runs
    ]
    return json.dumps({"started": plan.started.isoformat(), "runs": runs})


def _plan_from(text: str) -> Plan:
    document = json.loads(text)
    return Plan(
        started=datetime.fromisoformat(document["started"]),
        runs=tuple(
            PlannedRun(
                niche=run["niche"],
                cycle_start=datetime.fromisoformat(run["cycle_start"]),
                ending=Ending(run["ending"]),
                clips=run["clips"],
            )
            for run in document["runs"]
        ),
    )
