"""The worker processes of the demo."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from pipeline_store.cli.database import URL_VARIABLE

if TYPE_CHECKING:
    from types import TracebackType

PROGRAM: Final = "pipeline_store.cli.demo.documentary_work"
LEASE_SECONDS: Final = 2
POLL_SECONDS: Final = 0.25

LEAST_LEFT: Final = 1
"""Workers that are not killed."""

SECONDS_TO_END: Final = 10


class WorkerProcesses:
    """So many processes with one worker each, until the end of the block."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._names = [f"demo-worker-{number}" for number in range(1, count + 1)]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def started(self) -> list[subprocess.Popen[bytes]]:
        """The processes, those that have ended among them."""
        return list(self._processes.values())

    def are_alive(self) -> bool:
        """Whether any of them still works."""
        return any(process.poll() is None for process in self._processes.values())

    def kill(self, name: str) -> bool:
        """Kill one, unless it is none of ours or nobody would be left; return whether it is."""
        alive = [each for each, process in self._processes.items() if process.poll() is None]
        if name not in alive or len(alive) <= LEAST_LEFT:
            return False
        self._processes[name].kill()
        self._processes[name].wait()
        return True

    def __enter__(self) -> Self:
        # In the environment, where the password of a URL is not listed for everybody.
        environ = {**os.environ, URL_VARIABLE: self._url}
        try:
            for name in self._names:
                self._processes[name] = subprocess.Popen(  # noqa: S603 - this program itself
                    self._command(name),
                    env=environ,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    # Control-C is for the demo, which then ends them.
                    start_new_session=True,
                )
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let each finish what it does, or end it after a while."""
        self._end()

    def _command(self, name: str) -> list[str]:
        program = [sys.executable, "-m", PROGRAM]
        times = ["--lease", str(LEASE_SECONDS), "--poll", str(POLL_SECONDS)]
        return [*program, "--name", name, *times]

    def _end(self) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self._processes.values():
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
