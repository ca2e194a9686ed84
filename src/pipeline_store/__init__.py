"""The persistence layer of programs that automate YouTube channels.

    store = open_store("sqlite:///pipeline.db")
    store.upgrade()
    with store.unit_of_work() as uow:
        run = uow.pipeline_runs.for_cycle("gaming", cycle_start, cycle_end)
        uow.commit()

Importing this package loads no SQLAlchemy; opening a store does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_store.clock import utc_now
from pipeline_store.unit_of_work import Store, UnitOfWork

if TYPE_CHECKING:
    from pipeline_store.aio import AsyncStore, AsyncUnitOfWork
    from pipeline_store.clock import Clock

__all__ = [
    "AsyncStore",
    "AsyncUnitOfWork",
    "Store",
    "UnitOfWork",
    "open_async_store",
    "open_store",
]

MEMORY_URL = "memory://"


def open_store(url: str, *, clock: Clock = utc_now, **engine_options: Any) -> Store:
    """Return a store at `url` without touching it: no connection, no file.

    Args:
        url: "sqlite:///FILE", "postgresql://USER:PASSWORD@HOST/DATABASE" or, for tests, "memory://".
        clock: where the store takes the present instant from.
        engine_options: settings for SQLAlchemy's `create_engine`, such as `pool_size`.

    Raises:
        StoreUnavailable: the URL is of no known kind, or its driver is not installed.
    """
    if url == MEMORY_URL:
        from pipeline_store.memory import MemoryStore  # noqa: PLC0415 - loaded when it is used

        return MemoryStore(clock=clock)
    from pipeline_store.sql import SqlStore  # noqa: PLC0415 - loaded when it is used

    return SqlStore(url, clock=clock, **engine_options)


def open_async_store(url: str, *, clock: Clock = utc_now, **engine_options: Any) -> AsyncStore:
    """Return the same store, awaited; arguments and errors are those of `open_store`."""
    from pipeline_store.aio import AsyncStore, call_directly  # noqa: PLC0415 - loaded when used

    if url == MEMORY_URL:
        from pipeline_store.memory import MemoryStore  # noqa: PLC0415 - loaded when it is used

        return AsyncStore(MemoryStore(clock=clock), call_directly)
    from pipeline_store.sql import SqlStore, bridge  # noqa: PLC0415 - loaded when they are used

    store = SqlStore(url, clock=clock, awaited=True, **engine_options)
    return AsyncStore(store, bridge.LoopBridge(store.engine))


def __getattr__(name: str) -> Any:
    """Load the awaited face when it is first named."""
    if name in {"AsyncStore", "AsyncUnitOfWork"}:
        from pipeline_store import aio  # noqa: PLC0415 - loaded when it is used

        return getattr(aio, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
