"""JSON input: one document in a file, or one object on each line."""

from __future__ import annotations

import codecs
import json
from typing import IO, TYPE_CHECKING, Final, Never

import attrs

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers.fields import json_object
from pipeline_store.importers.files import chunks, opened
from pipeline_store.importers.reading import Place, Refusal

if TYPE_CHECKING:
    from collections.abc import Generator

LARGEST_DOCUMENT: Final = 256 * 1024 * 1024
"""Bytes of one document: it is held in memory whole, unlike a file of lines."""


@attrs.frozen
class JsonLine:
    """The object on one line of a file."""

    place: Place
    value: object


@attrs.frozen
class JsonDocument:
    """The one value that a whole file holds."""

    value: object


def read_json(path: str) -> object:
    """Return the one JSON value that the file holds.

    Raises:
        InputFileRefused: no file, damaged data, too large, or not JSON.
    """
    with opened(path) as stream:
        payload = stream.read(LARGEST_DOCUMENT + 1)
    return _parsed_document(path, payload)


def json_records(path: str) -> Generator[JsonDocument | JsonLine | Refusal]:
    """Yield the file's document, or line by line its objects; a line that is no JSON is refused.

    Raises:
        InputFileRefused: no file, damaged data, too large, or not JSON at all.
    """
    for _ in chunks(path):  # A damaged archive is refused before its first line is taken.
        pass
    with opened(path) as stream:
        first = _line(path, stream).removeprefix(codecs.BOM_UTF8)
        second = _line(path, stream)
        if _is_lines(first, second):
            yield from _lines(path, stream, [first, second])
        else:
            rest = stream.read(LARGEST_DOCUMENT + 1)
            yield JsonDocument(_parsed_document(path, first + second + rest))


def _is_lines(first: bytes, second: bytes) -> bool:
    # In one document that begins with "{", the next line begins with a key or ends the object.
    if not first.startswith(b"{") or not second:
        return False
    try:
        return second.startswith(b"{") or json_object(_parsed(first)) is not None
    except ValueError:
        return False


def _lines(path: str, stream: IO[bytes], begun: list[bytes]) -> Generator[JsonLine | Refusal]:
    number = 0
    while line := begun.pop(0) if begun else _line(path, stream):
        number += 1
        if not line.strip():
            continue
        place = Place(number)
        try:
            yield JsonLine(place, _parsed(line))
        except ValueError as error:
            yield Refusal(place, "not JSON", str(error))


def _line(path: str, stream: IO[bytes]) -> bytes:
    line = stream.readline(LARGEST_DOCUMENT + 1)
    _refuse_too_large(path, line)
    return line


def _parsed_document(path: str, payload: bytes) -> object:
    _refuse_too_large(path, payload)
    if not payload.strip():
        raise InputFileRefused(path, "empty")
    try:
        return _parsed(payload)
    except ValueError as error:
        raise InputFileRefused(path, f"not JSON: {error}") from None


def _parsed(payload: bytes) -> object:
    # UTF-8 with or without a byte order mark, and UTF-16, which a Windows shell's ">" writes.
    try:
        text = payload.decode(json.detect_encoding(payload))
    except UnicodeDecodeError as error:
        message = f"byte {error.start + 1} is not {error.encoding} text"
        raise ValueError(message) from None
    try:
        parsed: object = json.loads(text.removeprefix("\ufeff"), parse_constant=_refuse_constant)
    except RecursionError:
        message = "nested too deeply"
        raise ValueError(message) from None
    return parsed


def _refuse_constant(constant: str) -> Never:
    message = f"{constant} is not JSON"
    raise ValueError(message)


def _refuse_too_large(path: str, payload: bytes) -> None:
    if len(payload) > LARGEST_DOCUMENT:
        raise InputFileRefused(path, "larger than 256 MiB: write one object per line instead")
