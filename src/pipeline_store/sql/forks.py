"""Connections of a process that forks: none may be used on both sides.

On a server both sides would talk at once over one socket. To SQLite a child inherits the connection
but not its lock, so that the parent, when it closes its own, removes the log that the child goes on
writing to; and what the child opens for itself would share the lock that is not there. So files are
closed before the fork, and opened again by whoever needs them.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from weakref import WeakMethod, ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

_closing: set[WeakMethod[Callable[[], None]]] = set()
_left_behind: set[ref[Engine]] = set()


def close_before_forks(close: Callable[[], None]) -> None:
    """Call this method of an object, while there is one, whenever the process is about to fork."""
    _closing.add(WeakMethod(close, _closing.discard))


def share_no_connection(engine: Engine) -> None:
    """Let no child of this process use a connection of the engine's pool."""
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite and engine.url.database in {None, "", ":memory:"}:
        # The child has a copy of all there is.
        return
    if is_sqlite and not engine.dialect.is_async:
        close_before_forks(engine.dispose)
        return
    # Nobody can close an awaited connection here; and to connect to a server anew takes long.
    _left_behind.add(ref(engine, _left_behind.discard))


def _close() -> None:
    for method in list(_closing):
        close = method()
        if close is not None:
            close()


def _leave_behind() -> None:
    for weakly in list(_left_behind):
        engine = weakly()
        if engine is not None:
            engine.dispose(close=False)


if sys.platform != "win32":
    os.register_at_fork(before=_close, after_in_child=_leave_behind)
