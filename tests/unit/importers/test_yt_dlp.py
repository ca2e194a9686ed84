"""Dumps of yt-dlp: one video, a playlist, one video per line; with or without an instant."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InputFileRefused, InvalidValue, NaiveDatetimeWarning
from pipeline_store.importers import (
    FileSummary,
    VideoReading,
    json_files,
    read_yt_dlp_file,
)
from tests.unit.importers.made_up import account_of, file_of, json_file_of, packed, refusals

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = 1738703053
AT_EPOCH = datetime.fromtimestamp(EPOCH, UTC)
SAID = datetime(2025, 6, 1, tzinfo=UTC)


def dump(**changed: object) -> dict[str, object]:
    video: dict[str, object] = {
        "id": "abcdefghijk",
        "title": "A title",
        "channel": "A channel",
        "channel_id": "UC1234567890123456789012",
        "duration": 247,
        "view_count": 3_000_000_000,
        "like_count": 173,
        "comment_count": None,
        "timestamp": 1644487362,
        "upload_date": "20220210",
        "epoch": EPOCH,
        "categories": ["Music"],
        "extractor_key": "Youtube",
        "_type": "video",
    }
    return {key: value for key, value in {**video, **changed}.items() if value != "absent"}


def read(
    folder: Path, value: object, name: str = "input.json", measured_at: datetime | None = None
) -> tuple[list[VideoReading], FileSummary]:
    path = json_file_of(folder, value, name)
    return account_of(path, read_yt_dlp_file(path, measured_at=measured_at))


def test_one_video(tmp_path: Path) -> None:
    """Every fact of a dump arrives in the units of the store; null is unknown."""
    [reading], summary = read(tmp_path, dump())
    assert summary.rows == 1
    assert reading.video_id == "abcdefghijk"
    assert reading.measured_at == AT_EPOCH
    assert (reading.title, reading.channel_name) == ("A title", "A channel")
    assert reading.channel_id == "UC1234567890123456789012"
    assert (reading.category_id, reading.category_name) == (None, "Music")
    assert reading.duration_seconds == 247
    assert reading.published_at == datetime.fromtimestamp(1644487362, UTC)
    counts = (reading.view_count, reading.like_count, reading.comment_count)
    assert counts == (3_000_000_000, 173, None)


def test_absent_is_unknown(tmp_path: Path) -> None:
    """A dump of nothing but an id is a reading of nothing but unknowns, and never of zeros."""
    [reading], _ = read(tmp_path, {"id": "abcdefghijk"})
    assert not reading.has_counts
    assert not reading.describes_video
    assert reading.measured_at is None
    assert (reading.title, reading.channel_name, reading.channel_id) == ("", "", "")


@pytest.mark.parametrize(
    ("name", "epoch", "said", "expected"),
    [
        ("abcdefghijk.1600000000.info.json", EPOCH, SAID, AT_EPOCH),
        ("abcdefghijk.1600000000.info.json", None, SAID, SAID),
        ("abcdefghijk.1738703053.info.json", None, None, AT_EPOCH),
        ("abcdefghijk.1738703053.info.json", "absent", None, AT_EPOCH),
        ("abcdefghijk.info.json", None, None, None),
        ("12345678901.info.json", None, None, None),
        ("channel.01234567890.info.json", None, None, None),
        ("abcdefghijk.9999999999.info.json", None, None, None),
    ],
)
def test_where_the_instant_comes_from(
    tmp_path: Path, name: str, epoch: object, said: datetime | None, expected: datetime | None
) -> None:
    """The dump's own instant, else --measured-at, else the file name's, else none; never now."""
    [reading], _ = read(tmp_path, dump(epoch=epoch), name, measured_at=said)
    assert reading.measured_at == expected


def test_an_instant_without_a_zone_is_utc(tmp_path: Path) -> None:
    """A naive --measured-at is taken as UTC, with a warning."""
    naive = datetime(2025, 6, 1)  # noqa: DTZ001 - the point of the test
    with pytest.warns(NaiveDatetimeWarning):
        [reading], _ = read(tmp_path, dump(epoch=None), measured_at=naive)
    assert reading.measured_at == SAID


def test_an_impossible_instant_is_refused(tmp_path: Path) -> None:
    """A --measured-at that the store cannot hold is a typed error."""
    with pytest.raises(InvalidValue):
        read(tmp_path, dump(), measured_at=datetime(2300, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(247.4, 247), (247.5, 248), (52, 52), (0, None), (None, None), ("absent", None)],
)
def test_lengths_are_whole_seconds(tmp_path: Path, duration: object, expected: int | None) -> None:
    """Decimals are rounded; a length of 0, which a live video has, is not known."""
    [reading], _ = read(tmp_path, dump(duration=duration))
    assert reading.duration_seconds == expected


def test_the_channel_of_older_dumps(tmp_path: Path) -> None:
    """Without a channel the uploader serves, by id only when that is a channel's."""
    old = dump(channel="absent", channel_id="absent", uploader="A person")
    [handle], _ = read(tmp_path, {**old, "uploader_id": "@handle"})
    [channel], _ = read(tmp_path, {**old, "uploader_id": "UC1234567890123456789012"})
    assert (handle.channel_name, handle.channel_id) == ("A person", "")
    assert channel.channel_id == "UC1234567890123456789012"


