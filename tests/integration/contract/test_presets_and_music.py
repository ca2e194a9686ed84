"""Presets, of which one is the default, and music, of which uses are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store.channels import Music, TransformationPreset
from pipeline_store.errors import AlreadyExists, Conflict, NotFound
from pipeline_store.uuid_keys import new_key

if TYPE_CHECKING:
    from pipeline_store import Store
    from tests.integration.contract.conftest import SteppedClock


class TestPresets:
    """Presets."""

    def test_by_name(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            preset = uow.presets.add(TransformationPreset(name="bright", parameters={"gain": 1.5}))
            assert uow.presets.by_name("bright") is preset
            assert uow.presets.by_name("Bright") is None
            with pytest.raises(AlreadyExists):
                uow.presets.add(TransformationPreset(name="bright"))

    def test_the_active_ones_by_name(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            uow.presets.add_many(
                TransformationPreset(name=name, is_active=name != "c") for name in ("b", "c", "a")
            )
            assert [preset.name for preset in uow.presets.active()] == ["a", "b"]

    def test_one_default(self, store: Store, clock: SteppedClock) -> None:
        with store.unit_of_work() as uow:
            assert uow.presets.default() is None
            first, second = uow.presets.add_many(
                TransformationPreset(name=name) for name in ("a", "b")
            )
            uow.presets.make_default(first.id)
            uow.commit()
        clock.advance(hours=1)
        with store.unit_of_work() as uow:
            assert uow.presets.make_default(second.id).is_default
            uow.commit()
        with store.unit_of_work() as uow:
            default = uow.presets.default()
            assert default is not None
            assert default.id == second.id
            assert default.updated_at == clock.instant
            assert [preset.is_default for preset in uow.presets.page()] == [False, True]

    @pytest.mark.differs("sqlite", "postgres", reason="the second waits, and takes its place")
    def test_two_made_the_default_at_once(self, store: Store) -> None:
        """The second gets a Conflict, also when it has read the other one before."""
        with store.unit_of_work() as uow:
            first, second = uow.presets.add_many(
                TransformationPreset(name=name) for name in ("a", "b")
            )
            uow.commit()
        with store.unit_of_work() as one, store.unit_of_work() as other:
            other.presets.get(first.id)
            one.presets.make_default(first.id)
            other.presets.make_default(second.id)
            one.commit()
            with pytest.raises(Conflict, match="somebody else made another the default"):
                other.commit()
            other.rollback()
            other.presets.make_default(second.id)
            other.commit()
        with store.unit_of_work() as uow:
            assert [preset.is_default for preset in uow.presets.page()] == [False, True]

    def test_an_inactive_default_is_none(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            uow.presets.add(TransformationPreset(name="a", is_default=True, is_active=False))
            assert uow.presets.default() is None

    def test_an_unknown_one(self, store: Store) -> None:
        with store.unit_of_work() as uow, pytest.raises(NotFound):
            uow.presets.make_default(new_key())


class TestMusic:
    """Music."""

    def test_by_its_id_on_spotify(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            uow.music.add(Music(name="Untold"))
            piece = uow.music.add(Music(name="Song", spotify_track_id="4uLU6hMCjMI75M1A2tKUQC"))
            assert uow.music.by_spotify_track_id("4uLU6hMCjMI75M1A2tKUQC") is piece
            assert uow.music.by_spotify_track_id("x") is None
            with pytest.raises(AlreadyExists):
                uow.music.add(Music(name="Copy", spotify_track_id="4uLU6hMCjMI75M1A2tKUQC"))

    def test_least_used(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            often, never, once, also_never, _ = uow.music.add_many(
                Music(name=name, usage_count=count, is_active=active)
                for name, count, active in [
                    ("often", 9, True),
                    ("never", 0, True),
                    ("once", 1, True),
                    ("also never", 0, True),
                    ("gone", 0, False),
                ]
            )
            assert uow.music.least_used() == [never]
            assert uow.music.least_used(limit=10) == [never, also_never, once, often]

    def test_uses_are_counted(self, store: Store, clock: SteppedClock) -> None:
        with store.unit_of_work() as uow:
            piece = uow.music.add(Music(name="Song"))
            uow.commit()
        clock.advance(minutes=1)
        with store.unit_of_work() as uow:
            uow.music.record_use(piece.id)
            assert uow.music.record_use(piece.id).usage_count == 2
            uow.commit()
        with store.unit_of_work() as uow:
            stored = uow.music.get(piece.id)
            assert (stored.usage_count, stored.updated_at) == (2, clock.instant)
            with pytest.raises(NotFound):
                uow.music.record_use(new_key())

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_uses_recorded_by_others_are_counted_too(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            piece = uow.music.add(Music(name="Song"))
            uow.commit()
        with store.unit_of_work() as first, store.unit_of_work() as second:
            first.music.get(piece.id)
            second.music.record_use(piece.id)
            second.commit()
            assert first.music.record_use(piece.id).usage_count == 2
            first.commit()
