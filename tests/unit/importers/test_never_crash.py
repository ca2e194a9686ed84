"""Whatever a file holds, a reader ends in outcomes or in the package's own error."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import (
    Ignored,
    Refusal,
    VideoReading,
    read_category_file,
    read_niche_map,
    read_trending_file,
    read_youtube_api_files,
    read_yt_dlp_file,
)
from pipeline_store.production import Analytics, DiscoveredVideo
from tests.unit.importers.made_up import BARE_HEADER, file_of

if TYPE_CHECKING:
    from pathlib import Path

DUMP_NAMES = [
    "title",
    "view_count",
    "like_count",
    "duration",
    "epoch",
    "timestamp",
    "upload_date",
    "channel",
    "channel_id",
    "uploader_id",
]
RESPONSE_NAMES = [
    "items",
    "kind",
    "response",
    "recorded_at",
    "snippet",
    "statistics",
    "contentDetails",
    "viewCount",
    "categoryId",
    "publishedAt",
]
NAMES = st.sampled_from(
    [*DUMP_NAMES, *RESPONSE_NAMES, "id", "entries", "categories", "_type", "extractor_key"]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["abcdefghijk", "youtube#videoListResponse", "youtube#video", "PT4M13S", "P0D", "20220210"]
    ),
    st.sampled_from(["youtube#videoCategoryListResponse", "playlist", "2019-11-29T20:00:11Z", "7"]),
    st.integers(-(2**70), 2**70),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(NAMES, st.text(max_size=3)), inner, max_size=6),
    ),
    max_leaves=20,
)
CELLS = st.one_of(
    st.sampled_from(["abcdefghijk", "17.29.11", "100", '"', '"a', 'b"', "a\nb", "\r", "\0", ""]),
    st.text(max_size=8),
)
ROWS = st.lists(st.lists(CELLS, min_size=6, max_size=9).map(",".join), max_size=8)
CALM = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def read_everything(path: str) -> None:
    for read in (read_trending_file, read_yt_dlp_file):
        try:
            outcomes = list(read(path))
        except InputFileRefused:
            continue
        for outcome in outcomes:
            assert isinstance(outcome, VideoReading | Refusal | Ignored)
            if isinstance(outcome, VideoReading):
                store(outcome)
    for joined in read_youtube_api_files([path, path]).readings:
        store(joined.reading)
    for read_map in (read_category_file, read_niche_map):
        try:
            read_map(path)
        except InputFileRefused:
            continue


def store(reading: VideoReading) -> None:
    """The domain accepts every reading that a reader lets through."""
    video = DiscoveredVideo(
        video_id=reading.video_id,
        title=reading.title,
        channel_name=reading.channel_name,
        channel_id=reading.channel_id,
        url=reading.url,
        category_id=reading.category_id,
        duration_seconds=reading.duration_seconds,
        view_count=reading.view_count,
        like_count=reading.like_count,
        comment_count=reading.comment_count,
        niche=reading.category_name or "uncategorised",
    )
    for instant in (reading.measured_at, reading.published_at):
        if instant is not None:
            assert instant.utcoffset() == timedelta(0)
            Analytics(
                youtube_video_id=video.video_id, measured_at=instant, view_count=video.view_count
            )


@CALM
@given(content=st.binary(max_size=300), pack=st.booleans())
def test_arbitrary_bytes(tmp_path: Path, content: bytes, pack: bool) -> None:
    """Bytes of no meaning, packed or not."""
    read_everything(file_of(tmp_path, gzip.compress(content) if pack else content))


@CALM
@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_that_look_packed(tmp_path: Path, content: bytes) -> None:
    """Bytes that only begin like gzip."""
    read_everything(file_of(tmp_path, b"\x1f\x8b\x08" + content))


@CALM
@given(values=st.lists(VALUES, min_size=1, max_size=4))
def test_arbitrary_json(tmp_path: Path, values: list[object]) -> None:
    """Any JSON, alone and one value per line, of names and values that readers look for."""
    for indent in (None, 1):
        written = "\n".join(json.dumps(value, indent=indent) for value in values)
        read_everything(file_of(tmp_path, written))


@CALM
@given(
    video=st.fixed_dictionaries(
        {"id": st.just("abcdefghijk")},
        optional=dict.fromkeys(DUMP_NAMES, LEAVES) | {"categories": st.lists(LEAVES, max_size=2)},
    )
)
def test_arbitrary_values_in_a_dump(tmp_path: Path, video: dict[str, object]) -> None:
    """A dump with a sound id and anything in its other fields."""
    read_everything(file_of(tmp_path, json.dumps(video)))


@CALM
@given(rows=ROWS, encoding=st.sampled_from(["utf-8", "cp1252", "utf-16"]))
def test_arbitrary_rows(tmp_path: Path, rows: list[str], encoding: str) -> None:
    """A trending list whose rows are made of sound and broken cells, in any encoding."""
    written = BARE_HEADER + "\n".join(rows)
    read_everything(file_of(tmp_path, written.encode(encoding, "replace")))


@CALM
@given(rows=ROWS, cut=st.integers(0, 200))
def test_a_packed_file_cut_anywhere(tmp_path: Path, rows: list[str], cut: int) -> None:
    """Every beginning of a packed list that is not the whole of it is refused."""
    whole = gzip.compress((BARE_HEADER + "\n".join(rows)).encode("utf-8", "replace"))
    path = file_of(tmp_path, whole[: min(cut, len(whole) - 1)])
    with pytest.raises(InputFileRefused):
        list(read_trending_file(path))
