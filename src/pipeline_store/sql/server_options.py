"""Options in the query of a PostgreSQL URL, as the driver that serves it takes them.

They are named as libpq names them. psycopg hands them on to it; asyncpg knows the most of them only
in an address of its own, and the rest not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from pipeline_store.errors import StoreUnavailable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

PREPARE_THRESHOLD: Final = "prepare_threshold"
"""After how many uses a statement is kept prepared on the server: a number, or "none" for never."""

_NEVER: Final = "none"

_KEY_PASSWORD: Final = "sslpassword"  # noqa: S105 - the name of it

_UNDERSTOOD_BY_ASYNCPG: Final = {
    "database",
    "direct_tls",
    "gsslib",
    "host",
    "krbsrvname",
    "passfile",
    "port",
    "prepared_statement_cache_size",
    "servicefile",
    "ssl",
    "target_session_attrs",
    "user",
}
"""Arguments of asyncpg, or of SQLAlchemy for it, that are texts."""

_IN_ADDRESS: Final = {
    "application_name",
    "options",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    _KEY_PASSWORD,
    "sslrootcert",
}
"""What asyncpg reads in an address."""

_NUMBERS: Final = {"command_timeout": float, "statement_cache_size": int}

_NOTHING_PREPARED: Final = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}


def for_psycopg(url: URL) -> tuple[URL, dict[str, Any]]:
    """Return the URL without what the driver takes as arguments only, and those arguments."""
    # Text is sent and read as UTF-8, whatever the database, its server or the environment prefer.
    arguments: dict[str, Any] = {"client_encoding": "utf8"}
    if PREPARE_THRESHOLD in url.query:
        arguments[PREPARE_THRESHOLD] = _threshold(url)
    if _KEY_PASSWORD in url.query:
        # SQLAlchemy shows the query of a URL as it stands.
        arguments[_KEY_PASSWORD] = url.query[_KEY_PASSWORD]
    return url.difference_update_query([*arguments]), arguments


def for_asyncpg(url: URL) -> tuple[URL, dict[str, Any]]:
    """Do so for asyncpg.

    Raises:
        StoreUnavailable: it has nothing like one of the options.
    """
    arguments: dict[str, Any] = {}
    address: dict[str, str] = {}
    for name in url.query.keys() - _UNDERSTOOD_BY_ASYNCPG:
        if name in _IN_ADDRESS:
            address[name] = _text(url, name)
        elif name in _NUMBERS:
            arguments[name] = _number(url, name, _NUMBERS[name])
        elif name == "connect_timeout":
            seconds = _number(url, name, int)
            arguments["timeout"] = seconds if seconds > 0 else None
        elif name == PREPARE_THRESHOLD:
            arguments |= _NOTHING_PREPARED if _threshold(url) is None else {}
        # asyncpg speaks nothing but UTF-8.
        elif name != "client_encoding":
            raise StoreUnavailable(
                f"asyncpg has no option {name}, which the database URL holds: leave it out, or "
                "write postgresql+psycopg:// to be served by psycopg"
            )
    if address:
        arguments["dsn"] = f"postgresql://?{urlencode(address)}"
    return url.set(
        query={name: url.query[name] for name in url.query if name in _UNDERSTOOD_BY_ASYNCPG}
    ), arguments


def _text(url: URL, name: str) -> str:
    found = url.query[name]
    return found if isinstance(found, str) else found[-1]


def _number(url: URL, name: str, kind: type[int | float]) -> int | float:
    try:
        return kind(_text(url, name))
    except ValueError:
        raise StoreUnavailable(f"{name}: a number expected in the database URL") from None


def _threshold(url: URL) -> int | None:
    if _text(url, PREPARE_THRESHOLD).lower() == _NEVER:
        return None
    try:
        return int(_text(url, PREPARE_THRESHOLD))
    except ValueError:
        raise StoreUnavailable(
            f"{PREPARE_THRESHOLD}: a number, or {_NEVER}, expected in the database URL"
        ) from None
