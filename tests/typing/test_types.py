"""Both type checkers, strict, agree with the files beside this one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

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


def lines_with_errors(checker: str, *files: str) -> set[int]:
    """The lines that a type checker complains about."""
    if checker == "mypy":
        found = answer("mypy", *CONFIGURED, *files).stdout
        return {int(line) for line in re.findall(r"^[^:\n]+:(\d+): error:", found, re.MULTILINE)}
    found = answer("basedpyright", "--project", str(ROOT), "--outputjson", *files).stdout
    diagnostics: list[dict[str, dict[str, dict[str, int]]]] = json.loads(found)[
        "generalDiagnostics"
    ]
    return {each["range"]["start"]["line"] + 1 for each in diagnostics}


@pytest.mark.parametrize("checker", ["mypy", "basedpyright"])
def test_types_are_known(checker: str) -> None:
    """The types that users rely on are inferred, and the calls they get wrong are refused."""
    assert lines_with_errors(checker, *CHECKED) == set()


@pytest.mark.parametrize("checker", ["mypy", "basedpyright"])
def test_errors_are_found(checker: str, tmp_path: Path) -> None:
    """Without its comments each refused line is an error, so none of them is there for nothing."""
    source = (HERE / "refused.py").read_text()
    expected = {
        number for number, line in enumerate(source.splitlines(), 1) if "# type: ignore[" in line
    }
    bare = tmp_path / "bare.py"
    bare.write_text(re.sub(r"  # type: ignore\[.*$", "", source, flags=re.MULTILINE))
    assert len(expected) >= 25
    assert lines_with_errors(checker, str(bare)) >= expected
