"""Fixtures for all tests."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import settings

from tests.postgres_server import PostgresMissingError, PostgresServer, open_server

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from tests.migrated_databases import MigratedDatabases


def is_on(variable: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether an environment variable is set to something that means yes."""
    return environ.get(variable, "").lower() not in {"", "0", "false", "no"}


# How long an example takes says more of what else the machine does than of what is tried.
settings.register_profile(
    "ours", deadline=None, max_examples=100 if is_on("PIPELINE_STORE_SOAK") else 40
)
settings.load_profile("ours")


def skip_without_postgres(reason: str, environ: Mapping[str, str]) -> NoReturn:
    """A person may lack a PostgreSQL; continuous integration may not."""
    if is_on("CI", environ):
        pytest.fail(f"CI must not skip PostgreSQL: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Spares the search for garbage what collecting makes: it is much, and stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        # Tests leave little of it, and searching as often as by default takes longer than some do.
        gc.set_threshold(5_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what uses PostgreSQL, and leaves what takes minutes to `make soak`."""
    for item in items:
        if "postgres_server" in getattr(item, "fixturenames", ()):
            item.add_marker("postgres")
        if item.get_closest_marker("soak") and not is_on("PIPELINE_STORE_SOAK"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; make soak runs it"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Has a worker of pytest-xdist tell only how a test went, not that it begins and was set up.

    With thousands of small tests, what nobody shows takes as long to tell as many a test to run.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ or item.config.getoption("durations") is not None:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started when the first test asks for it."""
    try:
        with open_server(os.environ) as server:
            yield server
    except PostgresMissingError as missing:
        skip_without_postgres(str(missing), os.environ)


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a PostgreSQL database of the test's own, without tables."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def migrated_databases(postgres_server: PostgresServer) -> Iterator[MigratedDatabases]:
    """PostgreSQL databases at the newest revision, without rows."""
    from tests.migrated_databases import MigratedDatabases  # noqa: PLC0415 - loads SQLAlchemy

    databases = MigratedDatabases(postgres_server)
    yield databases
    databases.close()


@pytest.fixture
def postgres_url(migrated_databases: MigratedDatabases) -> Iterator[str]:
    """The URL of a PostgreSQL database of the test's own, at the newest revision, without rows."""
    url = migrated_databases.take()
    yield url
    migrated_databases.give_back(url)
