"""Music: pieces that can be laid under videos."""

# Typer reads annotations while the program runs, so they are not postponed here.

from typing import Annotated
from uuid import UUID

import typer

from pipeline_store.channels import Music
from pipeline_store.cli import tables
from pipeline_store.cli.answers import tell
from pipeline_store.cli.json_input import json_object_in
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.services.lookup import check_spotify_id_is_free, everything

music_app = typer.Typer(help="Keep the music for videos.", no_args_is_help=True)


@music_app.command("list")
def list_music(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List all music, what was used least first."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        pieces = sorted(everything(uow.music), key=lambda piece: (piece.usage_count, piece.id))
    if as_json:
        print_json(pieces)
        return
    table = tables.new_table()
    tables.add_exact_column(table, "id")
    tables.add_text_column(table, "name", at_least=8)
    tables.add_text_column(table, "artist")
    tables.add_exact_column(table, "length", number=True)
    tables.add_exact_column(table, "used", number=True)
    for piece in pieces:
        tables.add_row(
            table,
            (
                str(piece.id),
                piece.name,
                piece.artist,
                _length(piece.duration_seconds),
                piece.usage_count,
            ),
        )
    tables.print_table(table, "no music yet: `pipeline-store music add` adds some")


def _length(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


@music_app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the piece is called.")],
    *,
    artist: Annotated[
        str | None, typer.Option("--artist", metavar="NAME", help="Whose it is.")
    ] = None,
    spotify_id: Annotated[
        str | None, typer.Option("--spotify-id", metavar="ID", help="Its id on Spotify.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", metavar="PATH", help="Where it is; not looked into.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", metavar="SECONDS", help="How long it is.")
    ] = None,
    metadata: Annotated[
        str | None, typer.Option("--metadata", metavar="JSON", help="Anything else about it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a piece of music."""
    given = json_object_in("--metadata", metadata or "{}")
    with database_of(context).unit_of_work() as uow:
        if spotify_id is not None:
            check_spotify_id_is_free(uow, spotify_id)
        piece = uow.music.add(
            Music(
                name=name,
                artist=artist,
                spotify_track_id=spotify_id,
                file_path=file,
                duration_seconds=seconds,
                metadata=given,
            )
        )
        uow.commit()
    tell(piece, f"{name} is added as {piece.id}", as_json=as_json)


@music_app.command("remove")
def remove(
    context: typer.Context,
    music_id: Annotated[
        UUID, typer.Argument(metavar="ID", help="The piece's id, as `music list` shows it.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Remove a piece of music; videos that have it go on without."""
    with database_of(context).unit_of_work() as uow:
        piece = uow.music.get(music_id)
        uow.music.remove(piece)
        uow.commit()
    document = {"id": music_id, "removed": True}
    tell(document, f"{piece.name} ({music_id}) is removed", as_json=as_json)
