"""The bridge from awaited to synchronous calls: SQLAlchemy's own, as `AsyncSession` uses it."""

from __future__ import annotations

import asyncio
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


async def call_to_its_end(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """Do the same, and have whoever is cancelled meanwhile wait until it has ended.

    An SQLite file is worked on by a thread, which nothing interrupts. Left with half a call it
    would keep the lock, and whoever closes it could wait for ever.
    """
    call = asyncio.ensure_future(call_in_greenlet(function, *arguments, **named))
    cancelled: asyncio.CancelledError | None = None
    while not call.done():
        try:
            await asyncio.wait([call])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return call.result()
    if not call.cancelled():
        # Asked for, or asyncio would complain that nobody did.
        call.exception()
    raise cancelled
