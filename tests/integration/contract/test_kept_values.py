"""Texts, instants, JSON and UUIDs come back as they went in, on every store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import attrs
import pytest

from pipeline_store.errors import NaiveDatetimeWarning
from pipeline_store.fields import JSON, LONGEST
from pipeline_store.json_value import JsonList, JsonObject
from pipeline_store.production import PipelineRun
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.refused_values import nested
from tests.integration.contract.samples import (
    CLASSES,
    COLLECTIONS,
    Parents,
    every_field,
    key_of,
    sample,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store

TEXTS = [
    "\N{GRINNING FACE}\N{FAMILY}\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}",
    "精彩进球合集 十佳球",
    "最高のセーブ スーパープレイ集",
    "مقاطع مضحكة",
    "e\u0301 and é are kept apart",
    "tab\tnewline\ncarriage return\rquote'double\"back\\slash percent%under_score:colon{}",
    " spaces around ",
    "\x01\x1f\x7f\x80\u2028\ufeff\ufffd\uffff\U0010ffff",
    "x" * 255,
    "\N{GRINNING FACE}" * 255,
]


class Speed(str, Enum):  # noqa: UP042 - whose `str()` is another text than the value
    FAST = "fast"


class Level(IntEnum):
    HIGH = 3


def text_fields(collection: str) -> dict[str, int | None]:
    """The fields that hold a text of the caller's choice, and how long each may be."""
    return {
        field.name: field.metadata.get(LONGEST)
        for field in attrs.fields(CLASSES[collection])
        if str(field.type) in {"str", "str | None"} and not field.name.endswith("_json")
    }


def in_each(names: dict[str, int | None], text: str) -> dict[str, str]:
    """The text for each field, cut to what may be there."""
    return {name: text[:longest] for name, longest in names.items()}


def test_every_text(store: Store, parents: Parents) -> None:
    """Emoji, other scripts, control characters and the longest key come back in every field."""
    with store.unit_of_work() as uow:
        added = {
            collection: getattr(uow, collection).add_many(
                sample(collection, parents, **in_each(text_fields(collection), text))
                for text in TEXTS
            )
            for collection in COLLECTIONS
        }
        uow.commit()
    with store.unit_of_work() as uow:
        for collection, those in added.items():
            names = text_fields(collection)
            found = {key_of(each): each for each in getattr(uow, collection).page(limit=1_000)}
            for text, each in zip(TEXTS, those, strict=True):
                held = {name: getattr(found[key_of(each)], name) for name in names}
                assert held == in_each(names, text), collection


def test_long_texts(store: Store, parents: Parents) -> None:
    """A text of a million characters of four bytes each comes back."""
    long = "\N{GRINNING FACE}" * 1_000_000
    with store.unit_of_work() as uow:
        key = uow.scripts.add(sample("scripts", parents, opening_text=long)).id
        uow.commit()
    with store.unit_of_work() as uow:
        assert uow.scripts.get(key).opening_text == long


def test_long_json(store: Store) -> None:
    """So does JSON of about as many."""
    long = {"a": ["\N{GRINNING FACE}" * 1_000, None] * 1_000}
    with store.unit_of_work() as uow:
        uow.system_configuration.set("long", long)
        uow.commit()
    with store.unit_of_work() as uow:
        assert uow.system_configuration.get("long").value == long


@in_turn(
    "text",
    [
        "{}",
        "[]",
        "null",
        '"\\ud800"',
        '{"a": [1, 2.5e300, true], "é": "\N{GRINNING FACE}"}',
        "9" * 5000,
    ],
)
def test_json_as_text(store: Store, parents: Parents, text: str) -> None:
    """A script's JSON comes back letter by letter."""
    with store.unit_of_work() as uow:
        key = uow.scripts.add(sample("scripts", parents, full_script_json=text)).id
        uow.commit()
    with store.unit_of_work() as uow:
        assert uow.scripts.get(key).full_script_json == text


JSON_VALUES: list[Any] = [
    {},
    [],
    None,
    True,
    False,
    "",
    "null",
    '"quoted" \\ slashed / \b\f\n\r\t',
    "\x01\x1f\x7f\u2028\ufeff\uffff\U0010ffff",
    0,
    -1,
    2**63 - 1,
    -(2**63) + 1,
    2**53 + 1,
    1.0,
    -0.0,
    0.1,
    1e16,
    1.7976931348623157e308,
    5e-324,
    {"": None, "é": {"\N{GRINNING FACE}": [1, 1.0, True, "1", None]}},
    {"z": 1, "a": 2, "Z": 3, "10": 4, "9": 5},
    [[[]], {}, [{}], [None, [None]]],
    [1, 1.0, True, 0, 0.0, False, ""],
    {"'": '"', "%": "%s", ":name": "?", "$1": "{}", "a.b": "a b"},
    nested(63),
    ["x" * 10_000],
]
"""What any JSON field holds, and the pairs that Python takes for equal among them."""


