"""Real files into the store: discovered videos and snapshots of their numbers.

The readers are loaded when files are imported, so that other commands start without them.
"""

# Typer reads annotations while the program runs, so they are not postponed here.

import typer

from pipeline_store.cli.import_options import (
    Categories,
    Files,
    MeasuredAt,
    Niche,
    NicheFor,
    NicheMap,
    Region,
    Year,
    measured_instant,
)
from pipeline_store.cli.options import AsJson, database_of

import_app = typer.Typer(
    help="Read real files about videos; nothing is stored twice.",
    no_args_is_help=True,
)


@import_app.command("trending")
def trending(
    context: typer.Context,
    files: Files,
    *,
    categories: Categories = None,
    region: Region = None,
    niche: Niche = None,
    niche_map: NicheMap = None,
    niche_for: NicheFor = None,
    year: Year = None,
    as_json: AsJson = False,
) -> None:
    """Import lists of trending videos, CSV in any known layout."""
    from pipeline_store.cli import import_work  # noqa: PLC0415 - see above

    niches = import_work.NicheOptions.read(
        niche=niche,
        niche_map=niche_map,
        niche_for=niche_for or (),
        categories=categories,
        region=region,
    )
    import_work.trending(database_of(context), files, niches, year=year, as_json=as_json)


@import_app.command("yt-dlp")
def yt_dlp(
    context: typer.Context,
    files: Files,
    *,
    categories: Categories = None,
    region: Region = None,
    niche: Niche = None,
    niche_map: NicheMap = None,
    niche_for: NicheFor = None,
    measured_at: MeasuredAt = None,
    as_json: AsJson = False,
) -> None:
    """Import what yt-dlp writes with --write-info-json or --dump-json."""
    from pipeline_store.cli import import_work  # noqa: PLC0415 - see above

    instant = measured_instant(measured_at)
    niches = import_work.NicheOptions.read(
        niche=niche,
        niche_map=niche_map,
        niche_for=niche_for or (),
        categories=categories,
        region=region,
    )
    import_work.yt_dlp(database_of(context), files, niches, measured_at=instant, as_json=as_json)


@import_app.command("youtube-api")
def youtube_api(
    context: typer.Context,
    files: Files,
    *,
    categories: Categories = None,
    region: Region = None,
    niche: Niche = None,
    niche_map: NicheMap = None,
    niche_for: NicheFor = None,
    measured_at: MeasuredAt = None,
    as_json: AsJson = False,
) -> None:
    """Import responses of YouTube's Data API, joined by video.

    Lists of categories among the files name the niches of the videos.
    """
    from pipeline_store.cli import import_work  # noqa: PLC0415 - see above

    instant = measured_instant(measured_at)
    niches = import_work.NicheOptions.read(
        niche=niche,
        niche_map=niche_map,
        niche_for=niche_for or (),
        categories=categories,
        region=region,
    )
    import_work.youtube_api(
        database_of(context), files, niches, measured_at=instant, as_json=as_json
    )
