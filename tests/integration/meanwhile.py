"""Somebody else who acts between two statements of whoever is watched."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import sqlalchemy as sa

from pipeline_store.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMPATIENT = "options=-c%20lock_timeout%3D20"
"""In the query of a PostgreSQL URL: who has to wait for a lock is told so, and does not wait."""


def impatient(url: str) -> str:
    """Return the URL for somebody who does not wait for locks."""
    return f"{url}{'&' if '?' in url else '?'}{IMPATIENT}"


@attrs.define
class Other:
    """What became of somebody else's action."""

    has_acted: bool = False
    #: Told to wait, and so acting only afterwards.
    was_kept_out: bool = False


@contextmanager
def meanwhile(act: Callable[[], object], *, before: int) -> Iterator[Other]:
    """Have somebody else act before a statement of the block, given by its number.

    Who is kept out by a lock acts when the block has ended.
    """
    other = Other()
    statements = 0

    def count(*_statement: object) -> None:
        nonlocal statements
        if other.has_acted:
            return
        statements += 1
        if statements == before:
            other.has_acted = True
            try:
                act()
            except StoreBusy:
                other.was_kept_out = True

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        yield other
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
        if other.was_kept_out:
            act()
