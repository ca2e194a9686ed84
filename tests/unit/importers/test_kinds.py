"""Which importer reads a file is told by what it holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers.kinds import kind_of_file
from tests.real_data import real_data
from tests.unit.importers.made_up import BARE_HEADER, BARE_ROW, file_of, packed

if TYPE_CHECKING:
    from pathlib import Path

DUMP = '{"id": "abcdefghijk", "title": "A title"}'
RESPONSE = '{"kind": "youtube#videoListResponse", "items": []}'


@pytest.mark.parametrize(
    ("folder", "pattern", "kind"),
    [
        ("youtube_trending", "*.csv.gz", "trending"),
        ("yt_dlp", "*.info.json", "yt-dlp"),
        ("youtube_api", "*.json", "youtube-api"),
    ],
)
def test_every_real_file_is_recognised(folder: str, pattern: str, kind: str) -> None:
    """Lists, dumps and responses of all years and layouts."""
    found = list(real_data(folder).glob(pattern))
    assert found
    assert {kind_of_file(str(path)) for path in found} == {kind}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (BARE_HEADER + BARE_ROW, "trending"),
        (packed(BARE_HEADER), "trending"),
        ("\ufeff" + BARE_HEADER, "trending"),
        (DUMP, "yt-dlp"),
        (packed(DUMP), "yt-dlp"),
        (f"\n  {DUMP}", "yt-dlp"),
        (f"{DUMP}\n{DUMP}\n", "yt-dlp"),
        (f"[{DUMP}]", "yt-dlp"),
        (DUMP.encode("utf-16"), "yt-dlp"),
        (DUMP.encode("utf-16-le"), "yt-dlp"),
        ('{"_type": "playlist", "id": "PL1", "entries": []}', "yt-dlp"),
        (RESPONSE, "youtube-api"),
        (f"\ufeff{RESPONSE}", "youtube-api"),
        (f"[{RESPONSE}]", "youtube-api"),
        (f'{{"recorded_at": "2020", "response": {RESPONSE}}}', "youtube-api"),
        ('{"id": "abcdefghijk", "snippet": {"title": "A title"}}', "youtube-api"),
        ('{"items": [{"id": "abcdefghijk"}]}', "youtube-api"),
    ],
)
def test_a_file_is_recognised_by_its_content(
    tmp_path: Path, content: str | bytes, kind: str
) -> None:
    """Packed or not, with or without a byte order mark, alone or in a list."""
    assert kind_of_file(file_of(tmp_path, content, "no name")) == kind


@pytest.mark.parametrize(
    "content",
    ["", " \n", "hello", "a,b,c\n1,2,3\n", "[]", "{}", "[[1]]", '{"a": 1}', "{broken", b"\xff\xfe"],
)
def test_what_is_none_of_the_kinds_is_refused(tmp_path: Path, content: str | bytes) -> None:
    """With a reason, and never guessed."""
    with pytest.raises(InputFileRefused):
        kind_of_file(file_of(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """As everywhere."""
    with pytest.raises(InputFileRefused, match="no such file"):
        kind_of_file(str(tmp_path / "nothing"))


def test_a_deep_document_is_refused(tmp_path: Path) -> None:
    """It is no reason to crash."""
    with pytest.raises(InputFileRefused):
        kind_of_file(file_of(tmp_path, json.dumps([]).replace("[]", "[" * 99_999)))
