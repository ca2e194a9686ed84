"""The database that the demo works on: made when it is missing, left alone when it is not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from pipeline_store import MEMORY_URL, open_store
from pipeline_store.cli.database import Database
from pipeline_store.errors import PipelineStoreError
from pipeline_store.sql.peek import opened_without_trace
from pipeline_store.sql.schema import VERSION_TABLE
from pipeline_store.sql.urls import parse_url

if TYPE_CHECKING:
    from pipeline_store.clock import Clock
    from pipeline_store.unit_of_work import Store, UnitOfWork

ELSEWHERE: Final = "start the demo in another folder, or name another file with --database"

TABLES_NAMED: Final = 3

BEGUN_KEY: Final = "demo.begun"


class DemoRefusedError(PipelineStoreError):
    """The demo would mix what it makes up with what is real, or has nothing to work on."""


def prepared_store(url: str, clock: Clock) -> Store:
    """Return the store at `url`, its schema up to date.

    Raises:
        DemoRefusedError: the file belongs to another program; it was not touched.
    """
    if url != MEMORY_URL:
        database = Database(url)
        if database.file is not None and database.is_there:
            _refuse_file_of_others(url, database.name)
    store = open_store(url, clock=clock)
    store.upgrade()
    return store


def begin(uow: UnitOfWork) -> None:
    """Keep that a demo has begun here, before it imports anything.

    Raises:
        DemoRefusedError: none has yet, and there are videos or runs, which are somebody's.
    """
    # In this order: what a demo imports and makes comes after it has begun.
    runs, videos = uow.pipeline_runs.count(), uow.discovered_videos.count()
    if uow.config_overrides.value(BEGUN_KEY) is not None:
        return
    _refuse_runs(runs)
    if videos:
        raise DemoRefusedError(
            f"this database has videos that no demo imported ({videos}): {ELSEWHERE}"
        )
    uow.config_overrides.set(BEGUN_KEY, "true", "demo")


def refuse_real_runs(uow: UnitOfWork) -> None:
    """Refuse a store in which a pipeline works already.

    Raises:
        DemoRefusedError: it has runs.
    """
    _refuse_runs(uow.pipeline_runs.count())


def _refuse_runs(count: int) -> None:
    if count:
        raise DemoRefusedError(f"this database has runs that no demo made ({count}): {ELSEWHERE}")


def _refuse_file_of_others(url: str, name: str) -> None:
    # An upgrade would leave their tables alone, but put ours beside them.
    with opened_without_trace(parse_url(url)) as connection:
        tables = sorted(sa.inspect(connection).get_table_names())
    if not tables or VERSION_TABLE in tables:
        return
    more = ", ..." if len(tables) > TABLES_NAMED else ""
    found = ", ".join(tables[:TABLES_NAMED]) + more
    message = f"{name} is a database of another program (tables: {found}): {ELSEWHERE}"
    raise DemoRefusedError(message)
