"""Settings in the database: read all at once, changed one at a time, each change journalled.

`Configuration` calls these in units of work of its own. To change a setting together with other
things, call them in the unit of work that does the rest; a `Configuration` then sees the change as
late as one that another process made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline_store.channels import (
    Channel,
    ConfigurationChange,
    ConfigurationLayer,
    SystemConfiguration,
)
from pipeline_store.entity import change
from pipeline_store.errors import InvalidValue, NotFound
from pipeline_store.production import ConfigOverride
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.secrets import Keyring, Secret
from pipeline_store.secrets.discretion import Concealed, discreet
from pipeline_store.secrets.sealing import (
    key_id_of,
    place_of_channel_setting,
    place_of_system_setting,
)
from pipeline_store.services.configuration_layers import (
    ChannelSettings,
    DatabaseLayers,
    SystemSetting,
)
from pipeline_store.services.lookup import everything
from pipeline_store.services.nested_settings import TWICE, flattened, without
from pipeline_store.services.sealed_values import SEALED, is_sealed_setting
from pipeline_store.services.setting_values import write_text

if TYPE_CHECKING:
    from pipeline_store.services.settings import Setting, Settings
    from pipeline_store.unit_of_work import UnitOfWork

SECRET: Final = {"secret": True}
"""What the journal keeps in place of a secret value: that there was one."""


def read_layers(uow: UnitOfWork) -> DatabaseLayers:
    """Read what the database says about all settings, each layer with one query.

    (The channels with one for every 10,000.)
    """
    return DatabaseLayers(
        channels={
            channel.channel_id: ChannelSettings(channel.id, channel.settings)
            for channel in everything(uow.channels)
        },
        overrides={row.key: row.value for row in uow.config_overrides.starting_with("")},
        system={
            row.key: SystemSetting(row.value, row.encrypted)
            for row in uow.system_configuration.all()
        },
    )


def set_value(
    uow: UnitOfWork,
    settings: Settings,
    keyring: Keyring | None,
    key: str,
    value: Any,
    *,
    channel: str | None = None,
    system: bool = False,
    by: str = SYSTEM,
) -> ConfigurationChange:
    """Set a channel's own setting, a value for the system, or else an override; journal it.

    Raises:
        InvalidValue: the key is not declared, the value is not of its kind, or a secret was to be
            an override.
        NotFound: there is no such channel.
        Conflict, AlreadyExists: somebody else set it at the same moment; do it again.
        SecretUnreadable: there is no key to seal a secret with.
    """
    value = Concealed(value)
    layer = _layer(channel, system=system)
    setting = settings.get(key)
    keys = Keyring() if keyring is None else keyring
    accepted = _accepted(setting, value)
    owner = None if channel is None else _channel(uow, channel)
    if owner is not None:
        old = _set_in_channel(uow, settings, keys, setting, accepted, owner=owner)
    elif system:
        old = _set_in_system(uow, keys, setting, accepted)
    else:
        old = _set_override(uow, setting, accepted, by)
    return uow.configuration_changes.add(
        ConfigurationChange(
            changed_by=by,
            layer=layer,
            channel_id=None if owner is None else owner.id,
            key=key,
            old_value=_journalled(setting, old),
            new_value=SECRET if setting.secret else accepted,
        )
    )


def unset_value(
    uow: UnitOfWork,
    settings: Settings,
    key: str,
    *,
    channel: str | None = None,
    system: bool = False,
    by: str = SYSTEM,
) -> ConfigurationChange | None:
    """Remove what a layer of the database says, journal it, and return the entry, if there was any.

    What nobody declared can be removed too.

    Raises:
        InvalidValue: the key is neither declared nor there.
        NotFound: there is no such channel.
        Conflict: somebody else changed it at the same moment; do it again.
    """
    layer = _layer(channel, system=system)
    setting = settings.find(key)
    owner = None if channel is None else _channel(uow, channel)
    if owner is not None:
        old = _unset_in_channel(settings, key, owner)
    elif system:
        old = _unset_in_system(uow, key)
    else:
        old = _unset_override(uow, setting, key)
    if old is _NOTHING:
        settings.get(key)
        return None
    return uow.configuration_changes.add(
        ConfigurationChange(
            changed_by=by,
            layer=layer,
            channel_id=None if owner is None else owner.id,
            key=key,
            old_value=_journalled(setting, old),
            new_value=None,
        )
    )


_NOTHING: Final = object()


@discreet
def _accepted(setting: Setting, concealed: Concealed) -> Any:
    value = concealed.value
    if setting.secret:
        return value if isinstance(value, Secret) else Secret(setting.checked(value))
    return setting.checked(value)


def _layer(channel: str | None, *, system: bool) -> ConfigurationLayer:
    if channel is not None and system:
        raise InvalidValue("channel, system: name a channel or the system, not both")
    if channel is not None:
        return ConfigurationLayer.CHANNEL
    return ConfigurationLayer.SYSTEM if system else ConfigurationLayer.OVERRIDE


def _channel(uow: UnitOfWork, channel: str) -> Channel:
    found = uow.channels.by_channel_id(channel)
    if found is None:
        raise NotFound(f"no channel {channel!r}; `pipeline-store channel list` names them")
    return found


def _set_in_channel(
    uow: UnitOfWork,
    settings: Settings,
    keyring: Keyring,
    setting: Setting,
    value: Any,
    *,
    owner: Channel,
) -> Any:
    if setting.secret:
        place = place_of_channel_setting(owner.id, setting.key)
        value = {SEALED: keyring.seal(value, place)}
    elif is_sealed_setting(value):
        raise InvalidValue(f"{setting.key}: a mapping with {SEALED!r} alone is kept for secrets")
    old = flattened(owner.settings, settings).get(setting.key)
    wanted = {**without(owner.settings, setting.key), setting.key: value}
    # The time lets a change of somebody else's meanwhile be a Conflict also where the value stays.
    change(owner, settings=wanted, updated_at=uow.now())
    return old


def _set_in_system(uow: UnitOfWork, keyring: Keyring, setting: Setting, value: Any) -> Any:
    if setting.secret:
        value = keyring.seal(value, place_of_system_setting(setting.key))
    found = uow.system_configuration.find(setting.key)
    if found is None:
        uow.system_configuration.add(
            SystemConfiguration(
                key=setting.key,
                value=value,
                description=setting.help,
                encrypted=setting.secret,
            )
        )
        return None
    old = SECRET if found.encrypted else found.value
    # Assigned, not set blindly: a change of somebody else's meanwhile is then a Conflict, and the
    # journal never tells an old value that was not the last.
    # So is a change to the same value, by the time that goes with it.
    change(found, value=value, encrypted=setting.secret, updated_at=uow.now())
    return old


def _set_override(uow: UnitOfWork, setting: Setting, value: Any, by: str) -> Any:
    if setting.secret:
        raise InvalidValue(
            f"{setting.key}: config_overrides keeps no secrets; set it for a channel or the system"
        )
    text = write_text(value)
    found = uow.config_overrides.find(setting.key)
    if found is None:
        uow.config_overrides.add(ConfigOverride(key=setting.key, value=text, updated_by=by))
        return None
    old = _spelled_by(setting, found.value)
    change(found, value=text, updated_at=uow.now(), updated_by=by)
    return old


def _unset_in_channel(settings: Settings, key: str, owner: Channel) -> Any:
    old = flattened(owner.settings, settings).get(key, _NOTHING)
    if old is not _NOTHING:
        owner.settings = without(owner.settings, key)
    return old


def _unset_in_system(uow: UnitOfWork, key: str) -> Any:
    found = uow.system_configuration.find(key)
    if found is None:
        return _NOTHING
    old = SECRET if found.encrypted else found.value
    uow.system_configuration.remove(found)
    return old


def _unset_override(uow: UnitOfWork, setting: Setting | None, key: str) -> Any:
    found = uow.config_overrides.find(key)
    if found is None:
        return _NOTHING
    old = found.value if setting is None else _spelled_by(setting, found.value)
    uow.config_overrides.remove(found)
    return old


def _spelled_by(setting: Setting, text: str) -> Any:
    try:
        return setting.read_text(text)
    except InvalidValue:
        return text


def _journalled(setting: Setting | None, old: Any) -> Any:
    """Return what the journal keeps of an old value; never a secret, sealed or not."""
    if old is None or old is TWICE:
        return None
    is_secret = setting is not None and setting.secret
    return SECRET if is_secret or key_id_of(old) is not None else old
