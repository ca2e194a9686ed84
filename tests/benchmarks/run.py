"""Measures everything and prints one line for each; ends with 1 when a target is missed.

Rivals take turns, and of each the best round counts, for it is the one that other work on the
machine disturbed least: of five rounds, or of up to fifteen while a target seems to be missed.
`latest_for` compares medians of 300 calls, and claims among many tasks medians of 400. All else
about claims, and enqueuing, compares medians of the quietest third of many short rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import claims, latest, memory, recording, tasks, units
from tests.postgres_server import (
    FAST,
    LocalPostgresServer,
    PostgresMissingError,
    find_binaries,
    wheel_binaries,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.result import Result

GROUPS = ("units", "recording", "memory", "claims", "latest", "tasks")
LINE = "{:<64} {:>13} {:>13}  {:<22} {:>6}  {:<13} {}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the chosen groups."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON list at the end")
    parser.add_argument("--only", choices=GROUPS, action="append", help="measure this group alone")
    options = parser.parse_args(arguments)
    results: list[Result] = []
    if not options.json:
        print(LINE.format("measured", "ours", "other", "beside", "ratio", "target", ""))
    try:
        for result in measure(options.only or GROUPS):
            results.append(result)
            if not options.json:
                print(line(result), flush=True)
    except PostgresMissingError as missing:
        print(missing, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps([result.as_dict() for result in results], indent=2))
    return int(any(result.is_missed for result in results))


def measure(groups: Sequence[str]) -> Iterator[Result]:
    """The results, one after the other."""
    binaries = find_binaries(os.environ, wheel_binaries())
    with tempfile.TemporaryDirectory(prefix="pipeline-store-bench-") as name:
        folder = Path(name)
        if "units" in groups:
            yield from units.on_sqlite(folder)
        # Without settings of ours it writes to the disk as any server does.
        with LocalPostgresServer(binaries, {}) as server:
            if "recording" in groups:
                yield from recording.on_postgresql(server)
                yield from recording.on_sqlite(folder)
            if "memory" in groups:
                yield memory.on_postgresql(server)
                yield memory.on_sqlite(folder)
            if "claims" in groups:
                yield from claims.on_postgresql(server, claims.JOBS)
            if "tasks" in groups:
                yield from tasks.on_postgresql(server)
        if "tasks" in groups:
            yield from tasks.on_server_filled_soon(binaries)
            yield from tasks.on_sqlite(folder)
        if "latest" in groups:
            with LocalPostgresServer(binaries, {**FAST, **latest.FILLED_SOON}) as server:
                yield latest.on_postgresql(server)
            yield latest.on_sqlite(folder)


def line(result: Result) -> str:
    """The result as a row of the table."""
    digits = 0 if result.unit.endswith("/s") else 1
    target = "" if result.target is None else f"{result.bound} {result.target}"
    return LINE.format(
        result.what,
        f"{result.ours:,.{digits}f} {result.unit}",
        f"{result.other:,.{digits}f}",
        result.beside,
        f"{result.ratio:.2f}",
        target,
        result.verdict,
    )


if __name__ == "__main__":
    sys.exit(main())
