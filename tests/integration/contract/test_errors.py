"""What went wrong: the promises of `ErrorLogRepository`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import InvalidValue, NotFound
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import EARLY, LATE, sample

if TYPE_CHECKING:
    from pipeline_store import Store
    from pipeline_store.production import ErrorLog

SECOND = timedelta(seconds=1)


def error(message: str, **fields: Any) -> ErrorLog:
    """An error of no run."""
    made: ErrorLog = sample("errors", pipeline_run_id=None, error_message=message, **fields)
    return made


@pytest.fixture
def with_errors(store: Store) -> Store:
    """The store with five errors, added in another order than they happened."""
    with store.unit_of_work() as uow:
        uow.errors.add_many(
            [
                error("third", occurred_at=EARLY + SECOND, module="render"),
                error("first", occurred_at=EARLY - SECOND, module="upload", resolved=1),
                error("fourth", occurred_at=EARLY + SECOND, module="render", resolved=1),
                error("fifth", occurred_at=LATE, module="Render"),
                error("second", occurred_at=EARLY, module="upload"),
            ]
        )
        uow.commit()
    return store


@in_turn(
    "arguments, expected",
    [
        ({}, ["fifth", "fourth", "third", "second", "first"]),
        ({"limit": 2}, ["fifth", "fourth"]),
        ({"module": "render"}, ["fourth", "third"]),
        ({"module": "upload", "limit": 1}, ["second"]),
        ({"unresolved_only": True}, ["fifth", "third", "second"]),
        ({"unresolved_only": True, "module": "render"}, ["third"]),
        ({"module": "nowhere"}, []),
    ],
)
def test_recent(with_errors: Store, arguments: dict[str, Any], expected: list[str]) -> None:
    """`recent` has the newest first, of equal times the one added last, by module and by state."""
    with with_errors.unit_of_work() as uow:
        assert [each.error_message for each in uow.errors.recent(**arguments)] == expected


def test_recent_by_default(store: Store) -> None:
    """`recent` has 20 errors unless told otherwise, and refuses a limit outside 1 to 10,000."""
    with store.unit_of_work() as uow:
        uow.errors.add_many(error(str(n)) for n in range(21))
        assert len(uow.errors.recent()) == 20
        assert len(uow.errors.recent(10_000)) == 21
        for limit in (0, 10_001, True, "1"):
            with pytest.raises(InvalidValue, match="limit"):
                uow.errors.recent(limit)  # type: ignore[arg-type]


def test_resolving(with_errors: Store) -> None:
    """`resolve` marks an error as seen to, once or again; an unknown one is NotFound."""
    with with_errors.unit_of_work() as uow:
        assert uow.errors.count_unresolved() == 3
        newest = uow.errors.recent(1)[0]
        assert uow.errors.resolve(newest.id) is newest
        assert newest.resolved == 1
        assert uow.errors.resolve(newest.id).resolved == 1
        assert uow.errors.count_unresolved() == 2
        with pytest.raises(NotFound, match="4711"):
            uow.errors.resolve(4711)
        uow.commit()
    with with_errors.unit_of_work() as uow:
        found = [each.error_message for each in uow.errors.recent(unresolved_only=True)]
        assert found == ["third", "second"]
