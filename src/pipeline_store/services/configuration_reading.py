"""From what each layer holds to the value of a setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, final

from attrs import field, frozen

from pipeline_store.errors import InvalidValue, NotFound, PipelineStoreError
from pipeline_store.secrets import Secret
from pipeline_store.secrets.discretion import Concealed
from pipeline_store.secrets.sealing import place_of_channel_setting, place_of_system_setting
from pipeline_store.services.configuration_layers import (
    DatabaseLayers,
    Explanation,
    Layer,
    LayerValue,
)
from pipeline_store.services.nested_settings import TWICE, flattened
from pipeline_store.services.sealed_values import SEALED, is_sealed_setting
from pipeline_store.values import check_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipeline_store.secrets import Keyring, Place
    from pipeline_store.services.configuration_files import SettingsFile
    from pipeline_store.services.settings import Setting, Settings

_NOTHING: Final = object()


@frozen
class _Said:
    """What a layer says about a setting, before it is read."""

    layer: Layer
    source: str
    raw: object = field(repr=False)
    read: Callable[[Any], Any]
    #: What to do about a value of the wrong type; empty where what is wrong lies elsewhere.
    cure: str

    @property
    def is_set(self) -> bool:
        return self.raw is not _NOTHING

    def value(self) -> Any:
        """Return the value, checked.

        Raises:
            InvalidValue: it is of the wrong type; named are the key, the layer and the cure.
            SecretUnreadable: it is a secret that cannot be opened.
        """
        try:
            return self.read(self.raw)
        except InvalidValue as error:
            if not self.cure:
                raise
            where = f"layer {self.layer}, {self.source}"
            raise InvalidValue(f"{error} ({where}); {self.cure}") from None


@final
class Snapshot:
    """What all layers hold at one moment, and the values that come of it.

    Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        environment: Mapping[str, str],
        files: Sequence[SettingsFile],
        database: DatabaseLayers,
        keyring: Callable[[], Keyring],
    ) -> None:
        """Keep what was read; the keyring is asked for when a secret is."""
        self._settings = settings
        self._environment = Concealed(environment)
        self._files = tuple(reversed(files))
        self._database = database
        self._keyring = keyring
        self._values: dict[tuple[str, str | None], Any] = {}
        self._of_channels: dict[str, Mapping[str, Any]] = {}

    def knows(self, channel: str | None) -> bool:
        """Whether the channel was there, or none was asked for."""
        if channel is None:
            return True
        if type(channel) is not str:
            check_text("channel", channel)
        return channel in self._database.channels

    def value(self, key: str, channel: str | None) -> Any:
        """Return the value that wins; see `Configuration.get`."""
        try:
            value = self._values.get((key, channel), _NOTHING)
        except TypeError:  # what cannot be hashed is no text, and is refused below
            value = _NOTHING
        if value is not _NOTHING:
            return value
        setting = self._find(key, channel)
        if setting is None:
            return self._database.overrides[key]
        value = next(said for said in self._all_said(setting, channel) if said.is_set).value()
        self._values[key, channel] = value
        return value

    def explain(self, key: str, channel: str | None) -> Explanation:
        """Return what every layer says; see `Configuration.explain`."""
        setting = self._find(key, channel)
        said = [self._foreign(key)] if setting is None else [*self._all_said(setting, channel)]
        winner = next(each for each in said if each.is_set)
        layers = tuple(_told(each, wins=each is winner) for each in said)
        return Explanation(
            key=key,
            channel=channel,
            setting=setting,
            value=next(layer.value for layer in layers if layer.wins),
            layer=winner.layer,
            layers=layers,
        )

    def known_keys(self) -> list[str]:
        """Return the keys that are declared, and those of `config_overrides` that are not."""
        return sorted({setting.key for setting in self._settings} | set(self._database.overrides))

    def _find(self, key: str, channel: str | None) -> Setting | None:
        setting = self._settings.find(key)
        if not self.knows(channel):
            check_text("channel", channel)
            raise NotFound(f"no channel {channel!r}; `pipeline-store channel list` names them")
        if setting is None and key not in self._database.overrides:
            raise InvalidValue(self._settings.unknown(key))
        return setting

    def _foreign(self, key: str) -> _Said:
        return _Said(Layer.OVERRIDE, _OVERRIDES, self._database.overrides[key], str, "")

    def _all_said(self, setting: Setting, channel: str | None) -> Iterator[_Said]:
        yield self._said_by_environment(setting)
        yield self._said_by_channel(setting, channel)
        yield self._said_by_override(setting)
        yield self._said_by_system(setting)
        yield from self._said_by_files(setting)
        yield _Said(Layer.DEFAULT, "its declaration", setting.default, _as_it_is, "")

    def _said_by_environment(self, setting: Setting) -> _Said:
        name = setting.environment_name
        raw = self._environment.value.get(name, _NOTHING)
        read = _in_plain_text(setting) if setting.secret else setting.read_text
        return _Said(Layer.ENVIRONMENT, name, raw, read, "correct the variable, or unset it")

    def _said_by_channel(self, setting: Setting, channel: str | None) -> _Said:
        if channel is None:
            return _Said(Layer.CHANNEL, "", _NOTHING, _as_it_is, "")
        stored = self._database.channels[channel]
        if channel not in self._of_channels:
            self._of_channels[channel] = flattened(stored.settings, self._settings)
        raw = self._of_channels[channel].get(setting.key, _NOTHING)
        read: Callable[[Any], Any] = _written_once(setting)
        cure = _set_or_unset(setting.key, f" --channel {channel}")
        if setting.secret:
            # Only at the first level, where a rotation of the keys looks.
            entry: Any = stored.settings.get(setting.key)
            read = _refusing(setting, "a sealed secret expected, found something else")
            if is_sealed_setting(entry):
                place = place_of_channel_setting(stored.id, setting.key)
                read, cure = self._sealed_in(entry[SEALED], place), _OF_KEYS
        return _Said(Layer.CHANNEL, f"channel {channel}", raw, read, cure)

    def _said_by_override(self, setting: Setting) -> _Said:
        raw = self._database.overrides.get(setting.key, _NOTHING)
        if setting.secret:
            read, cure = _refusing(setting, _IN_PLAIN_TEXT), _unset(setting.key)
        else:
            read, cure = setting.read_text, _set_or_unset(setting.key)
        return _Said(Layer.OVERRIDE, _OVERRIDES, raw, read, cure)

    def _said_by_system(self, setting: Setting) -> _Said:
        row = self._database.system.get(setting.key)
        read: Callable[[Any], Any] = setting.checked
        cure = _set_or_unset(setting.key, " --system")
        if row is not None and setting.secret:
            read = _refusing(setting, _IN_PLAIN_TEXT)
            if row.encrypted:
                place = place_of_system_setting(setting.key)
                read, cure = self._sealed_in(row.value, place), _OF_KEYS
        elif row is not None and row.encrypted:
            read = _refusing(setting, "stored as a secret, and not declared as one")
        raw = _NOTHING if row is None else row.value
        return _Said(Layer.SYSTEM, "system_configuration", raw, read, cure)

    def _said_by_files(self, setting: Setting) -> Iterator[_Said]:
        read = _in_plain_text(setting) if setting.secret else _written_once(setting)
        for file in self._files:
            raw = file.values.get(setting.key, _NOTHING)
            yield _Said(Layer.FILE, file.path, raw, read, "correct the file, and start again")
        if not self._files:
            yield _Said(Layer.FILE, "", _NOTHING, _as_it_is, "")

    def _sealed_in(self, sealed: object, place: Place) -> Callable[[Any], Secret]:
        return lambda _raw: self._keyring().open(sealed, place)


