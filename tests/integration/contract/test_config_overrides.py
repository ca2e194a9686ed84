"""Settings changed while the pipeline runs: the promises of `ConfigOverrideRepository`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InvalidValue
from pipeline_store.production import ConfigOverride
from tests.integration.contract.samples import sample, values_of

if TYPE_CHECKING:
    from pipeline_store import Store
    from tests.integration.contract.conftest import SteppedClock


class TestSet:
    """`set` stores a value, new or in place of the old one."""

    def test_a_new_key(self, store: Store, clock: SteppedClock) -> None:
        """A new key gets the value, the present instant and who set it."""
        with store.unit_of_work() as uow:
            made = uow.config_overrides.set("a", "1")
            uow.config_overrides.set("b", "2", "somebody")
            uow.commit()
        with store.unit_of_work() as uow:
            found = [values_of(override) for override in uow.config_overrides.page()]
        assert values_of(made) == found[0]
        assert found == [
            {"key": "a", "value": "1", "updated_at": clock(), "updated_by": "system"},
            {"key": "b", "value": "2", "updated_at": clock(), "updated_by": "somebody"},
        ]

    def test_a_known_key(self, store: Store, clock: SteppedClock) -> None:
        """A known key gets the new value, time and author; the object in use is the one changed."""
        with store.unit_of_work() as uow:
            uow.config_overrides.set("a", "1", "somebody")
            uow.commit()
        clock.advance(hours=1)
        with store.unit_of_work() as uow:
            known = uow.config_overrides.get("a")
            assert uow.config_overrides.set("a", "2") is known
            assert (known.value, known.updated_by) == ("2", "system")
            known.updated_by = "somebody else"
            uow.commit()
        with store.unit_of_work() as uow:
            (found,) = uow.config_overrides.page()
        assert values_of(found) == {
            "key": "a",
            "value": "2",
            "updated_at": datetime(2026, 3, 1, 13, tzinfo=UTC),
            "updated_by": "somebody else",
        }

    def test_the_last_writer_wins(self, store: Store) -> None:
        """Setting a key that somebody else set since it was read is no Conflict."""
        with store.unit_of_work() as uow:
            mine = uow.config_overrides.set("a", "1")
            uow.commit()
        with store.unit_of_work() as uow:
            uow.config_overrides.set("a", "theirs")
            uow.commit()
        assert mine.value == "1"
        with store.unit_of_work() as uow:
            uow.config_overrides.set("a", "mine")
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.config_overrides.value("a") == "mine"

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_in_between(self, store: Store) -> None:
        """Setting a key that somebody else set meanwhile is no Conflict: the last one wins."""
        with store.unit_of_work() as uow:
            uow.config_overrides.set("a", "1")
            uow.commit()
        with store.unit_of_work() as first, store.unit_of_work() as second:
            assert first.config_overrides.value("a") == "1"
            second.config_overrides.set("a", "theirs")
            second.commit()
            first.config_overrides.set("a", "mine")
            first.commit()
        with store.unit_of_work() as uow:
            assert uow.config_overrides.value("a") == "mine"

    def test_an_empty_value(self, store: Store) -> None:
        """A value may be empty, which is not the same as unset; a key may not."""
        with store.unit_of_work() as uow:
            uow.config_overrides.set("a", "")
            assert uow.config_overrides.value("a") == ""
            assert uow.config_overrides.value("b") is None
            with pytest.raises(InvalidValue, match="key: must not be empty"):
                uow.config_overrides.set("", "1")

    def test_keys_of_every_case(self, store: Store) -> None:
        """Keys differ by case and by spaces."""
        with store.unit_of_work() as uow:
            for value, key in enumerate(("a", "A", "a ", " a")):
                uow.config_overrides.set(key, str(value))
            uow.commit()
        with store.unit_of_work() as uow:
            values = [uow.config_overrides.value(key) for key in ("a", "A", "a ", " a")]
            assert values == ["0", "1", "2", "3"]


class TestUnset:
    """`unset` removes a key."""

    def test_a_known_key(self, store: Store) -> None:
        """It says whether the key was there."""
        with store.unit_of_work() as uow:
            uow.config_overrides.set("a", "1")
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.config_overrides.unset("a") is True
            assert uow.config_overrides.unset("a") is False
            assert uow.config_overrides.value("a") is None
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.config_overrides.count() == 0

    def test_setting_again(self, store: Store) -> None:
        """A key can be unset and set, again and again, in one unit of work."""
        with store.unit_of_work() as uow:
            uow.config_overrides.set("a", "1")
            uow.commit()
        with store.unit_of_work() as uow:
            for value in ("2", "3"):
                assert uow.config_overrides.unset("a") is True
                uow.config_overrides.set("a", value)
            uow.commit()
        with store.unit_of_work() as uow:
            assert uow.config_overrides.value("a") == "3"


class TestStartingWith:
    """`starting_with` takes the prefix literally."""

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("paused.", ["paused.jobs", "paused.niche.a", "paused.niche.b"]),
            ("paused.niche.", ["paused.niche.a", "paused.niche.b"]),
            ("PAUSED.", ["PAUSED.jobs"]),
            ("100%", ["100% sure"]),
            ("a_", ["a_b"]),
            ("a\\", ["a\\b"]),
            ("é", ["éa"]),
            ("paused.jobs", ["paused.jobs"]),
            ("paused.jobs.", []),
        ],
    )
    def test_prefixes(self, store: Store, prefix: str, expected: list[str]) -> None:
        """Percent, underscore and backslash are plain characters, and case counts."""
        keys = [
            "paused.niche.b",
            "paused.niche.a",
            "paused.jobs",
            "PAUSED.jobs",
            "100% sure",
            "1000 sure",
            "a_b",
            "axb",
            "a\\b",
            "éa",
            "e\u0301a",
        ]
        with store.unit_of_work() as uow:
            uow.config_overrides.add_many(sample("config_overrides", key=key) for key in keys)
            uow.commit()
        with store.unit_of_work() as uow:
            assert [found.key for found in uow.config_overrides.starting_with(prefix)] == expected

    def test_the_empty_prefix(self, store: Store) -> None:
        """Every key starts with nothing."""
        with store.unit_of_work() as uow:
            uow.config_overrides.add_many(sample("config_overrides", number=n) for n in (2, 1))
            found = [override.key for override in uow.config_overrides.starting_with("")]
            assert found == ["key-00001", "key-00002"]


def test_the_key_of_a_stored_override(store: Store) -> None:
    """The key of an override cannot be changed by assignment."""
    with store.unit_of_work() as uow:
        override = uow.config_overrides.add(ConfigOverride(key="a", value="1"))
        with pytest.raises(InvalidValue, match="key: a key cannot be changed"):
            override.key = "b"
        uow.commit()
    with store.unit_of_work() as uow:
        assert [found.key for found in uow.config_overrides.page()] == ["a"]
