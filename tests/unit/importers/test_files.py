"""Opening files: readable to the end, or refused with a reason before the first row."""

from __future__ import annotations

import gc
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import files, read_trending_file, read_yt_dlp_file
from tests.unit.importers.made_up import BARE_HEADER, BARE_ROW, file_of, packed, trending

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def is_open(path: str) -> bool:
    readers = (one for one in gc.get_objects() if isinstance(one, io.BufferedReader))
    # What unpacks a file has no name in some versions of Python.
    names = (getattr(reader, "name", None) for reader in readers if not reader.closed)
    return any(name in (path, Path(path)) for name in names)


def refused(path: str) -> str:
    with pytest.raises(InputFileRefused) as caught:
        list(read_trending_file(path))
    assert caught.value.path == path
    return caught.value.reason


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is refused in words, not with an OSError."""
    assert refused(str(tmp_path / "nowhere.csv")) == "no such file"


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """A folder is refused as one."""
    assert refused(str(tmp_path)) == "a directory, not a file"


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    """A named pipe, which nobody writes to, is refused at once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert refused(str(pipe)) == "not a regular file"


def test_a_name_that_no_file_can_have() -> None:
    """A path with a NUL is refused like any other path that cannot be opened."""
    assert "null" in refused("a\0b")


def test_a_part_of_the_path_that_is_a_file(tmp_path: Path) -> None:
    """A path through a file is refused with the system's reason."""
    path = file_of(tmp_path, "x")
    assert refused(f"{path}/list.csv") == "not a directory"


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    """A packed file is unpacked whatever it is called, and a plain one may be called .gz."""
    for content in (packed(BARE_HEADER + BARE_ROW), (BARE_HEADER + BARE_ROW).encode()):
        for name in ("list.csv", "list.csv.gz"):
            assert len(list(read_trending_file(file_of(tmp_path, content, name)))) == 1


@pytest.mark.parametrize("damage", ["cut short", "changed", "followed by rubbish"])
def test_a_damaged_archive_gives_no_row_at_all(tmp_path: Path, damage: str) -> None:
    """A broken gzip file is refused before its first row, saying how far it can be read."""
    whole = packed(BARE_HEADER + BARE_ROW * 20_000)
    content = {
        "cut short": whole[: len(whole) // 2],
        "changed": whole[:-8] + bytes(4) + whole[-4:],
        "followed by rubbish": whole + b"rubbish",
    }[damage]
    rows = read_trending_file(file_of(tmp_path, content))
    with pytest.raises(InputFileRefused, match=r"damaged after \d+ readable bytes"):
        next(rows)


def test_a_damaged_archive_of_json_lines_gives_no_line_at_all(tmp_path: Path) -> None:
    """The same holds for JSON lines, which are read lazily too."""
    whole = packed('{"id": "abcdefghijk"}\n' * 20_000)
    rows = read_yt_dlp_file(file_of(tmp_path, whole[: len(whole) // 2]))
    with pytest.raises(InputFileRefused, match="damaged after"):
        next(rows)


def test_utf_16_is_refused_with_the_cure(tmp_path: Path) -> None:
    """A spreadsheet's "Unicode text" is not read as Windows-1252 noise."""
    assert refused(file_of(tmp_path, BARE_HEADER.encode("utf-16"))) == (
        "UTF-16 text: save it as UTF-8 first"
    )


def test_memory_does_not_grow_with_a_line(tmp_path: Path) -> None:
    """A packed file that unpacks to one endless line is refused while it is examined."""
    bomb = packed("a" * 5_000_000)
    assert len(bomb) < 10_000
    assert "without a line end" in refused(file_of(tmp_path, bomb))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """Nothing at all is not a list with no rows."""
    assert refused(file_of(tmp_path, "")) == "empty"


def test_windows_1252_is_read_as_such(tmp_path: Path) -> None:
    """A file that is not UTF-8 is Windows-1252 as a whole."""
    content = (BARE_HEADER + BARE_ROW.replace("A title", "Café “déjà vu” €5")).encode("cp1252")
    readings, summary = trending(tmp_path, content)
    assert [reading.title for reading in readings] == ["Café “déjà vu” €5"]
    assert summary.refused == []


def test_a_byte_that_windows_1252_lacks_refuses_its_row(tmp_path: Path) -> None:
    """Where a byte stands for no letter, the row is refused by number and the others are kept."""
    rows = (BARE_ROW.replace("A title", "Café").encode("cp1252") * 2) + BARE_ROW.replace(
        "A title", "Caf?"
    ).encode("cp1252").replace(b"?", b"\x81")
    readings, summary = trending(tmp_path, BARE_HEADER.encode() + rows)
    assert [reading.title for reading in readings] == ["Café", "Café"]
    assert [str(refusal.place) for refusal in summary.refused] == ["line 4"]
    assert (
        summary.refused[0].reason == "title holds bytes or half characters that stand for no text"
    )


def test_damaged_utf_8_is_not_taken_for_windows_1252(tmp_path: Path) -> None:
    """One broken byte among Korean titles refuses one row; it does not turn the rest into noise."""
    good = BARE_ROW.replace("A title", "안녕하세요").encode()
    broken = BARE_ROW.encode().replace(b"A title", b"\xec\x95")
    readings, summary = trending(tmp_path, BARE_HEADER.encode() + good + broken + good)
    assert [reading.title for reading in readings] == ["안녕하세요", "안녕하세요"]
    assert [str(refusal.place) for refusal in summary.refused] == ["line 3"]


def test_a_letter_cut_by_a_chunk_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoding does not depend on where the examined pieces begin and end."""
    for size in range(100, 110):
        monkeypatch.setattr(files, "_CHUNK", size)
        readings, _ = trending(tmp_path, BARE_HEADER + BARE_ROW.replace("A title", "안녕하세요"))
        assert readings[0].title == "안녕하세요"


def test_a_damaged_byte_in_a_field_that_is_not_kept_loses_nothing(tmp_path: Path) -> None:
    """Only what is kept of a row can refuse it."""
    header = BARE_HEADER.replace("dislikes", "description")
    row = BARE_ROW.encode().replace(b",1,", b",\x81,")
    readings, _ = trending(tmp_path, header.encode() + row)
    assert len(readings) == 1


@pytest.mark.parametrize("read", [read_trending_file, read_yt_dlp_file])
def test_a_refused_file_is_closed(tmp_path: Path, read: Callable[[str], Generator[object]]) -> None:
    """Nothing keeps the file open, even while the error is being handled."""
    path = file_of(tmp_path, "[5]\n{}" if read is read_trending_file else "5")
    with pytest.raises(InputFileRefused) as caught:
        list(read(path))
    assert caught.value.path == path
    assert not is_open(path)


@pytest.mark.parametrize(
    ("read", "content"),
    [(read_trending_file, BARE_HEADER + BARE_ROW * 2), (read_yt_dlp_file, '[{"id": "x"}, 5]')],
)
def test_a_reader_that_is_left_early_closes_its_file(
    tmp_path: Path, read: Callable[[str], Generator[object]], content: str
) -> None:
    """close() is enough, wherever the reader stands."""
    path = file_of(tmp_path, content)
    rows = read(path)
    next(rows)
    assert is_open(path)
    rows.close()
    assert not is_open(path)
