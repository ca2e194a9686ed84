"""The real files that importers are tested on. They are not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "PIPELINE_STORE_REAL_DATA"
REPOSITORY = Path(__file__).resolve().parent.parent


def real_data(*parts: str) -> Path:
    """A file or folder of the real data; without it the calling test is skipped.

    Where the variable names a place, missing data is a failure.
    """
    named = os.environ.get(VARIABLE)
    root = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    path = root.joinpath(*parts)
    if not path.exists():
        reason = f"no real data at {path}; {VARIABLE} says where it is"
        if named:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path
