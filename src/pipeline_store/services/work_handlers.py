"""Which stages a worker works on, and by whose hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from attrs import frozen

from pipeline_store import values
from pipeline_store.errors import InvalidValue
from pipeline_store.tasks import CLAIMABLE, STAGES, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

Handler = TypeVar("Handler", bound=Callable[..., Any])

WORKING: Final = tuple(status for status in TaskStatus if STAGES[status].retry_at == status)
"""The stages in which there is something to do; every other one only leads on to one of these."""


def stage_of(status: TaskStatus) -> TaskStatus:
    """Return the working stage that a status in which tasks wait for a worker belongs to."""
    return STAGES[status].retry_at or TaskStatus.GENERATING_ASSETS


@frozen
class Handlers(Generic[Handler]):
    """What to call for each stage, and what to claim for that."""

    by_status: Mapping[TaskStatus, Handler]
    #: What is taken from the queue and kept while it stays there.
    claimed: tuple[TaskStatus, ...]

    def handler_for(self, status: TaskStatus) -> Handler | None:
        """Return what is called in that status, or None where the task only goes on."""
        return self.by_status.get(status)


def handlers_of(
    given: Handler | Mapping[TaskStatus, Handler], stages: Iterable[TaskStatus] | None
) -> Handlers[Handler]:
    """Return the handlers by status.

    Raises:
        InvalidValue: a handler cannot be called, or a stage has none, or no worker works in it.
    """
    by_status = _by_status(given)
    wanted = set(by_status)
    if stages is not None:
        values.check_several("stages", stages)
        wanted = {_checked("stages", stage) for stage in stages}
        if not wanted:
            raise InvalidValue("stages: at least one expected, or None for all with a handler")
        for stage in wanted.intersection(WORKING).difference(by_status):
            raise InvalidValue(f"stages: there is no handler for {stage}")
    if TaskStatus.CLAIMED in wanted:
        wanted.add(TaskStatus.QUEUED)
    claimed = tuple(each for each in CLAIMABLE if each in wanted or stage_of(each) in wanted)
    kept = {each: handler for each, handler in by_status.items() if each in claimed}
    return Handlers(kept, claimed)


def _by_status(given: Any) -> dict[TaskStatus, Any]:
    if not isinstance(given, Mapping):
        given = dict.fromkeys(WORKING, given)
    named = cast("Mapping[Any, Any]", given)
    if not named:
        raise InvalidValue("handlers: at least one expected")
    by_status = {_checked("handlers", status): handler for status, handler in named.items()}
    for status, handler in by_status.items():
        if not callable(handler):
            kind = type(handler).__name__
            raise InvalidValue(f"handlers: something to call expected for {status}, found {kind}")
    if TaskStatus.QUEUED in by_status:
        raise InvalidValue("handlers: a queued task is claimed at once; name claimed instead")
    return by_status


def _checked(name: str, status: Any) -> TaskStatus:
    found: TaskStatus = values.as_member(name, TaskStatus, status)
    if found not in CLAIMABLE:
        raise InvalidValue(f"{name}: no task waits for a worker in {found}")
    return found
