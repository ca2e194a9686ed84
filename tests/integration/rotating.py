"""Rotations that are killed at any moment, and the log of how far they had come.

A process that has loaded everything forks one rotation per round. Its keys are handed over in the
environment, as to any program.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_store import open_store
from pipeline_store.secrets import KEYS_VARIABLE, Keyring
from pipeline_store.services.key_rotation import rotate
from tests.integration.racing import lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_store import UnitOfWork
    from pipeline_store.secrets import Secret
    from pipeline_store.services.key_rotation import Rotation

ROWS_PER_BATCH = 2
BEGUN = "begun"


@dataclass(frozen=True)
class Killed:
    """What a rotation had said before it was killed: values rotated, and whether it was at work."""

    rotated: int
    inside: bool


def kill_rotations(
    url: str, keys: Sequence[Secret], kills: int, each: int, most: int
) -> list[Killed]:
    """Starts a rotation several times, and kills it once it has rotated `each` values more.

    However late the kill comes, it waits for it with `most`.
    """
    given = " ".join(key.reveal() for key in keys)
    said = lines_of(main, url, given, str(kills), str(each), str(most))
    return [Killed(*json.loads(line)) for line in said]


def work(url: str, log: int, most: int) -> None:
    """Rotates, and says when it begins a unit of work and what is committed after it."""
    store = open_store(url)

    def new_unit_of_work() -> UnitOfWork:
        os.write(log, f"{BEGUN}\n".encode())
        return store.unit_of_work()

    def progress(done: Rotation) -> None:
        os.write(log, f"{done.rotated}\n".encode())
        while done.rotated >= most:
            signal.pause()

    rotate(new_unit_of_work, Keyring.from_environment(), batch=ROWS_PER_BATCH, progress=progress)


def main(url: str, keys: str, kills: str, each: str, most: str) -> None:
    """Starts and kills rotations, and prints one line for each."""
    os.environ[KEYS_VARIABLE] = keys
    for _ in range(int(kills)):
        reading, writing = os.pipe()
        rotation = os.fork()
        if rotation == 0:
            os.close(reading)
            try:
                work(url, writing, int(most))
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as log:
            said: list[str] = []
            told_at, batch_seconds = time.monotonic(), 0.0
            for line in log:
                said.append(line.strip())
                if said[-1] == BEGUN:
                    continue
                batch_seconds, told_at = time.monotonic() - told_at, time.monotonic()
                if int(said[-1]) >= int(each):
                    break
            time.sleep(random.random() * 0.7 * batch_seconds)  # noqa: S311 - not a secret
            os.kill(rotation, signal.SIGKILL)
            _, status = os.waitpid(rotation, 0)
            said += [line.strip() for line in log]
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        rotated = [int(line) for line in said if line != BEGUN]
        print(json.dumps([rotated[-1], killed and said[-1] == BEGUN]), flush=True)  # noqa: T201