def test_the_day_of_upload_is_the_last_resort(tmp_path: Path) -> None:
    """Without a timestamp the day's UTC midnight serves."""
    [reading], _ = read(tmp_path, dump(timestamp=None))
    assert reading.published_at == datetime(2022, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "#NAME?"},
        {"id": None},
        {"id": 12345678901},
        {"view_count": 1.0},
        {"view_count": True},
        {"view_count": "12"},
        {"view_count": -1},
        {"view_count": 2**63},
        {"like_count": [1]},
        {"comment_count": {}},
        {"duration": "4:07"},
        {"duration": -1},
        {"duration": True},
        {"timestamp": "2022"},
        {"timestamp": 10**12},
        {"timestamp": False},
        {"epoch": "now"},
        {"epoch": 10**30},
        {"timestamp": None, "upload_date": "20220231"},
        {"timestamp": None, "upload_date": 20220210},
        {"title": 5},
        {"title": "half \ud83d"},
        {"title": "nul \0"},
        {"channel": ["A"]},
        {"categories": "Music"},
        {"categories": [5]},
        {"categories": ["a" * 256]},
        {"extractor_key": "Vimeo"},
        {"extractor_key": 7},
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    """A float, a bool, a text or a damaged one where it does not belong refuses the video."""
    readings, summary = read(tmp_path, dump(**changed))
    assert readings == []
    assert [str(refusal.place) for refusal in summary.refused] == ["item 1"]


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_json_refuses_the_file(tmp_path: Path, written: str) -> None:
    """Python would read these, JSON has no such numbers."""
    path = file_of(tmp_path, f'{{"id": "abcdefghijk", "view_count": {written}}}')
    with pytest.raises(InputFileRefused, match=f"not JSON: {written}"):
        list(read_yt_dlp_file(path))


def test_a_number_too_large_for_a_float_is_refused(tmp_path: Path) -> None:
    """1e999 is JSON, and becomes infinity: no length and no instant."""
    for name in ("duration", "timestamp", "epoch", "view_count"):
        path = file_of(tmp_path, f'{{"id": "abcdefghijk", "{name}": 1e999}}')
        _, summary = account_of(path, read_yt_dlp_file(path))
        assert len(summary.refused) == 1


def test_a_playlist_gives_its_videos(tmp_path: Path) -> None:
    """Playlists in playlists are read; an empty entry is told; the instant is shared."""
    inner = {"_type": "playlist", "id": "PL2", "entries": [dump(id="video_two_2", epoch=None)]}
    playlist = {
        "_type": "playlist",
        "id": "PL1",
        "epoch": EPOCH,
        "entries": [dump(id="video_one_1", epoch=EPOCH + 5), inner, None, dump(id="video_three")],
    }
    readings, summary = read(tmp_path, playlist)
    assert [reading.video_id for reading in readings] == [
        "video_one_1",
        "video_two_2",
        "video_three",
    ]
    assert [reading.place.number for reading in readings] == [1, 2, 4]
    instants = [
        reading.measured_at and int(reading.measured_at.timestamp()) for reading in readings
    ]
    assert instants == [EPOCH + 5, EPOCH, EPOCH]
    assert refusals(summary) == [
        ("item 3", "an empty entry: yt-dlp could not read this video", None)
    ]


def test_a_playlist_without_entries_is_counted(tmp_path: Path) -> None:
    """yt-dlp writes one such file per playlist beside the videos' own; it is no defect."""
    readings, summary = read(tmp_path, {"_type": "playlist", "id": "PL1", "title": "A list"})
    assert readings == []
    assert [ignored.reason for ignored in summary.ignored] == ["a playlist without its videos"]


def test_a_document_larger_than_memory_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document is held whole, so it has a limit; lines have it each, and not together."""
    monkeypatch.setattr(json_files, "LARGEST_DOCUMENT", 2000)
    document = file_of(tmp_path, json.dumps([dump()] * 20, indent=1), "document.json")
    with pytest.raises(InputFileRefused, match="write one object per line"):
        list(read_yt_dlp_file(document))
    lines = file_of(tmp_path, f"{json.dumps(dump())}\n" * 20, "lines.json")
    assert len(list(read_yt_dlp_file(lines))) == 20


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_one_video_per_line(tmp_path: Path, mark: str) -> None:
    """Lines are read one by one; a line that is no JSON is refused by its number."""
    lines = [json.dumps(dump(id=f"video_{number:05}")) for number in range(3)]
    path = file_of(tmp_path, mark + "\n".join([*lines[:2], "", '{"id": ', "[]", "5", lines[2]]))
    readings, summary = account_of(path, read_yt_dlp_file(path))
    assert [reading.place.number for reading in readings] == [1, 2, 7]
    assert [str(refusal.place) for refusal in summary.refused] == ["line 4", "line 6"]


def test_packed_and_pretty_dumps(tmp_path: Path) -> None:
    """A dump may be packed, and may span lines."""
    path = file_of(tmp_path, packed(json.dumps(dump(), indent=2)), "abcdefghijk.info.json.gz")
    assert len(list(read_yt_dlp_file(path))) == 1


def test_what_a_windows_shell_writes(tmp_path: Path) -> None:
    """Its ">" writes UTF-16 with a byte order mark."""
    path = file_of(tmp_path, json.dumps(dump()).encode("utf-16"))
    assert len(list(read_yt_dlp_file(path))) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty"),
        ("5", "not an info JSON of yt-dlp"),
        ("{}", "not an info JSON of yt-dlp"),
        ('{"kind": "youtube#videoListResponse", "items": []}', "use `import youtube-api`"),
        ("{", "not JSON: "),
        ("[" * 100_000, "not JSON: nested too deeply"),
        (b"\xff\xfe\xff", "not JSON: "),
        (b'{"id": "\xe9"}', "not JSON: byte 9 is not utf-8 text"),
        ('{"id": ' + "9" * 5000 + "}", "not JSON: "),
    ],
)
def test_what_is_no_dump_refuses_the_file(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    """A file of another kind is refused in words, and with the cure where there is one."""
    with pytest.raises(InputFileRefused) as caught:
        list(read_yt_dlp_file(file_of(tmp_path, content)))
    assert reason in caught.value.reason
