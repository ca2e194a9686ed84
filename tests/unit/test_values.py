"""The checks that all stores share."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pipeline_store import values
from pipeline_store.errors import InvalidValue, NaiveDatetimeWarning
from pipeline_store.production import Processed, RunStatus


def test_limits() -> None:
    """What a field can hold, in numbers."""
    assert values.LARGEST_COUNT == 9_223_372_036_854_775_807
    assert values.LONGEST_KEY == 255
    assert values.LONGEST_TEXT == 16_777_216


class TestMessages:
    """A message names the field, what was found and what was expected, and stays short."""

    @pytest.mark.parametrize(
        ("check", "message"),
        [
            (lambda: values.check_text("title", 5), "title: text expected, found int"),
            (lambda: values.check_text("title", "", empty=False), "title: must not be empty"),
            (
                lambda: values.check_text("title", "x" * 256, longest=255),
                "title: at most 255 characters, found 256",
            ),
            (lambda: values.check_text("title", "\0"), "title: the NUL character cannot be stored"),
            (
                lambda: values.check_text("title", "\ud800"),
                "title: a lone surrogate cannot be stored",
            ),
            (
                lambda: values.check_integer("count", 1.0, least=0),
                "count: whole number expected, found float",
            ),
            (
                lambda: values.check_integer("count", -1, least=0, most=9),
                "count: 0 to 9 expected, found -1",
            ),
            (
                lambda: values.check_number("score", float("nan")),
                "score: a finite number expected, found nan",
            ),
            (
                lambda: values.check_number("score", 1.5, least=0.0, most=1.0),
                "score: 0.0 to 1.0 expected, found 1.5",
            ),
            (
                lambda: values.check_several("ids", "abc"),
                "ids: several expected, found str",
            ),
            (
                lambda: values.as_member("processed", Processed, 9),
                "processed: one of 0, 1, 2, 3 expected, found 9",
            ),
            (
                lambda: values.as_member("processed", Processed, 1.0),
                "processed: one of 0, 1, 2, 3 expected, found float",
            ),
            (
                lambda: values.as_member("status", RunStatus, "x" * 100),
                "status: one of pending, running, review, approved, uploaded, failed expected, "
                "found '" + "x" * 40 + "'",
            ),
            (
                lambda: values.as_instant("at", datetime(2200, 1, 1, tzinfo=UTC)),
                "at: a time from 1970 to 2200 expected, found year 2200",
            ),
        ],
    )
    def test_message(self, check: Any, message: str) -> None:
        """The whole message is this."""
        with pytest.raises(InvalidValue) as refused:
            check()
        assert str(refused.value) == message

    def test_no_secret(self) -> None:
        """A refused text is not repeated, whatever is wrong with it."""
        for check in (
            lambda: values.check_text("key", "secret\0"),
            lambda: values.check_text("key", "secret\ud800"),
            lambda: values.check_text("key", "secret", longest=3),
            lambda: values.check_json_text("key", "secret"),
        ):
            with pytest.raises(InvalidValue) as refused:
                check()
            assert "secret" not in str(refused.value)
            assert refused.value.__cause__ is None


@pytest.mark.parametrize("several", [[], (), {1}, {"a": 1}, iter([1]), (n for n in [1]), range(3)])
def test_several(several: Any) -> None:
    """Anything iterable but a text is several."""
    values.check_several("ids", several)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(1, 1.0), (1.5, 1.5), (2**53 + 1, 9007199254740992.0), (-(10**300), -1e300)],
)
def test_as_float(given: Any, expected: float) -> None:
    """A number becomes the nearest float."""
    found = values.as_float(given)
    assert (type(found), found) == (float, expected)


@pytest.mark.parametrize("given", [True, None, "1", 10**400, [1]])
def test_what_is_no_float(given: Any) -> None:
    """What is no number, or too large for one, is left to be refused."""
    assert values.as_float(given) is given


class TestInstants:
    """Instants are aware and in UTC."""

    def test_other_zones(self) -> None:
        """An instant of another zone is the same instant in UTC."""
        nepal = timezone(timedelta(hours=5, minutes=45))
        found = values.as_instant("at", datetime(2026, 2, 28, 1, 2, 3, 4, tzinfo=nepal))
        assert found.isoformat() == "2026-02-27T19:17:03.000004+00:00"
        assert found.tzinfo is UTC

    def test_naive(self) -> None:
        """A naive time is taken as UTC, with a warning that points here."""
        with pytest.warns(NaiveDatetimeWarning, match="^at: ") as warned:
            found = values.as_instant("at", datetime(2026, 2, 28))  # noqa: DTZ001
        assert found.isoformat() == "2026-02-28T00:00:00+00:00"
        assert [each.filename for each in warned] == [__file__]

    def test_aware_times_do_not_warn(self) -> None:
        """No warning comes with an aware time."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values.as_instant("at", datetime(2026, 2, 28, tzinfo=UTC))
