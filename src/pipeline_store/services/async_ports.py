"""What services need of the awaited store: its port, as far as they use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from datetime import timedelta
    from types import TracebackType

    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task, TaskStatus
    from pipeline_store.unit_of_work import UnitOfWork

P = ParamSpec("P")
T = TypeVar("T")


class Runs(Protocol):
    """What runs a synchronous service inside one await."""

    def run(
        self,
        service: Callable[Concatenate[UnitOfWork, P], T],
        /,
        *arguments: P.args,
        **named: P.kwargs,
    ) -> Coroutine[Any, Any, T]:
        """Call the service with a unit of work."""
        ...


class AwaitedUnitOfWork(Runs, Protocol):
    """What is needed of `pipeline_store.AsyncUnitOfWork`."""

    async def commit(self) -> None:
        """Make the changes permanent."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class AwaitedWakeups(Protocol):
    """What is needed of `pipeline_store.aio.wakeups.AsyncWakeups`."""

    async def wait(self, longest: timedelta) -> bool:
        """Return True at a hint, False after the time."""
        ...

    def wake(self) -> None:
        """End the wait."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class AwaitedStore(Runs, Protocol):
    """What is needed of `pipeline_store.AsyncStore`."""

    def unit_of_work(self, *, read_only: bool = False) -> AwaitedUnitOfWork:
        """Return a new unit of work."""
        ...

    def claim_next(
        self,
        worker: str,
        *,
        lease: timedelta,
        queue: Literal["tasks"],
        stages: Iterable[TaskStatus] | None = None,
        most_attempts: int = ...,
    ) -> Coroutine[Any, Any, Claim[Task] | None]:
        """Take the next task."""
        ...

    def wakeups(self) -> AwaitedWakeups:
        """Return hints that there may be a task."""
        ...
