"""Readings as columns, checked a whole column at a time: the fast way into a store.

The rules are those of the fields of `Analytics`. A column is judged by the set of its types and by
its extremes, which costs a small part of a check per value; a column that does not pass is checked
value by value with the field's own check, which names the row.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

import attrs

from pipeline_store import values
from pipeline_store.entity import LIMITS
from pipeline_store.errors import InvalidValue
from pipeline_store.production.analytics import Analytics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_store.clock import Clock
    from pipeline_store.production.analytics import Snapshot

FIELDS: Final[Mapping[str, Any]] = {
    field.name: field for field in attrs.fields(Analytics) if field.init
}
NAMES: Final = tuple(FIELDS)


def checked_columns(
    snapshots: Sequence[Snapshot], now: Clock, *, first_row: int = 0
) -> dict[str, list[Any]]:
    """Return the readings as one list per field, with times aware and in UTC.

    Raises:
        InvalidValue: a value that the field cannot hold, a missing video or an unknown field; the
            message names the row, counted from `first_row`.
    """
    rows = [_mapping(snapshot, first_row + i) for i, snapshot in enumerate(snapshots)]
    columns = {name: [row.get(name) for row in rows] for name in NAMES}
    for name, column in columns.items():
        if name == "measured_at":
            columns[name] = _instants(column, now, first_row)
        elif not _is_sound(name, column):
            _check_each(name, column, first_row)
    return columns


def _mapping(snapshot: Snapshot, row: int) -> Mapping[str, Any]:
    if isinstance(snapshot, Analytics):
        return vars(snapshot)
    try:
        unknown = snapshot.keys() - FIELDS.keys()
    except AttributeError:
        found = type(snapshot).__name__
        raise InvalidValue(f"row {row}: Analytics or a mapping expected, found {found}") from None
    if unknown:
        names = ", ".join(sorted(map(str, unknown)))
        raise InvalidValue(f"row {row}: unknown field {names}; known: {', '.join(NAMES)}")
    return snapshot


def _is_sound(name: str, column: list[Any]) -> bool:
    kinds = set(map(type, column))
    if name == "youtube_video_id":
        return kinds <= {str} and _texts_are_sound(column)
    least, most = FIELDS[name].metadata[LIMITS]
    is_whole = isinstance(least, int)
    if not kinds <= ({int, NoneType} if is_whole else {int, float, NoneType}):
        return False
    numbers = column if NoneType not in kinds else [n for n in column if n is not None]
    if not numbers:
        return True
    # Not a number is neither less nor greater than anything, but spoils a sum.
    finite = is_whole or math.isfinite(math.fsum(numbers))
    return finite and least <= min(numbers) and max(numbers) <= most


def _texts_are_sound(texts: list[str]) -> bool:
    joined = "".join(texts)
    lengths = set(map(len, texts))
    return (
        0 not in lengths
        and max(lengths, default=0) <= values.LONGEST_KEY
        and joined.isascii()
        and "\x00" not in joined
    )


def _check_each(name: str, column: list[Any], first_row: int) -> None:
    field = FIELDS[name]
    for row, value in enumerate(column, first_row):
        try:
            field.validator(None, field, value)
        except InvalidValue as error:
            raise InvalidValue(f"row {row}: {error}") from None


def _instants(column: list[Any], now: Clock, first_row: int) -> list[datetime]:
    if set(map(type, column)) == {datetime} and all(time.tzinfo is UTC for time in column):
        if values.EARLIEST <= min(column) and max(column) < values.LATEST:
            return column
    instants: list[datetime] = []
    for row, value in enumerate(column, first_row):
        try:
            instants.append(now() if value is None else values.as_instant("measured_at", value))
        except InvalidValue as error:
            raise InvalidValue(f"row {row}: {error}") from None
    return instants
