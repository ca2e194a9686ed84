"""What is peculiar to the store in memory, beside the contract that it keeps with the others."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

from pipeline_store.channels import Channel
from pipeline_store.memory import MemoryStore
from pipeline_store.memory.unique_values import UniqueValues

if TYPE_CHECKING:
    import pytest


def test_a_unit_of_work_that_has_ended_is_forgotten() -> None:
    """Else a program that uses the store for long would keep everything that it ever read."""
    with MemoryStore().unit_of_work() as uow:
        uow.quotas.set_limit("nature", "youtube_uploads", 1)
        session = weakref.ref(uow.session)
    del uow
    gc.collect()
    assert session() is None


def test_a_row_is_there_while_it_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread that reads it amidst a commit finds it, as it was or as it is."""
    store = MemoryStore()
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="nature1", name="before"))
        uow.commit()
    found: list[str | None] = []

    def looking(change: Any) -> Any:
        def change_and_look(self: UniqueValues, *row: Any) -> None:
            change(self, *row)
            with store.unit_of_work() as other:
                there = other.channels.find(channel.id)
                found.append(there and there.name)

        return change_and_look

    with store.unit_of_work() as uow:
        uow.channels.get(channel.id).name = "after"
        for name in ("forget", "note"):
            monkeypatch.setattr(UniqueValues, name, looking(getattr(UniqueValues, name)))
        uow.commit()
    assert set(found) == {"before", "after"}
