"""Control-C, or a signal that ends the program, anywhere in a unit of work: it ends the program."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from pipeline_store.production import ErrorLog
from tests.conftest import is_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from pipeline_store import Store

STEP = 3 if is_on("PIPELINE_STORE_SOAK") else 31

pytestmark = pytest.mark.slow


class Interrupting:
    """Raises KeyboardInterrupt before the line of that number, as a signal does between two."""

    def __init__(self, number: int) -> None:
        self.left = number
        self._before = sys.gettrace()

    def __enter__(self) -> None:
        sys.settrace(self._step)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _step(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "call" and any(map(_is_called_when_an_object_goes, _callers(frame))):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                sys.settrace(self._before)
                raise KeyboardInterrupt
        return self._step


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_called_when_an_object_goes(frame: FrameType) -> bool:
    """Python lets no error out of it, nor out of what it calls."""
    code = frame.f_code
    return "weakref" in code.co_filename or code.co_name in {"__del__", "_cleanup"}


def log_two(store: Store) -> None:
    with store.unit_of_work() as uow:
        for message in ("one", "two"):
            uow.errors.add(ErrorLog(module="cut", error_type="E", error_message=message))
        uow.commit()


def count(store: Store) -> int:
    with store.unit_of_work(read_only=True) as uow:
        return uow.errors.count()


def test_an_interrupt_is_nothing_else(sqlite_url: str) -> None:
    """It reaches the program as what it is, both rows are there or none, and the store goes on."""
    url = f"{sqlite_url}?synchronous=off"
    # Between two lines of SQLAlchemy's pool, which counts its connections, one is lost to it.
    enough: Any = {"connect_args": {"timeout": 0}, "pool_size": 1_000}
    store = open_store(url, **enough)
    for _ in range(3):
        log_two(store)
    before, number, interrupted = count(store), STEP, 0
    gc.disable()
    try:
        while True:
            cut = Interrupting(number)
            try:
                with cut:
                    log_two(store)
            except KeyboardInterrupt:
                interrupted += 1
            gc.collect()
            after = count(store)
            assert after - before in {0, 2}
            log_two(store)
            before = after + 2
            if cut.left > 0:
                break
            number += STEP
    finally:
        gc.enable()
    store.close()
    assert interrupted >= 100
