"""Channels: found by their names, and what a removal does to what refers to them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    ProcessingJob,
    TransformationPreset,
    Video,
)
from pipeline_store.errors import AlreadyExists, Conflict, InUse, InvalidValue, NotFound
from pipeline_store.uuid_keys import new_key
from tests.integration.contract.in_turn import in_turn

if TYPE_CHECKING:
    from pipeline_store import Store
    from tests.integration.contract.conftest import SteppedClock


def add_channel(store: Store, channel_id: str = "nature1", **values: Any) -> Channel:
    """A committed channel."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id=channel_id, name="Nature", **values))
        uow.commit()
    return channel


class TestQuestions:
    """How channels are found."""

    def test_by_name(self, store: Store) -> None:
        channel = add_channel(store, youtube_channel_id="UC1")
        with store.unit_of_work(read_only=True) as uow:
            by_name = uow.channels.by_channel_id("nature1")
            assert by_name is not None
            assert by_name.id == channel.id
            assert uow.channels.by_youtube_channel_id("UC1") is by_name
            assert uow.channels.by_channel_id("Nature1") is None
            assert uow.channels.by_youtube_channel_id("uc1") is None

    def test_the_active_ones_by_name(self, store: Store) -> None:
        for name, is_active in [("b", True), ("a", True), ("c", False), ("Z", True)]:
            add_channel(store, name, is_active=is_active)
        with store.unit_of_work(read_only=True) as uow:
            assert [channel.channel_id for channel in uow.channels.active()] == ["Z", "a", "b"]

    @in_turn("name", [None, 1, b"nature1", "\x00", "\ud800"])
    def test_bad_names(self, store: Store, name: Any) -> None:
        with store.unit_of_work(read_only=True) as uow:
            with pytest.raises(InvalidValue):
                uow.channels.by_channel_id(name)
            with pytest.raises(InvalidValue):
                uow.channels.by_youtube_channel_id(name)


class TestUniqueNames:
    """Two channels never share a name, but for having none on YouTube."""

    @pytest.mark.parametrize("values", [{"channel_id": "nature1"}, {"youtube_channel_id": "UC1"}])
    def test_taken(self, store: Store, values: dict[str, str]) -> None:
        add_channel(store, youtube_channel_id="UC1")
        with store.unit_of_work() as uow, pytest.raises(AlreadyExists):
            uow.channels.add(Channel(**{"channel_id": "other", "name": "Other"} | values))

    def test_several_without_one_on_youtube(self, store: Store) -> None:
        add_channel(store)
        add_channel(store, "nature2")

    def test_taken_by_a_change(self, store: Store) -> None:
        add_channel(store)
        other = add_channel(store, "nature2")
        with store.unit_of_work() as uow:
            uow.channels.get(other.id).channel_id = "nature1"
            with pytest.raises(AlreadyExists):
                uow.commit()


class TestChanges:
    """When a channel was changed, and what cannot be lost."""

    def test_times_come_from_the_clock(self, store: Store, clock: SteppedClock) -> None:
        made = clock.instant
        channel = add_channel(store)
        assert channel.created_at == channel.updated_at == made
        clock.advance(hours=1)
        with store.unit_of_work() as uow:
            uow.channels.get(channel.id).name = "Wild nature"
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            stored = uow.channels.get(channel.id)
        assert (stored.created_at, stored.updated_at) == (made, made + timedelta(hours=1))

    def test_nothing_is_touched_without_a_change(self, store: Store, clock: SteppedClock) -> None:
        channel = add_channel(store, settings={"a": 1})
        clock.advance(hours=1)
        with store.unit_of_work() as uow:
            same = uow.channels.get(channel.id)
            same.name = "Nature"
            same.settings = {"a": 1}
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert uow.channels.get(channel.id).updated_at == channel.updated_at

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"a": 1}, {"a": True}),
            ({"a": 1}, {"a": 1.0}),
            ({"a": [1, {"b": None}]}, {"a": [1, {"b": None, "c": ""}]}),
            ({}, {"ä🎬": [[]]}),
            ({"big": 2**40}, {"big": 2**63 - 1}),
        ],
    )
    def test_json_is_kept_to_the_letter(self, store: Store, before: Any, after: Any) -> None:
        channel = add_channel(store, settings=before)
        with store.unit_of_work() as uow:
            uow.channels.get(channel.id).settings = after
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            stored = uow.channels.get(channel.id).settings
        assert repr(stored) == repr(after)

    def test_json_cannot_be_changed_in_place(self, store: Store) -> None:
        channel = add_channel(store, settings={"a": {"b": [1]}})
        with store.unit_of_work() as uow:
            settings: Any = uow.channels.get(channel.id).settings
            for change in (
                lambda: settings.update(a=1),
                lambda: settings.__setitem__("a", 1),
                lambda: settings["a"].pop("b"),
                lambda: settings["a"]["b"].append(2),
                lambda: settings["a"]["b"].sort(),
            ):
                with pytest.raises(TypeError, match="assign"):
                    change()
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert uow.channels.get(channel.id).settings == {"a": {"b": [1]}}

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_a_lost_update_of_json_is_a_conflict(self, store: Store) -> None:
        channel = add_channel(store, settings={"a": 1})
        with store.unit_of_work() as first, store.unit_of_work() as second:
            mine, theirs = first.channels.get(channel.id), second.channels.get(channel.id)
            theirs.settings = {"a": True}
            second.commit()
            mine.name = "Mine"
            with pytest.raises(Conflict):
                first.commit()


