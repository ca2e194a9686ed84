"""Telling functions that are awaited from those that are not."""

from __future__ import annotations

import inspect
from typing import Any


def is_awaited(function: Any) -> bool:
    """Whether calling it gives something to await."""
    called = getattr(function, "__call__", None)  # noqa: B004 - its own call, where it is an object
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)
