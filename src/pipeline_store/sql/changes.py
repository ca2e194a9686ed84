"""What objects held when they were read: compared before a write, and given back after an undo.

Every column has an attribute of its name, so a row and an object can be compared by names.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import attributes, object_mapper

from pipeline_store.entity import key_type
from pipeline_store.errors import Conflict
from pipeline_store.sql.columns import JsonValue
from pipeline_store.uuid_keys import new_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

KEYS_PER_STATEMENT: Final = 1_000


def refuse_gone(session: Session, entity: object, subject: str) -> None:
    """Refuse an object whose row was removed, or that another open unit of work holds."""
    state = attributes.instance_state(entity)
    if state.was_deleted:
        raise Conflict(f"{subject} was removed")
    if state.session not in (None, session):
        raise Conflict(f"{subject} belongs to another open unit of work")


def refuse_foreign_key(entity: object, subject: str) -> None:
    """Refuse an object that has a key which this store did not give."""
    if has_given_key(entity) and getattr(entity, _key_of(_table_of(entity)).name) is not None:
        raise Conflict(f"{subject} was read from another store, or removed")


def has_given_key(entity: object) -> bool:
    """Whether the object's key is given by the store, not by who makes it."""
    return key_type(type(entity)) is not str


def give_key(entity: object) -> None:
    """Give a new object its key, unless the database does so when it is written."""
    if key_type(type(entity)) is UUID:
        object.__setattr__(entity, _key_of(_table_of(entity)).name, new_key())


def values_held(entity: object) -> Mapping[str, Any]:
    """Return what the object holds now, without reading anything."""
    held = attributes.instance_dict(entity)
    return {name: held[name] for name in _names(_table_of(entity)) if name in held}


def values_read(entity: object) -> Mapping[str, Any]:
    """Return what the object held when it was read or last written."""
    return {name: _value_read(entity, name) for name in _names(_table_of(entity))}


def restore(entity: object, read: Mapping[str, Any], held: Mapping[str, Any]) -> None:
    """Make the object one that was read with some values and changed to others."""
    for name, value in read.items():
        attributes.set_committed_value(entity, name, value)
    for name, value in held.items():
        if value is not read[name]:
            object.__setattr__(entity, name, value)


def forget_key(entity: object) -> None:
    """Make an object new again after its row was rolled back."""
    if has_given_key(entity):
        attributes.set_committed_value(entity, _key_of(_table_of(entity)).name, None)


def check_unchanged(session: Session, entities: Iterable[object]) -> None:
    """Lock the objects' rows, and raise `Conflict` when one holds other values than were read."""
    by_table: dict[sa.Table, dict[Any, object]] = defaultdict(dict)
    for entity in entities:
        table = _table_of(entity)
        by_table[table][getattr(entity, _key_of(table).name)] = entity
    # One order for everybody, or two units of work could wait for each other's rows.
    for table in sorted(by_table, key=lambda table: table.name):
        expected = by_table[table]
        keys = sorted(expected)
        for start in range(0, len(keys), KEYS_PER_STATEMENT):
            _compare(session, table, expected, keys[start : start + KEYS_PER_STATEMENT])


def _compare(
    session: Session, table: sa.Table, expected: Mapping[Any, object], keys: Sequence[Any]
) -> None:
    key_column = _key_of(table)
    locked = sa.select(table).where(key_column.in_(keys)).order_by(key_column).with_for_update()
    found = session.connection().execute(locked).mappings()
    rows = {row[key_column.name]: row for row in found}
    for key in keys:
        if key not in rows:
            raise Conflict(f"{table.name} {key} was removed, or was read from another store")
        for column in table.columns:
            name = column.name
            if _differs(column, rows[key][name], _value_read(expected[key], name)):
                raise Conflict(f"{table.name} {key}: somebody else changed {name} first")


def _value_read(entity: object, name: str) -> Any:
    history = attributes.get_history(entity, name)
    before = history.deleted or history.unchanged
    return before[0] if before else None


def _differs(column: sa.Column[Any], found: Any, read: Any) -> bool:
    if isinstance(column.type, JsonValue):
        return not column.type.compare_values(found, read)
    both_not_a_number = found != found and read != read  # noqa: PLR0124 - how NaN is told
    return bool(found != read) and not both_not_a_number


def _table_of(entity: object) -> sa.Table:
    table: Any = object_mapper(entity).local_table
    mapped: sa.Table = table
    return mapped


def _names(table: sa.Table) -> list[str]:
    return [column.name for column in table.columns]


def _key_of(table: sa.Table) -> sa.Column[Any]:
    (key,) = table.primary_key
    return key
