"""Every bad value for every field and every argument, found by looking at their declarations."""

from __future__ import annotations

import inspect
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_type_hints

import attrs

from pipeline_store.fields import LIMITS, NOW_BY_DEFAULT, UNIQUE
from pipeline_store.unit_of_work import Collections
from tests.integration.contract.samples import CLASSES, EARLY, LATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Unrelated(StrEnum):
    """An enumeration that no field is of, with values that fields have."""

    PENDING = "pending"
    LOW = "low"


NAN, INFINITY = float("nan"), float("inf")
HUGE = 10**400

NO_TEXTS: Mapping[str, Any] = {
    "a number": 1,
    "a truth": True,
    "bytes": b"text",
    "a list": ["text"],
    "NUL": "a\x00b",
    "only NUL": "\x00",
    "lone high surrogate": "a\ud800",
    "lone low surrogate": "\udfffa",
    "too long": "x" * (16 * 1024 * 1024 + 1),
}
NO_KEYS: Mapping[str, Any] = NO_TEXTS | {"too long": "x" * 256, "empty": ""}
NO_JSON: Mapping[str, Any] = NO_TEXTS | {
    "cut off": '{"a": 1',
    "NaN": "NaN",
    "infinity": '{"a": -Infinity}',
    "single quotes": "{'a': 1}",
    "no JSON": "text",
    "empty": "",
    "two values": "{} {}",
    "too deep": "[" * 100_000 + "]" * 100_000,
}
NO_WHOLE_NUMBERS: Mapping[str, Any] = {
    "a truth": True,
    "a lie": False,
    "a float": 1.0,
    "half": 0.5,
    "not a number": NAN,
    "infinity": INFINITY,
    "a text": "1",
    "bytes": b"1",
    "a decimal": Decimal(1),
    "a list": [1],
    "2^63": 2**63,
    "-2^63": -(2**63),
    "huge": HUGE,
    "unspeakable": 10**5000,
}
NO_NUMBERS: Mapping[str, Any] = {
    "a truth": True,
    "not a number": NAN,
    "infinity": INFINITY,
    "minus infinity": -INFINITY,
    "a text": "1.5",
    "bytes": b"1.5",
    "a decimal": Decimal("1.5"),
    "a complex number": 1.5j,
    "a list": [1.5],
    "huge": HUGE,
    "minus huge": -HUGE,
}
NO_INSTANTS: Mapping[str, Any] = {
    "a text": "2026-02-28T01:02:03+00:00",
    "a date": date(2026, 2, 28),
    "a number": 1_772_240_523,
    "a fraction": 1_772_240_523.5,
    "a truth": True,
    "bytes": b"2026-02-28",
    "a length": timedelta(hours=1),
    "before 1970": datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "before 1970 elsewhere": datetime(1970, 1, 1, tzinfo=timezone(timedelta(microseconds=1))),
    "2200": datetime(2200, 1, 1, tzinfo=UTC),
    "before the first year": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    "after the last year": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14))),
}
NO_LENGTHS: Mapping[str, Any] = {
    "a number": 4,
    "a text": "4h",
    "nothing": None,
    "negative": timedelta(microseconds=-1),
    "a century": timedelta(days=36525),
    "the longest": timedelta.max,
}


def no_members(kind: type[Enum]) -> dict[str, Any]:
    """Values that are no member of the enumeration, nor one's plain value."""
    numbers = any(isinstance(member.value, int) for member in kind)
    refused: dict[str, Any] = {
        "a float": 1.0,
        "a truth": True,
        "bytes": b"pending",
        "a list": ["pending"],
        "another enumeration": Unrelated.PENDING,
        "a name": next(iter(kind)).name,
        "empty": "",
        "unknown": 4 if numbers else "nonsense",
        "of the other type": "0" if numbers else 0,
    }
    return refused | (
        {"negative": -1} if numbers else {"with a space": next(iter(kind)).value + " "}
    )


class Field(NamedTuple):
    """A field of a domain class, and what it cannot hold."""

    kind: type[Any]
    name: str
    may_be_empty: bool
    may_be_left_out: bool
    refused: Mapping[str, Any]


def fields() -> Iterator[Field]:
    """The fields of the ten classes, without the keys that stores give."""
    for kind in CLASSES.values():
        hints = get_type_hints(kind)
        for field in attrs.fields(kind):
            if not field.init:
                continue
            parts = get_args(hints[field.name]) if is_union(hints[field.name]) else ()
            (plain,) = {*parts} - {NoneType} or {hints[field.name]}
            yield Field(
                kind,
                field.name,
                may_be_empty=NoneType in parts,
                may_be_left_out=field.default is None,
                refused=refused_by(plain, field),
            )