class TestRemoval:
    """What is removed with a channel, and what prevents it."""

    def test_refused_with_a_video(self, store: Store) -> None:
        channel = add_channel(store)
        with store.unit_of_work() as uow:
            uow.videos.add(
                Video(
                    channel_id=channel.id,
                    source_url="https://example.org/1",
                    source_title="One",
                    source_platform="example",
                )
            )
            uow.commit()
        with store.unit_of_work() as uow, pytest.raises(InUse):
            uow.channels.remove(uow.channels.get(channel.id))
        with store.unit_of_work() as uow:
            assert uow.channels.get(channel.id).name == "Nature"

    def test_refused_with_a_job(self, store: Store) -> None:
        channel = add_channel(store)
        with store.unit_of_work() as uow:
            uow.jobs.add(ProcessingJob(channel_id=channel.id, job_type="scrape"))
            uow.commit()
        with store.unit_of_work() as uow, pytest.raises(InUse):
            uow.channels.remove(uow.channels.get(channel.id))

    def test_readings_go_with_it(self, store: Store) -> None:
        channel, other = add_channel(store), add_channel(store, "nature2")
        with store.unit_of_work() as uow:
            for owner in (channel, other):
                uow.channel_statistics.add(ChannelStatistics(channel_id=owner.id, view_count=1))
            uow.commit()
        with store.unit_of_work() as uow:
            known = uow.channel_statistics.series(channel.id)[0]
            uow.channels.remove(uow.channels.get(channel.id))
            assert uow.channel_statistics.find(known.id) is None
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert uow.channel_statistics.count() == 1
            assert len(uow.channel_statistics.series(other.id)) == 1

    def test_readings_stay_when_it_is_rolled_back(self, store: Store) -> None:
        channel = add_channel(store)
        with store.unit_of_work() as uow:
            reading = uow.channel_statistics.add(
                ChannelStatistics(channel_id=channel.id, view_count=1)
            )
            uow.commit()
        before = attrs.asdict(reading)
        with store.unit_of_work() as uow:
            uow.channel_statistics.get(reading.id)
            uow.channels.remove(uow.channels.get(channel.id))
        with store.unit_of_work(read_only=True) as uow:
            assert attrs.asdict(uow.channel_statistics.get(reading.id)) == before

    @pytest.mark.parametrize("known", [False, True])
    def test_a_preset_leaves_its_channels(
        self, store: Store, clock: SteppedClock, known: bool
    ) -> None:
        with store.unit_of_work() as uow:
            preset = uow.presets.add(TransformationPreset(name="bright"))
            uow.commit()
        channel = add_channel(store, default_preset_id=preset.id)
        clock.advance(minutes=1)
        with store.unit_of_work() as uow:
            held = uow.channels.get(channel.id) if known else None
            uow.presets.remove(uow.presets.get(preset.id))
            if held is not None:
                assert held.default_preset_id is None
                held.name = "Without"
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            stored = uow.channels.get(channel.id)
        assert stored.default_preset_id is None
        assert stored.updated_at == clock.instant
        assert stored.name == ("Without" if known else "Nature")

    def test_an_unknown_preset(self, store: Store) -> None:
        with store.unit_of_work() as uow, pytest.raises(NotFound):
            uow.channels.add(Channel(channel_id="a", name="A", default_preset_id=new_key()))


def test_keys_sort_by_age(store: Store) -> None:
    """Pages come in the order in which objects were added."""
    added = [add_channel(store, f"channel-{9 - number}").id for number in range(5)]
    with store.unit_of_work(read_only=True) as uow:
        first = uow.channels.page(limit=3)
        rest = uow.channels.page(after=first[-1].id)
    assert [channel.id for channel in [*first, *rest]] == added
    assert all(key.version == 7 for key in added)
