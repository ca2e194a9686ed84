"""What is kept of an error of a handler: its kind, its words and where, but no secret."""

from __future__ import annotations

import importlib
import re
import traceback
from pathlib import Path
from typing import Final

from pipeline_store.secrets.secret import HIDDEN

LONGEST_WORDS: Final = 500
"""Characters of what an error says that are kept."""

MOST_PLACES: Final = 5
"""Calls, the innermost first, that are kept of where it was raised."""

_OURS: Final = Path(__file__).parent
_IMPORTING: Final = Path(importlib.__file__).parent

_TELLING_NAMES: Final = (
    r"[\w.\-]*(?:api[_\-]?key|key|token|secret|passw(?:or)?d|pwd|signature|sig|credentials?|cookie)"
)
# Keys of services that pipelines call, which libraries quote without saying what they are. The
# first must have a digit, which tells it from a name with dashes.
_KEY_SHAPES: Final = (
    r"sk[-_](?=[\w\-]*\d)[\w\-]{20,}",
    r"AIza[\w\-]{35}",
    r"ya29\.[\w\-.]{20,}",
    r"1//0[\w\-]{20,}",
    r"gh[opsur]_\w{20,}",
    r"github_pat_\w{20,}",
    r"ntn_\w{20,}",
    r"xox[a-z]-[\w\-]{10,}",
    r"A[KS]IA[A-Z\d]{16}",
    r"eyJ[\w\-]{10,}\.[\w\-]{10,}\.[\w\-]*",
)
_PATTERNS: Final = (
    # https://user:password@host
    (re.compile(r"(?i)\b([a-z][\w+.\-]*://)[^\s/@]+@"), rf"\1{HIDDEN}@"),
    # Authorization: Bearer abc
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w\-.~+/=]{6,}"), rf"\1 {HIDDEN}"),
    # key=abc, "token": "abc", password 'abc'
    (
        re.compile(
            rf"(?i)\b({_TELLING_NAMES}[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&\"')}}\]]+)"
        ),
        rf"\1{HIDDEN}",
    ),
    # sk-..., AIza...
    (re.compile(rf"(?<![\w\-])(?:{'|'.join(_KEY_SHAPES)})"), HIDDEN),
)


def words_of(error: BaseException) -> str:
    """Return an error in one line: its kind, what it says, and the calls that led to it.

    What looks like a password, a key or a token is left out, and so are the values of variables and
    the folders of files.
    """
    try:
        said = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - an error that cannot even say what it is
        said = ""
    for pattern, instead in _PATTERNS:
        said = pattern.sub(instead, said)
    if len(said) > LONGEST_WORDS:
        said = f"{said[:LONGEST_WORDS]}..."
    kind = type(error).__name__
    line = f"{kind}: {said}" if said else kind
    places = _places(error)
    return _storable(f"{line} ({' < '.join(places)})" if places else line)


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not _is_machinery(frame.filename)] or frames
    return [
        f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in reversed(theirs[-MOST_PLACES:])
    ]


def _is_machinery(filename: str) -> bool:
    """Return whether a file is ours, or Python's own way of importing modules."""
    return Path(filename).parent in {_OURS, _IMPORTING} or filename.startswith("<frozen importlib")


def _storable(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")
