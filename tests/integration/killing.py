"""Writers that are killed at any moment, and the log of what they were told is stored.

A process that has loaded everything forks one writer per round, so that a round takes no longer
than the writer lives.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline_store import open_store
from pipeline_store.production import ErrorLog, Script
from tests.integration.racing import lines_of

START = datetime(2026, 3, 1, tzinfo=UTC)
ERRORS_PER_UNIT = 3


@dataclass(frozen=True)
class Round:
    """What a killed writer had said: the units of work it began, and those acknowledged."""

    begun: list[int]
    acknowledged: list[int]

    @property
    def killed_inside(self) -> bool:
        """Whether it died after it began a unit of work and before it knew how that ended."""
        return len(self.begun) > len(self.acknowledged)


def kill_writers(url: str, rounds: int) -> list[Round]:
    """Lets one writer after the other work on the database, and kills each with SIGKILL."""
    return [Round(*json.loads(line)) for line in lines_of(main, url, str(rounds))]


def write(url: str, first: int, log: int) -> None:
    """Commits one unit of work after the other, each with a run, a script and some errors."""
    store = open_store(url)
    number = first
    while True:
        os.write(log, f"begin {number}\n".encode())
        with store.unit_of_work() as uow:
            start = START + timedelta(minutes=number)
            run = uow.pipeline_runs.for_cycle("gaming", start, start)
            run.retry_count = number
            uow.scripts.add(Script(pipeline_run_id=run.id, total_char_count=number))
            for _ in range(ERRORS_PER_UNIT):
                uow.errors.add(
                    ErrorLog(
                        pipeline_run_id=run.id,
                        module="cut",
                        error_type="ValueError",
                        error_message=str(number),
                    )
                )
            uow.commit()
        os.write(log, f"acknowledged {number}\n".encode())
        number += 1


def main(url: str, rounds: str) -> None:
    """Starts and kills writers, and prints one line for each."""
    # What the first use loads and sets up is done here once, or else by every writer.
    store = open_store(url)
    with store.unit_of_work(read_only=True) as uow:
        uow.pipeline_runs.count()
    store.close()
    first = 0
    for _ in range(int(rounds)):
        reading, writing = os.pipe()
        writer = os.fork()
        if writer == 0:
            os.close(reading)
            write(url, first, writing)
        os.close(writing)
        with os.fdopen(reading) as log:
            # Not before it works: a kill while it connects would show nothing.
            said = [log.readline(), log.readline()]
            time.sleep(random.random() * 0.1)  # noqa: S311 - not a secret
            os.kill(writer, signal.SIGKILL)
            os.waitpid(writer, 0)
            said += log.readlines()
        begun = [int(line.split()[1]) for line in said if line.startswith("begin")]
        acknowledged = [int(line.split()[1]) for line in said if line.startswith("ack")]
        print(json.dumps([begun, acknowledged]), flush=True)  # noqa: T201 - the answer
        first = begun[-1] + 1
