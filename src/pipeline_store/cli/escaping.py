"""Stored text on its way to a terminal: titles come from strangers, and terminals obey.

An escape sequence in a video's title could clear the screen, change the window's title or hide what
follows; marks that turn the direction of writing could make one name look like another.
"""

from __future__ import annotations

import re
from typing import Final

_UNSAFE: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters, those of eight bits included
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of writing
    "\u2028\u2029"  # line ends that are not "\n"
    "\ud800-\udfff"  # halves of characters, which no terminal can be sent
    "]"
)

_BYTE: Final = 0xFF

_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(value: object) -> str:
    r"""Return the value as one line in which nothing is obeyed, such as "\x1b[2J"."""
    return _UNSAFE.sub(_escape, str(value))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code <= _BYTE else f"\\u{code:04x}")
