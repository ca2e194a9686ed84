"""For each kind of value, what is none of that kind and must be refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.integration.contract.samples import EARLY

if TYPE_CHECKING:
    from collections.abc import Mapping


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
NO_UUIDS: Mapping[str, Any] = {
    "a text": "019c0000-0000-7000-8000-000000000001",
    "a text without hyphens": "019c0000000070008000000000000001",
    "a number": 0x019C0000000070008000000000000001,
    "bytes": b"\x01\x9c" * 8,
    "a truth": True,
    "a list": [UUID(int=1)],
    "empty": "",
}
NO_TRUTHS: Mapping[str, Any] = {
    "one": 1,
    "zero": 0,
    "a float": 1.0,
    "a text": "true",
    "empty": "",
    "bytes": b"1",
    "a list": [True],
}


def nested(levels: int) -> list[Any]:
    """A list of lists, so many levels deep."""
    made: list[Any] = []
    for _ in range(levels - 1):
        made = [made]
    return made


def endless() -> list[Any]:
    """A list that holds itself."""
    made: list[Any] = []
    made.append(made)
    return made


def a_child_that_knows_its_parents() -> dict[str, Any]:
    """Objects that hold each other, in several ways."""
    parent: dict[str, Any] = {"children": []}
    parent["children"] += [{"mother": parent, "father": parent} for _ in range(2)]
    return parent


NO_JSON_VALUES: Mapping[str, Any] = {
    "bytes": b"{}",
    "a byte array": bytearray(b"{}"),
    "a memory view": memoryview(b"{}"),
    "a set": {1},
    "a generator": (each for each in "ab"),
    "a decimal": Decimal(1),
    "a complex number": 1.5j,
    "an instant": EARLY,
    "a length": timedelta(1),
    "a UUID": UUID(int=1),
    "an object": object(),
    "a class": dict,
    "not a number": NAN,
    "infinity": INFINITY,
    "2^63": 2**63,
    "-2^63": -(2**63),
    "unspeakable": 10**5000,
    "NUL": "a\x00b",
    "lone surrogate": "\ud800",
    "too long": "x" * (16 * 1024 * 1024 + 1),
    "a number as key": {1: "a"},
    "nothing as key": {None: "a"},
    "bytes as key": {b"a": "a"},
    "NUL in a key": {"a\x00": 1},
    "lone surrogate in a key": {"\udfff": 1},
    "not a number inside": {"a": [1, {"b": NAN}]},
    "bytes inside": [{"a": b""}],
    "a set inside": {"a": {1}},
    "2^63 inside": [[2**63]],
    "a bad value behind a long key": {"x" * 10_000: {1: 2}},
    "too deep": nested(65),
    "too deep in objects": {"a": nested(64)},
    "endless": endless(),
    "endless in several ways": a_child_that_knows_its_parents(),
}
NO_JSON_OBJECTS: Mapping[str, Any] = NO_JSON_VALUES | {
    "a list": [],
    "pairs": [("a", 1)],
    "a text": "{}",
    "a number": 1,
    "a truth": True,
}
NO_JSON_LISTS: Mapping[str, Any] = NO_JSON_VALUES | {
    "a mapping": {},
    "a text": "[]",
    "a number": 1,
    "a truth": True,
}
NO_LENGTHS: Mapping[str, Any] = {
    "a number": 4,
    "a text": "4h",
    "nothing": None,
    "negative": timedelta(microseconds=-1),
    "a century": timedelta(days=36525),
    "the longest": timedelta.max,
}
NO_LEASES: Mapping[str, Any] = NO_LENGTHS | {
    "no time": timedelta(0),
    "half a millisecond": timedelta(microseconds=999),
    "more than a week": timedelta(days=7, microseconds=1),
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
