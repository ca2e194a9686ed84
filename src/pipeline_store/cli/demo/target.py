"""The database that the demo works on: made when it is missing, left alone when it is not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from pipeline_store import open_store
from pipeline_store.cli.database import Database
from pipeline_store.errors import PipelineStoreError
from pipeline_store.sql import SqlStore

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store.clock import Clock
    from pipeline_store.unit_of_work import Store, UnitOfWork

ELSEWHERE = "start the demo in another folder, or name another file with --database"


class DemoRefusedError(PipelineStoreError):
    """The demo would mix what it makes up with what is real, or has nothing to work on."""


def prepared_store(url: str, clock: Clock) -> Store:
    """Return the store at `url`, its schema up to date.

    Raises:
        DemoRefusedError: the file belongs to another program; it was not touched.
    """
    store = open_store(url, clock=clock)
    if isinstance(store, SqlStore):
        file = Database(url).file
        if file is not None and Database(url).is_there:
            _refuse_file_of_others(store, file)
    store.upgrade()
    return store


def refuse_real_runs(uow: UnitOfWork) -> None:
    """Refuse a store in which a pipeline works already.

    Raises:
        DemoRefusedError: it has runs.
    """
    count = uow.pipeline_runs.count()
    if count:
        raise DemoRefusedError(f"this database has {count} runs that no demo made: {ELSEWHERE}")


def _refuse_file_of_others(store: SqlStore, file: Path) -> None:
    # An upgrade would leave their tables alone, but put ours beside them.
    if store.current() is not None:
        return
    with store.engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
    if tables:
        found = ", ".join(sorted(tables)[:3]) + (", ..." if len(tables) > 3 else "")  # noqa: PLR2004
        message = f"{file} is a database of another program (tables: {found}): {ELSEWHERE}"
        raise DemoRefusedError(message)
