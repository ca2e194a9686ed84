"""Rules of the texts that override settings, and that pause parts of the system."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.production import ConfigOverride
from tests.integration.in_step.machine import Machine

CONFIG_KEYS = ["paused.niche.gaming", "paused.jobs", "Paused.jobs", "a_b", "a%b"]


class Overrides(Machine):
    """Setting, adding, unsetting and asking."""

    @rule(key=st.sampled_from([*CONFIG_KEYS, "", "\x00"]), value=st.sampled_from(["", "1", 7]))
    def set_config(self, key: str, value: Any) -> None:
        self.each(lambda _, uow: uow.config_overrides.set(key, value), ConfigOverride)

    @rule(key=st.sampled_from(CONFIG_KEYS))
    def add_config(self, key: str) -> None:
        self.add(ConfigOverride, lambda _: ConfigOverride(key=key, value="added"))

    @rule(key=st.sampled_from(CONFIG_KEYS))
    def unset_config(self, key: str) -> None:
        self.each(lambda _, uow: uow.config_overrides.unset(key))

    @rule(key=st.sampled_from(CONFIG_KEYS), prefix=st.sampled_from(["", "paused.", "a_", "a%"]))
    def ask_for_config(self, key: str, prefix: str) -> None:
        self.each(
            lambda _, uow: [
                uow.config_overrides.value(key),
                uow.config_overrides.starting_with(prefix),
            ]
        )
