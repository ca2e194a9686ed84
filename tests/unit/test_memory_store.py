"""What is peculiar to the store in memory, beside the contract that it keeps with the others."""

from __future__ import annotations

import gc
import weakref

from pipeline_store.memory import MemoryStore


def test_a_unit_of_work_that_has_ended_is_forgotten() -> None:
    """Else a program that uses the store for long would keep everything that it ever read."""
    with MemoryStore().unit_of_work() as uow:
        uow.quotas.set_limit("nature", "youtube_uploads", 1)
        session = weakref.ref(uow.session)
    del uow
    gc.collect()
    assert session() is None
