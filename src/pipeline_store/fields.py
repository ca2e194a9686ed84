"""How the fields of a domain class are declared: one function for each kind.

A field whose default is None may be empty. A field checks its value when the object is made and on
every assignment, so an object never holds what a store would refuse. What a database already holds
is loaded as it stands: checks do not run then. Fields also carry what every store must know about
them (see the constants below); the in-memory store reads it from there, and a test compares it with
the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

import attrs
from attrs import Converter, setters

from pipeline_store import json_value, values
from pipeline_store.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum

REFERS_TO: Final = "refers_to"
"""Metadata: the collection whose key this field holds."""

ON_DELETE: Final = "on_delete"
"""Metadata of a reference: what becomes of the row when the other is deleted (see `OnDelete`)."""

UNIQUE: Final = "unique"
"""Metadata: no two rows hold the same value; with names of other fields, not beside equal ones."""

NOW_BY_DEFAULT: Final = "now_by_default"
"""Metadata: a store fills an empty field from its clock when the object is added."""

NOW_ON_CHANGE: Final = "now_on_change"
"""Metadata: a store sets the field from its clock whenever the object was changed."""

KEY: Final = "key"
"""Metadata of the key: its type. A store gives integers and UUIDs, the caller gives texts."""

JSON: Final = "json"
"""Metadata: the field holds a JSON value, compared by what is stored and not by Python's `==`."""

LONGEST: Final = "longest"
"""Metadata of a text that may not be empty and is part of an index: its most characters."""

LONGEST_TEXT: Final = "longest_text"
"""Metadata of any other text that is limited: its most characters."""

LIMITS: Final = "limits"
"""Metadata of whole and other numbers: the least and the greatest value."""

OnDelete = Literal["refuse", "clear", "cascade"]
"""Refuse to delete the other row, empty the reference, or delete this row along with it."""

REQUIRED: Final = attrs.NOTHING

EMPTY_OBJECT: Final[Any] = attrs.Factory(json_value.JsonObject)
"""The default of a field that holds a JSON object. Said where the field is declared: type checkers
see there, and nowhere else, that it may be left out."""

EMPTY_LIST: Final[Any] = attrs.Factory(json_value.JsonList)
"""The same for an array."""

_declare: Final[Any] = attrs.field  # whose types know no converter that is told the field


