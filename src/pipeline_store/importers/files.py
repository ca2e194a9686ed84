"""Opening input files: plain or gzip, and always either readable to the end or refused.

Each file is read through once before its first row is taken, in constant memory. This costs a
second of a large file's import and buys two certainties: a damaged archive is refused as a whole
and never half imported, and the encoding is chosen from all of the text, not from its beginning.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

import attrs

from pipeline_store.errors import InputFileRefused

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_GZIP_MAGIC: Final = b"\x1f\x8b"
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK: Final = 1024 * 1024
_BEYOND_ASCII: Final = re.compile("[^\x00-\x7f]")
_UNDECODED: Final = re.compile("[\udc80-\udcff]")


@attrs.frozen(kw_only=True)
class TextForm:
    """How the bytes of a text file are to be read."""

    encoding: str
    """Bytes that mean nothing in it become lone surrogates, which no field accepts."""


@contextmanager
def opened(path: str) -> Generator[IO[bytes]]:
    """Open the bytes of a file, unpacked when they are gzip, whatever the file is called.

    Raises:
        InputFileRefused: there is no such file, it is none, or its data are damaged; inside the
            block too, saying how far the file could be read.
    """
    try:
        # Only a regular file can be read twice; a pipe would wait for its writer for ever.
        if Path(path).is_dir():
            raise InputFileRefused(path, "a directory, not a file")
        if Path(path).exists() and not Path(path).is_file():
            raise InputFileRefused(path, "not a regular file")
        raw = Path(path).open("rb")  # noqa: SIM115 - closed below, after the gzip layer
    except (OSError, ValueError) as error:
        raise InputFileRefused(path, _why(error)) from None
    with raw:
        stream: IO[bytes] = raw
        try:
            if raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC:
                stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
            raw.seek(0)
            yield stream
        except (OSError, EOFError, zlib.error) as error:
            read = f"after {stream.tell()} readable bytes"
            raise InputFileRefused(path, f"damaged {read}: {_why(error)}") from None


def chunks(path: str) -> Iterator[bytes]:
    """Yield all bytes of the file in pieces of equal size; the last may be shorter."""
    with opened(path) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def examine_text(path: str) -> TextForm:
    """Read a text file through and say how to read it: UTF-8, else Windows-1252.

    A file that is not all UTF-8 is either Windows-1252 or damaged UTF-8, and the first must not be
    taken for the second: reading Korean titles as Windows-1252 would fill the store with noise and
    say nothing. Letters beyond ASCII tell: in damaged UTF-8 nearly all still are UTF-8, while in
    Windows-1252 they almost never happen to be.

    Raises:
        InputFileRefused: no file, damaged data, or not lines of text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf_8 = True
    for number, chunk in enumerate(chunks(path)):
        if number == 0 and chunk.startswith(_UTF_16_MARKS):
            raise InputFileRefused(path, "UTF-16 text: save it as UTF-8 first")
        # Keeps memory constant: no line is longer than two chunks.
        if len(chunk) == _CHUNK and b"\n" not in chunk:
            raise InputFileRefused(path, f"not lines of text: {_CHUNK} bytes without a line end")
        if is_utf_8:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                is_utf_8 = False
    if is_utf_8 or _is_mostly_utf_8(path):
        return TextForm(encoding="utf-8-sig")
    return TextForm(encoding="cp1252")


def _is_mostly_utf_8(path: str) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    letters = undecoded = 0
    for chunk in chunks(path):
        text = decoder.decode(chunk)
        letters += len(_BEYOND_ASCII.findall(text))
        undecoded += len(_UNDECODED.findall(text))
    return letters - undecoded > undecoded


def text_lines(path: str) -> Iterator[str]:
    r"""Yield the lines of a text file with their ends; only "\n" ends a line.

    A lone carriage return inside a quoted field is part of the field, and line numbers agree with
    those that editors and grep show.

    Raises:
        InputFileRefused: as for `examine_text`.
    """
    form = examine_text(path)
    with opened(path) as stream:
        text = io.TextIOWrapper(
            stream, encoding=form.encoding, errors="surrogateescape", newline="\n"
        )
        try:
            yield from text
        finally:
            # Else the wrapper would close the stream under the reader of its position.
            text.detach()


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
