"""JSON values that cannot be changed in place, so that no change to one is ever lost.

A store sees that a field was assigned; it cannot see that something deep inside was changed. These
values read like the dict or list that they were made from and are changed by assigning a new one:

    channel.settings = {**channel.settings, "posting_frequency": 3}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from pipeline_store import values
from pipeline_store.errors import InvalidValue

DEEPEST: Final = 64
"""Levels of nesting; drivers and `json` itself give up at about a thousand."""

LONGEST_NAME: Final = 120
"""Characters of the place in a value, such as `settings.a[0]`, that a message shows."""


class JsonObject(dict[str, Any]):
    """A dict that refuses to be changed."""

    def _refuse(self, *_arguments: Any, **_named: Any) -> NoReturn:
        message = "a stored JSON object cannot be changed in place: assign {**it, name: value}"
        raise TypeError(message)

    __setitem__: Any = _refuse
    __delitem__: Any = _refuse
    __ior__: Any = _refuse
    clear: Any = _refuse
    pop: Any = _refuse
    popitem: Any = _refuse
    setdefault: Any = _refuse
    update: Any = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a copy or an unpickled one in one piece, not item by item."""
        return JsonObject, (dict(self),)


class JsonList(list[Any]):
    """A list that refuses to be changed."""

    def _refuse(self, *_arguments: Any, **_named: Any) -> NoReturn:
        message = "a stored JSON array cannot be changed in place: assign [*it, value]"
        raise TypeError(message)

    __setitem__: Any = _refuse
    __delitem__: Any = _refuse
    __iadd__: Any = _refuse
    __imul__: Any = _refuse
    append: Any = _refuse
    clear: Any = _refuse
    extend: Any = _refuse
    insert: Any = _refuse
    pop: Any = _refuse
    remove: Any = _refuse
    reverse: Any = _refuse
    sort: Any = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a copy or an unpickled one in one piece, not item by item."""
        return JsonList, (list(self),)


def frozen(name: str, value: Any) -> Any:
    """Return the JSON value, immutable throughout.

    Raises:
        InvalidValue: it is none that both databases hold: NaN and infinity, whole numbers outside
            64 bits, keys that are no text, text with NUL or a lone surrogate, anything else than
            None, bool, int, float, str, sequences and mappings, what holds itself, or more than 64
            levels.
    """
    made = _frozen(name, value, ())
    if isinstance(made, (JsonObject, JsonList)):
        length = len(spelled(made))
        if length > values.LONGEST_TEXT:
            limit = values.LONGEST_TEXT
            raise InvalidValue(f"{name}: at most {limit} characters of JSON, found {length}")
    return made


def as_object(name: str, value: Any) -> JsonObject:
    """Return the mapping as an immutable JSON object; see `frozen`."""
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{name}: a mapping expected, found {type(value).__name__}")
    made: JsonObject = frozen(name, value)
    return made


def as_list(name: str, value: Any) -> JsonList:
    """Return the sequence as an immutable JSON array; see `frozen`."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise InvalidValue(f"{name}: a sequence expected, found {type(value).__name__}")
    made: JsonList = frozen(name, value)
    return made


def spelled(value: Any) -> str:
    """Return the JSON text of a value, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def same(one: Any, other: Any) -> bool:
    """Whether two values are stored alike; to Python, 1 equals both True and 1.0."""
    return one is other or (one == other and spelled(one) == spelled(other))


def thawed(stored: Any) -> Any:
    """Return what a database gave back, immutable throughout, without checking it."""
    if _is(stored, dict):
        return JsonObject({key: thawed(value) for key, value in stored.items()})
    if _is(stored, list):
        return JsonList(map(thawed, stored))
    return stored


def _frozen(name: str, value: Any, around: tuple[int, ...]) -> Any:
    if len(around) == DEEPEST:
        raise InvalidValue(f"{name}: at most {DEEPEST} levels of JSON can be stored")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        values.check_text(name, value)
        return _plain(value)
    if isinstance(value, int):
        values.check_integer(name, value, least=-values.LARGEST_COUNT)
        return int(value)
    if isinstance(value, float):
        values.check_number(name, value)
        return float(value)
    # Before it is followed: two ways back at each level would be 2^64 ways through all of them.
    if id(value) in around:
        raise InvalidValue(f"{name}: a JSON value that holds itself cannot be stored")
    around = (*around, id(value))
    if _is(value, Mapping):
        for key in value:
            values.check_text(f"{name}: a key", key)
        return JsonObject(
            {
                _plain(key): _frozen(_inside(name, f".{_plain(key)}"), each, around)
                for key, each in value.items()
            }
        )
    if _is(value, Sequence) and not _is(value, (bytes, bytearray, memoryview)):
        return JsonList(
            _frozen(_inside(name, f"[{place}]"), each, around) for place, each in enumerate(value)
        )
    raise InvalidValue(f"{name}: no JSON value: {type(value).__name__}")


def _plain(text: str) -> str:
    # Not `str(text)`, which is "Colour.RED" for a member of an enumeration of texts.
    return str.__str__(text)


def _is(value: object, kind: Any) -> bool:
    # What it holds is for the checks to find out, whatever a type checker makes of it.
    return isinstance(value, kind)


def _inside(name: str, step: str) -> str:
    """Return the name of a value inside another, for messages, which stay short."""
    return f"{name}{step}"[:LONGEST_NAME]
