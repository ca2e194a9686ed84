"""The one place where a database's errors become the package's own.

Messages are built from error codes and the names of constraints, never from the server's detail
line or the parameters, which may hold secrets; the database's exception is not chained either.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy.exc as sa_exc
from sqlalchemy.orm import exc as orm_exc

from pipeline_store.errors import (
    AlreadyExists,
    CommitUnknown,
    Conflict,
    InUse,
    InvalidValue,
    NotFound,
    PipelineStoreError,
    ReadOnly,
    RolledBack,
    SchemaOutOfDate,
    StoreBusy,
    StoreFailure,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

RENAME_HINT = "rename it, or use another database or schema"
UPGRADE_HINT = "call store.upgrade() or run `pipeline-store upgrade`"
_CURES: Final = {
    "SQLITE_CANTOPEN": "its file and the folder have to be writable",
    "SQLITE_CORRUPT": "the file is damaged, restore a backup",
    "SQLITE_FULL": "make room and try again",
    "SQLITE_NOTADB": "name another file, or restore a backup",
}

_NOT_UTF_8: Final = re.compile(r"Could not decode to UTF-8 column '(\w+)'")

_NAME_TAKEN: Final = f"a table of ours is another program's: {RENAME_HINT}"
_RIGHTS: Final = (
    "to upgrade, an account needs USAGE and CREATE on a schema that exists; to work, SELECT, "
    "INSERT, UPDATE and DELETE on its tables and USAGE on its sequences"
)
_POOLER: Final = (
    "prepared statements are mixed up; behind a pooler put prepare_threshold=none into the URL"
)
_REFUSED: Final = {
    "25000": "tasks are claimed at READ COMMITTED only; let default_transaction_isolation of the "
    "database or the account be 'read committed', and pass no isolation_level",
    "26000": _POOLER,
    "3F000": f"the search path names no schema; {_RIGHTS}",
    "42501": f"the account may not do that; {_RIGHTS}",
    "42710": _NAME_TAKEN,
    "42723": _NAME_TAKEN,
    "42P05": _POOLER,
    "42P07": _NAME_TAKEN,
}
"""What PostgreSQL refuses for reasons without a type of their own, and what helps."""

_UNSERVED: Final = {
    "28": "the server refuses the account or its password",
    "3D": "the server has no such database: make it first, or correct the URL",
}


class translated:  # noqa: N801 - reads like a part of the statement
    """Raise every SQLAlchemy or driver error of the block as an error of the package.

    `subject` names what was being written. A broken foreign key means `InUse` when `deleting`, else
    that a parent is missing. A connection lost while `committing` leaves the outcome unknown.

    A class and no generator, since every call to a database goes through it, however short.
    """

    __slots__ = ("_before", "_committing", "_deleting", "_subject")

    def __init__(
        self, *, subject: str = "", deleting: bool = False, committing: bool = False
    ) -> None:
        """See the class."""
        self._subject = subject
        self._deleting = deleting
        self._committing = committing

    def __enter__(self) -> None:
        """Remember what is being handled already."""
        self._before = sys.exception()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Raise another error in place of a database's."""
        if isinstance(error, Exception) and (interruption := self._behind(error)):
            raise interruption from None
        # SQLite's own: from statements that are sent past SQLAlchemy.
        if not isinstance(error, (sa_exc.SQLAlchemyError, sqlite3.Error, OSError)):
            return
        failure = _failure(error, self._subject, self._deleting, self._committing)
        try:
            raise failure from None
        finally:
            # What `from None` only hides knows what was to be written, and how to log in.
            failure.__context__ = self._before

    def _behind(self, error: Exception) -> BaseException | None:
        """Return the signal that came when SQLAlchemy could bear no error, and hid it by one.

        No cancellation: drivers make a timeout of their own of one.
        """
        found = error.__context__
        while found is not None and found is not self._before:
            if isinstance(found, (KeyboardInterrupt, SystemExit)):
                return found
            found = found.__context__
        return None


def unless_interrupted(error: BaseException | None) -> AbstractContextManager[object]:
    """Let the errors of the block out, unless a signal or a cancellation is on its way already.

    Those come at any moment, also when SQLAlchemy's session is between two states and can do
    nothing any more; what it held goes back when it is forgotten.
    """
    interrupted = error is not None and not isinstance(error, Exception)
    return suppress(Exception) if interrupted else nullcontext()


def _failure(
    error: sa_exc.SQLAlchemyError | sqlite3.Error | OSError,
    subject: str,
    deleting: bool,
    committing: bool,
) -> PipelineStoreError:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, subject, deleting)
    if isinstance(error, sa_exc.DBAPIError):
        return _of_driver(error, subject, deleting, committing)
    if isinstance(error, sa_exc.StatementError):
        if isinstance(error.orig, PipelineStoreError):
            return error.orig
        return InvalidValue(f"{subject or 'statement'}: {error.orig}")
    if isinstance(error, sa_exc.TimeoutError):
        return StoreBusy(
            "every connection of the pool is in use; try again, open no unit of work inside"
            " another, or open the store with a larger pool_size"
        )
    if isinstance(error, sa_exc.PendingRollbackError):
        return RolledBack("an earlier error undid this unit of work")
    if isinstance(error, orm_exc.StaleDataError):
        return Conflict(f"{subject or 'a row'} was removed by somebody else")
    if isinstance(error, sa_exc.NoSuchModuleError):
        return StoreUnavailable(f"no support for this kind of database: {error}")
    if isinstance(error, sa_exc.SQLAlchemyError):
        return StoreFailure(f"{subject}: {type(error).__name__}: {error}")
    if committing:
        return _unknown_commit()
    # What asyncpg raises for a server that keeps silent says nothing.
    reason = "no answer in time" if isinstance(error, TimeoutError) else error
    return StoreUnavailable(f"no connection to the database: {reason}")


