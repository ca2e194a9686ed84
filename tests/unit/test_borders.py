"""Who may import whom."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]

CROSSINGS = {
    "pure-is-pure": ("channels", "import sqlalchemy"),
    "domain-knows-nobody": ("channels", "import pipeline_store.memory"),
    "contexts-stand-apart": ("channels", "import pipeline_store.production"),
    "sealed-stays-sealed": ("memory", "import pipeline_store.secrets"),
    "services-see-ports": ("services", "import pipeline_store.memory"),
    "schemas-see-ports": ("schemas", "import pipeline_store.memory"),
    "stores-stand-apart": ("memory", "import pipeline_store.aio"),
    "stores-serve": ("memory", "import pipeline_store.services"),
}
"""For each contract a folder and an import there that breaks it."""


def lint(source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the package in this folder."""
    program = "import sys; from importlinter.cli import lint_imports_command as lint; lint()"
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(source)!r}); {program}",
            "--config",
            str(ROOT / "pyproject.toml"),
            "--no-cache",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=source,
    )


def test_the_borders_are_kept() -> None:
    """No module imports what the contracts forbid."""
    found = lint(ROOT / "src")
    assert found.returncode == 0, found.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in found.stdout


def test_every_module_is_on_one_side() -> None:
    """Each module of the package is pure, or is known to build on a database or a terminal."""
    impure = {"aio", "cli", "legacy", "schemas", "sql", "__init__", "__main__"}
    (pure,) = (each["source_modules"] for each in CONTRACTS if each["id"] == "pure-is-pure")
    assert {module.removeprefix("pipeline_store.") for module in pure} == {
        path.stem
        for path in (ROOT / "src" / "pipeline_store").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem not in impure
    }


def test_each_border_can_be_broken(tmp_path: Path) -> None:
    """An import that crosses a border breaks the contract of that border, which tells of it."""
    shutil.copytree(ROOT / "src" / "pipeline_store", tmp_path / "pipeline_store")
    crossings: dict[str, str] = {}
    for number, contract in enumerate(CONTRACTS):
        folder, statement = CROSSINGS[contract["id"]]
        file = tmp_path / "pipeline_store" / folder / f"crossing{number}.py"
        file.write_text(f'"""Crosses a border."""\n\n{statement}\n')
        imported = statement.removeprefix("import ")
        crossings[contract["name"]] = f"pipeline_store.{folder}.{file.stem} -> {imported}"
    found = lint(tmp_path)
    assert found.returncode != 0
    assert f"0 kept, {len(CONTRACTS)} broken" in found.stdout
    _, told = found.stdout.split("Broken contracts", 1)
    # Each has its name above a line.
    titles = [f"\n{name}\n{'-' * len(name)}\n" for name in crossings]
    places = sorted(told.index(title) for title in titles)
    for title, crossing in zip(titles, crossings.values(), strict=True):
        begins = told.index(title)
        ends = next((place for place in places if place > begins), len(told))
        assert crossing in told[begins:ends]
