"""The database that a command works on, as the user named it.

Only `init` and `demo` create a file: a mistyped path is an error and leaves nothing behind.
SQLAlchemy is loaded when a database is opened, so that help comes at once.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pipeline_store.errors import InvalidValue, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sqlalchemy.engine import URL

    from pipeline_store.sql import SqlStore
    from pipeline_store.unit_of_work import UnitOfWork

DEFAULT_URL: Final = "sqlite:///pipeline.db"
URL_VARIABLE: Final = "PIPELINE_STORE_URL"

CREATE_IT: Final = "; `pipeline-store init` creates one"

_SQLITE_MAGIC: Final = b"SQLite format 3\x00"


class Database:
    """A database by its URL, or an SQLite file by its path."""

    def __init__(self, given: str) -> None:
        """Take what the user gave; it is read when it is first needed."""
        self._given = given

    @cached_property
    def _url(self) -> URL:
        from sqlalchemy.engine import URL  # noqa: PLC0415 - see above

        from pipeline_store.sql.urls import parse_url  # noqa: PLC0415 - see above

        if not self._given:
            raise InvalidValue("--database: a URL or the path of an SQLite file expected")
        if self._given.startswith("memory:"):
            raise InvalidValue(f"a database in memory ends with the command; {_CHOICES}")
        if "://" not in self._given:
            return URL.create("sqlite", database=self._given)
        return parse_url(self._given)

    @property
    def url(self) -> str:
        """The whole URL, password included: to open it with, never to print."""
        return self._url.render_as_string(hide_password=False)

    @property
    def name(self) -> str:
        """What to call it in messages: the path, or the URL without password and options."""
        if self.file is not None:
            return str(self.file)
        return self._url.set(query={}).render_as_string(hide_password=True)

    @cached_property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        from pipeline_store.sql.urls import sqlite_file  # noqa: PLC0415 - see above

        file = sqlite_file(self._url)
        if file is None and self._url.get_backend_name() == "sqlite":
            raise InvalidValue(f"a database in memory ends with the command; {_CHOICES}")
        return file

    @property
    def is_there(self) -> bool:
        """Whether there is an SQLite file; a server is taken to be there.

        Raises:
            StoreUnavailable: what is there is no SQLite database.
        """
        if self.file is None:
            return True
        try:
            mode = self.file.stat().st_mode
            if stat.S_ISDIR(mode):
                raise StoreUnavailable(f"{self.file} is a directory, not a database")
            if not stat.S_ISREG(mode):
                raise StoreUnavailable(f"{self.file} is not a regular file")
            with self.file.open("rb") as stream:
                found = stream.read(len(_SQLITE_MAGIC))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StoreUnavailable(f"cannot open {self.file}: {reason}") from None
        # An empty file is a database that nothing was written to yet.
        if found not in {b"", _SQLITE_MAGIC}:
            raise StoreUnavailable(f"{self.file} is not an SQLite database")
        return True

    @contextmanager
    def opened(self, *, may_create: bool = False, cure: str = CREATE_IT) -> Generator[SqlStore]:
        """Open the store and close it after; `cure` is told when it is not there.

        Raises:
            StoreUnavailable: there is no such file and none may be created, or it is none.
        """
        if not self.is_there and not may_create:
            raise StoreUnavailable(f"no database at {self.file}{cure}")
        from pipeline_store.sql import SqlStore  # noqa: PLC0415 - see above

        store = SqlStore(self.url)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def unit_of_work(self, *, read_only: bool = False) -> Generator[UnitOfWork]:
        """Open the store for one unit of work."""
        with self.opened() as store, store.unit_of_work(read_only=read_only) as uow:
            yield uow


_CHOICES: Final = "name a file (sqlite:///FILE) or a server (postgresql://...)"


def database_from(given: str | None) -> Database:
    """Return the database given on the command line, else in the environment, else the default."""
    if given is None:
        given = os.environ.get(URL_VARIABLE) or DEFAULT_URL
    return Database(given)
