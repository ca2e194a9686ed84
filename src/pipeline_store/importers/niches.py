"""Which niche a video belongs to: said by the user, else by its category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from pipeline_store.errors import InputFileRefused, InvalidValue
from pipeline_store.importers import fields
from pipeline_store.importers.json_files import read_json
from pipeline_store.values import LONGEST_KEY, check_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_store.importers.reading import VideoReading

UNCATEGORISED: Final = "uncategorised"
"""The niche of a video of which nothing tells a better one."""


def read_niche_map(path: str) -> dict[str, str]:
    """Return the niches in a JSON file such as {"10": "music", "Gaming": "games"}.

    Raises:
        InputFileRefused: no file, not JSON, or not an object of texts.
    """
    document = fields.json_object(read_json(path))
    if document is None:
        raise InputFileRefused(path, 'not a map of categories to niches such as {"10": "music"}')
    niches: dict[str, str] = {}
    for category, niche in document.items():
        try:
            _check_niche(f"niche of category {fields.shown(category)}", niche)
        except InvalidValue as error:
            raise InputFileRefused(path, str(error)) from None
        niches[category] = str(niche)
    return niches


def parse_niche_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """Return the niches in texts such as "10=music" and "Gaming=games".

    Raises:
        InvalidValue: a text is not a category, "=" and a niche.
    """
    niches: dict[str, str] = {}
    for pair in pairs:
        category, equals, niche = pair.partition("=")
        if not (category.strip() and equals and niche.strip()):
            message = f"niche map: CATEGORY=NICHE expected, found {fields.shown(pair)}"
            raise InvalidValue(message)
        _check_niche("niche", niche.strip())
        niches[category.strip()] = niche.strip()
    return niches


def _check_niche(name: str, niche: object) -> None:
    check_text(name, niche, longest=LONGEST_KEY, empty=False)


def _check_fixed(_rules: object, _field: object, niche: str | None) -> None:
    if niche is not None:
        _check_niche("niche", niche)


def _same(category: str) -> str:
    """Return what the spellings of one category have in common."""
    return category.strip().casefold()


def _by_spelling(niches: Mapping[str, str]) -> dict[str, str]:
    return {_same(category): niche for category, niche in niches.items()}


def _numbers_by_title(rules: NicheRules) -> dict[str, int]:
    return {_same(title): number for number, title in rules.titles.items()}


@attrs.frozen(kw_only=True)
class NicheRules:
    """How niches are chosen: the fixed one, else the map, else the category's title."""

    fixed: str | None = attrs.field(default=None, validator=_check_fixed)
    by_category: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=_by_spelling)
    """Niches by category number or title; capitals do not matter."""

    titles: Mapping[int, str] = attrs.field(factory=dict[int, str])
    """Titles of categories by number."""

    _numbers: Mapping[str, int] = attrs.field(
        init=False, repr=False, default=attrs.Factory(_numbers_by_title, takes_self=True)
    )

    def category_id_of(self, reading: VideoReading) -> int | None:
        """Return the number of the video's category, looked up by title when only that is given."""
        if reading.category_id is not None or reading.category_name is None:
            return reading.category_id
        return self._numbers.get(_same(reading.category_name))

    def niche_for(self, reading: VideoReading) -> str:
        """Return the niche of the video that `reading` is about."""
        if self.fixed is not None:
            return self.fixed
        number = self.category_id_of(reading)
        title = reading.category_name
        if title is None and number is not None:
            title = self.titles.get(number)
        for key in (None if number is None else str(number), title):
            if key is not None and _same(key) in self.by_category:
                return self.by_category[_same(key)]
        return title or UNCATEGORISED
