"""A store that imports go into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from tests.unit.importers.imports import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store import Store, UnitOfWork


@pytest.fixture
def store() -> Store:
    """An empty store on the first of March 2026."""
    return open_store("memory://", clock=lambda: NOW)


@pytest.fixture
def after(store: Store) -> Iterator[UnitOfWork]:
    """A look into the store, taken when it is first used."""
    with store.unit_of_work() as uow:
        yield uow
