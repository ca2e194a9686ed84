"""Compiled statements that all stores of a process share: tests open hundreds of stores.

Each engine compiles its statements for itself, which takes longer than most of them take to run.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from pipeline_store import legacy
from pipeline_store.sql import adopt, peek, store
from pipeline_store.sql.engine import make_engine

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

MOST_STATEMENTS = 5_000
_COMPILED: dict[type[Any], LRUCache[Any, Any]] = {}
_TYPES: dict[type[Any], Any] = {}


def share_compiled_statements() -> None:
    """Has every store that is opened from now on use what others on such a database compiled."""
    # A compiled statement is found by the dialect it was compiled for, one for each engine.
    DefaultDialect.__hash__ = lambda dialect: hash(type(dialect))  # type: ignore[method-assign]
    DefaultDialect.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign, assign]
    for module in (adopt, legacy, peek, store):
        module.make_engine = make_sharing_engine  # type: ignore[attr-defined]


@wraps(make_engine)
def make_sharing_engine(url: URL, **options: Any) -> Engine:
    engine = make_engine(url, **options)
    dialect: Any = engine.dialect
    kind = type(dialect)
    compiled = _COMPILED.setdefault(kind, LRUCache(MOST_STATEMENTS))
    engine.update_execution_options(compiled_cache=compiled)
    dialect._type_memos = _TYPES.setdefault(kind, dialect._type_memos)  # noqa: SLF001 - see above
    return engine
