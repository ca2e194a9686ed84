"""Calls that threads make on one object, one after the other."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


class TakesTurns(Protocol):
    """An object that one thread uses at a time."""

    @property
    def turn(self) -> AbstractContextManager[object]:
        """Held by the thread that uses it, which may take it again."""
        ...


Shared = TypeVar("Shared", bound=TakesTurns)
P = ParamSpec("P")
T = TypeVar("T")


def in_turn(method: Callable[Concatenate[Shared, P], T]) -> Callable[Concatenate[Shared, P], T]:
    """Let a call of a method wait until no other thread is in one of the same object."""

    @wraps(method)
    def wait(self: Shared, /, *arguments: P.args, **named: P.kwargs) -> T:
        with self.turn:
            return method(self, *arguments, **named)

    return wait
