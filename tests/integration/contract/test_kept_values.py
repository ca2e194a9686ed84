"""Texts and instants come back as they went in, on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from pipeline_store.errors import NaiveDatetimeWarning
from pipeline_store.production import PipelineRun
from tests.integration.contract.samples import (
    CLASSES,
    COLLECTIONS,
    Parents,
    every_field,
    key_of,
    sample,
)

if TYPE_CHECKING:
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


def text_fields(collection: str) -> list[str]:
    """The fields that hold a text of the caller's choice."""
    return [
        field.name
        for field in attrs.fields(CLASSES[collection])
        if str(field.type) in {"str", "str | None"} and not field.name.endswith("_json")
    ]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_text(store: Store, parents: Parents, collection: str) -> None:
    """Emoji, other scripts, control characters and the longest key come back in every field."""
    names = text_fields(collection)
    with store.unit_of_work() as uow:
        added = [
            getattr(uow, collection).add(sample(collection, parents, **dict.fromkeys(names, text)))
            for text in TEXTS
        ]
        uow.commit()
    with store.unit_of_work() as uow:
        for text, each in zip(TEXTS, added, strict=True):
            found = getattr(uow, collection).get(key_of(each))
            assert {name: getattr(found, name) for name in names} == dict.fromkeys(names, text)


def test_long_texts(store: Store, parents: Parents) -> None:
    """A text of a million characters of four bytes each comes back."""
    long = "\N{GRINNING FACE}" * 1_000_000
    with store.unit_of_work() as uow:
        key = uow.scripts.add(sample("scripts", parents, opening_text=long)).id
        uow.commit()
    with store.unit_of_work() as uow:
        assert uow.scripts.get(key).opening_text == long


@pytest.mark.parametrize(
    "json",
    [
        "{}",
        "[]",
        "null",
        '"\\ud800"',
        '{"a": [1, 2.5e300, true], "é": "\N{GRINNING FACE}"}',
        "9" * 5000,
    ],
)
def test_json(store: Store, parents: Parents, json: str) -> None:
    """A script's JSON comes back letter by letter."""
    with store.unit_of_work() as uow:
        key = uow.scripts.add(sample("scripts", parents, full_script_json=json)).id
        uow.commit()
    with store.unit_of_work() as uow:
        assert uow.scripts.get(key).full_script_json == json


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


@pytest.mark.parametrize("collection", [name for name in COLLECTIONS if instant_fields(name)])
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
