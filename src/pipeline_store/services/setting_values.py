"""What a setting can hold, and how its value is spelled in layers that hold only text.

Environment variables and `config_overrides` are text: a whole number is "5", a bool is "true" or
"false", a list or a dict is JSON.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeAlias

from pipeline_store import json_value, values
from pipeline_store.errors import InvalidValue

Kind: TypeAlias = type[Any]
"""One of `str`, `int`, `float`, `bool`, `list` and `dict`."""

KIND_NAMES: Final[dict[Kind, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    list: "list",
    dict: "mapping",
}
"""What messages call each kind."""

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def checked(name: str, kind: Kind, value: object) -> Any:
    """Return the value as this kind: a whole number for a float becomes a float.

    A bool is neither a whole number nor a number. Lists and dicts are returned immutable.

    Raises:
        InvalidValue: it is of another kind, or no store could keep it.
    """
    if kind is bool:
        if not isinstance(value, bool):
            raise InvalidValue(f"{name}: true or false expected, found {type(value).__name__}")
        return value
    if kind is str:
        values.check_text(name, value)
        return str(value)
    if kind is int:
        values.check_integer(name, value, least=-values.LARGEST_COUNT)
        return value
    if kind is float:
        values.check_number(name, value)
        return values.as_float(value)
    as_kind = json_value.as_list if kind is list else json_value.as_object
    return as_kind(name, value)


def read_text(name: str, kind: Kind, text: str) -> Any:
    """Return what the text spells; spaces around anything but text do not count.

    Raises:
        InvalidValue: it spells no value of this kind; the text itself is not repeated.
    """
    if kind is str:
        return checked(name, kind, text)
    bare = text.strip()
    if kind is bool and bare.lower() in _TRUE | _FALSE:
        return bare.lower() in _TRUE
    if kind is int and _WHOLE.fullmatch(bare):
        return checked(name, kind, int(bare))
    if kind is float and _NUMBER.fullmatch(bare):
        return checked(name, kind, float(bare))
    if kind in {list, dict}:
        return checked(name, kind, _read_json(name, kind, bare))
    raise InvalidValue(f"{name}: {KIND_NAMES[kind]} expected, found text that spells none")


def _read_json(name: str, kind: Kind, text: str) -> object:
    example = '["a", "b"]' if kind is list else '{"a": 1}'
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        expected = f"{KIND_NAMES[kind]} in JSON such as {example} expected"
        raise InvalidValue(f"{name}: {expected}, found text that spells none") from None


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "a name is there twice"
        raise ValueError(message)
    return found


def write_text(value: object) -> str:
    """Return the text from which `read_text` reads the value again."""
    return value if isinstance(value, str) else json_value.spelled(value)