def spelled(value: Any) -> str:
    """The JSON text, by which 1, 1.0 and True differ and the order of keys counts."""
    return json.dumps(value)


SHAPES: dict[str, Callable[[Any], Any]] = {
    "Mapping": lambda value: {"a": value},
    "Sequence": lambda value: [value],
    "Any": lambda value: value,
}
"""What makes a value of the shape that a field needs."""


def json_fields(collection: str) -> dict[str, Callable[[Any], Any]]:
    """The fields that hold JSON, and what makes a value of the shape that each needs."""
    return {
        field.name: SHAPES[str(field.type).partition("[")[0]]
        for field in attrs.fields(CLASSES[collection])
        if field.metadata.get(JSON)
    }


@in_turn("collection", [name for name in COLLECTIONS if json_fields(name)])
def test_every_json_value(store: Store, parents: Parents, collection: str) -> None:
    """JSON comes back as the same text in every field, immutable throughout."""
    shapes = json_fields(collection)
    wanted = [{name: shape(value) for name, shape in shapes.items()} for value in JSON_VALUES]
    with store.unit_of_work() as uow:
        added = getattr(uow, collection).add_many(
            sample(collection, parents, number, **fields) for number, fields in enumerate(wanted)
        )
        uow.commit()
    with store.unit_of_work() as uow:
        for each, fields in zip(added, wanted, strict=True):
            found = getattr(uow, collection).get(key_of(each))
            for name, value in fields.items():
                assert spelled(getattr(found, name)) == spelled(value), name
                assert immutable(getattr(found, name)), name


def immutable(value: Any) -> bool:
    """Whether neither the value nor any inside it is a plain dict or list."""
    if isinstance(value, dict):
        return isinstance(value, JsonObject) and all(map(immutable, value.values()))
    if isinstance(value, list):
        return isinstance(value, JsonList) and all(map(immutable, value))
    return True


@pytest.mark.parametrize(("before", "after"), [(1, 1.0), (1.0, True), (False, 0), (0.0, -0.0)])
@pytest.mark.parametrize("collection", ["channels", "system_configuration"])
def test_a_change_that_python_does_not_see(
    store: Store, collection: str, before: Any, after: Any
) -> None:
    """A JSON value that differs in its text only is a change, and is written."""
    field = {"channels": "settings", "system_configuration": "value"}[collection]
    with store.unit_of_work() as uow:
        new = sample(collection, **{field: {"a": [before]}})
        if collection == "channels":
            new.default_preset_id = None
        getattr(uow, collection).add(new)
        uow.commit()
    with store.unit_of_work() as uow:
        setattr(getattr(uow, collection).get(key_of(new)), field, {"a": [after]})
        uow.commit()
    with store.unit_of_work() as uow:
        found = getattr(getattr(uow, collection).get(key_of(new)), field)
        assert spelled(found) == spelled({"a": [after]})


def test_members_of_enumerations_in_json(store: Store) -> None:
    """A member of an enumeration of texts, or of numbers, is kept as its value."""
    with store.unit_of_work() as uow:
        settings = {Speed.FAST: [Speed.FAST, Level.HIGH]}
        channel = uow.channels.add(sample("channels", default_preset_id=None, settings=settings))
        uow.commit()
    with store.unit_of_work(read_only=True) as uow:
        assert uow.channels.get(channel.id).settings == {"fast": ["fast", 3]}
    assert channel.settings == {"fast": ["fast", 3]}


def test_every_uuid(store: Store) -> None:
    """Any UUID comes back, whatever its version, as one of Python's own class."""
    several = [UUID(int=0), UUID(int=2**128 - 1), UUID(int=1), uuid4()]
    with store.unit_of_work() as uow:
        added = uow.configuration_changes.add_many(
            sample("configuration_changes", channel_id=each) for each in several
        )
        uow.commit()
    with store.unit_of_work() as uow:
        found = [uow.configuration_changes.get(each.id) for each in added]
        assert [each.channel_id for each in found] == several
        assert {type(value) for each in found for value in (each.id, each.channel_id)} == {UUID}
        assert {each.id.version for each in found} == {7}


