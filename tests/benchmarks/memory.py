"""The most memory that a process needs to record few and many readings from a generator."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_store import open_store
from tests.benchmarks.readings import readings
from tests.benchmarks.recording import record
from tests.benchmarks.result import AT_MOST, Result

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer

FEW, MANY = 100_000, 400_000


def on_postgresql(server: PostgresServer) -> Result:
    """A process of its own for each size."""
    url = server.create_database()
    result = _measure("PostgreSQL", url)
    server.drop_database(url)
    return result


def on_sqlite(folder: Path) -> Result:
    """A process of its own for each size."""
    return _measure("SQLite", f"sqlite:///{folder / 'memory.db'}")


def _measure(database: str, url: str) -> Result:
    store = open_store(url)
    store.upgrade()
    store.close()
    return Result(
        what=f"{database}: peak memory, generator of {MANY:,} readings",
        unit="MB",
        ours=_peak_megabytes(url, MANY),
        beside=f"generator of {FEW:,}",
        other=_peak_megabytes(url, FEW),
        target=1.1,
        bound=AT_MOST,
    )


def _peak_megabytes(url: str, count: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.memory", url, str(count)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _own_peak_megabytes() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # The other way counts what the parent process held when it started this one.
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if peak:
            return int(peak[1]) / 1024
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    store = open_store(sys.argv[1])
    record(store, readings(int(sys.argv[2])))
    store.close()
    print(_own_peak_megabytes())