def _field(
    check: Callable[[str, Any], None],
    *,
    default: Any,
    metadata: dict[str, Any] | None = None,
    converter: Callable[[Any], Any] | None = None,
    on_setattr: Any = None,
) -> Any:
    def validate(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is not None or default is not None:
            check(attribute.name, value)

    return attrs.field(
        default=default,
        converter=converter,
        validator=validate,
        metadata=metadata,
        on_setattr=on_setattr,
    )


def _asking(on_move: Callable[[Any, Any], None] | None) -> Any:
    """Return what an assignment goes through when `on_move` may refuse it, else the usual."""
    if on_move is None:
        return None

    def ask(instance: Any, _attribute: attrs.Attribute[Any], wanted: Any) -> Any:
        on_move(instance, wanted)
        return wanted

    return [setters.convert, setters.validate, ask]


def _refuse_assignment(_instance: Any, attribute: attrs.Attribute[Any], _wanted: Any) -> Any:
    raise InvalidValue(f"{attribute.name}: a key cannot be changed")


def identity(*, init: Literal[False] = False) -> Any:
    """Declare the integer key that the store gives when the object is added; None before."""
    return _given_key(int, init)


def uuid_identity(*, init: Literal[False] = False) -> Any:
    """Declare the UUID, version 7, that the store gives when the object is added; None before."""
    return _given_key(UUID, init)


def _given_key(kind: type[Any], init: bool) -> Any:
    return attrs.field(default=None, init=init, on_setattr=_refuse_assignment, metadata={KEY: kind})


def text(
    *,
    default: Any = REQUIRED,
    empty: bool = True,
    longest: int = values.LONGEST_TEXT,
    json: bool = False,
    on_move: Callable[[Any, Any], None] | None = None,
) -> Any:
    """Declare a text field; with `json`, one whose text is JSON. `on_move` as for `choice`."""

    def check(name: str, value: Any) -> None:
        values.check_text(name, value, longest=longest, empty=empty)
        if json:
            values.check_json_text(name, value)

    metadata = {LONGEST_TEXT: longest} if longest < values.LONGEST_TEXT else None
    return _field(check, default=default, metadata=metadata, on_setattr=_asking(on_move))


def key_text(
    *,
    default: Any = REQUIRED,
    unique: bool = False,
    unique_with: tuple[str, ...] = (),
    is_key: bool = False,
    longest: int = values.LONGEST_KEY,
    converter: Callable[[Any], Any] | None = None,
) -> Any:
    """Declare a text that is not empty and is part of an index; `is_key`, never changed.

    `converter` brings what is given into the one spelling that is kept.
    """

    def check(name: str, value: Any) -> None:
        values.check_text(name, value, longest=longest, empty=False)

    metadata: dict[str, Any] = {LONGEST: longest}
    if is_key:
        metadata[KEY] = str
    if unique or unique_with:
        metadata[UNIQUE] = unique_with
    hook = _refuse_assignment if is_key else None
    return _field(check, default=default, metadata=metadata, converter=converter, on_setattr=hook)


def integer(
    *,
    default: Any = REQUIRED,
    least: int = 0,
    most: int = values.LARGEST_COUNT,
) -> Any:
    """Declare a whole number; without limits of its own, a count of 0 to 2^63-1."""

    def check(name: str, value: Any) -> None:
        values.check_integer(name, value, least=least, most=most)

    return _field(check, default=default, metadata={LIMITS: (least, most)})


def flag(*, default: Any = REQUIRED) -> Any:
    """Declare a field that is True or False."""
    return _field(values.check_flag, default=default)


def reference(collection: str, *, default: Any = REQUIRED) -> Any:
    """Declare the key of an object in another collection; whether it exists, the store checks."""

    def check(name: str, value: Any) -> None:
        values.check_integer(name, value, least=-values.LARGEST_COUNT)

    return _field(check, default=default, metadata={REFERS_TO: collection})


def uuid_reference(
    collection: str | None,
    *,
    default: Any = REQUIRED,
    on_delete: OnDelete = "refuse",
    on_move: Callable[[Any, Any], None] | None = None,
) -> Any:
    """Declare the UUID of an object in another collection; whether it exists, the store checks.

    Without a collection, it is kept whatever becomes of the object. `on_move` as for `choice`.
    """
    metadata = {} if collection is None else {REFERS_TO: collection, ON_DELETE: on_delete}
    return _field(
        values.check_uuid, default=default, metadata=metadata, on_setattr=_asking(on_move)
    )


def json_object(*, default: Any = REQUIRED) -> Any:
    """Declare a JSON object: an immutable mapping, replaced as a whole.

    With `default=None` there may be none.
    """
    return _json(default, json_value.as_object)


def json_list(*, default: Any = REQUIRED, on_move: Callable[[Any, Any], None] | None = None) -> Any:
    """Declare a JSON array: an immutable sequence, replaced as a whole.

    `on_move` as for `choice`.
    """
    return _json(default, json_value.as_list, on_move)


def json_any(*, default: Any = REQUIRED) -> Any:
    """Declare any JSON value, immutable and replaced as a whole; None stands for JSON's null."""
    return _json(default, json_value.frozen)


def _json(
    default: Any,
    freeze: Callable[[str, Any], Any],
    on_move: Callable[[Any, Any], None] | None = None,
) -> Any:
    def convert(value: Any, attribute: attrs.Attribute[Any]) -> Any:
        if value is None and default is None:
            return None
        return freeze(attribute.name, value)

    return _declare(
        default=default,
        converter=Converter(convert, takes_field=True),
        on_setattr=_asking(on_move),
        metadata={JSON: True},
    )


def number(
    *,
    default: Any = REQUIRED,
    least: float = 0.0,
    most: float = float("inf"),
    on_move: Callable[[Any, Any], None] | None = None,
) -> Any:
    """Declare a finite number, from 0 upwards unless said otherwise; an int becomes a float.

    `on_move` as for `choice`.
    """

    def check(name: str, value: Any) -> None:
        values.check_number(name, value, least=least, most=most)

    return _field(
        check,
        default=default,
        metadata={LIMITS: (least, most)},
        converter=values.as_float,
        on_setattr=_asking(on_move),
    )


def instant(
    *,
    default: Any = REQUIRED,
    now_by_default: bool = False,
    now_on_change: bool = False,
    on_move: Callable[[Any, Any], None] | None = None,
) -> Any:
    """Declare a time, kept as an aware UTC datetime; a naive one is taken as UTC with a warning.

    With `now_by_default`, a store fills it in when the object is added without one; with
    `now_on_change`, also whenever it was changed; `on_move` as for `choice`.
    """

    def convert(value: Any, attribute: attrs.Attribute[Any]) -> Any:
        if value is None and default is None:
            return None
        return values.as_instant(attribute.name, value)

    def assign(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> Any:
        return values.as_instant(attribute.name, value)

    return _declare(
        default=default,
        converter=Converter(convert, takes_field=True),
        on_setattr=assign if now_by_default else _asking(on_move),
        metadata={NOW_BY_DEFAULT: now_by_default, NOW_ON_CHANGE: now_on_change},
    )


def choice(
    kind: type[Enum],
    *,
    default: Any = REQUIRED,
    on_move: Callable[[Any, Any], None] | None = None,
) -> Any:
    """Declare a member of `kind`; its plain value is accepted and becomes the member.

    `on_move(instance, wanted)` is asked before an assignment and may refuse it.
    """

    def convert(value: Any, attribute: attrs.Attribute[Any]) -> Any:
        if value is None and default is None:
            return None
        return values.as_member(attribute.name, kind, value)

    return _declare(
        default=default,
        converter=Converter(convert, takes_field=True),
        on_setattr=_asking(on_move),
    )
