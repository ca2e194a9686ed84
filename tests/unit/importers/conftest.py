"""A store that imports go into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store import open_store
from pipeline_store.channels import Channel, Video
from tests.unit.importers.api_responses import CHANNEL, VIDEO
from tests.unit.importers.imports import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store import Store, UnitOfWork


@pytest.fixture
def store() -> Store:
    """An empty store on the first of March 2026."""
    return open_store("memory://", clock=lambda: NOW)


@pytest.fixture
def after(store: Store) -> Iterator[UnitOfWork]:
    """A look into the store, taken when it is first used."""
    with store.unit_of_work() as uow:
        yield uow


@pytest.fixture
def known(store: Store) -> Channel:
    """A channel that the store has, under a name of its own."""
    with store.unit_of_work() as uow:
        made = uow.channels.add(
            Channel(channel_id="nature1", name="Nature", youtube_channel_id=CHANNEL)
        )
        uow.commit()
    return made


@pytest.fixture
def known_video(store: Store, known: Channel) -> Video:
    """A video that the store has, made by ourselves and published as `VIDEO`."""
    with store.unit_of_work() as uow:
        made = uow.videos.add(
            Video(
                channel_id=known.id,
                source_url="https://example.org/v",
                source_title="V",
                source_platform="somewhere",
                youtube_video_id=VIDEO,
            )
        )
        uow.commit()
    return made
