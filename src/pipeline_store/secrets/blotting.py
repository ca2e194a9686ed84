"""Taking a secret out of a message that quotes it, however it is spelled there."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote, quote_plus

from pipeline_store.secrets.secret import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store.secrets.secret import Secret

SHORTEST_PART: Final = 8
"""Characters; what is shorter stands in messages for other reasons, and says little."""


def blotted(message: str, secret: Secret) -> str:
    """Return the message with stars in place of the secret.

    Found are the text itself and how it stands in URLs, JSON, HTML, Base64 and Python; of a secret
    that is JSON also each text of at least 8 characters in it.
    """
    text = secret.reveal()
    spelled = {each for part in (text, *_parts(text)) for each in _spellings(part)}
    for each in sorted(spelled, key=len, reverse=True):
        message = message.replace(each, HIDDEN)
    return message


def _parts(text: str) -> Iterator[str]:
    """Yield the texts inside a secret that is a JSON document, such as the tokens of OAuth."""
    try:
        waiting: list[object] = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while waiting:
        part = waiting.pop()
        if isinstance(part, str) and len(part) >= SHORTEST_PART:
            yield part
        elif isinstance(part, Mapping):
            waiting += cast("Mapping[str, object]", part).values()
        elif isinstance(part, list):
            waiting += cast("list[object]", part)


def _spellings(text: str) -> Iterator[str]:
    yield text
    for escaped in (quote(text), quote(text, safe=""), quote_plus(text)):
        yield escaped
        yield _with_small_escapes(escaped)
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield repr(text.encode())[2:-1]
    yield html.escape(text)
    yield html.escape(text, quote=False)
    if len(text) >= SHORTEST_PART:
        yield from _in_base64(text.encode())


def _with_small_escapes(escaped: str) -> str:
    """Return `%C3` as `%c3`, which is the same to whoever reads a URL."""
    first, *others = escaped.split("%")
    return "%".join([first, *(other[:2].lower() + other[2:] for other in others)])


def _in_base64(content: bytes) -> Iterator[str]:
    """Yield the letters that stand for these bytes alone, whatever stands before and behind."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            whole = encode(bytes(before) + content).decode("ascii").rstrip("=")
            last = -1 if (before + len(content)) % 3 else None
            yield whole[-(-before * 4 // 3) : last]
