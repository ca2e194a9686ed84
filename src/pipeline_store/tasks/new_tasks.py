"""New tasks as columns of their values: the fast way into a store.

A task is checked when it is made and with every assignment, so its values are taken as they are.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast

from pipeline_store.entity import fields_of
from pipeline_store.errors import InvalidValue
from pipeline_store.fields import NOW_BY_DEFAULT
from pipeline_store.repository import check_kind
from pipeline_store.tasks.task import Task
from pipeline_store.uuid_keys import new_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline_store.clock import Clock

    Columns = dict[str, Sequence[Any]]

_NAMES: Final = tuple(field.name for field in fields_of(Task) if field.init)
_TIMES: Final = tuple(field.name for field in fields_of(Task) if field.metadata.get(NOW_BY_DEFAULT))
_values: Final = cast("Callable[[Any], tuple[Any, ...]]", itemgetter(*_NAMES))


def check_new(tasks: Iterable[Any]) -> None:
    """Refuse what is no task, and one that has a key, which a store gave it.

    Raises:
        InvalidValue: naming what was found.
    """
    for task in tasks:
        check_kind(Task, task)
        held: dict[str, Any] = task.__dict__
        # An object whose values are still to be read again is one that was stored.
        key: object = held.get("id", "read earlier")
        if key is not None:
            raise InvalidValue(f"task {key}: a new task expected, found one that was stored")


def new_columns(tasks: Sequence[Task], now: Clock) -> Columns:
    """Return the new tasks as one sequence per field, with keys, and times where they have none.

    Raises:
        InvalidValue: one is no task, or not new.
    """
    check_new(tasks)
    rows = [_values(vars(task)) for task in tasks]
    columns: Columns = dict(zip(_NAMES, zip(*rows, strict=True), strict=True))
    instant = now()
    for name in _TIMES:
        columns[name] = [own or instant for own in columns[name]]
    return {"id": new_keys(len(tasks)), **columns}
