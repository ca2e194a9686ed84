"""Canaries, the forms that one could leak in, and looking for all of them."""

from __future__ import annotations

import base64
import json
from collections import Counter
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
        self.seen: dict[bytes, str] = {}
        self.counts: Counter[str] = Counter()

    def add(self, where: str, *seen: str | bytes) -> None:
        for each in seen:
            content = each.encode("utf-8", "backslashreplace") if isinstance(each, str) else each
            self.seen.setdefault(content, where)
            self.counts[where.partition(" ")[0]] += 1

    def under(self, where: str) -> bytes:
        """Everything that was seen first in places whose name begins so."""
        return b"\n".join(content for content, name in self.seen.items() if name.startswith(where))


class Scanner:
    """Finds canaries, and keys, in whatever form they were written."""

    def __init__(self, keys: Iterable[Secret] = ()) -> None:
        self.as_it_is: dict[bytes, str] = {}
        self.in_any_letters: dict[bytes, str] = {}
        for text in (HEAD, TAIL):
            self._look_for("a canary", text.encode())
        for key in keys:
            text = key.reveal()
            for part in (text[:21], text[22:43]):
                self._look_for("a key", part.encode())
            raw = base64.urlsafe_b64decode(text)
            for part in (raw[:16], raw[16:]):
                self._look_for("the bytes of a key", part)

    def _look_for(self, what: str, content: bytes) -> None:
        for form, written in written_as(content):
            self.as_it_is[written] = f"{what}, {form}"
        for form, written in escaped_as(content):
            self.in_any_letters[written.lower()] = f"{what}, {form}"

    def hits(self, evidence: Evidence) -> list[str]:
        """Where something was found, in what form, and what stands around it."""
        whole = BETWEEN.join(evidence.seen)
        if not self._is_found_in(whole):
            return []
        return [
            f"{where}: {hit}"
            for content, where in evidence.seen.items()
            for hit in self._hits_in(content)
        ]

    def _is_found_in(self, content: bytes) -> bool:
        return next(self._hits_in(content), None) is not None

    def _hits_in(self, content: bytes) -> Iterator[str]:
        for forms, searched in (
            (self.as_it_is, content),
            (self.in_any_letters, content.lower()),
        ):
            for written, form in forms.items():
                place = searched.find(written)
                if place >= 0:
                    yield f"{form}: {content[max(0, place - 60) : place + 60]!r}"


BETWEEN = b"\x00\x00between two things that were seen\x00\x00"


def written_as(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The forms in which bytes could be written, in which large letters are not small ones."""
    for form, alphabet in (("", base64.b64encode), ("URL-safe ", base64.urlsafe_b64encode)):
        for shift in range(3):
            whole = alphabet(bytes(shift) + content)
            yield f"in {form}Base64, shifted by {shift}", whole[-(-shift * 4 // 3) : -4]
    yield "in Base32", base64.b32encode(content)[:-8]
    if not content.isascii():
        yield "as it is", content
        yield "reversed", content[::-1]
        yield "in escapes of Python", repr(content)[2:-1].encode()


def escaped_as(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The others."""
    yield "in hexadecimal", content.hex().encode()
    yield "in hexadecimal escapes", "".join(f"\\x{byte:02x}" for byte in content).encode()
    yield "as numbers", ", ".join(map(str, content)).encode()
    yield "as numbers in JSON", ",".join(map(str, content)).encode()
    if content.isascii():
        text = content.decode()
        yield "as it is", content
        yield "reversed", content[::-1]
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
