"""Both type checkers, strict, agree with the files beside this one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CHECKED = [str(HERE / name) for name in ("synchronous.py", "awaited.py", "refused.py")]
CONFIGURED = ["--config-file", str(ROOT / "pyproject.toml")]


def answer(*command: str) -> subprocess.CompletedProcess[str]:
    """What a program answers in the folder of the repository."""
    found = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert found.returncode in {0, 1}, found.stdout + found.stderr
    return found


def errors_in(checker: str, *files: str) -> dict[str, set[int]]:
    """The lines that a type checker complains about, by the name of their file."""
    found: list[tuple[str, int]]
    if checker == "mypy":
        told = answer("mypy", *CONFIGURED, *files).stdout
        pairs = re.findall(r"^([^:\n]+):(\d+): error:", told, re.MULTILINE)
        found = [(path, int(line)) for path, line in pairs]
    else:
        told = answer("basedpyright", "--project", str(ROOT), "--outputjson", *files).stdout
        diagnostics: list[dict[str, Any]] = json.loads(told)["generalDiagnostics"]
        found = [(each["file"], each["range"]["start"]["line"] + 1) for each in diagnostics]
    lines: dict[str, set[int]] = defaultdict(set)
    for path, line in found:
        lines[Path(path).name].add(line)
    return lines


@pytest.mark.parametrize("checker", ["mypy", "basedpyright"])
def test_types_are_known(checker: str, tmp_path: Path) -> None:
    """The types that users rely on are inferred, and the calls they get wrong are refused.

    Without its comments each refused line is an error, so none of them is there for nothing.
    """
    source = (HERE / "refused.py").read_text()
    expected = {
        number for number, line in enumerate(source.splitlines(), 1) if "# type: ignore[" in line
    }
    bare = tmp_path / "bare.py"
    bare.write_text(re.sub(r"  # type: ignore\[.*$", "", source, flags=re.MULTILINE))
    assert len(expected) >= 25
    # One call, since a checker takes most of its time for what the files import.
    errors = errors_in(checker, *CHECKED, str(bare))
    assert errors.pop("bare.py") >= expected
    assert errors == {}
