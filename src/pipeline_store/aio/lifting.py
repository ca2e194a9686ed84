"""How a method of a port becomes one that is awaited: one line per method, no second body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from pipeline_store.repository import Repository

P = ParamSpec("P")
T = TypeVar("T")
Port = TypeVar("Port")
PortOf = TypeVar("PortOf", bound="Repository[Any, Any]")


class Bridge(Protocol):
    """Runs a synchronous call so that its waiting on the database is awaited."""

    def __call__(
        self, function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs
    ) -> Awaitable[T]:
        """Return the awaitable result of the call."""
        ...


async def call_directly(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """Call at once: what never waits needs no bridge."""
    return function(*arguments, **named)


class Lifted(Generic[Port]):
    """An object whose synchronous counterpart does the work."""

    def __init__(self, counterpart: Port, bridge: Bridge) -> None:
        """Await the calls of `counterpart` over `bridge`."""
        self.counterpart = counterpart
        self.bridge = bridge


def awaits(
    method: Callable[Concatenate[Any, P], T],
) -> Callable[Concatenate[Lifted[Any], P], Coroutine[Any, Any, T]]:
    """Lift a method of a port: the same name, arguments, result and errors, awaited.

    The method is called by name on the counterpart, so that every adapter is served alike.
    """
    name = method.__name__

    async def call(self: Lifted[Any], /, *arguments: P.args, **named: P.kwargs) -> T:
        function: Callable[P, T] = getattr(self.counterpart, name)
        return await self.bridge(function, *arguments, **named)

    call.__name__ = name
    call.__qualname__ = method.__qualname__
    call.__doc__ = method.__doc__
    call.__wrapped__ = method  # type: ignore[attr-defined]
    return call
