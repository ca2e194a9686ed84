"""What threads do at once to one unit of work; tasks of an event loop are in test_awaited."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.integration.contract.test_errors import error

if TYPE_CHECKING:
    from pipeline_store import Store, UnitOfWork

THREADS, CALLS = 8, 100


@pytest.fixture(
    params=[
        pytest.param("memory"),
        pytest.param("sqlite"),
        pytest.param("postgres", marks=pytest.mark.postgres),
    ]
)
def store_id(request: pytest.FixtureRequest) -> str:
    """Which of the three synchronous stores the test runs on."""
    name: str = request.param
    return name


def test_their_calls_take_turns(store: Store) -> None:
    """Everything is there that was added and changed, and the commit means all of it."""

    def log(uow: UnitOfWork, number: int) -> None:
        added = uow.errors.add(error(str(number)))
        assert uow.errors.get(added.id) is added
        added.resolved = 1
        assert added in uow.errors.page(limit=CALLS)

    with store.unit_of_work() as uow, ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(log, uow, number) for number in range(CALLS)]:
            done.result()
        uow.commit()
    with store.unit_of_work(read_only=True) as uow:
        found = uow.errors.page(limit=CALLS + 1)
        assert sorted(int(each.error_message) for each in found) == list(range(CALLS))
        assert {each.resolved for each in found} == {1}
