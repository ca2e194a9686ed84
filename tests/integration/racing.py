"""Several processes that do one thing at one moment, and processes that die half way.

A job is a function of a test module that takes a URL. This module is run as a program that loads
everything once and then forks, so that processes are cheap and start together.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING

import sqlalchemy as sa

from tests.real_data import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Job = Callable[[str], object]


def at_once(job: Job, url: str, processes: int = 8) -> list[str]:
    """Runs the job in many processes from one moment on; returns what each answered or raised."""
    return _in_a_fresh_process("race", job, str(processes), url)


def killed_along(job: Job, sample: str, urls: Sequence[str]) -> tuple[int, int]:
    """Runs the job on `sample`, then once per URL, killed before a statement further on each time.

    Positions are spread from the statement that takes the lock to the last one. Returns how many
    statements there are, and how many jobs were killed at their position, not before or after.
    """
    statements, *ends = _in_a_fresh_process("kill", job, sample, *urls)
    return int(statements), ends.count("killed")


def _in_a_fresh_process(verb: str, job: Job, *arguments: str) -> list[str]:
    name = f"{job.__module__}:{job.__qualname__}"
    return lines_of(__name__, verb, name, *arguments)


def lines_of(module: str, *arguments: str, seconds: float = 240) -> list[str]:
    """Runs a module as a program and returns what it printed; it may take so many seconds."""
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=seconds,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


class Child:
    """A forked process that runs something and may say one line before it ends."""

    def __init__(self, work: Callable[[Callable[[str], None]], None]) -> None:
        self._answer, writing = os.pipe()
        self.process = os.fork()
        if self.process:
            os.close(writing)
            return
        try:
            work(lambda line: _say(writing, line))
        except BaseException as error:  # noqa: BLE001 - the parent decides what it means
            _say(writing, f"raised {error!r}".replace("\n", " "))
        finally:
            os._exit(0)

    def line(self) -> str:
        """What it said, or an empty text when it ended without a word."""
        with os.fdopen(self._answer) as answer:
            return answer.readline().strip()


def _say(where: int, line: str) -> None:
    os.write(where, f"{line}\n".encode())


def _race(job: Job, processes: str, url: str) -> None:
    waiting, starting = os.pipe()

    def work(say: Callable[[str], None]) -> None:
        os.close(starting)
        # Ends for all at once, when the parent closes its side.
        os.read(waiting, 1)
        say(str(job(url)))

    children = [Child(work) for _ in range(int(processes))]
    os.close(starting)
    for child in children:
        print(child.line())  # noqa: T201 - the answer to the caller


def _kill(job: Job, sample: str, *urls: str) -> None:
    def count(say: Callable[[str], None]) -> None:
        counter = _Statements()
        job(sample)
        say(str(counter.seen))

    def run(url: str, position: int) -> Child:
        def work(say: Callable[[str], None]) -> None:
            _Statements(position, say)
            job(url)

        return Child(work)

    statements = Child(count).line()
    print(statements)  # noqa: T201 - the answer to the caller
    step = (int(statements) - 1) / (len(urls) - 1)
    children = [run(url, 1 + round(step * number)) for number, url in enumerate(urls)]
    for child in children:
        reached = child.line() == "reached"
        os.kill(child.process, signal.SIGKILL)
        _, status = os.waitpid(child.process, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if reached and killed else "missed")  # noqa: T201 - the answer


class _Statements:
    """Counts statements from the one that takes the lock on, and stops for ever before one."""

    def __init__(self, last: int = 0, say: Callable[[str], None] | None = None) -> None:
        self.seen = 0
        self._last = last
        self._say = say
        sa.event.listen(sa.Engine, "before_cursor_execute", self._before)

    def _before(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        locks = statement == "BEGIN IMMEDIATE" or "pg_advisory_xact_lock" in statement
        if self.seen or locks:
            self.seen += 1
        if self._say and self.seen == self._last:
            self._say("reached")
            time.sleep(600)


if __name__ == "__main__":
    _verb, _name, *_arguments = sys.argv[1:]
    _module, _, _function = _name.partition(":")
    {"race": _race, "kill": _kill}[_verb](getattr(import_module(_module), _function), *_arguments)
