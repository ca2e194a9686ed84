"""Objects from rows, without a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy.orm import class_mapper
from sqlalchemy.orm.state import InstanceState

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

T = TypeVar("T")


class Detached(Generic[T]):
    """Makes objects of one class as if a unit of work had read them and ended.

    Their constructor is not called.
    """

    def __init__(self, kind: type[T], table: sa.Table) -> None:
        """Make objects of `kind` from rows that hold every column of `table`."""
        self._kind = kind
        mapper: Any = class_mapper(kind)
        self._manager: Any = mapper.class_manager
        self._state = self._manager.STATE_ATTR
        # How a key is spelled depends on the class alone, but asking takes as long as the rest.
        self._identity_class, _, self._identity_token = mapper.identity_key_from_primary_key((0,))
        self._names = [column.name for column in table.columns]
        (key,) = table.primary_key
        self._key = key.name

    def __call__(self, row: Sequence[Any]) -> T:
        """Return the object that the row stands for."""
        entity = self._kind.__new__(self._kind)
        held = vars(entity)
        held.update(zip(self._names, row, strict=True))
        # Past the checks of an assignment, which `new_instance` of the manager goes through.
        held[self._state] = state = InstanceState(entity, self._manager)
        state.key = self._identity_class, (held[self._key],), self._identity_token
        return entity
