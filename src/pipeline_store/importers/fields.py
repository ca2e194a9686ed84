"""From what a file holds to what the store keeps: one function for each kind of field.

Each function refuses what it cannot read for certain. Nothing is guessed, and nothing that is
missing becomes 0.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, cast

from pipeline_store.values import EARLIEST, LARGEST_COUNT, LATEST, LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

_VIDEO_ID: Final = re.compile(r"[A-Za-z0-9_-]{11}")
_CHANNEL_ID: Final = re.compile(r"UC[A-Za-z0-9_-]{22}")
_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_PERIOD: Final = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,6})W)?(?:(?P<days>[0-9]{1,6})D)?"
    r"(?:T(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?"
)
# Nine or ten digits: from 1973 on. A part of eleven digits may be a video id.
_EPOCH_IN_NAME: Final = re.compile(r"(?<=\.)[0-9]{9,10}(?=\.|$)")
_COMPACT_DAY: Final = re.compile(r"[0-9]{8}")
_LONGEST_SHOWN: Final = 60

NOT_A_CHANNEL_ID: Final = "is not UC and 22 of the characters A-Z a-z 0-9 _ -"
"""Why a field that should hold the id of a channel is refused, to stand behind its name."""


class UnreadableValueError(Exception):
    """A field's value cannot be taken; the row that holds it is refused, nothing more."""

    def __init__(self, reason: str, value: object) -> None:
        """Keep `reason`, and `value` in a form that is safe to print."""
        super().__init__(reason)
        self.reason = reason
        self.value = shown(value)


def shown(value: object) -> str:
    """Return `value` short, on one line, and without anything a terminal would act on."""
    if isinstance(value, str):
        cut = value[:_LONGEST_SHOWN]
        return repr(cut) if len(value) <= _LONGEST_SHOWN else f"{cut!r}..."
    if isinstance(value, bool | float) or value is None:
        return str(value)
    if isinstance(value, int):
        # A number of thousands of digits cannot even be printed.
        return str(value) if abs(value) < 10**_LONGEST_SHOWN else "a number of over 60 digits"
    return type(value).__name__


def json_object(value: object) -> Mapping[str, object] | None:
    """Return `value` when it is a JSON object, else None."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None


def json_list(value: object) -> list[object] | None:
    """Return `value` when it is a JSON array, else None."""
    return cast("list[object]", value) if isinstance(value, list) else None


def video_id(value: object) -> str:
    """Return YouTube's id of a video; a spreadsheet, for one, turns "-abc..." into "#NAME?"."""
    if not isinstance(value, str) or not _VIDEO_ID.fullmatch(value):
        raise UnreadableValueError("video id is not 11 of the characters A-Z a-z 0-9 _ -", value)
    return value


def is_channel_id(value: object) -> bool:
    """Whether the value is an id that YouTube gives to channels."""
    return isinstance(value, str) and _CHANNEL_ID.fullmatch(value) is not None


def text(name: str, value: object, *, longest: int = LONGEST_TEXT) -> str:
    """Return text that every database can hold; missing text is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableValueError(f"{name} is not text", value)
    if len(value) > longest:
        raise UnreadableValueError(f"{name} is longer than {longest} characters", value)
    if _UNSTORABLE.search(value):
        raise UnreadableValueError(
            f"{name} holds bytes or half characters that stand for no text", value
        )
    return value


def whole_number(name: str, value: object) -> int | None:
    """Return a JSON number from 0 upwards that is written without a fraction; None is unknown."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableValueError(f"{name} is not a whole number", value)
    if not 0 <= value <= LARGEST_COUNT:
        raise UnreadableValueError(f"{name} is not between 0 and 2^63-1", value)
    return value


def whole_number_in_text(name: str, value: str) -> int | None:
    """Return the number that decimal digits spell; an empty cell is unknown."""
    if not value:
        return None
    if not _WHOLE_NUMBER.fullmatch(value):
        raise UnreadableValueError(f"{name} is not a whole number", value)
    return whole_number(name, int(value))


