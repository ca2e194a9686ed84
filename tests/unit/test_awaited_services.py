"""What an awaited store runs: services that are not awaited themselves."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_async_store
from pipeline_store.errors import InvalidValue

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork


async def never_begun(_uow: UnitOfWork) -> None:
    raise AssertionError


class NeverBegun:
    async def __call__(self, _uow: UnitOfWork) -> None:
        raise AssertionError


@pytest.mark.parametrize("service", [never_begun, partial(never_begun), NeverBegun()])
def test_a_service_that_is_awaited_is_refused(service: Any) -> None:
    """It would not have been begun, and nobody would have been told."""

    async def try_it() -> None:
        store = open_async_store("memory://")
        with pytest.raises(InvalidValue, match="a synchronous function expected"):
            await store.run(service)
        async with store.unit_of_work() as uow:
            with pytest.raises(InvalidValue, match="a synchronous function expected"):
                await uow.run(service)
        await store.close()

    asyncio.run(try_it())