def is_union(hint: Any) -> bool:
    return isinstance(hint, UnionType)


def refused_by(plain: type[Any], field: attrs.Attribute[Any]) -> Mapping[str, Any]:
    """What a field of this type cannot hold, apart from None."""
    least, most = field.metadata.get(LIMITS, (None, None))
    outside = {}
    if least not in {None, -INFINITY}:
        outside["below the least"] = least - 1
    if most not in {None, INFINITY}:
        outside["above the greatest"] = most + 1
    if issubclass(plain, Enum):
        return no_members(plain)
    if plain is str:
        if field.name.endswith("_json"):
            return NO_JSON
        return NO_KEYS if UNIQUE in field.metadata else NO_TEXTS
    if plain is datetime:
        assert NOW_BY_DEFAULT in field.metadata
        return NO_INSTANTS
    return {int: NO_WHOLE_NUMBERS, float: NO_NUMBERS}[plain] | outside


FIELDS = list(fields())


class Argument(NamedTuple):
    """An argument of a method of a collection, the others that go with it, and what is refused."""

    collection: str
    method: str
    name: str
    others: Mapping[str, Any]
    refused: Mapping[str, Any]


SOUND: Mapping[str, Any] = {
    "key": 1,
    "after": 1,
    "limit": 5,
    "niche": "football",
    "cycle_start": EARLY,
    "cycle_end": LATE,
    "status": "pending",
    "video_id": "video-00001",
    "video_ids": ["video-00001"],
    "processed": 1,
    "run_id": 1,
    "error_id": 1,
    "module": "render",
    "prefix": "key-",
    "value": "a value",
    "updated_by": "somebody",
    "since": EARLY,
    "until": LATE,
}
"""An argument that is accepted, by name."""

TAKEN_AS_TRUTHS = {"bool"}
"""Annotations of arguments that may be anything."""

WHOLE_OBJECTS = {"Entity", "DiscoveredVideo", "Iterable[Entity]", "Iterable[DiscoveredVideo]"}
READINGS = {"Iterable[Snapshot]"}
"""Annotations of arguments whose fields are checked one by one."""


def arguments() -> Iterator[Argument]:
    """The arguments of every method of every collection."""
    for collection, kind in CLASSES.items():
        port = get_type_hints(Collections)[collection]
        for method, function in inspect.getmembers(port, inspect.isfunction):
            if method.startswith("_"):
                continue
            parameters = list(inspect.signature(function).parameters.values())[1:]
            for parameter in parameters:
                annotation = parameter.annotation.removesuffix(" | None")
                if annotation in TAKEN_AS_TRUTHS | WHOLE_OBJECTS | READINGS:
                    continue
                others = {
                    other.name: sound(collection, other.name)
                    for other in parameters
                    if other is not parameter and other.default is inspect.Parameter.empty
                }
                may_be_empty = parameter.annotation != annotation
                refused = refused_argument(collection, kind, annotation, parameter.name)
                nothing = {} if may_be_empty else {"nothing": None}
                yield Argument(collection, method, parameter.name, others, {**refused, **nothing})


def sound(collection: str, name: str) -> Any:
    if name == "key" and collection == "config_overrides":
        return "key-00001"
    return SOUND[name]


def refused_argument(
    collection: str, kind: type[Any], annotation: str, name: str
) -> Mapping[str, Any]:
    """What an argument with this annotation cannot be, apart from None."""
    if annotation == "Key_contra":
        annotation = "str" if collection == "config_overrides" else "int"
    if annotation in {"RunStatus", "ShortStatus", "Processed"}:
        return no_members(get_type_hints(kind)[name])
    if annotation == "int" and name == "limit":
        return NO_WHOLE_NUMBERS | {"none": 0, "negative": -1}
    several = {label: ["video-00001", value] for label, value in NO_TEXTS.items()}
    return {
        "str": NO_TEXTS,
        "int": NO_WHOLE_NUMBERS,
        "datetime": NO_INSTANTS,
        "timedelta": NO_LENGTHS,
        "Iterable[str]": several | {"one text": "video-00001", "a whole number": 1},
    }[annotation]


ARGUMENTS = list(arguments())
