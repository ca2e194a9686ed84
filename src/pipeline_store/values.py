"""What a field can hold: checks that every store shares, so that none keeps what others refuse.

SQLite keeps almost anything in any column and PostgreSQL does not; the checks run on the domain
object, before a database sees the value, and raise `InvalidValue` naming the field.
"""

from __future__ import annotations

import inspect
import json
import math
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import attrs

from pipeline_store.errors import InvalidValue, NaiveDatetimeWarning

if TYPE_CHECKING:
    from enum import Enum

LARGEST_COUNT: Final = 2**63 - 1
"""The largest integer that both databases hold in 64 bits."""

LONGEST_KEY: Final = 255
"""Characters in a text that is part of an index; PostgreSQL refuses entries above 2,704 bytes."""

LONGEST_TEXT: Final = 16 * 1024 * 1024
"""Characters in any other text (16 Mi): far above real scripts and stack traces."""

LONGEST_SHOWN: Final = 40
"""Characters of a refused value that an error message repeats."""

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def _named(value: object) -> str:
    return type(value).__name__


def check_text(name: str, value: Any, *, longest: int = LONGEST_TEXT, empty: bool = True) -> None:
    """Refuse anything but a str that both databases can hold.

    Raises:
        InvalidValue: for another type, NUL, a lone surrogate, too many characters, or an empty
            text where `empty` is False.
    """
    if not isinstance(value, str):
        raise InvalidValue(f"{name}: text expected, found {_named(value)}")
    if not value and not empty:
        raise InvalidValue(f"{name}: must not be empty")
    if len(value) > longest:
        raise InvalidValue(f"{name}: at most {longest} characters, found {len(value)}")
    if "\x00" in value:
        raise InvalidValue(f"{name}: the NUL character cannot be stored")
    if not value.isascii() and not _is_unicode(value):
        raise InvalidValue(f"{name}: a lone surrogate cannot be stored")


def _is_unicode(value: str) -> bool:
    # The error would hold the whole text; dropped here, it is chained to nothing.
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_integer(name: str, value: Any, *, least: int, most: int = LARGEST_COUNT) -> None:
    """Refuse anything but an int from `least` to `most`; a bool or a float is not one."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidValue(f"{name}: whole number expected, found {_named(value)}")
    if not least <= value <= most:
        raise InvalidValue(f"{name}: {least} to {most} expected, found {_spelled(value)}")


def check_number(
    name: str, value: Any, *, least: float = -math.inf, most: float = math.inf
) -> None:
    """Refuse anything but a finite number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidValue(f"{name}: number expected, found {_named(value)}")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an int above the largest float
        finite = False
    if not finite:
        raise InvalidValue(f"{name}: a finite number expected, found {_spelled(value)}")
    if not least <= value <= most:
        raise InvalidValue(f"{name}: {least} to {most} expected, found {_spelled(value)}")


def check_flag(name: str, value: Any) -> None:
    """Refuse anything but True and False."""
    if not isinstance(value, bool):
        raise InvalidValue(f"{name}: True or False expected, found {_named(value)}")


def check_uuid(name: str, value: Any) -> None:
    """Refuse anything but a `uuid.UUID`."""
    if not isinstance(value, UUID):
        raise InvalidValue(f"{name}: UUID expected, found {_named(value)}")


def as_float(value: Any) -> Any:
    """Return a number as a float; anything else, for `check_number` to refuse, as it is."""
    if type(value) is float or isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    try:
        return float(value)
    except OverflowError:
        return value


def _spelled(value: float) -> str:
    try:
        spelled = str(value)
    except ValueError:  # Python spells no int of more than 4,300 digits
        return "one of thousands of digits"
    return spelled if len(spelled) <= LONGEST_SHOWN else f"one of {len(spelled)} characters"


def check_json_text(name: str, value: Any) -> None:
    """Refuse text that is not JSON (RFC 8259: NaN and Infinity are not)."""
    check_text(name, value)
    try:
        # Kept as text, so numbers need not be read: Python reads none of more than 4,300 digits.
        json.loads(value, parse_constant=_refuse_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"{name}: not JSON ({error})") from None


def _refuse_constant(constant: str) -> None:
    message = f"{constant} is not JSON"
    raise ValueError(message)


def check_several(name: str, items: Any) -> None:
    """Refuse what is not iterable, and a text, which would be taken letter by letter."""
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        raise InvalidValue(f"{name}: several expected, found {_named(items)}")


def _depth_of_caller() -> int:
    """Return how far up the first frame is that is neither ours nor attrs', for `warnings.warn`."""
    depth, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_NOT_THE_CALLER):
        depth, frame = depth + 1, frame.f_back
    return depth


_NOT_THE_CALLER: Final = (
    str(Path(__file__).parent),
    str(Path(inspect.getfile(attrs.define)).parent),
    "<attrs generated",
)


def as_instant(name: str, value: Any) -> datetime:
    """Return `value` as an aware UTC datetime.

    A naive datetime is taken as UTC, with a `NaiveDatetimeWarning`.

    Raises:
        InvalidValue: for anything but a datetime, or an instant outside 1970 to 2200.
    """
    if not isinstance(value, datetime):
        raise InvalidValue(f"{name}: datetime expected, found {_named(value)}")
    instant: datetime = value
    if value.utcoffset() is None:
        warnings.warn(
            f"{name}: a datetime without a time zone is taken as UTC",
            NaiveDatetimeWarning,
            stacklevel=_depth_of_caller(),
        )
        instant = value.replace(tzinfo=UTC)
    try:
        instant = instant.astimezone(UTC)
    except OverflowError:
        raise InvalidValue(f"{name}: a time from 1970 to 2200 expected") from None
    if not EARLIEST <= instant < LATEST:
        raise InvalidValue(f"{name}: a time from 1970 to 2200 expected, found year {instant.year}")
    return instant


def as_member(name: str, kind: type[Enum], value: Any) -> Any:
    """Return the member of `kind` whose value is `value`.

    Raises:
        InvalidValue: for an unknown value, naming the known ones.
    """
    if isinstance(value, kind):
        return value
    known = {member.value: member for member in kind}
    plain = type(value) in {type(key) for key in known}
    if not plain or value not in known:
        choices = ", ".join(str(key) for key in known)
        raise InvalidValue(f"{name}: one of {choices} expected, found {_shown(value)}")
    return known[value]


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _spelled(value)
    return repr(value[:LONGEST_SHOWN]) if isinstance(value, str) else _named(value)
