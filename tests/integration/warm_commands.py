"""Programs that start at once: forked from a process that has loaded everything they need.

Whoever finds them first on their PATH starts them as ever, from a shell, in pipes, side by side.
What then runs is a process of its own, with its own files and locks; only that it did not import
anything. This module is run as the program that waits, and forks whenever one is started.
"""

from __future__ import annotations

import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from contextlib import ExitStack, contextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pipeline_store.cli import main
from tests.real_data import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

LOADED_LATE = (
    "alembic.command",
    "cryptography.fernet",
    "psycopg",
    "pydantic",
    "sqlalchemy.dialects.postgresql.psycopg",
    "pipeline_store.cli.app",
    "pipeline_store.cli.demo",
    "pipeline_store.cli.import_work",
    "pipeline_store.importers.channel_statistics",
    "pipeline_store.schemas",
    "pipeline_store.sql.revisions",
)
"""What programs load only when they need it."""


def run_script(arguments: list[str]) -> int:
    """Runs what a reader has written down; everything else is for an interpreter of its own."""
    script = arguments[0] if arguments else ""
    if not script.endswith(".py"):
        return subprocess.run([sys.executable, *arguments], check=False).returncode
    sys.argv = arguments
    sys.path[0] = str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")
    return 0


PROGRAMS: dict[str, Callable[[list[str]], int]] = {
    "pipeline-store": main,
    "pytest": lambda arguments: int(pytest.main(arguments)),
    "python": run_script,
}

# A bare interpreter, since hundreds of these are started.
STARTED = """\
#!{interpreter} -IS
import json, os, socket, sys
asked = json.dumps([{name!r}, sys.argv[1:], os.getcwd(), dict(os.environ)])
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    socket.send_fds(connection, [b"-"], [0, 1, 2])
    connection.sendall(asked.encode())
    connection.shutdown(socket.SHUT_WR)
    with connection.makefile() as answer:
        sys.exit(int(answer.read() or {killed}))
"""
KILLED = 128 + signal.SIGKILL
STANDARD_ERROR = 2


@contextmanager
def warm_commands() -> Generator[Path, None, None]:
    """Gives a folder that holds the programs, for a PATH; they work during the block."""
    # The address of a socket must be short, and the folders of tests are not.
    with TemporaryDirectory(prefix="warm-") as folder, _warm(Path(folder)):
        yield Path(folder)


@contextmanager
def _warm(folder: Path) -> Generator[None, None, None]:
    address = str(folder / "socket")
    for name in PROGRAMS:
        script = STARTED.format(
            interpreter=sys.executable, name=name, address=address, killed=KILLED
        )
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    with ExitStack() as undo:
        # It ends when its standard input does, even when this process is killed.
        waiting = undo.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", __name__, address],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=REPOSITORY,
            )
        )
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == b"waiting\n"
        yield


def wait_at(address: str) -> None:
    """Starts what is asked for, each in a fork of its own, until nobody is there to ask."""
    for module in LOADED_LATE:
        import_module(module)
    with redirect_stdout(StringIO()):
        main(["--version"])
    started: set[int] = set()
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as selector:
        listening.bind(address)
        listening.listen()
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(listening, selectors.EVENT_READ)
        print("waiting", flush=True)  # noqa: T201 - the answer to the caller
        while all(key.fileobj is not sys.stdin for key, _ in selector.select()):
            connection, _ = listening.accept()
            forked = os.fork()
            if not forked:
                listening.close()
                _answer(connection)
            connection.close()
            started.add(forked)
            started -= {each for each in started if os.waitpid(each, os.WNOHANG)[0]}
    for forked in started:
        os.waitpid(forked, 0)


def _answer(connection: socket.socket) -> NoReturn:
    """Becomes the program that was started; tells its exit code."""
    code = 1
    try:
        _, streams, _, _ = socket.recv_fds(connection, 1, 3)
        with connection.makefile() as asking:
            name, arguments, folder, environment = json.load(asking)
        _take_over(streams, folder, environment)
        sys.argv = [name, *arguments]
        code = PROGRAMS[name](arguments)
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException:  # noqa: BLE001 - what an interpreter does with it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(code).encode())
        # Its end is what the other side waits for.
        os._exit(code)


def _take_over(streams: list[int], folder: str, environment: dict[str, str]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)


def _stream(number: int, mode: str) -> Any:
    buffering = 1 if number == STANDARD_ERROR else -1
    return open(number, mode, buffering, encoding="utf-8", closefd=False)


if __name__ == "__main__":
    wait_at(sys.argv[1])
