"""How a worker's process is asked to stop: SIGTERM, or control-C, which is SIGINT."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Generator[None]:
    """Call `stop` at the first signal; the second one raises `KeyboardInterrupt` where it comes.

    Only the main thread can be told of signals; in any other nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals_seen = 0

    def hear(_number: int, _frame: object) -> None:
        nonlocal signals_seen
        signals_seen += 1
        if signals_seen > 1:
            raise KeyboardInterrupt
        stop()

    before: dict[signal.Signals, Any] = {each: signal.signal(each, hear) for each in SIGNALS}
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def stopping_loop_on_signals(stop: Callable[[], None]) -> Generator[None]:
    """Do so in an event loop; the second signal cancels the task that is in this block.

    Several workers of one loop are all told.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    signals_seen = 0

    def hear() -> None:
        nonlocal signals_seen
        signals_seen += 1
        if signals_seen > 1 and task is not None:
            task.cancel()
        stop()

    signals = _heard_in.setdefault(loop, _SignalsOfLoop(loop))
    signals.tell(hear)
    try:
        yield
    finally:
        if signals.tell_no_more(hear):
            del _heard_in[loop]


@final
class _SignalsOfLoop:
    """The signals that an event loop hears: it tells one function of each, which tells the rest."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._told: list[Callable[[], None]] = []
        self._before: dict[signal.Signals, Any] = {}

    def tell(self, hear: Callable[[], None]) -> None:
        """Call a function at each signal."""
        if not self._told:
            self._before = {each: signal.getsignal(each) for each in SIGNALS}
            # Not every kind of loop can be told of signals.
            with suppress(NotImplementedError):
                for each in SIGNALS:
                    self._loop.add_signal_handler(each, self._hear)
        self._told.append(hear)

    def tell_no_more(self, hear: Callable[[], None]) -> bool:
        """Stop doing so, and return whether that was the last one."""
        self._told.remove(hear)
        if self._told:
            return False
        with suppress(NotImplementedError):
            for each in SIGNALS:
                self._loop.remove_signal_handler(each)
        _restore(self._before)
        return True

    def _hear(self) -> None:
        for hear in list(self._told):
            hear()


_heard_in: dict[asyncio.AbstractEventLoop, _SignalsOfLoop] = {}


def _restore(before: dict[signal.Signals, Any]) -> None:
    for each, handler in before.items():
        # None: set by something that is not Python.
        signal.signal(each, signal.SIG_DFL if handler is None else handler)
