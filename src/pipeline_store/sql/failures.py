"""The one place where a database's errors become the package's own.

Messages are built from error codes and the names of constraints, never from the server's detail
line or the parameters, which may hold secrets; the database's exception is not chained either.
"""

from __future__ import annotations

import sys
from typing import Any

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

RENAME_HINT = "rename it, or use another database or schema"
UPGRADE_HINT = "call store.upgrade() or run `pipeline-store upgrade`"


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
        if not isinstance(error, (sa_exc.SQLAlchemyError, OSError)):
            return
        failure = _failure(error, self._subject, self._deleting, self._committing)
        try:
            raise failure from None
        finally:
            # What `from None` only hides knows what was to be written, and how to log in.
            failure.__context__ = self._before


def _failure(
    error: sa_exc.SQLAlchemyError | OSError, subject: str, deleting: bool, committing: bool
) -> PipelineStoreError:
    if isinstance(error, sa_exc.DBAPIError):
        return _of_driver(error, subject, deleting, committing)
    if isinstance(error, sa_exc.StatementError):
        if isinstance(error.orig, PipelineStoreError):
            return error.orig
        return InvalidValue(f"{subject or 'statement'}: {error.orig}")
    if isinstance(error, sa_exc.TimeoutError):
        return StoreBusy("every connection of the pool is in use; try again")
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
    return StoreUnavailable(f"no connection to the database: {error}")


def _of_driver(
    error: sa_exc.DBAPIError, subject: str, deleting: bool, committing: bool
) -> PipelineStoreError:
    original: Any = error.orig
    sqlite_name: str | None = getattr(original, "sqlite_errorname", None)
    if sqlite_name is not None:
        return _of_sqlite(sqlite_name, str(original), subject, deleting)
    state: str | None = getattr(original, "sqlstate", None)
    lost = error.connection_invalidated or state is None or state[:2] == "08"
    if committing and lost:
        return _unknown_commit()
    if error.connection_invalidated and state is not None:
        return StoreUnavailable(f"the connection was lost ({state})")
    return _of_postgresql(state, original, subject, deleting)


def _unknown_commit() -> CommitUnknown:
    return CommitUnknown("the connection was lost during the commit: read what is there first")


def _of_sqlite(name: str, message: str, subject: str, deleting: bool) -> PipelineStoreError:
    where = subject or "the database"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy("the database file is locked by another process; try again")
    if name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}:
        return AlreadyExists(f"{where} is there already ({message})")
    # A reference that restricts is reported as a trigger.
    if name == "SQLITE_CONSTRAINT_FOREIGNKEY" or message.startswith("FOREIGN KEY"):
        return _broken_reference(where, deleting, "")
    if name.startswith("SQLITE_CONSTRAINT"):
        return InvalidValue(f"{where}: {message}")
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_NOTADB")):
        return StoreUnavailable(f"cannot open the database: {message}")
    if name.startswith("SQLITE_READONLY"):
        # Also to be read: SQLite keeps what readers and writers agree on in files beside it.
        return ReadOnly(f"{where}: {message}; its file and the folder have to be writable")
    if message.endswith("already exists"):
        return StoreFailure(f"{where}: {message}, made by another program: {RENAME_HINT}")
    if message.startswith("no such table"):
        return SchemaOutOfDate(f"{message}; {UPGRADE_HINT}")
    return StoreFailure(f"{where}: {message} ({name})")


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
        case (("08" | "28" | "3D" | "57"), _):
            return StoreUnavailable(f"the database does not serve this connection ({state})")
        case _, "25000":
            return StoreFailure(f"{where}: tasks are claimed at READ COMMITTED only ({state})")
        case _, "25006":
            return ReadOnly(f"{where}: the transaction is read-only")
        case _, "42P07":
            return StoreFailure(f"{where}: a table of ours is another program's: {RENAME_HINT}")
        case _, ("42P01" | "42703" | "3F000"):
            return SchemaOutOfDate(f"a table or column is missing ({state}); {UPGRADE_HINT}")
        case _:
            return StoreFailure(f"{where}: the database reported {state}")


def _constraint(original: Any) -> str:
    # psycopg keeps the name in `diag`, asyncpg on its own exception behind SQLAlchemy's.
    named = getattr(original, "diag", None) or getattr(original, "__cause__", None)
    name = getattr(named, "constraint_name", None)
    return f" ({name})" if name else ""


def _broken_reference(where: str, deleting: bool, constraint: str) -> PipelineStoreError:
    if deleting:
        return InUse(f"{where} is still referred to by other rows{constraint}")
    return NotFound(f"{where} refers to a row that does not exist{constraint}")
