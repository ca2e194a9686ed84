"""What it costs to know many objects in one unit of work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_store import open_store
from pipeline_store.sql import session

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

MANY = 40


def test_a_statement_on_one_row_looks_at_one_object(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many more are known: else settings made together would cost their number squared."""
    looked_at: list[object] = []
    values_held = session.values_held

    def look(entity: object) -> Mapping[str, Any]:
        looked_at.append(entity)
        return values_held(entity)

    monkeypatch.setattr(session, "values_held", look)
    store = open_store(sqlite_url)
    with store.unit_of_work() as uow:
        # Keys that are there already, since what is new is not known before it is written.
        for _ in range(2):
            for number in range(MANY):
                uow.config_overrides.set(f"key.{number}", str(number), "ann")
    store.close()
    assert 0 < len(looked_at) <= 2 * MANY
