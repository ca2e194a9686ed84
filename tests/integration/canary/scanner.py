"""Canaries, the forms that one could leak in, and looking for all of them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline_store.secrets import Secret

HEAD = "Kq7CanaryW3zf"
TAIL = "x9YCanaryT4mp"
"""What every canary begins and ends with, so that half of one is found as well."""

AWKWARD = " \"'\\\n%&+<é漢>/"
"""What each way of writing text escapes in its own way."""


def canary(name: str) -> str:
    """A secret that tells which one it is."""
    return f"{HEAD} {name}{AWKWARD}{TAIL}"


class Evidence:
    """All that somebody without keys could get to see, and where it was seen."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bytes]] = []

    def add(self, where: str, *seen: str | bytes) -> None:
        for each in seen:
            content = each.encode("utf-8", "backslashreplace") if isinstance(each, str) else each
            self.seen.append((where, content))

    def under(self, where: str) -> bytes:
        """Everything that was seen in places whose name begins so."""
        return b"\n".join(content for name, content in self.seen if name.startswith(where))

    def counts(self) -> dict[str, tuple[int, int]]:
        """How many things were seen by the first word of where, and their bytes."""
        counts: dict[str, tuple[int, int]] = {}
        for where, content in self.seen:
            kind = where.partition(" ")[0]
            things, size = counts.get(kind, (0, 0))
            counts[kind] = things + 1, size + len(content)
        return counts


class Scanner:
    """Finds canaries, and keys, in whatever form they were written."""

    def __init__(self, keys: Iterable[Secret] = ()) -> None:
        self.forms: dict[bytes, str] = {}
        for text in (HEAD, TAIL):
            self._look_for("a canary", text.encode())
        for key in keys:
            text = key.reveal()
            for part in (text[:21], text[22:43]):
                self._look_for("a key", part.encode())
            raw = base64.urlsafe_b64decode(text)
            for part in (raw[:16], raw[16:]):
                self._look_for("a key", part)

    def _look_for(self, what: str, content: bytes) -> None:
        for form, written in written_as(content):
            self.forms[written] = f"{what}, {form}"

    def hits(self, evidence: Evidence) -> list[str]:
        """Where something was found, in what form, and what stands around it."""
        return [hit for where, content in evidence.seen for hit in self._hits_in(where, content)]

    def _hits_in(self, where: str, content: bytes) -> Iterator[str]:
        as_is, folded = content, content.lower()
        for written, form in self.forms.items():
            place = max(as_is.find(written), folded.find(written))
            if place >= 0:
                around = content[max(0, place - 60) : place + 60]
                yield f"{where}: {form}: {around!r}"


def written_as(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The forms in which bytes could be written; those in small letters stand for large too."""
    yield "as it is", content
    yield "in other letters", content.lower()
    yield "reversed", content[::-1]
    yield "in hexadecimal", content.hex().encode()
    yield "in escapes of bytes", repr(content)[2:-1].encode()
    yield "in hexadecimal escapes", "".join(f"\\x{byte:02x}" for byte in content).encode()
    yield "as numbers", ", ".join(map(str, content)).encode()
    yield "as numbers in JSON", ",".join(map(str, content)).encode()
    for form, alphabet in (("", base64.b64encode), ("URL-safe ", base64.urlsafe_b64encode)):
        for shift in range(3):
            whole = alphabet(bytes(shift) + content)
            yield f"in {form}Base64, shifted by {shift}", whole[-(-shift * 4 // 3) : -4]
    yield "in Base32", base64.b32encode(content)[:-8]
    if content.isascii():
        yield from _text_written_as(content.decode())


def _text_written_as(text: str) -> Iterator[tuple[str, bytes]]:
    # Of little-endian text without its last zeros; big-endian text holds the same bytes.
    yield "in UTF-16", text.encode("utf-16-le")[:-1]
    yield "in UTF-32", text.encode("utf-32-le")[:-3]
    yield "in JSON escapes", "".join(f"\\u{ord(letter):04x}" for letter in text).encode()
    yield "in URL escapes", "".join(f"%{ord(letter):02x}" for letter in text).encode()
    yield "in HTML escapes", "".join(f"&#{ord(letter)};" for letter in text).encode()


WAYS_TO_WRITE: dict[str, Any] = {
    "plain": lambda text: text,
    "large": str.upper,
    "UTF-16, either way": lambda text: text.encode("utf-16-be") + text.encode("utf-16-le"),
    "UTF-16 behind one byte": lambda text: b"a" + text.encode("utf-16-be"),
    "UTF-32": lambda text: text.encode("utf-32-be"),
    "Base64": lambda text: base64.b64encode(text.encode()),
    "Base64 behind a byte": lambda text: base64.b64encode(b"a" + text.encode()),
    "Base64 behind two": lambda text: base64.urlsafe_b64encode(b"ab" + text.encode()),
    "Base32": lambda text: base64.b32encode(text.encode()),
    "hexadecimal": lambda text: text.encode().hex(),
    "HEXADECIMAL": lambda text: text.encode().hex().upper(),
    "URL": quote,
    "URL, every letter": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "reversed": lambda text: text[::-1],
    "JSON": json.dumps,
    "JSON, every letter": lambda text: "".join(f"\\u{ord(each):04X}" for each in text),
    "JSON of a list of bytes": lambda text: json.dumps(list(text.encode())),
    "Python": repr,
    "Python bytes": lambda text: repr(text.encode()),
    "a bytearray": lambda text: repr(list(text.encode())),
    "its first half": lambda text: text[: len(text) // 2],
    "its second half": lambda text: text[len(text) // 2 :],
}
"""Ways in which a program could write a secret, by their names; the scanner finds each."""
