"""What tests ask of a command's outcome, and what they type for it."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tests.integration.cli.conftest import Outcome


def refused(outcome: Outcome, *words: str, code: int = 1) -> bool:
    """Whether it was refused in one clear line, and printed nothing else."""
    [line] = outcome.err.splitlines()
    told = line.startswith("error: ") and all(word in line for word in words)
    return told and (outcome.code, outcome.out) == (code, "")


def typed(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    """Puts this on the standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
