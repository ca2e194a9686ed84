"""The options of imports: niches, categories, times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from pipeline_store.errors import InvalidValue
from pipeline_store.values import as_instant

Files: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Files, plain or gzip.")
]
Categories: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--categories",
        metavar="FILE",
        help="A videoCategories.list response: titles of categories.",
    ),
]
Region: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="CC",
        help="Take the titles of categories from CC_category_id.json beside each file.",
    ),
]
Niche: TypeAlias = Annotated[
    str | None, typer.Option("--niche", metavar="NICHE", help="The niche of every video.")
]
NicheMap: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--niche-map",
        metavar="FILE",
        help='Niches by category number or title, in JSON: {"10": "music"}.',
    ),
]
NicheFor: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--niche-for",
        metavar="CATEGORY=NICHE",
        help="One entry of such a map; may be repeated, and beats --niche-map.",
    ),
]
Year: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--year",
        metavar="YEAR",
        min=1970,
        max=2199,
        help="The year of days that are written without.",
    ),
]
MeasuredAt: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--measured-at",
        metavar="TIME",
        help="When numbers were read, for files that do not say; ISO 8601, UTC without an offset.",
    ),
]


def measured_instant(text: str | None) -> datetime | None:
    """Return the instant that an option spells; without an offset it is UTC."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        return as_instant(
            "--measured-at", instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        )
    except InvalidValue as error:
        raise typer.BadParameter(str(error)) from None
    except ValueError:
        message = "--measured-at: a time such as 2026-02-28T12:00:00+00:00 expected"
        raise typer.BadParameter(message) from None
