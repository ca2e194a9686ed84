"""The layers that a setting's value can come from, and which of them wins.

Strongest first: the environment, a channel's own setting, `config_overrides`,
`system_configuration`, files (the last one first), the default.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from pipeline_store.services.settings import Setting


class Layer(StrEnum):
    """Where a value can come from, the strongest first."""

    ENVIRONMENT = "environment"
    CHANNEL = "channel"
    OVERRIDE = "override"
    SYSTEM = "system"
    FILE = "file"
    DEFAULT = "default"


@frozen(kw_only=True)
class LayerValue:
    """What one layer says about a setting."""

    layer: Layer
    #: Where it stands: a variable, a channel, a table, the path of a file.
    source: str
    #: Whether the layer says anything.
    is_set: bool
    #: A secret one is a `Secret`; None when nothing is said, or what is said cannot be read.
    value: Any
    #: Why what is said cannot be used, and the cure.
    problem: str | None
    #: Whether this is what counts.
    wins: bool


@frozen(kw_only=True)
class Explanation:
    """Where a setting's value comes from."""

    key: str
    #: The business key of the channel that was asked for.
    channel: str | None
    #: None for a key that nobody declared and `config_overrides` holds.
    setting: Setting | None
    #: What `get` returns; None when it raises.
    value: Any
    #: The layer that wins.
    layer: Layer
    #: What every layer says, the strongest first; each file is one.
    layers: tuple[LayerValue, ...]

    @property
    def problem(self) -> str | None:
        """Why `get` raises, if it does."""
        return next(layer.problem for layer in self.layers if layer.wins)


@frozen
class SystemSetting:
    """A row of `system_configuration`."""

    value: Any = field(repr=False)
    encrypted: bool


@frozen
class ChannelSettings:
    """A channel's own settings, as they are stored."""

    id: UUID
    settings: Mapping[str, Any] = field(repr=False)


@frozen(kw_only=True)
class DatabaseLayers:
    """What the database says, read in one unit of work."""

    #: By the business key of the channel.
    channels: Mapping[str, ChannelSettings]
    overrides: Mapping[str, str] = field(repr=False)
    system: Mapping[str, SystemSetting]
