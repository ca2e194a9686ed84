"""Whole imports: files of one kind into a store, with an account of each file."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from pipeline_store.errors import InputFileRefused
from pipeline_store.importers.reading import VideoReading
from pipeline_store.importers.storing import (
    READINGS_PER_UNIT_OF_WORK,
    NewUnitOfWork,
    ReadingStorer,
    Sourced,
)
from pipeline_store.importers.summary import FileSummary
from pipeline_store.importers.trending import read_trending_file
from pipeline_store.importers.youtube_api import read_youtube_api_files
from pipeline_store.importers.yt_dlp import read_yt_dlp_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from pipeline_store.importers.niches import NicheRules
    from pipeline_store.importers.reading import Outcome
    from pipeline_store.importers.youtube_api import JoinedReading

Progress: TypeAlias = "Callable[[FileSummary], None]"
"""Called with a file's account so far, after every batch."""


def _ignore_progress(_summary: FileSummary) -> None:
    pass


def import_trending(
    new_unit_of_work: NewUnitOfWork,
    path: str,
    niches: NicheRules,
    *,
    year: int | None = None,
    progress: Progress = _ignore_progress,
) -> FileSummary:
    """Import one trending list; `year` is for lists whose days have none.

    What cannot be read is told in the account and never raised; what was read before stays stored.
    """
    storer = ReadingStorer(new_unit_of_work, niches, "trending")
    return _import_file(path, read_trending_file(path, year=year), storer, progress)


def import_yt_dlp(
    new_unit_of_work: NewUnitOfWork,
    path: str,
    niches: NicheRules,
    *,
    measured_at: datetime | None = None,
    progress: Progress = _ignore_progress,
) -> FileSummary:
    """Import one dump of yt-dlp; `measured_at` is for dumps that do not say when they were made.

    What cannot be read is told in the account and never raised; what was read before stays stored.
    """
    storer = ReadingStorer(new_unit_of_work, niches, "yt-dlp")
    return _import_file(path, read_yt_dlp_file(path, measured_at=measured_at), storer, progress)


def import_youtube_api(
    new_unit_of_work: NewUnitOfWork,
    paths: Sequence[str],
    niches: NicheRules,
    *,
    measured_at: datetime | None = None,
    progress: Progress = _ignore_progress,
) -> list[FileSummary]:
    """Import responses of YouTube's API, joined by video over all files.

    `measured_at` is for responses that do not say when they were recorded. What cannot be read is
    told in the accounts and never raised.
    """
    api = read_youtube_api_files(paths, measured_at=measured_at)
    titles = {**api.category_titles, **niches.titles}
    storer = ReadingStorer(new_unit_of_work, attrs.evolve(niches, titles=titles), "youtube-api")
    batch = [_sourced(joined, api.files) for joined in api.readings]
    for start in range(0, len(batch), READINGS_PER_UNIT_OF_WORK):
        storer.store(batch[start : start + READINGS_PER_UNIT_OF_WORK])
    for summary in api.files:
        progress(summary)
    return list(api.files)


def _sourced(joined: JoinedReading, files: Sequence[FileSummary]) -> Sourced:
    described, measured = joined.counts_in
    return Sourced(
        reading=joined.reading, described_in=files[described], measured_in=files[measured]
    )


def _import_file(
    path: str, outcomes: Iterable[Outcome], storer: ReadingStorer, progress: Progress
) -> FileSummary:
    summary = FileSummary(path=path)
    batch: list[Sourced] = []
    try:
        for outcome in outcomes:
            summary.note(outcome)
            if isinstance(outcome, VideoReading):
                sourced = Sourced(reading=outcome, described_in=summary, measured_in=summary)
                batch.append(sourced)
            if len(batch) == READINGS_PER_UNIT_OF_WORK:
                storer.store(batch)
                batch = []
                progress(summary)
    except InputFileRefused as refused:
        summary.problem = refused.reason
    storer.store(batch)
    progress(summary)
    return summary
