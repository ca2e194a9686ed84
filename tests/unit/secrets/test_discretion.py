"""Errors leave functions that handle plain secrets without a trace of what was handled."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from pipeline_store.errors import InvalidValue
from pipeline_store.secrets.discretion import Concealed, discreet
from tests.unit.secrets.conftest import CANARY


@discreet
def refuse(value: str, *, cause: bool = False, bug: bool = False) -> str:
    """Refuse what is no number."""
    try:
        return str(int(value))
    except ValueError as error:
        if bug:
            raise
        raise InvalidValue("a number expected") from error if cause else None


def frames_of(error: BaseException) -> list[str]:
    return [frame.f_code.co_name for frame, _line in traceback.walk_tb(error.__traceback__)]


def variables_of(error: BaseException) -> str:
    """Those of every frame but the test's own."""
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
    return repr([frame.f_locals for frame in frames[1:]])


def test_what_goes_well_is_not_touched() -> None:
    assert refuse("05") == "5"
    assert refuse.__name__ == "refuse"
    assert refuse.__doc__ == "Refuse what is no number."


def test_an_error_leaves_without_its_frames() -> None:
    """Its message stays; nothing is chained to it, and no variable of its way holds the value."""
    with pytest.raises(InvalidValue, match="a number expected") as raised:
        refuse(CANARY)
    error: Any = raised.value
    assert frames_of(error) == ["test_an_error_leaves_without_its_frames", "call"]
    assert CANARY not in variables_of(error)
    assert error.__context__ is None
    with pytest.raises(InvalidValue) as named:
        refuse(value=CANARY)
    assert CANARY not in variables_of(named.value)


def test_a_cause_that_is_given_stays() -> None:
    with pytest.raises(InvalidValue) as raised:
        refuse("a", cause=True)
    assert isinstance(raised.value.__cause__, ValueError)


def test_other_errors_are_bugs_and_keep_their_frames() -> None:
    with pytest.raises(ValueError, match="invalid literal") as raised:
        refuse("a", bug=True)
    assert frames_of(raised.value)[-1] == "refuse"


def test_what_is_concealed_shows_only_its_value() -> None:
    """Nor in a dictionary of fields; concealing it twice is concealing it once."""
    concealed = Concealed(CANARY)
    assert CANARY not in f"{concealed} {concealed!r}"
    assert not hasattr(concealed, "__dict__")
    assert Concealed(concealed).value == CANARY
