"""Finding things by the names that people use, and going through all of them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline_store.errors import AlreadyExists, NotFound
from pipeline_store.repository import LONGEST_PAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline_store.channels import Channel, TransformationPreset
    from pipeline_store.repository import Repository
    from pipeline_store.unit_of_work import UnitOfWork

Entity = TypeVar("Entity")


def everything(collection: Repository[Entity, Any]) -> Iterator[Entity]:
    """Yield every object of a collection whose key is its `id`, in the order of the keys.

    By one query for every 10,000.
    """
    after: Any = None
    while page := collection.page(after, LONGEST_PAGE):
        yield from page
        if len(page) < LONGEST_PAGE:
            return
        last: Any = page[-1]
        after = last.id


def channel_named(uow: UnitOfWork, channel_id: str) -> Channel:
    """Return the channel of that name, `Channel.channel_id`.

    Raises:
        NotFound: there is none; the message names those that are spelled alike.
    """
    channel = uow.channels.by_channel_id(channel_id)
    if channel is None:
        known = (each.channel_id for each in everything(uow.channels))
        raise NotFound(_no("channel", channel_id, known))
    return channel


def preset_named(uow: UnitOfWork, name: str) -> TransformationPreset:
    """Return the preset of that name.

    Raises:
        NotFound: there is none; the message names those that are spelled alike.
    """
    preset = uow.presets.by_name(name)
    if preset is None:
        raise NotFound(_no("preset", name, (each.name for each in everything(uow.presets))))
    return preset


def check_channel_is_new(uow: UnitOfWork, channel_id: str) -> None:
    """Make sure that no channel has this name yet.

    Raises:
        AlreadyExists: one has.
    """
    if uow.channels.by_channel_id(channel_id) is not None:
        raise AlreadyExists(
            f"channel {channel_id} is there already; "
            f"`pipeline-store channel set {channel_id}` changes it"
        )


def check_youtube_id_is_free(uow: UnitOfWork, youtube_id: str, channel_id: str) -> None:
    """Make sure that no other channel than that of this name has the id on YouTube.

    Raises:
        AlreadyExists: another one has.
    """
    owner = uow.channels.by_youtube_channel_id(youtube_id)
    if owner is not None and owner.channel_id != channel_id:
        raise AlreadyExists(f"the YouTube id {youtube_id} is that of channel {owner.channel_id}")


def check_preset_is_new(uow: UnitOfWork, name: str) -> None:
    """Make sure that no preset has this name yet.

    Raises:
        AlreadyExists: one has.
    """
    if uow.presets.by_name(name) is not None:
        raise AlreadyExists(
            f"preset {name} is there already; remove it first, or choose another name"
        )


def check_spotify_id_is_free(uow: UnitOfWork, spotify_track_id: str) -> None:
    """Make sure that no piece of music has this id on Spotify yet.

    Raises:
        AlreadyExists: one has.
    """
    piece = uow.music.by_spotify_track_id(spotify_track_id)
    if piece is not None:
        raise AlreadyExists(
            f"the Spotify id {spotify_track_id} is that of {piece.name} ({piece.id})"
        )


def _no(kind: str, name: str, known: Iterable[str]) -> str:
    alike = get_close_matches(name, list(known))
    meant = f"; did you mean {' or '.join(alike)}?" if alike else ";"
    return f"no {kind} {name!r}{meant} `pipeline-store {kind} list` shows all"
