"""Opening input files: plain or gzip, and always either readable to the end or refused.

Each file is read through once before its first row is taken, in constant memory. This costs a
second of a large file's import and buys two certainties: a damaged archive is refused as a whole
and never half imported, and the encoding is chosen from all of the text, not from its beginning.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

from pipeline_store.errors import InputFileRefused

if TYPE_CHECKING:
    from collections.abc import Generator

_GZIP_MAGIC: Final = b"\x1f\x8b"
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK: Final = 1024 * 1024
_UNDECODED: Final = re.compile("[\udc80-\udcff]")


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


def chunks(path: str) -> Generator[bytes]:
    """Yield all bytes of the file in pieces of equal size; the last may be shorter."""
    with opened(path) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def text_encoding(path: str) -> str:
    """Read a text file through and say how to decode it: as UTF-8, else as Windows-1252.

    A file that is not all UTF-8 is either Windows-1252 or damaged UTF-8, and the first must not be
    taken for the second: reading Korean titles as Windows-1252 would fill the store with noise and
    say nothing. Letters beyond ASCII tell: in damaged UTF-8 nearly all still are UTF-8, while in
    Windows-1252 they almost never happen to be.

    Raises:
        InputFileRefused: no file, damaged data, or not lines of text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    beyond_ascii = undecoded = 0
    with closing(chunks(path)) as pieces:
        for number, chunk in enumerate(pieces):
            if number == 0 and chunk.startswith(_UTF_16_MARKS):
                raise InputFileRefused(path, "UTF-16 text: save it as UTF-8 first")
            # Keeps memory constant: no line is longer than two chunks.
            if len(chunk) == _CHUNK and b"\n" not in chunk:
                raise InputFileRefused(path, f"not text: {_CHUNK} bytes without a line end")
            text = decoder.decode(chunk)
            beyond_ascii += len(text) - len(text.encode("ascii", "ignore"))
            undecoded += len(_UNDECODED.findall(text))
    return "utf-8" if beyond_ascii >= 2 * undecoded else "cp1252"


def text_lines(path: str) -> Generator[str]:
    r"""Yield the lines of a text file with their ends; only "\n" ends a line.

    A lone carriage return inside a quoted field is part of the field, and line numbers agree with
    those that editors and grep show.

    Raises:
        InputFileRefused: as for `text_encoding`.
    """
    encoding = text_encoding(path)
    with opened(path) as stream:
        for number, line in enumerate(stream):
            # A byte that means nothing becomes a lone surrogate, which no field accepts.
            text = line.decode(encoding, "surrogateescape")
            yield text.removeprefix("\ufeff") if number == 0 else text


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
