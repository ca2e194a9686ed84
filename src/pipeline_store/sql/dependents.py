"""What the removal of a row does to the rows that refer to it, where it is not refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import sqlalchemy as sa
from sqlalchemy.orm import attributes, object_mapper

from pipeline_store.sql.columns import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from pipeline_store.clock import Clock
    from pipeline_store.sql.known_objects import KnownObjects

_RULES: Final = {"CASCADE", "SET NULL"}


@attrs.frozen
class Dependents:
    """The rows of one table that refer to a row by one column."""

    column: sa.Column[Any]
    key: Any
    are_removed: bool

    def include(self, entity: object) -> bool:
        """Whether the object is one of these rows."""
        table: Any = self.column.table
        mapped: Any = object_mapper(entity).local_table
        return mapped is table and getattr(entity, self.column.name) == self.key

    def update(self) -> sa.Update:
        """Return an UPDATE of these rows, without values."""
        table: Any = self.column.table
        return sa.update(table).where(self.column == self.key)

    def emptied(self, now: Clock) -> dict[str, Any]:
        """Return the columns that change when the reference is emptied, and their new values."""
        changed: dict[str, Any] = {self.column.name: None}
        if "updated_at" in self.column.table.columns:
            changed["updated_at"] = now()
        return changed


def _dependents_of(entity: object) -> Iterator[Dependents]:
    """Yield the rows that are removed with the object's row, or whose reference is emptied."""
    mapped: Any = object_mapper(entity).local_table
    (key_column,) = mapped.primary_key
    key = getattr(entity, key_column.name)
    for table in metadata.sorted_tables:
        for foreign_key in table.foreign_keys:
            if foreign_key.column is key_column and foreign_key.ondelete in _RULES:
                yield Dependents(foreign_key.parent, key, foreign_key.ondelete == "CASCADE")


def release_dependents(
    session: Session, entity: object, objects: KnownObjects, clock: Clock
) -> None:
    """Let the objects of a unit of work know what the removal of one does to their rows."""
    for rows in _dependents_of(entity):
        session.flush()
        known = [each for each in session.identity_map.values() if rows.include(each)]
        if rows.are_removed:
            for each in known:
                release_dependents(session, each, objects, clock)
                session.delete(each)
            # Before the row that they refer to, with which the database would remove them.
            session.flush()
            continue
        emptied = rows.emptied(clock)
        session.execute(rows.update().values(emptied))
        for each in known:
            objects.will_write(each)
            for name, value in emptied.items():
                attributes.set_committed_value(each, name, value)