_OVERRIDES: Final = "config_overrides"
# What is wrong with the keys that are given is said by those who read them.
_OF_KEYS: Final = ""
_IN_PLAIN_TEXT: Final = "a secret is not kept here in plain text"


def _told(said: _Said, *, wins: bool) -> LayerValue:
    value, problem = None, None
    if said.is_set:
        try:
            value = said.value()
        except PipelineStoreError as error:
            problem = str(error)
    return LayerValue(
        layer=said.layer,
        source=said.source,
        is_set=said.is_set,
        value=value,
        problem=problem,
        wins=wins,
    )


def _as_it_is(value: Any) -> Any:
    return value


def _written_once(setting: Setting) -> Callable[[Any], Any]:
    def read(raw: object) -> Any:
        if raw is TWICE:
            raise InvalidValue(f"{setting.key}: written twice, dotted and nested; keep one")
        return setting.checked(raw)

    return read


def _in_plain_text(setting: Setting) -> Callable[[Any], Secret]:
    # The environment and files belong to the operator, who may keep secrets there.
    def read(raw: object) -> Secret:
        check_text(setting.key, raw, empty=False)
        return Secret(cast("str", raw))

    return read


def _refusing(setting: Setting, reason: str) -> Callable[[Any], Any]:
    def read(_raw: object) -> Any:
        raise InvalidValue(f"{setting.key}: {reason}")

    return read


def _unset(key: str, where: str = "") -> str:
    return f"remove it: `pipeline-store config unset {key}{where}`"


def _set_or_unset(key: str, where: str = "") -> str:
    return f"set it anew, or {_unset(key, where)}"
