"""A folder to tell the demo in."""

from __future__ import annotations

import shutil
from contextlib import chdir
from typing import TYPE_CHECKING

import pytest

from tests.integration.demo.telling import Told, rows_at, tell

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty, with nothing in the environment that names a database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PIPELINE_STORE_URL", raising=False)
    return tmp_path


@pytest.fixture
def url(folder: Path) -> str:
    """The default database, in that folder."""
    assert not list(folder.iterdir())
    return "sqlite:///pipeline.db"


@pytest.fixture
def made_url(url: str, folder: Path, migrated_file: Path) -> str:
    """The same, made already, without rows: many tests need one, and making it takes its time."""
    shutil.copy(migrated_file, folder / "pipeline.db")
    return url


@pytest.fixture(scope="package")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The demo on its own sample, told once; not to be changed."""
    folder = tmp_path_factory.mktemp("told")
    with chdir(folder), pytest.MonkeyPatch.context() as patched:
        patched.delenv("PIPELINE_STORE_URL", raising=False)
        shown = tell("sqlite:///pipeline.db")
        return Told(folder, shown, rows_at("sqlite:///pipeline.db"))
