"""Readings as columns, checked a whole column at a time: the fast way into a store.

The rules are those of the fields of `Analytics`. A column is judged by the set of its types and by
its extremes, which costs a small part of a check per value; a column that does not pass is checked
value by value with the field's own check, which names the row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from operator import itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from pipeline_store import values
from pipeline_store.entity import fields_of
from pipeline_store.errors import InvalidValue
from pipeline_store.fields import LIMITS
from pipeline_store.production.analytics import Analytics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_store.clock import Clock
    from pipeline_store.production.analytics import Snapshot

FIELDS: Final[Mapping[str, Any]] = {
    field.name: field for field in fields_of(Analytics) if field.init
}
NAMES: Final = tuple(FIELDS)

_FRACTIONS: Final = {
    name for name, field in FIELDS.items() if isinstance(field.metadata.get(LIMITS, (0,))[0], float)
}
_NOTHING: Final[Mapping[str, Any]] = dict.fromkeys(NAMES)
_GETTERS: Final = {name: itemgetter(name) for name in NAMES}


def checked_columns(
    snapshots: Sequence[Snapshot], now: Clock, *, first_row: int = 0
) -> dict[str, list[Any]]:
    """Return the readings as one list per field, with times aware and in UTC.

    Raises:
        InvalidValue: a value that the field cannot hold, a missing video or an unknown field; the
            message names the row, counted from `first_row`.
    """
    rows = [_held(snapshot, row) for row, snapshot in enumerate(snapshots, first_row)]
    try:
        columns = {name: list(map(get, rows)) for name, get in _GETTERS.items()}
    except KeyError:
        raise _wrong_name(snapshots, first_row) from None
    for name, column in columns.items():
        if name == "measured_at":
            columns[name] = _instants(column, now, first_row)
        elif not _is_sound(name, column):
            _check_each(name, column, first_row)
        if name in _FRACTIONS and not set(map(type, column)) <= {float, NoneType}:
            columns[name] = list(map(values.as_float, column))
    return columns


def _held(snapshot: Any, row: int) -> Mapping[str, Any]:
    """Return the reading's values by name; whether the names are right shows when they are used."""
    held: Mapping[str, Any] = snapshot
    kind: type[object] = snapshot.__class__
    if kind is dict and len(held) == len(NAMES):
        return held
    if isinstance(snapshot, Analytics):
        return vars(snapshot)
    if kind is not dict and not isinstance(snapshot, Mapping):
        raise InvalidValue(f"row {row}: Analytics or a mapping expected, found {kind.__name__}")
    if not held.keys() <= FIELDS.keys():
        raise _unknown_field(held, row)
    return {**_NOTHING, **held}


def _wrong_name(snapshots: Sequence[Any], first_row: int) -> InvalidValue:
    for row, snapshot in enumerate(snapshots, first_row):
        if not isinstance(snapshot, Analytics):
            if not snapshot.keys() <= FIELDS.keys():
                return _unknown_field(snapshot, row)
        elif missing := FIELDS.keys() - vars(snapshot).keys():
            # A caller's own session can hold objects whose fields are still to be read again.
            return InvalidValue(f"row {row}: {min(missing)} is not loaded")
    return InvalidValue(f"row {first_row}: a reading changed while it was read")


def _unknown_field(held: Mapping[str, Any], row: int) -> InvalidValue:
    names = ", ".join(sorted(map(str, held.keys() - FIELDS.keys())))
    return InvalidValue(f"row {row}: unknown field {names}; known: {', '.join(NAMES)}")


def _is_sound(name: str, column: Sequence[Any]) -> bool:
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
    in_range: bool = least <= min(numbers) and max(numbers) <= most
    # Not a number is neither less nor greater than anything, but spoils a sum.
    return in_range and (is_whole or _is_finite(numbers))


def _is_finite(numbers: Sequence[float]) -> bool:
    try:
        return math.isfinite(sum(numbers))
    except OverflowError:
        return False


def _texts_are_sound(texts: Sequence[str]) -> bool:
    joined = "".join(texts)
    lengths = set(map(len, texts))
    return (
        0 not in lengths
        and max(lengths, default=0) <= values.LONGEST_KEY
        and joined.isascii()
        and "\x00" not in joined
    )


def _check_each(name: str, column: Sequence[Any], first_row: int) -> None:
    field = FIELDS[name]
    for row, value in enumerate(column, first_row):
        try:
            field.validator(None, field, value)
        except InvalidValue as error:
            raise InvalidValue(f"row {row}: {error}") from None


def _instants(column: list[Any], now: Clock, first_row: int) -> list[datetime]:
    are_utc = set(map(type, column)) == {datetime} and all(time.tzinfo is UTC for time in column)
    if are_utc and min(column) >= values.EARLIEST and max(column) < values.LATEST:
        return column
    instants: list[datetime] = []
    for row, value in enumerate(column, first_row):
        try:
            instant = now() if value is None else value
            instants.append(values.as_instant("measured_at", instant))
        except InvalidValue as error:
            raise InvalidValue(f"row {row}: {error}") from None
    return instants
