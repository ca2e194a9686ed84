"""URLs of databases: what they say, and the SQLite files that they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from pipeline_store.errors import StoreUnavailable
from pipeline_store.sql.failures import translated

SYNCHRONOUS: Final = "synchronous"
"""In the query of an SQLite URL: how a commit waits for the disk, FULL unless said otherwise."""

_SYNCHRONOUS_LEVELS: Final = {"OFF", "NORMAL", "FULL", "EXTRA"}

_OPTIONS_OF_A_FILE: Final = (
    # SQLite leaves out, without a word, what is none of these.
    *("cache", "immutable", "mode", "nolock", "psow", "vfs"),
    *(
        "cached_statements",
        "check_same_thread",
        "detect_types",
        "isolation_level",
        "timeout",
        "uri",
    ),
    SYNCHRONOUS,
)
"""What the query of an SQLite URL may hold: options of SQLite, of its driver, and our own."""

_PASSWORD: Final = "password"  # noqa: S105 - the name of it
"""A secret that a PostgreSQL URL may hold in its query as well as before its host."""

LAST_PORT: Final = 65535


def parse_url(url: str | URL) -> URL:
    """Return the parsed URL.

    Raises:
        StoreUnavailable: it is no URL of SQLite or PostgreSQL; a password in it is not repeated.
    """
    with translated():
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):  # ValueError: a port that is no number
            raise StoreUnavailable(
                "not a database URL; expected memory://, sqlite:///FILE or postgresql://..."
            ) from None
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        found = parsed.get_backend_name()
        raise StoreUnavailable(
            f"{found} is not supported; memory://, sqlite:///FILE or postgresql://... expected"
        )
    if synchronous_level(parsed) not in _SYNCHRONOUS_LEVELS:
        choices = ", ".join(sorted(_SYNCHRONOUS_LEVELS))
        raise StoreUnavailable(f"{SYNCHRONOUS}: one of {choices} expected in the URL")
    if parsed.get_backend_name() == "sqlite":
        _check_file(parsed)
    if parsed.port is not None and not 0 < parsed.port <= LAST_PORT:
        raise StoreUnavailable(f"a port is a number from 1 to {LAST_PORT}")
    _check_name(parsed.database or "")
    if _PASSWORD in parsed.query:
        password = str(parsed.query[_PASSWORD])
        parsed = parsed.difference_update_query([_PASSWORD]).set(password=password)
    return parsed


def _check_file(url: URL) -> None:
    if url.host:
        raise StoreUnavailable("a file has three slashes: sqlite:///FILE, or four from the root")
    unknown = sorted(set(url.query).difference(_OPTIONS_OF_A_FILE))
    if unknown:
        known = ", ".join(sorted(_OPTIONS_OF_A_FILE))
        raise StoreUnavailable(f"an SQLite URL has no option {unknown[0]!a}; there are {known}")


def _check_name(name: str) -> None:
    if "\x00" in name:
        raise StoreUnavailable("the name of a database cannot hold the NUL character")
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        raise StoreUnavailable(f"no database can have the name {name!a}") from None


def synchronous_level(url: URL) -> str:
    """Return how commits wait for the disk, as the URL of an SQLite file asks for."""
    return str(url.query.get(SYNCHRONOUS, "FULL")).upper()


def refuse_missing_file(url: URL) -> None:
    """Refuse an SQLite URL whose file is not there, rather than have an empty one made."""
    file = sqlite_file(url)
    if file is None or file.is_file():
        return
    if file.is_dir():
        raise StoreUnavailable(f"{file} is a directory, not a database")
    cure = "create it with store.upgrade() or `pipeline-store init`"
    raise StoreUnavailable(f"there is no database {file}: {cure}")


def sqlite_file(url: URL) -> Path | None:
    """Return the file of an SQLite URL, or None for a database in memory or on a server."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)


def fixed_in_place(url: URL) -> URL:
    """Return the URL with the path of its SQLite file from the root on: folders are changed."""
    file = sqlite_file(url)
    if file is None:
        return url
    with translated():
        return url.set(database=os.fspath(file.absolute()))


def create_sqlite_file(url: URL) -> None:
    """Make the file of an SQLite URL, readable by its owner only, unless it is there."""
    file = sqlite_file(url)
    if file is None:
        return
    try:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        if not file.parent.is_dir():
            message = f"cannot create {file}: there is no directory {file.parent}"
            raise StoreUnavailable(message) from None
        raise StoreUnavailable(f"cannot create {file}: {error.strerror}") from None
