"""JSON objects that a command is given: as an argument, in a file, or on the standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import typer

from pipeline_store.errors import InputFileRefused, InvalidValue
from pipeline_store.json_value import as_object
from pipeline_store.values import LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

STANDARD_INPUT: Final = "-"


def json_object_in(what: str, text: str) -> Mapping[str, Any]:
    """Return the JSON object that a text spells.

    Raises:
        BadParameter: it is something else, or holds what no store keeps; the message names `what`.
    """
    try:
        return as_object(what, _parsed(what, text))
    except InvalidValue as error:
        raise typer.BadParameter(str(error)) from None


def json_object_in_file(file: str) -> Mapping[str, Any]:
    """Return the JSON object in a file, or on the standard input for "-".

    Raises:
        InputFileRefused: the file cannot be read.
        InvalidValue: it holds something else than a JSON object that a store keeps.
    """
    return as_object(file, _parsed(file, _read(file)))


def _read(file: str) -> str:
    try:
        if file == STANDARD_INPUT:
            content = sys.stdin.buffer.read(LONGEST_TEXT + 1)
        else:
            with Path(file).open("rb") as stream:
                content = stream.read(LONGEST_TEXT + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise InputFileRefused(file, error.strerror or type(error).__name__) from None
    except UnicodeDecodeError as error:
        raise InputFileRefused(file, f"byte {error.start + 1} is not UTF-8 text") from None
    if len(content) > LONGEST_TEXT:
        raise InputFileRefused(file, f"longer than {LONGEST_TEXT} bytes")
    return text


def _parsed(what: str, text: str) -> object:
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidValue(f"{what}: not JSON ({reason})") from None
    if not isinstance(parsed, dict):
        raise InvalidValue(f'{what}: a JSON object such as {{"a": 1}} expected')
    return cast("dict[str, Any]", parsed)
