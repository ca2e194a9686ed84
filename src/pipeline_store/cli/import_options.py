"""What an import is told beside its files: niches, categories, times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import attrs
import typer

from pipeline_store.errors import InvalidValue
from pipeline_store.importers import (
    NicheRules,
    category_file_beside,
    parse_niche_pairs,
    read_category_file,
    read_niche_map,
)
from pipeline_store.values import as_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    typer.Option("--year", min=1970, max=2199, help="The year of days that are written without."),
]
MeasuredAt: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--measured-at",
        metavar="TIME",
        help="When numbers were read, for files that do not say; ISO 8601, UTC without an offset.",
    ),
]


@attrs.frozen(kw_only=True)
class NicheOptions:
    """The options that choose niches, checked before the first file is read."""

    fixed: str | None
    by_category: dict[str, str]
    categories: str | None
    titles: dict[int, str]
    region: str | None

    @classmethod
    def read(
        cls,
        *,
        niche: str | None,
        niche_map: str | None,
        niche_for: Sequence[str],
        categories: str | None,
        region: str | None,
    ) -> NicheOptions:
        """Check the options and read the files that they name.

        Raises:
            InputFileRefused: a named file cannot be read.
        """
        by_category = read_niche_map(niche_map) if niche_map is not None else {}
        try:
            # A later spelling of one category wins, so pairs come behind the file.
            by_category |= parse_niche_pairs(niche_for)
            NicheRules(fixed=niche)
            category_file_beside("", region or "US")
        except InvalidValue as error:
            raise typer.BadParameter(str(error)) from None
        return cls(
            fixed=niche,
            by_category=by_category,
            categories=categories,
            titles={} if categories is None else read_category_file(categories),
            region=region,
        )

    def rules_for(self, path: str) -> NicheRules:
        """Return how niches are chosen for the videos of an input file.

        Raises:
            InputFileRefused: the list of categories beside it cannot be read.
        """
        titles = self.titles
        beside = self._beside(path)
        if beside is not None:
            titles = read_category_file(beside)
        return NicheRules(fixed=self.fixed, by_category=self.by_category, titles=titles)

    def without_titles(self, paths: Sequence[str]) -> list[str]:
        """Return the files whose numbers of categories nothing gives a title."""
        if self.categories is not None or self.fixed is not None:
            return []
        return [path for path in paths if self._beside(path) is None]

    def _beside(self, path: str) -> str | None:
        if self.region is None or self.categories is not None:
            return None
        return category_file_beside(path, self.region)


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
