"""Made-up input files, small enough to read in the test that uses them."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from pipeline_store.importers import FileSummary, VideoReading, read_trending_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline_store.importers import Outcome

BARE_HEADER = "video_id,trending_date,title,category_id,views,likes,dislikes,comment_count\n"
BARE_ROW: str = "abcdefghijk,17.29.11,A title,10,100,20,1,5\n"


def file_of(folder: Path, content: str | bytes, name: str = "input") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def json_file_of(folder: Path, value: object, name: str = "input.json") -> str:
    return file_of(folder, json.dumps(value), name)


def packed(content: str) -> bytes:
    return gzip.compress(content.encode(), mtime=0)


def account_of(path: str, outcomes: Iterable[Outcome]) -> tuple[list[VideoReading], FileSummary]:
    summary = FileSummary(path=path)
    readings: list[VideoReading] = []
    for outcome in outcomes:
        summary.note(outcome)
        if isinstance(outcome, VideoReading):
            readings.append(outcome)
    return readings, summary


def trending(
    folder: Path, content: str | bytes, year: int | None = None
) -> tuple[list[VideoReading], FileSummary]:
    path = file_of(folder, content, "list.csv")
    return account_of(path, read_trending_file(path, year=year))


def refusals(summary: FileSummary) -> list[tuple[str, str, str | None]]:
    return [(str(refused.place), refused.reason, refused.value) for refused in summary.refused]
