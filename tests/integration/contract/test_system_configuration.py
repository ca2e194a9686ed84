"""Settings of the system, and the journal of changed ones."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import ConfigurationChange, ConfigurationLayer
from pipeline_store.errors import InvalidValue, ReadOnly
from pipeline_store.uuid_keys import new_key
from tests.integration.contract.in_turn import in_turn

if TYPE_CHECKING:
    from pipeline_store import Store
    from tests.integration.contract.conftest import SteppedClock


class TestSettings:
    """system_configuration."""

    @in_turn("value", [None, True, 0, -1.5, 2**63 - 1, "", "länger 🎬", [], {"a": [1, None]}])
    def test_any_json(self, store: Store, value: Any) -> None:
        with store.unit_of_work() as uow:
            uow.system_configuration.set("key", value)
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert repr(uow.system_configuration.get("key").value) == repr(value)

    def test_the_last_one_wins(self, store: Store, clock: SteppedClock) -> None:
        made = clock.instant
        with store.unit_of_work() as uow:
            uow.system_configuration.set("key", 1, "how many")
            uow.commit()
        clock.advance(hours=1)
        with store.unit_of_work() as uow:
            setting = uow.system_configuration.set("key", "sealed", encrypted=True)
            assert uow.system_configuration.get("key") is setting
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            stored = uow.system_configuration.get("key")
        assert (stored.value, stored.description, stored.encrypted) == ("sealed", "how many", True)
        assert (stored.created_at, stored.updated_at) == (made, made + timedelta(hours=1))

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_of_two_at_once(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            uow.system_configuration.set("key", 1)
            uow.commit()
        with store.unit_of_work() as first, store.unit_of_work() as second:
            first.system_configuration.get("key")
            second.system_configuration.set("key", 2)
            second.commit()
            assert first.system_configuration.set("key", 3).value == 3
            first.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert uow.system_configuration.get("key").value == 3

    def test_unset(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            uow.system_configuration.set("key", 1)
            assert uow.system_configuration.unset("key")
            assert not uow.system_configuration.unset("key")
            assert uow.system_configuration.find("key") is None

    def test_all_by_key(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            for key in ("b", "ä", "a", "B"):
                uow.system_configuration.set(key, key)
            assert [each.key for each in uow.system_configuration.all()] == ["B", "a", "b", "ä"]

    @in_turn(
        "arguments",
        [
            {"key": ""},
            {"key": None},
            {"key": "x" * 256},
            {"value": float("nan")},
            {"value": {1: 2}},
            {"value": {"a": b"x"}},
            {"value": object()},
            {"value": 2**63},
            {"value": "\x00"},
            {"description": 1},
            {"encrypted": 1},
        ],
    )
    def test_bad_values(self, store: Store, arguments: dict[str, Any]) -> None:
        sound: dict[str, Any] = {"key": "key", "value": 1}
        with store.unit_of_work() as uow:
            uow.system_configuration.set(**sound)
            with pytest.raises(InvalidValue):
                uow.system_configuration.set(**sound | arguments)
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert [(each.key, each.value) for each in uow.system_configuration.all()] == [
                ("key", 1)
            ]

    def test_not_in_a_unit_of_work_that_only_reads(self, store: Store) -> None:
        with store.unit_of_work(read_only=True) as uow, pytest.raises(ReadOnly):
            uow.system_configuration.set("key", 1)


class TestJournal:
    """configuration_changes."""

    def test_newest_first(self, store: Store, clock: SteppedClock) -> None:
        channel_id = new_key()
        for number, key in enumerate(["a", "b", "a"]):
            with store.unit_of_work() as uow:
                uow.configuration_changes.add(
                    ConfigurationChange(
                        layer="channel",
                        channel_id=channel_id,
                        key=key,
                        old_value=number or None,
                        new_value=number + 1,
                        changed_by="operator",
                    )
                )
                uow.commit()
            clock.advance(seconds=1)
        with store.unit_of_work(read_only=True) as uow:
            found = uow.configuration_changes.recent()
            assert [change.new_value for change in found] == [3, 2, 1]
            assert [change.old_value for change in found] == [2, 1, None]
            assert {change.layer for change in found} == {ConfigurationLayer.CHANNEL}
            assert [each.new_value for each in uow.configuration_changes.recent("a")] == [3, 1]
            assert len(uow.configuration_changes.recent(limit=2)) == 2

    def test_of_one_instant_the_later_added_first(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            changes = uow.configuration_changes.add_many(
                ConfigurationChange(layer="system", key="a", new_value=value) for value in range(3)
            )
            assert uow.configuration_changes.recent() == changes[::-1]

    def test_bad_arguments(self, store: Store) -> None:
        bad: Any = 7
        with store.unit_of_work(read_only=True) as uow:
            with pytest.raises(InvalidValue):
                uow.configuration_changes.recent(bad)
            with pytest.raises(InvalidValue):
                uow.configuration_changes.recent(limit=0)
