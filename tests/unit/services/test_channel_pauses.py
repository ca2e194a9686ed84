"""Pausing a channel, finding it by name, and removing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    Music,
    TransformationPreset,
    Video,
)
from pipeline_store.errors import InUse, InvalidValue, NotFound
from pipeline_store.services import pauses
from pipeline_store.services.channel_removal import remove_channel
from pipeline_store.services.lookup import channel_named, everything, preset_named

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork


def add_channel(uow: UnitOfWork, channel_id: str) -> Channel:
    return uow.channels.add(Channel(channel_id=channel_id, name=channel_id.title()))


def test_a_paused_channel_is_a_config_override(uow: UnitOfWork) -> None:
    """Its key names the channel as people do, and the row says who paused it."""
    add_channel(uow, "nature1")
    pauses.pause_channel(uow, "nature1", by="ann")
    override = uow.config_overrides.get("paused.channel.nature1")
    assert (override.value, override.updated_by) == ("true", "ann")
    assert pauses.paused_channels(uow) == ["nature1"]


def test_a_pause_ends_once(uow: UnitOfWork) -> None:
    """Resuming tells whether there was a pause, be it of a channel that is gone."""
    add_channel(uow, "nature1")
    pauses.pause_channel(uow, "nature1")
    pauses.pause_channel(uow, "nature1")
    assert pauses.resume_channel(uow, "nature1")
    assert not pauses.resume_channel(uow, "nature1")
    assert pauses.paused_channels(uow) == []
    uow.config_overrides.set("paused.channel.gone", "true")
    assert pauses.resume_channel(uow, "gone")


def test_channels_and_niches_are_paused_apart(uow: UnitOfWork) -> None:
    """One may be called like the other, and a channel may be set to go on."""
    for channel_id in ("pets", "Pets", "cars"):
        add_channel(uow, channel_id)
    pauses.pause_niche(uow, "cars")
    pauses.pause_channel(uow, "pets")
    pauses.pause_channel(uow, "Pets")
    uow.config_overrides.set("paused.channel.cars", "false")
    assert pauses.paused_channels(uow) == ["Pets", "pets"]
    assert pauses.paused_niches(uow) == ["cars"]


def test_only_a_channel_can_be_paused(uow: UnitOfWork) -> None:
    """A name that is spelled wrong pauses nothing, and the right one is told."""
    add_channel(uow, "nature1")
    with pytest.raises(NotFound, match=r"no channel 'natur1'; did you mean nature1\? .*list"):
        pauses.pause_channel(uow, "natur1")
    assert uow.config_overrides.count() == 0


def test_the_longest_name_that_can_be_paused(uow: UnitOfWork) -> None:
    """The longest key of a setting is 255 characters, "paused.channel." included."""
    for length in (240, 241):
        add_channel(uow, "n" * length)
    pauses.pause_channel(uow, "n" * 240)
    with pytest.raises(InvalidValue, match="channel_id: at most 240 characters"):
        pauses.pause_channel(uow, "n" * 241)
    assert pauses.paused_channels(uow) == ["n" * 240]


def test_a_channel_is_removed_with_its_pause(uow: UnitOfWork) -> None:
    """A new channel of that name starts without it, and without statistics."""
    channel = add_channel(uow, "nature1")
    uow.channel_statistics.record_new([ChannelStatistics(channel_id=channel.id, view_count=1)])
    pauses.pause_channel(uow, "nature1")
    remove_channel(uow, "nature1")
    add_channel(uow, "nature1")
    assert pauses.paused_channels(uow) == []
    assert uow.channel_statistics.count() == 0


def test_a_channel_with_videos_stays(uow: UnitOfWork) -> None:
    """The error names what to do instead."""
    channel = add_channel(uow, "nature1")
    uow.videos.add(
        Video(channel_id=channel.id, source_url="u", source_title="", source_platform="x")
    )
    uow.commit()
    with pytest.raises(InUse, match="pipeline-store channel deactivate nature1"):
        remove_channel(uow, "nature1")
    uow.rollback()
    with pytest.raises(NotFound):
        remove_channel(uow, "nature2")
    assert channel_named(uow, "nature1").id == channel.id


def test_presets_are_found_by_name(uow: UnitOfWork) -> None:
    """One that is not there is told with those that are spelled alike, if any are."""
    preset = uow.presets.add(TransformationPreset(name="shorts"))
    assert preset_named(uow, "shorts") is preset
    with pytest.raises(NotFound, match=r"no preset 'short'; did you mean shorts\?"):
        preset_named(uow, "short")
    with pytest.raises(NotFound, match=r"no preset 'wide'; `pipeline-store preset list`"):
        preset_named(uow, "wide")


def test_everything_is_more_than_a_page(uow: UnitOfWork) -> None:
    """All of it once, in the order of the keys."""
    added = uow.music.add_many(Music(name=str(n)) for n in range(2_001))
    assert [each.id for each in everything(uow.music)] == sorted(each.id for each in added)
