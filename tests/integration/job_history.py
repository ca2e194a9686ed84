"""What workers wrote down while they were killed, and what must be true of it.

Every process appends lines to a file of its own, so that a line that was written survives the kill
of its writer. Their times are of the machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import attrs

from pipeline_store.channels import ProcessingJob

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task

CLAIMED: Final = "claimed"
BEATEN: Final = "beaten"
#: Said before it is done, since the job is anybody's from the commit on.
GIVES_UP: Final = "gives up"
GIVEN_UP: Final = "given up"
DONE: Final = "done"
#: Said before a write of one whose lease has ended, for which only a refusal is right.
LATE: Final = "late"
REFUSED: Final = "refused"
RAISED: Final = "raised"
KILLED: Final = "killed"
#: Said before it is done, since the jobs of that type are anybody's from the commit on.
RESUMES: Final = "resumes"

ENDS: Final = {GIVEN_UP, DONE, REFUSED}
"""What a worker says when it no longer works on a job."""


@attrs.frozen(kw_only=True)
class Event:
    """One line of a process."""

    process: int
    #: Nanoseconds of the monotonic clock.
    at: int
    what: str
    job: str = ""
    job_type: str = ""
    token: int = 0
    #: Of a claim: when the lease began and ends, by the clock that judges leases, in seconds.
    begins: float = 0.0
    ends: float = 0.0
    #: What was raised, or who was killed.
    detail: str = ""

    @property
    def claim(self) -> tuple[str, int]:
        """Which claim it is about."""
        return self.job, self.token


class Diary:
    """Where a process writes down what happens to it."""

    def __init__(self, folder: Path) -> None:
        self._process = os.getpid()
        path = folder / f"{self._process}.jsonl"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, what: str, **told: Any) -> None:
        """Appends a line."""
        event = Event(process=self._process, at=time.monotonic_ns(), what=what, **told)
        line = json.dumps(attrs.asdict(event, filter=lambda _, value: value not in {"", 0}))
        os.write(self._file, f"{line}\n".encode())

    def note_claim(
        self, what: str, claim: Claim[ProcessingJob] | Claim[Task], begins: datetime | None
    ) -> None:
        """Appends a line about a claim; the lease begins then, if it is known."""
        item = claim.item
        self.note(
            what,
            job=str(item.id),
            job_type=item.job_type.value if isinstance(item, ProcessingJob) else "",
            token=claim.token,
            begins=begins.timestamp() if begins else 0.0,
            ends=claim.expires_at.timestamp(),
        )


def read_diaries(folder: Path) -> list[Event]:
    """All lines of all processes, the earliest first."""
    events: list[Event] = []
    for path in folder.glob("*.jsonl"):
        lines = path.read_text().splitlines(keepends=True)
        # The last one may have been cut off with its writer.
        events += [Event(**json.loads(line)) for line in lines if line.endswith("\n")]
    return sorted(events, key=lambda event: event.at)


@attrs.frozen(kw_only=True)
class Outcome:
    """What the database holds in the end, for one job."""

    job: str
    status: str
    token: int
    #: The tokens of the claims whose effect is recorded.
    effects: tuple[int, ...]


@attrs.frozen
class Verdict:
    """What was wrong, and how much was seen at all."""

    violations: list[str]
    claims: int
    kills: int
    killed_inside: int
    refused: int
    given_up: int
    claimed_after_the_pause: int

    def refuse_unless_conclusive(self) -> None:
        """Fails when what was to be seen did not happen.

        Raises:
            AssertionError: no worker was killed inside a claim, came late or gave a job up, or no
                job of the paused type was claimed once it was resumed.
        """
        missing = [name for name, seen in attrs.asdict(self).items() if seen == 0]
        assert not missing, f"INCONCLUSIVE: {', '.join(missing)}: none"


def judge(
    events: Iterable[Event], outcomes: Iterable[Outcome], paused_type: str | None = None
) -> Verdict:
    """Says what the events and the outcome have of what must never be."""
    known = list(events)
    said: defaultdict[str, list[Event]] = defaultdict(list)
    for event in known:
        said[event.what].append(event)
    violations = [
        *(f"{event.detail} was raised" for event in said[RAISED]),
        *_wrong_outcomes(known, outcomes),
        *_early_claims(known),
        *_accepted_late(said),
    ]
    resumed = min((event.at for event in said[RESUMES]), default=None)
    of_paused = [event for event in said[CLAIMED] if event.job_type == paused_type]
    early = [event for event in of_paused if resumed is None or event.at < resumed]
    violations += [f"{event.job} was claimed while its type was paused" for event in early]
    return Verdict(
        violations=violations,
        claims=len(said[CLAIMED]),
        kills=len(said[KILLED]),
        killed_inside=_killed_inside(known),
        refused=len(said[REFUSED]),
        given_up=len(said[GIVEN_UP]),
        claimed_after_the_pause=len(of_paused) - len(early),
    )


def _wrong_outcomes(events: list[Event], outcomes: Iterable[Outcome]) -> list[str]:
    acknowledged = {event.claim for event in events if event.what == DONE}
    found: list[str] = []
    for outcome in outcomes:
        job, effects = outcome.job, outcome.effects
        if not effects:
            found.append(f"{job} has no effect")
        elif len(effects) > 1:
            found.append(f"{job} has {len(effects)} effects")
        if outcome.status != "completed":
            found.append(f"{job} is {outcome.status}")
        elif effects and set(effects) != {outcome.token}:
            found.append(f"{job} has effects of {effects}, its last claim is {outcome.token}")
        missing = {token for named, token in acknowledged if named == job} - set(effects)
        found += [f"{job} lost the acknowledged effect of {token}" for token in missing]
    return found


def _early_claims(events: list[Event]) -> list[str]:
    """Claims of what somebody held, or had done."""
    claims: defaultdict[str, list[Event]] = defaultdict(list)
    held_until: dict[tuple[str, int], float] = {}
    given_up = {event.claim for event in events if event.what == GIVES_UP}
    done = {event.claim for event in events if event.what == DONE}
    for event in events:
        if event.what == CLAIMED:
            claims[event.job].append(event)
        if event.what in {CLAIMED, BEATEN}:
            held_until[event.claim] = max(held_until.get(event.claim, 0.0), event.ends)
    found: list[str] = []
    for job, of_job in claims.items():
        for before, after in pairwise(sorted(of_job, key=lambda event: event.token)):
            if before.token == after.token:
                found.append(f"{job} was claimed twice as {after.token}")
            elif before.claim in done:
                found.append(f"{job} was claimed after it was done")
            elif before.claim not in given_up and after.begins < held_until[before.claim]:
                early = held_until[before.claim] - after.begins
                found.append(f"{job} was claimed {early:.3f} s before its lease ended")
    return found


def _accepted_late(said: dict[str, list[Event]]) -> list[str]:
    """Writes that came too late and were not refused."""
    done = {event.claim for event in said[DONE]}
    return [
        f"{event.job} was written after its lease ended"
        for event in said[LATE]
        if event.claim in done
    ]


def _killed_inside(events: list[Event]) -> int:
    """How many workers were killed between a claim and its end."""
    killed = {int(event.detail) for event in events if event.what == KILLED}
    open_claims: dict[int, set[tuple[str, int]]] = defaultdict(set)
    for event in events:
        if event.what == CLAIMED:
            open_claims[event.process].add(event.claim)
        elif event.what in ENDS:
            open_claims[event.process].discard(event.claim)
    return sum(bool(open_claims[process]) for process in killed)
