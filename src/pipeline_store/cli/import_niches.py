"""The options that choose niches for imported videos, checked and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Sequence


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
