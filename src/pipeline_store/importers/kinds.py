"""Which kind of file a file is, told by what it holds and not by its name."""

from __future__ import annotations

import codecs
import csv
from contextlib import closing
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import fields
from pipeline_store.importers.files import opened, text_lines
from pipeline_store.importers.json_files import JsonDocument, JsonLine, json_records
from pipeline_store.importers.trending_columns import locate_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind: TypeAlias = Literal["trending", "yt-dlp", "youtube-api"]

_HEAD: Final = 4096
_RESPONSE_KEYS: Final = frozenset({"response", "items", "snippet", "statistics", "contentDetails"})
_DUMP_KEYS: Final = frozenset({"id", "entries"})


def kind_of_file(path: str) -> Kind:
    """Return the importer that reads this file.

    Raises:
        InputFileRefused: no file, damaged data, or none of the three kinds.
    """
    with opened(path) as stream:
        head = stream.read(_HEAD)
    if not head.strip():
        raise InputFileRefused(path, "empty")
    if _is_json(head):
        return _kind_of_json(path)
    with closing(text_lines(path)) as lines:
        header: list[str] = next(csv.reader(lines), list[str]())
    locate_columns(path, header)
    return "trending"


def _is_json(head: bytes) -> bool:
    # UTF-16, with a mark or by the zero byte of its first letter, is read for JSON only.
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\x00" in head[:2]:
        return True
    return head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in {b"{", b"["}


def _kind_of_json(path: str) -> Kind:
    first = next(json_records(path), None)
    value = first.value if isinstance(first, JsonDocument | JsonLine) else None
    listed = fields.json_list(value)
    record = fields.json_object(listed[0] if listed else value)
    if record is not None and _is_response(record):
        return "youtube-api"
    if record is not None and record.keys() & _DUMP_KEYS:
        return "yt-dlp"
    raise InputFileRefused(path, "neither a dump of yt-dlp nor a response of YouTube's API")


def _is_response(record: Mapping[str, object]) -> bool:
    if str(record.get("kind", "")).startswith("youtube"):
        return True
    return bool(record.keys() & _RESPONSE_KEYS) and "entries" not in record
