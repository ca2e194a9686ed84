"""The command `pipeline-store`.

Nothing of the package needs it, and it alone needs the extra `cli`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

EXTRA: Final = {"rich", "typer"}
"""What the extra `cli` installs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (else the process's own) and return its exit code.

    0 is done, 1 refused or a problem found, 2 wrong usage.
    """
    try:
        from pipeline_store.cli.app import run  # noqa: PLC0415 - typer may be missing
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] not in EXTRA:
            raise
        cure = "pip install 'pipeline-store[cli]'"
        sys.stderr.write(f"error: the command line needs {missing.name}: {cure}\n")
        return 1
    return run(arguments)