def _of_driver(
    error: sa_exc.DBAPIError, subject: str, deleting: bool, committing: bool
) -> PipelineStoreError:
    original: Any = error.orig
    if isinstance(original, sqlite3.Error) and not _was_lost(original):
        return _of_sqlite(original, subject, deleting)
    state: str | None = getattr(original, "sqlstate", None)
    lost = error.connection_invalidated or state is None or state[:2] == "08"
    if committing and lost:
        return _unknown_commit()
    if error.connection_invalidated and state is not None:
        return StoreUnavailable(f"the connection was lost ({state})")
    return _of_postgresql(state, original, subject, deleting)


def _unknown_commit() -> CommitUnknown:
    return CommitUnknown("the connection was lost during the commit: read what is there first")


def _of_sqlite(error: sqlite3.Error, subject: str, deleting: bool) -> PipelineStoreError:
    where, message = subject or "the database", str(error)
    if unreadable := _NOT_UTF_8.match(message):
        # Not the message itself, which shows what is stored.
        return StoreFailure(f"{where}: a text in column {unreadable[1]} is not UTF-8; correct it")
    if _was_lost(error):
        return StoreUnavailable(f"no connection to the database: {message}")
    name = error.sqlite_errorname
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy(
            "the database file is locked by another process, or by a unit of work of this one that"
            " is open; try again"
        )
    if name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}:
        return AlreadyExists(f"{where} is there already ({message})")
    # A reference that restricts is reported as a trigger.
    if name == "SQLITE_CONSTRAINT_FOREIGNKEY" or message.startswith("FOREIGN KEY"):
        return _broken_reference(where, deleting, "")
    if name.startswith("SQLITE_CONSTRAINT"):
        return InvalidValue(f"{where}: {message}")
    cure = next((f"; {_CURES[start]}" for start in _CURES if name.startswith(start)), "")
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_NOTADB")):
        return StoreUnavailable(f"cannot open the database: {message}{cure}")
    if name.startswith("SQLITE_READONLY"):
        # Also to be read: SQLite keeps what readers and writers agree on in files beside it.
        return ReadOnly(f"{where}: {message}; its file and the folder have to be writable")
    if message.endswith("already exists"):
        return StoreFailure(f"{where}: {message}, made by another program: {RENAME_HINT}")
    if message.startswith("no such table"):
        return SchemaOutOfDate(f"{message}; {UPGRADE_HINT}")
    return StoreFailure(f"{where}: {message} ({name}){cure}")


def _was_lost(error: sqlite3.Error) -> bool:
    """Whether it is an error of the driver's own and says nothing of what is stored."""
    return not hasattr(error, "sqlite_errorname") and not _NOT_UTF_8.match(str(error))


def _of_postgresql(
    state: str | None, original: Any, subject: str, deleting: bool
) -> PipelineStoreError:
    where = subject or "the database"
    if state is None:
        first_line = str(original).strip().partition("\n")[0]
        return StoreUnavailable(f"no connection to the database: {first_line}")
    constraint = _constraint(original)
    match state[:2], state:
        case _, "23505":
            return AlreadyExists(f"{where} is there already{constraint}")
        case _, ("23503" | "23001"):
            return _broken_reference(where, deleting, constraint)
        case (("22" | "23"), _):
            return InvalidValue(f"{where}: refused by the database{constraint} ({state})")
        case "40", _:
            return Conflict(f"{where}: somebody else changed it first ({state})")
        case _, ("55P03" | "53300" | "57014"):
            return StoreBusy(f"{where}: locked or overloaded; try again ({state})")
        # 55000: closed for all connections, as administrators do to rename or copy a database.
        case (("08" | "28" | "3D" | "57"), _) | (_, "55000"):
            reason = _UNSERVED.get(state[:2], "the database does not serve this connection")
            return StoreUnavailable(f"{reason} ({state})")
        case _, "25006":
            standby = "a standby takes none, nor a server with default_transaction_read_only"
            return ReadOnly(f"{where}: no writes in a read-only transaction; {standby} ({state})")
        case _, ("42P01" | "42703"):
            return SchemaOutOfDate(f"a table or column is missing ({state}); {UPGRADE_HINT}")
        case _:
            reason = _REFUSED.get(state, "refused by the database")
            return StoreFailure(f"{where}: {reason} ({state})")


def _constraint(original: Any) -> str:
    # psycopg keeps the name in `diag`, asyncpg on its own exception behind SQLAlchemy's.
    named = getattr(original, "diag", None) or getattr(original, "__cause__", None)
    name = getattr(named, "constraint_name", None)
    return f" ({name})" if name else ""


def _broken_reference(where: str, deleting: bool, constraint: str) -> PipelineStoreError:
    if deleting:
        return InUse(f"{where} is still referred to by other rows{constraint}")
    return NotFound(f"{where} refers to a row that does not exist{constraint}")
