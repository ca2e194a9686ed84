"""The bridge from awaited to synchronous calls: SQLAlchemy's own, as `AsyncSession` uses it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from sqlalchemy.util import greenlet_spawn

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


async def call_in_greenlet(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function whose database calls, on an awaited engine, are awaited here."""
    return await greenlet_spawn(partial(function, *arguments, **named))
