"""How an awaited worker lets go of a task that it will not finish."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pipeline_store.errors import PipelineStoreError
from pipeline_store.services.work_writing import give_back

if TYPE_CHECKING:
    from pipeline_store.claim import Claim
    from pipeline_store.services.async_ports import AwaitedStore
    from pipeline_store.tasks import Task

TRIES: Final = 2


async def let_go(store: AwaitedStore, claim: Claim[Task]) -> None:
    """Give the task back if that can be done at once; else its lease will end by itself.

    Whoever is cancelled meanwhile tries it once more: `asyncio.run` cancels all that is left at its
    end, also a task that is giving back because it was cancelled, and what that waits for.
    """
    cancelled: asyncio.CancelledError | None = None
    for _ in range(TRIES):
        try:
            with suppress(PipelineStoreError):
                await asyncio.shield(store.run(give_back, claim))
            break
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
