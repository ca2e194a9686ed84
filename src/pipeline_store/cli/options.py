"""Options and arguments that several commands share, and what they are read into."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated, Final, TypeAlias

import typer

from pipeline_store.cli.database import Database

LONGEST_REVIEW_HOURS: Final = 24 * 365


def database_of(context: typer.Context) -> Database:
    """Return the database that the whole command works on."""
    database = context.obj
    if not isinstance(database, Database):
        raise TypeError("the application did not set the context's database")
    return database


def _checked_hours(hours: float) -> float:
    if not (math.isfinite(hours) and 0 <= hours <= LONGEST_REVIEW_HOURS):
        message = f"0 to {LONGEST_REVIEW_HOURS} hours expected"
        raise typer.BadParameter(message)
    return hours


def review_limit(hours: float) -> timedelta:
    """Return how long a request may wait for an answer."""
    return timedelta(hours=hours)


AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON on the standard output.")
]
RunId: TypeAlias = Annotated[int, typer.Argument(metavar="RUN", help="The run's id.")]
Hours: TypeAlias = Annotated[
    float,
    typer.Option(
        "--hours",
        metavar="HOURS",
        callback=_checked_hours,
        help="How long a request may wait for an answer.",
    ),
]
Module: TypeAlias = Annotated[
    str | None, typer.Option("--module", metavar="NAME", help="Only errors of this module.")
]
UnresolvedOnly: TypeAlias = Annotated[
    bool, typer.Option("--unresolved", help="Only errors that nobody has seen to.")
]
Limit: TypeAlias = Annotated[
    int,
    typer.Option(
        "--limit",
        metavar="NUMBER",
        min=1,
        max=10_000,
        help="How many to show at most, newest first.",
    ),
]
