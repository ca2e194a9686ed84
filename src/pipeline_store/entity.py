"""How a domain class is declared, and what can be asked of any of them.

The kinds of fields it can have are in `pipeline_store.fields`.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast, dataclass_transform

import attrs
from attrs import setters

from pipeline_store import fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

T = TypeVar("T")


@dataclass_transform(
    eq_default=False,
    kw_only_default=True,
    field_specifiers=(
        attrs.field,
        fields.choice,
        fields.flag,
        fields.identity,
        fields.instant,
        fields.integer,
        fields.json_any,
        fields.json_list,
        fields.json_object,
        fields.key_text,
        fields.number,
        fields.reference,
        fields.text,
        fields.uuid_identity,
        fields.uuid_reference,
    ),
)
def entity(cls: type[T]) -> type[T]:
    """Declare a domain class: keyword arguments only, compared by identity, checked on assignment.

    Without slots and not frozen, since SQLAlchemy can map no other attrs classes; not compared by
    value, since two rows with the same values are two things.
    """
    declared = attrs.define(slots=False, eq=False, kw_only=True)(cls)
    setattr(declared, "__init__", _constructor(declared))  # noqa: B010 - mypy forbids the other way
    setattr(declared, "__getstate__", _fields_held)  # noqa: B010 - as above
    setattr(declared, "__setattr__", _assignment(declared))  # noqa: B010 - as above
    return declared


def _fields_held(instance: object) -> dict[str, Any]:
    """Return what a copy or a pickle of an object holds: its fields alone.

    What a database adapter keeps beside them belongs to one object. A copy that shared it would be
    taken for the other, and what it holds would never be written.
    """
    return {field.name: getattr(instance, field.name) for field in fields_of(type(instance))}


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


def _assignment(kind: type[Any]) -> Callable[[Any, str, Any], None]:
    """Return the assignment that attrs wrote, refusing what is no field.

    Without slots the object's dictionary would take a mistyped name, and no store would keep it.
    """
    assign = cast("Callable[[Any, str, Any], None]", kind.__setattr__)
    names = frozenset(field.name for field in fields_of(kind))

    @wraps(assign)
    def assign_field(self: Any, name: str, value: Any) -> None:
        # What a database adapter keeps beside the fields begins with an underscore.
        if name not in names and not name.startswith("_") and not hasattr(self.__class__, name):
            likely = get_close_matches(name, names, n=1)
            hint = f"; did you mean {likely[0]}?" if likely else ""
            message = f"{kind.__name__} has no field {name!r}{hint}"
            raise AttributeError(message)
        assign(self, name, value)

    return assign_field


class RecordsChanges(Protocol):
    """A domain object whose changes are kept as rows of their own, written together with it."""

    def record_changes(self, before: Mapping[str, Any], now: datetime) -> Iterable[object]:
        """Return the rows that tell what was changed since the fields held `before`."""
        ...


def recorded_changes(
    instance: object, before: Mapping[str, Any], now: Callable[[], datetime]
) -> list[object]:
    """Return the rows to be written with a changed object, which most have none of."""
    if not hasattr(type(instance), "record_changes"):
        return []
    recorder = cast("RecordsChanges", instance)
    return list(recorder.record_changes(before, now()))


def fields_of(kind: type[Any]) -> tuple[attrs.Attribute[Any], ...]:
    """Return the fields of a domain class, in the order in which they are declared."""
    declared: tuple[attrs.Attribute[Any], ...] = attrs.fields(kind)
    return declared


def key_of(kind: type[Any]) -> attrs.Attribute[Any]:
    """Return the field that holds the key."""
    return next(field for field in fields_of(kind) if fields.KEY in field.metadata)


def key_type(kind: type[Any]) -> type[Any]:
    """Return the type of the key: int or UUID, given by a store, or str, given by the caller."""
    given: type[Any] = key_of(kind).metadata[fields.KEY]
    return given


def copy_as_new(instance: T) -> T:
    """Return an object with the same values that no store has given a key yet."""
    original: Any = instance
    duplicate: T = attrs.evolve(original)
    return duplicate


def change(instance: Any, **wanted: Any) -> None:
    """Assign several fields of an entity at once: all of them, or none when one is refused."""
    kind: Any = instance.__class__
    declared = attrs.fields_dict(kind)
    before = {name: getattr(instance, name) for name in declared}
    accepted: dict[str, Any] = {}
    try:
        for name, value in wanted.items():
            own: Any = declared[name].on_setattr
            hook = _CHECKS if own is None else own
            accepted[name] = hook(instance, declared[name], value)
    except BaseException:
        # A field's check may have moved another field along.
        for name, value in before.items():
            if getattr(instance, name) is not value:
                object.__setattr__(instance, name, value)
        raise
    for name, value in accepted.items():
        object.__setattr__(instance, name, value)


_CHECKS: Final = setters.pipe(setters.convert, setters.validate)
