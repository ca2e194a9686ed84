"""Readings checked by columns are judged exactly as `Analytics` objects are."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline_store import values
from pipeline_store.errors import InvalidValue
from pipeline_store.production import Analytics
from pipeline_store.production.snapshot_columns import NAMES, checked_columns
from tests.integration.contract.in_turn import in_turn

pytestmark = pytest.mark.filterwarnings("ignore::pipeline_store.errors.NaiveDatetimeWarning")

NOW = datetime(2026, 2, 28, 12, tzinfo=UTC)
NAN, INFINITY = float("nan"), float("inf")
COUNTS = ("view_count", "like_count", "comment_count")
WHOLE = (*COUNTS, "subscriber_gain")
NUMBERS = ("average_view_duration_seconds", "click_through_rate", "estimated_revenue_usd")
GOOD: dict[str, Any] = {
    "youtube_video_id": "dQw4w9WgXcQ",
    "measured_at": NOW,
    "view_count": 3_000_000_000,
    "like_count": 0,
    "comment_count": None,
    "average_view_duration_seconds": 12.5,
    "click_through_rate": 1.0,
    "subscriber_gain": -7,
    "estimated_revenue_usd": -0.25,
}


class Whole(IntEnum):
    ONE = 1


class Word(StrEnum):
    VIDEO = "dQw4w9WgXcQ"


class Fraction(float):
    pass


def now() -> datetime:
    return NOW


def both(*fields_and_values: tuple[tuple[str, ...], list[Any]]) -> list[tuple[str, Any]]:
    return [
        (field, value) for fields, bad in fields_and_values for field in fields for value in bad
    ]


BAD = both(
    (WHOLE, [True, 1.0, "1", b"1", Decimal(1), [], 2**63, -(2**63), 10**5000, NAN, INFINITY]),
    (COUNTS, [-1]),
    (NUMBERS, [True, "1", Decimal(1), [], NAN, INFINITY, -INFINITY, 10**400, 10**5000, -(10**400)]),
    (("average_view_duration_seconds", "click_through_rate"), [-1, -0.001, -(2**70)]),
    (("click_through_rate",), [1.001, 2, 2**70]),
    (
        ("youtube_video_id",),
        [None, "", "x" * 256, "nul\x00", "\x00", "lone \ud800", 1, b"dQw4w9WgXcQ", [], NOW],
    ),
    (
        ("measured_at",),
        [
            "2026-02-28",
            date(2026, 2, 28),
            1,
            1.5,
            [],
            datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
            datetime(2200, 1, 1, tzinfo=UTC),
            datetime(1, 1, 1),  # noqa: DTZ001
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23))),
            datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-23))),
        ],
    ),
)


@in_turn("number", range(len(BAD)))
def test_a_bad_value_is_refused_with_its_row_and_field(number: int) -> None:
    field, value = BAD[number]
    with pytest.raises(InvalidValue, match=f"^{field}: "):
        Analytics(**{**GOOD, field: value})
    rows = [GOOD, GOOD, {**GOOD, field: value}, GOOD]
    with pytest.raises(InvalidValue, match=f"^row 12: {field}: "):
        checked_columns(rows, now, first_row=10)
    alone = {"youtube_video_id": "dQw4w9WgXcQ", field: value}
    with pytest.raises(InvalidValue, match=f"^row 0: {field}: "):
        checked_columns([alone], now)


moments = st.datetimes(
    min_value=datetime(1960, 1, 1),  # noqa: DTZ001
    max_value=datetime(2210, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from(
        [None, UTC, ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo"), timezone(timedelta(0))]
    ),
)
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-2, 2),
    st.sampled_from([2**63 - 1, 2**63, -(2**63) + 1, -(2**63), 10**400, -(10**400)]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 1e308, -1e308, 5e-324]),
    st.text(),
    st.text(st.characters(codec="ascii"), min_size=1),
    st.sampled_from(["\ud800", "x" * 255, "x" * 256, "é" * 255, "a\x00b"]),
    moments,
    st.sampled_from([values.EARLIEST, values.LATEST, values.LATEST - timedelta(microseconds=1)]),
    st.sampled_from([Whole.ONE, Word.VIDEO, Fraction(0.5), Decimal("0.5"), b"bytes", [], {}]),
)
plausible = st.fixed_dictionaries(
    {"youtube_video_id": st.text(min_size=1)},
    optional={
        "measured_at": st.none() | moments,
        **{name: st.none() | st.integers(0, 2**64) for name in COUNTS},
        "subscriber_gain": st.none() | st.integers(-10, 10),
        **{name: st.none() | st.floats() | st.integers(0, 1) for name in NUMBERS},
    },
)


@given(st.lists(plausible | st.dictionaries(st.sampled_from(NAMES), anything), max_size=4))
@example([{**GOOD, "estimated_revenue_usd": number} for number in (1e308, 1e308)])
@example([{**GOOD, "estimated_revenue_usd": number} for number in (INFINITY, -INFINITY)])
@example([{**GOOD, "estimated_revenue_usd": number} for number in (10**400, 0.5)])
@example([{**GOOD, "estimated_revenue_usd": number} for number in (NAN, 0.5, -INFINITY)])
def test_rows_are_accepted_exactly_when_every_object_is(rows: list[dict[str, Any]]) -> None:
    judge(rows)


@given(st.sampled_from(NAMES), st.lists(anything, max_size=4))
def test_a_column_is_accepted_exactly_when_every_object_is(field: str, column: list[Any]) -> None:
    judge([{**GOOD, field: value} for value in column])


def judge(rows: list[dict[str, Any]]) -> None:
    objects: list[Analytics] = []
    refused: set[int] = set()
    for number, row in enumerate(rows):
        try:
            objects.append(Analytics(**{"youtube_video_id": None, **row}))
        except InvalidValue:
            refused.add(number)
    try:
        columns = checked_columns(rows, now)
    except InvalidValue as error:
        found = re.match(r"row (\d+): \w+: ", str(error))
        assert found is not None
        assert int(found[1]) in refused
        return
    assert not refused
    assert list(columns) == list(NAMES)
    for number, kept in enumerate(objects):
        for name in NAMES:
            expected = getattr(kept, name)
            if name == "measured_at" and expected is None:
                expected = NOW
            value = columns[name][number]
            assert (type(value), value) == (type(expected), expected)
    assert checked_columns(objects, now) == columns


@pytest.mark.parametrize("kind", [OrderedDict, MappingProxyType])
def test_any_mapping_is_a_reading(kind: Any) -> None:
    columns = checked_columns([kind({"youtube_video_id": "x"}), kind(GOOD), GOOD], now)
    assert columns["youtube_video_id"] == ["x", "dQw4w9WgXcQ", "dQw4w9WgXcQ"]
    assert columns["measured_at"] == [NOW, NOW, NOW]
    assert columns["view_count"] == [None, 3_000_000_000, 3_000_000_000]


@pytest.mark.parametrize(
    "wrong",
    [
        {**GOOD, "id": 1},
        {**GOOD, "views": None},
        {"youtube_video_id": "x", "views": 1},
        {"views": 1},
        MappingProxyType({**GOOD, "views": 1}),
        {**{name: value for name, value in GOOD.items() if name != "like_count"}, "views": 1},
    ],
)
def test_an_unknown_field_is_refused_with_the_known_ones(wrong: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^row 1: unknown field (id|views); known: youtube_v"):
        checked_columns([GOOD, wrong, GOOD], now)


@pytest.mark.parametrize(
    "wrong", [None, 1, "text", ("x", NOW), [("youtube_video_id", "x")], GOOD.items()]
)
def test_what_is_no_reading_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^row 1: Analytics or a mapping expected, found "):
        checked_columns([GOOD, wrong], now)


def test_an_object_whose_fields_are_not_loaded_is_refused() -> None:
    reading = Analytics(**GOOD)
    del vars(reading)["view_count"]
    with pytest.raises(InvalidValue, match=r"^row 1: view_count is not loaded"):
        checked_columns([Analytics(**GOOD), reading], now)


def test_no_reading_gives_empty_columns() -> None:
    assert checked_columns([], now) == {name: [] for name in NAMES}


def test_the_clock_fills_in_missing_times_in_utc() -> None:
    tokyo = NOW.astimezone(ZoneInfo("Asia/Tokyo"))
    columns = checked_columns([{"youtube_video_id": "x"}], lambda: tokyo)
    assert columns["measured_at"] == [NOW]
    assert columns["measured_at"][0].tzinfo is UTC


def test_readings_are_left_as_they_are() -> None:
    row = {"youtube_video_id": "x", "measured_at": NOW.astimezone(ZoneInfo("Asia/Tokyo"))}
    before = dict(row)
    checked_columns([row], now)
    assert row == before
