"""Secrets that a command is given: in a file or on the standard input, never as an argument.

Arguments are seen by every user of the machine, and kept by shells.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from pipeline_store.errors import InputFileRefused, InvalidValue
from pipeline_store.secrets import Secret

LARGEST_INPUT: Final = 1024 * 1024
"""Bytes; what is longer is no secret, and most likely the wrong file."""

STANDARD_INPUT: Final = "-"

SecretFile: TypeAlias = Annotated[
    str,
    typer.Option(
        "--from-file",
        metavar="FILE",
        help="Read the secret from a file, and not from the standard input.",
    ),
]


def read_secret(file: str = STANDARD_INPUT, *, prompt: str = "secret: ") -> Secret:
    """Return the secret in a file or, for "-", on the standard input.

    One line end behind it does not count. A person at a terminal is asked, and sees no letter.

    Raises:
        InputFileRefused: the file cannot be read.
        InvalidValue: it is empty, no UTF-8, or too long.
    """
    if file == STANDARD_INPUT and sys.stdin.isatty():
        return Secret(getpass.getpass(prompt))
    content = _read(file)
    text = _decoded(content)
    if text is None or len(content) > LARGEST_INPUT:
        raise InvalidValue(f"secret: UTF-8 text of up to {LARGEST_INPUT} bytes expected")
    return Secret(text.removesuffix("\n").removesuffix("\r"))


def _read(file: str) -> bytes:
    try:
        if file == STANDARD_INPUT:
            return sys.stdin.buffer.read(LARGEST_INPUT + 1)
        with Path(file).open("rb") as stream:
            return stream.read(LARGEST_INPUT + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputFileRefused(file, reason) from None


def _decoded(content: bytes) -> str | None:
    # The error would hold the whole content; dropped here, it is chained to nothing.
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