def test_every_truth(store: Store, parents: Parents) -> None:
    """True and False come back as themselves, added and assigned."""
    for collection, kind in CLASSES.items():
        for field in attrs.fields(kind):
            if field.type != "bool":
                continue
            with store.unit_of_work() as uow:
                new = [
                    sample(collection, parents, number, **{field.name: value})
                    for number, value in enumerate((True, False))
                ]
                getattr(uow, collection).add_many(new)
                uow.commit()
            with store.unit_of_work() as uow:
                found = [getattr(uow, collection).get(key_of(each)) for each in new]
                assert [getattr(each, field.name) for each in found] == [True, False]
                assert [type(getattr(each, field.name)) for each in found] == [bool, bool]
                for each in found:
                    setattr(each, field.name, not getattr(each, field.name))
                uow.commit()
            with store.unit_of_work() as uow:
                found = [getattr(uow, collection).get(key_of(each)) for each in new]
                assert [getattr(each, field.name) for each in found] == [False, True]
                for each in found:
                    getattr(uow, collection).remove(each)
                uow.commit()


INSTANTS: list[tuple[datetime, str]] = [
    (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00+00:00"),
    (
        datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        "2199-12-31T23:59:59.999999+00:00",
    ),
    (datetime(2026, 2, 28, 1, 2, 3, 1, tzinfo=UTC), "2026-02-28T01:02:03.000001+00:00"),
    (datetime(2026, 2, 28, 1, 2, 3, 120000, tzinfo=UTC), "2026-02-28T01:02:03.120000+00:00"),
    (
        datetime(2026, 2, 28, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        "2026-02-27T19:15:00+00:00",
    ),
    (
        datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=-11))),
        "1970-01-01T11:00:00+00:00",
    ),
    (
        datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/Los_Angeles"), fold=0),
        "2026-11-01T08:30:00+00:00",
    ),
    (
        datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/Los_Angeles"), fold=1),
        "2026-11-01T09:30:00+00:00",
    ),
    (
        datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=timezone(timedelta(microseconds=5))),
        "2026-03-01T12:00:00+00:00",
    ),
]


def instant_fields(collection: str) -> list[str]:
    """The fields that hold an instant."""
    fields = attrs.fields(CLASSES[collection])
    return [field.name for field in fields if "datetime" in str(field.type)]


@in_turn("collection", [name for name in COLLECTIONS if instant_fields(name)])
def test_every_instant(store: Store, parents: Parents, collection: str) -> None:
    """Instants of any zone come back aware, in UTC and exact, in every field that holds one."""
    names = instant_fields(collection)
    with store.unit_of_work() as uow:
        added = [
            getattr(uow, collection).add(
                sample(collection, parents, number, **dict.fromkeys(names, instant))
            )
            for number, (instant, _) in enumerate(INSTANTS)
        ]
        uow.commit()
    with store.unit_of_work() as uow:
        for (_, expected), each in zip(INSTANTS, added, strict=True):
            found = getattr(uow, collection).get(key_of(each))
            for name in names:
                assert getattr(found, name).isoformat() == expected
                assert getattr(found, name).tzinfo is UTC


def test_naive_instants(store: Store) -> None:
    """A naive time is taken as UTC with a warning that names the caller, and comes back aware."""
    naive = datetime(2026, 2, 28, 1, 2, 3, 4)  # noqa: DTZ001
    fields = every_field("pipeline_runs") | {"cycle_start": naive}
    with store.unit_of_work() as uow:
        with pytest.warns(NaiveDatetimeWarning, match="cycle_start") as by_constructor:
            run = uow.pipeline_runs.add(PipelineRun(**fields))
        with pytest.warns(NaiveDatetimeWarning, match="started_at") as by_assignment:
            run.started_at = naive
        with pytest.warns(NaiveDatetimeWarning, match="completed_at") as by_method:
            run.fail("no space left", naive)
        uow.commit()
    for warned in (by_constructor, by_assignment, by_method):
        assert [each.filename for each in warned] == [__file__]
    with store.unit_of_work() as uow:
        found: Any = uow.pipeline_runs.get(run.id)
        expected = datetime(2026, 2, 28, 1, 2, 3, 4, tzinfo=UTC)
        assert (found.cycle_start, found.started_at, found.completed_at) == (expected,) * 3
        assert found.cycle_start.tzinfo is UTC
