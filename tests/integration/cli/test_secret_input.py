"""How commands take secrets: from the standard input or a file, never as an argument."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline_store.cli import secret_input
from pipeline_store.cli.secret_input import read_secret
from pipeline_store.errors import InputFileRefused, InvalidValue
from tests.unit.secrets.conftest import CANARY, shown

if TYPE_CHECKING:
    from pathlib import Path


class Typed(io.TextIOWrapper):
    """A standard input that is, or is not, a terminal."""

    def __init__(self, content: bytes, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content), encoding="ascii")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_the_standard_input_or_a_file(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In UTF-8 whatever the terminal's encoding, without the last line end, with all spaces."""
    content = f" {CANARY}\nMúsica 漢 {end}".encode()
    monkeypatch.setattr(sys, "stdin", Typed(content))
    assert read_secret().reveal() == f" {CANARY}\nMúsica 漢 "
    (tmp_path / "secret").write_bytes(content)
    assert read_secret(str(tmp_path / "secret")).reveal() == f" {CANARY}\nMúsica 漢 "


def test_a_person_is_asked_for_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is typed is not shown."""
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return CANARY

    monkeypatch.setattr(sys, "stdin", Typed(b"", terminal=True))
    monkeypatch.setattr(secret_input.getpass, "getpass", ask)
    assert read_secret(prompt="youtube: ").reveal() == CANARY
    assert asked == ["youtube: "]


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n", b"\xff" + CANARY.encode(), b"a" * 2**21])
def test_what_is_no_secret_is_refused_and_not_shown(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Typed(content))
    with pytest.raises(InvalidValue, match="secret: ") as raised:
        read_secret()
    assert CANARY not in shown(raised.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileRefused, match="No such file"):
        read_secret(str(tmp_path / "missing"))
    with pytest.raises(InputFileRefused, match=os.strerror(21)):
        read_secret(str(tmp_path))
