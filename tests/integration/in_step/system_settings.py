"""Rules of the settings of the system and the journal of their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.channels import Channel, ConfigurationChange, SystemConfiguration
from tests.integration.in_step.channel_values import SETTINGS, json_values, maybe_times
from tests.integration.in_step.drawn import numbers
from tests.integration.in_step.machine import Machine

if TYPE_CHECKING:
    from datetime import datetime

keys = st.sampled_from([*SETTINGS, *SETTINGS, "", "\x00"])


class SystemSettings(Machine):
    """Setting, adding, unsetting and asking, and a journal."""

    @rule(
        key=keys,
        value=json_values,
        description=st.sampled_from([None, "what it is", 7]),
        encrypted=st.booleans(),
    )
    def set_setting(
        self,
        key: str,
        value: Any,
        description: Any,
        encrypted: bool,
    ) -> None:
        self.each(
            lambda _, uow: uow.system_configuration.set(key, value, description, encrypted),
            SystemConfiguration,
        )

    @rule(key=st.sampled_from(SETTINGS), value=json_values)
    def add_setting(self, key: str, value: Any) -> None:
        self.add(SystemConfiguration, lambda _: SystemConfiguration(key=key, value=value))

    @rule(key=keys)
    def unset_setting(self, key: str) -> None:
        self.each(lambda _, uow: uow.system_configuration.unset(key))

    @rule(
        key=st.sampled_from(SETTINGS),
        channel=st.none() | numbers,
        values=st.tuples(json_values, json_values),
        at=maybe_times,
    )
    def journal_a_change(
        self, key: str, channel: int | None, values: tuple[Any, Any], at: datetime | None
    ) -> None:
        self.add(
            ConfigurationChange,
            lambda side: ConfigurationChange(
                key=key,
                layer="system" if channel is None else "channel",
                channel_id=None if channel is None else self.key_of(side, Channel, channel),
                old_value=values[0],
                new_value=values[1],
                changed_at=at,
            ),
        )

    @rule(key=st.none() | keys, limit=st.sampled_from([1, 10, 0, True]))
    def ask_for_settings(self, key: str | None, limit: int) -> None:
        self.each(
            lambda _, uow: [
                uow.system_configuration.all(),
                uow.configuration_changes.recent(key, limit),
            ]
        )
