"""How domain classes are declared: one decorator and one function for each kind of field.

A field whose default is None may be empty. A field checks its value when the object is made and on
every assignment, so an object never holds what a store would refuse. What a database already holds
is loaded as it stands: checks do not run then. Fields also carry what every store must know about
them (see the constants below); the in-memory store reads it from there, and a test compares it with
the tables.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, dataclass_transform

import attrs
from attrs import Converter, setters

from pipeline_store import values
from pipeline_store.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum

T = TypeVar("T")

REFERS_TO: Final = "refers_to"
"""Metadata: the collection whose key this field holds."""

UNIQUE: Final = "unique"
"""Metadata: no two rows hold the same value."""

NOW_BY_DEFAULT: Final = "now_by_default"
"""Metadata: a store fills an empty field from its clock when the object is added."""

LIMITS: Final = "limits"
"""Metadata of whole and other numbers: the least and the greatest value."""

REQUIRED: Final = attrs.NOTHING

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
    return attrs.field(default=None, init=init, on_setattr=_refuse_assignment)


def text(
    *,
    default: Any = REQUIRED,
    empty: bool = True,
    longest: int = values.LONGEST_TEXT,
    json: bool = False,
) -> Any:
    """Declare a text field; with `json`, one whose text is JSON."""

    def check(name: str, value: Any) -> None:
        values.check_text(name, value, longest=longest, empty=empty)
        if json:
            values.check_json_text(name, value)

    return _field(check, default=default)


def key_text(*, default: Any = REQUIRED, unique: bool = False, is_key: bool = False) -> Any:
    """Declare a short text that is not empty and is part of an index; `is_key`, never changed."""

    def check(name: str, value: Any) -> None:
        values.check_text(name, value, longest=values.LONGEST_KEY, empty=False)

    hook = _refuse_assignment if is_key else None
    return _field(check, default=default, metadata={UNIQUE: unique}, on_setattr=hook)


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


def reference(collection: str, *, default: Any = REQUIRED) -> Any:
    """Declare the key of an object in another collection; whether it exists, the store checks."""

    def check(name: str, value: Any) -> None:
        values.check_integer(name, value, least=-values.LARGEST_COUNT)

    return _field(check, default=default, metadata={REFERS_TO: collection})


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
    on_move: Callable[[Any, Any], None] | None = None,
) -> Any:
    """Declare a time, kept as an aware UTC datetime; a naive one is taken as UTC with a warning.

    With `now_by_default`, a store fills it in when the object is added without one; `on_move` as
    for `choice`.
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
        metadata={NOW_BY_DEFAULT: now_by_default},
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


@dataclass_transform(
    eq_default=False,
    kw_only_default=True,
    field_specifiers=(
        attrs.field,
        choice,
        identity,
        instant,
        integer,
        key_text,
        number,
        reference,
        text,
    ),
)
def entity(cls: type[T]) -> type[T]:
    """Declare a domain class: keyword arguments only, compared by identity, checked on assignment.

    Without slots and not frozen, since SQLAlchemy can map no other attrs classes; not compared by
    value, since two rows with the same values are two things.
    """
    declared = attrs.define(slots=False, eq=False, kw_only=True)(cls)
    setattr(declared, "__init__", _constructor(declared))  # noqa: B010 - mypy forbids the other way
    return declared


class _Bare:
    """Stands in for an object while its fields are filled."""

    def __attrs_post_init__(self) -> None:
        """Leave what follows to the object itself."""


def _constructor(kind: type[Any]) -> Callable[..., None]:
    """Return the constructor that attrs wrote, writing straight into the object's dictionary.

    A database adapter puts descriptors on the class, through which each field would be set and read
    again: that made a reading of ten fields four times as dear.
    """
    fill = kind.__init__
    afterwards = getattr(kind, "__attrs_post_init__", None)

    @wraps(fill)
    def construct(self: Any, **given: Any) -> None:
        bare = _Bare()
        bare.__dict__ = self.__dict__
        fill(bare, **given)
        if afterwards is not None:
            afterwards(self)

    return construct


def fields_of(kind: type[Any]) -> tuple[attrs.Attribute[Any], ...]:
    """Return the fields of a domain class, in the order in which they are declared."""
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(kind)
    return fields


def copy_as_new(instance: T) -> T:
    """Return an object with the same values that no store has given a key yet."""
    original: Any = instance
    duplicate: T = attrs.evolve(original)
    return duplicate


def change(instance: Any, **wanted: Any) -> None:
    """Assign several fields of an entity at once: all of them, or none when one is refused."""
    kind: Any = instance.__class__
    fields = attrs.fields_dict(kind)
    before = {name: getattr(instance, name) for name in fields}
    accepted: dict[str, Any] = {}
    try:
        for name, value in wanted.items():
            own: Any = fields[name].on_setattr
            hook = _CHECKS if own is None else own
            accepted[name] = hook(instance, fields[name], value)
    except BaseException:
        # A field's check may have moved another field along.
        for name, value in before.items():
            if getattr(instance, name) is not value:
                object.__setattr__(instance, name, value)
        raise
    for name, value in accepted.items():
        object.__setattr__(instance, name, value)


_CHECKS: Final = setters.pipe(setters.convert, setters.validate)
