"""`python -m pipeline_store` is the command `pipeline-store`."""

from __future__ import annotations

import sys

from pipeline_store.cli import main

if __name__ == "__main__":
    sys.exit(main())
