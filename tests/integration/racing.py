"""Several processes that do one thing at one moment, and processes that die half way.

A job is a function of a test module that takes a URL. This module is run as a program that loads
everything once and then forks whenever it is asked, so that processes are cheap and start together.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from importlib import import_module
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, TYPE_CHECKING

import sqlalchemy as sa

from pipeline_store import open_store
from tests.integration import meeting
from tests.real_data import REPOSITORY
from tests.shared_statements import share_compiled_statements
from tests.whole_store import COLLECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Job = Callable[[str], object]


def at_once(job: Job, url: str, processes: int = 8) -> list[str]:
    """Runs the job in many processes from one moment on; returns what each answered or raised."""
    return _forked("race", job, str(processes), url)


def killed_along(job: Job, sample: str, urls: Sequence[str]) -> tuple[int, int]:
    """Runs the job on `sample`, then once per URL, killed before a statement further on each time.

    Positions are spread from the statement that takes the lock to the last one. Returns how many
    statements there are, and how many jobs were killed at their position, not before or after.
    """
    statements, *ends = _forked("kill", job, sample, *urls)
    return int(statements), ends.count("killed")


def lines_of(job: Callable[..., object], *arguments: str) -> list[str]:
    """Runs the job with these arguments in a process of its own; returns what it printed."""
    return _forked("call", job, *arguments)


class _Program:
    """This module, running as a program that forks for every request."""

    def __init__(self) -> None:
        self._errors = TemporaryFile("w+")  # noqa: SIM115 - open as long as the program runs
        # Measuring the coverage of hundreds of forks takes longer than what they do.
        unmeasured = {name: value for name, value in os.environ.items() if "COV" not in name}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=unmeasured,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=REPOSITORY,
            start_new_session=True,
        )

    def ask(self, *request: str) -> list[str]:
        """Has it do something; returns the lines that it prints meanwhile."""
        reading, writing = self._pipes()
        writing.write(json.dumps(request) + "\n")
        writing.flush()
        lines: list[str] = []
        for line in reading:
            if line == _DONE:
                return lines
            lines.append(line.removesuffix("\n"))
        self._errors.seek(0)
        raise AssertionError(self._errors.read())

    def kill(self) -> None:
        """Ends it and all that it started, whatever they do."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Lets it end."""
        for pipe in self._pipes():
            pipe.close()
        self._process.wait()
        self._errors.close()

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdout
        assert self._process.stdin
        return self._process.stdout, self._process.stdin


_DONE = "all of it is done\n"


@cache
def _program() -> _Program:
    program = _Program()
    atexit.register(program.close)
    return program


def _forked(verb: str, job: Callable[..., object], *arguments: str) -> list[str]:
    """Has the program do this to the job; returns what was printed."""
    program = _program()
    try:
        return program.ask(verb, job.__module__, job.__qualname__, *arguments)
    except BaseException:
        # Half an answer may be left in the pipe, and processes that wait for ever.
        _program.cache_clear()
        atexit.unregister(program.close)
        program.kill()
        raise


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


def _call(job: Callable[..., object], *arguments: str) -> None:
    job(*arguments)


def _race(job: Job, processes: str, url: str) -> None:
    waiting, starting = os.pipe()
    meeting.expect(int(processes))

    def work(say: Callable[[str], None]) -> None:
        os.close(starting)
        # Ends for all at once, when the parent closes its side.
        os.read(waiting, 1)
        say(str(job(url)))

    children = [Child(work) for _ in range(int(processes))]
    os.close(starting)
    for child in children:
        print(child.line())  # noqa: T201 - the answer to the caller
        os.waitpid(child.process, 0)


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


def _warm_up() -> None:
    """Does once what the first use of a store loads and sets up, or else every fork would."""
    for module in ("psycopg", "sqlalchemy.dialects.postgresql.psycopg"):
        import_module(module)
    with TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/a.db")
        store.upgrade()
        with store.unit_of_work(read_only=True) as uow:
            for collection in COLLECTIONS:
                getattr(uow, collection).page()
        store.close()
    # What is not looked at again is not copied into every fork.
    gc.collect()
    gc.freeze()


def _serve() -> None:
    """Does what it is asked for, each in a fork of its own; ends when one of them fails."""
    for request in sys.stdin:
        verb, module, function, *arguments = json.loads(request)
        job = getattr(import_module(module), function)
        forked = os.fork()
        if not forked:
            {"call": _call, "race": _race, "kill": _kill}[verb](job, *arguments)
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(forked, 0)
        if status:
            sys.exit(f"{verb} {module}.{function} ended with {status}")
        sys.stdout.write(_DONE)
        sys.stdout.flush()


if __name__ == "__main__":
    share_compiled_statements()
    _warm_up()
    _serve()
