"""YouTube's own categories: numbers and their titles, which differ by region."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline_store.errors import InputFileRefused, InvalidValue
from pipeline_store.importers import fields
from pipeline_store.importers.fields import UnreadableValueError
from pipeline_store.importers.json_files import read_json
from pipeline_store.values import LONGEST_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

CATEGORY_LIST: Final = "youtube#videoCategoryListResponse"
"""The kind of the API's response that lists a region's categories."""

_REGION: Final = re.compile(r"[A-Za-z]{2}")


def read_category_file(path: str) -> dict[int, str]:
    """Return the titles of a region's categories, by number.

    Raises:
        InputFileRefused: no file, damaged data, or not a list of categories.
    """
    document = fields.json_object(read_json(path))
    if document is None or document.get("kind") != CATEGORY_LIST:
        raise InputFileRefused(path, f"not a list of categories ({CATEGORY_LIST})")
    return category_titles(path, document)


def category_titles(path: str, response: Mapping[str, object]) -> dict[int, str]:
    """Return the titles in a response that lists categories; `path` is for the error.

    Raises:
        InputFileRefused: an entry has no number or no title.
    """
    titles: dict[int, str] = {}
    for position, item in enumerate(fields.json_list(response.get("items")) or (), start=1):
        category = fields.json_object(item) or {}
        snippet = fields.json_object(category.get("snippet")) or {}
        try:
            number = fields.whole_number_either_way("category id", category.get("id"))
            title = fields.text("category title", snippet.get("title"), longest=LONGEST_KEY)
        except UnreadableValueError as problem:
            reason = f"item {position}: {problem.reason} ({problem.value})"
            raise InputFileRefused(path, reason) from None
        if number is None or not title:
            raise InputFileRefused(path, f"item {position}: a category without number or title")
        titles[number] = title
    return titles


def category_file_beside(path: str, region: str) -> str | None:
    """Return the list of categories that lies beside an input file for a region, if there is one.

    Raises:
        InvalidValue: `region` is not a country code such as "US".
    """
    if not _REGION.fullmatch(region):
        message = f"region: a country code of two letters expected, found {fields.shown(region)}"
        raise InvalidValue(message)
    # Not with_name(): it raises where `path` names no file, such as "" or "/".
    beside = Path(path).parent / f"{region.upper()}_category_id.json"
    return str(beside) if beside.is_file() else None
