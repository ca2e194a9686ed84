"""What the demo imports: the sample that was made up for it, or real files of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers import NicheRules, category_file_beside, read_category_file
from pipeline_store.importers.importing import (
    import_trending,
    import_youtube_api,
    import_yt_dlp,
)
from pipeline_store.importers.kinds import Kind, kind_of_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline_store.importers import FileSummary
    from pipeline_store.importers.importing import Progress
    from pipeline_store.importers.storing import NewUnitOfWork

SAMPLE: Final = Path(__file__).with_name("made_up_trending.csv")
SAMPLE_NICHES: Final = {"10": "music", "15": "pets", "17": "sports", "20": "gaming"}
"""The niches of the sample, by YouTube's category."""


@attrs.frozen
class Source:
    """A file, which importer reads it, and how it gets its niches."""

    path: str
    kind: Kind
    niches: NicheRules


def sample() -> list[Source]:
    """Return the trending list whose videos, channels and numbers are made up."""
    return [Source(str(SAMPLE), "trending", NicheRules(by_category=SAMPLE_NICHES))]


def recognised(files: Sequence[Path]) -> list[Source]:
    """Return the files with their kinds, told by what they hold.

    Raises:
        InputFileRefused: one of them is of no known kind.
    """
    paths = [str(file) for file in files]
    return [Source(path, kind_of_file(path), _niches_for(path)) for path in paths]


def import_sources(
    new_unit_of_work: NewUnitOfWork, sources: Sequence[Source], progress: Progress
) -> Iterator[list[FileSummary]]:
    """Import the files and yield the accounts of those that are done."""
    for source in sources:
        if source.kind == "trending":
            yield [import_trending(new_unit_of_work, source.path, source.niches, progress=progress)]
        elif source.kind == "yt-dlp":
            yield [import_yt_dlp(new_unit_of_work, source.path, source.niches, progress=progress)]
    responses = [source.path for source in sources if source.kind == "youtube-api"]
    if responses:
        # In one call: parts of one video may stand in several responses.
        yield import_youtube_api(new_unit_of_work, responses, NicheRules(), progress=progress)


def _niches_for(path: str) -> NicheRules:
    """Return niches by the titles of categories, where a region's list lies beside the file."""
    region, underscore, _ = Path(path).name.partition("_")
    try:
        beside = category_file_beside(path, region) if underscore else None
        return NicheRules() if beside is None else NicheRules(titles=read_category_file(beside))
    except (InputFileRefused, ValueError):
        # The name says no region, or what lies beside is something else: niches are only nicer.
        return NicheRules()
