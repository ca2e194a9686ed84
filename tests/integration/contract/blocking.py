"""An awaited store behind the face of a synchronous one, so that one test body serves both."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, cast

from pipeline_store.aio.lifting import Lifted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import AsyncStore, Store


class Blocking:
    """Stands for a lifted object: what it would have us await is awaited before returning."""

    def __init__(self, lifted: Lifted[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.lifted = lifted
        self.loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.lifted, name)
        return self._finished(found) if isinstance(found, Lifted) else self._waiting(found)

    def __enter__(self) -> Self:
        self._waiting(self.lifted.__aenter__)()  # type: ignore[attr-defined]
        return self

    def __exit__(self, *raised: object) -> None:
        self._waiting(self.lifted.__aexit__)(*raised)  # type: ignore[attr-defined]

    def _waiting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            result = method(*arguments, **named)
            return self._finished(
                # A runner looks after control-C besides, which takes most of its time.
                self.loop.run_until_complete(result) if inspect.iscoroutine(result) else result
            )

        return call

    def _finished(self, result: Any) -> Any:
        return Blocking(result, self.loop) if isinstance(result, Lifted) else result


@contextmanager
def blocking(store: AsyncStore) -> Iterator[Store]:
    """The store, usable without an event loop of the caller's own, closed at the end."""
    with asyncio.Runner() as runner:
        plain = cast("Store", Blocking(store, runner.get_loop()))
        yield plain
        plain.close()