def whole_number_either_way(name: str, value: object) -> int | None:
    """Return a number that may be a JSON number or decimal text; YouTube's API uses both."""
    if isinstance(value, str):
        if not value:
            raise UnreadableValueError(f"{name} is not a whole number", value)
        return whole_number_in_text(name, value)
    return whole_number(name, value)


def seconds(name: str, value: object) -> int | None:
    """Return a length, rounded to whole seconds; 0 means that it is not known yet (live)."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableValueError(f"{name} is not a number of seconds", value)
    if not 0 <= value <= LARGEST_COUNT // 2:
        raise UnreadableValueError(f"{name} is not a possible length", value)
    return (value if isinstance(value, int) else math.floor(value + 0.5)) or None


def period_seconds(name: str, value: object) -> int | None:
    """Return the length of an ISO 8601 period such as "P1DT2H3M4S"; "P0D" (live) is unknown."""
    if value is None:
        return None
    match = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    parts = {unit: float(count) for unit, count in match.groupdict("0").items()} if match else {}
    if match is None or match.lastgroup is None:
        raise UnreadableValueError(f"{name} is not an ISO 8601 period", value)
    return seconds(name, timedelta(**parts).total_seconds())


def unix_instant(name: str, value: object) -> datetime | None:
    """Return the instant that Unix seconds stand for."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableValueError(f"{name} is not a number of Unix seconds", value)
    if not EARLIEST.timestamp() <= value < LATEST.timestamp():
        raise UnreadableValueError(f"{name} is not a time from 1970 to 2200", value)
    return datetime.fromtimestamp(value, UTC)


def written_instant(name: str, value: object) -> datetime | None:
    """Return the instant that ISO 8601 text stands for; without a zone it is UTC."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UnreadableValueError(f"{name} is not a time", value)
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise UnreadableValueError(f"{name} is not a time", value) from None
    return _in_range(name, instant, value)


def mailed_instant(name: str, value: object) -> datetime | None:
    """Return the instant of an HTTP or e-mail date such as "Wed, 12 Feb 2020 20:41:18 GMT"."""
    if not isinstance(value, str) or not value[:1].isalpha():
        return written_instant(name, value)
    try:
        return _in_range(name, parsedate_to_datetime(value), value)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise UnreadableValueError(f"{name} is not a time", value) from None


def _in_range(name: str, instant: datetime, written: str) -> datetime:
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    try:
        instant = instant.astimezone(UTC)
    except OverflowError:
        raise UnreadableValueError(f"{name} is not a time from 1970 to 2200", written) from None
    if not EARLIEST <= instant < LATEST:
        raise UnreadableValueError(f"{name} is not a time from 1970 to 2200", written)
    return instant


def midnight(name: str, year: int, month: int, day: int, *, written: str) -> datetime:
    """Return a day's UTC midnight, which stands for the day; `written` is what the file says."""
    try:
        instant = datetime(year, month, day, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UnreadableValueError(f"{name} is not a day of the calendar", written) from None
    if not EARLIEST <= instant < LATEST:
        raise UnreadableValueError(f"{name} is not a time from 1970 to 2200", written)
    return instant


def compact_day(name: str, value: object) -> datetime | None:
    """Return the UTC midnight of a day written as YYYYMMDD."""
    if value is None:
        return None
    if not isinstance(value, str) or not _COMPACT_DAY.fullmatch(value):
        raise UnreadableValueError(f"{name} is not a day written as YYYYMMDD", value)
    return midnight(name, int(value[:4]), int(value[4:6]), int(value[6:]), written=value)


def instant_in_file_name(path: str) -> datetime | None:
    """Return the instant in a name such as "ID.1738703053.info.json", or None."""
    epochs: list[str] = _EPOCH_IN_NAME.findall(PurePath(path).name)
    if not epochs:
        return None
    instant = datetime.fromtimestamp(int(epochs[-1]), UTC)
    return instant if instant < LATEST else None
