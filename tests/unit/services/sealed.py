"""Values sealed with an older key, in every place that has some, and reading them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_store.channels import Channel
from pipeline_store.secrets import Keyring, Secret, new_key
from pipeline_store.secrets.sealing import place_of_channel_setting, place_of_system_setting
from pipeline_store.services.credentials import credential, set_credential
from tests.unit.secrets.conftest import CANARY

if TYPE_CHECKING:
    from pipeline_store import Store, UnitOfWork

OLDER, NEWER = new_key(), new_key()
BEFORE = Keyring([OLDER])
AFTER = Keyring([NEWER, OLDER])
OLDER_ID, NEWER_ID = AFTER.key_ids[1], AFTER.key_ids[0]
CHANNELS = 7
VALUES = CHANNELS * 3 + 2


def fill(store: Store) -> None:
    """Makes seven channels with three values each, two settings, and some that are not sealed."""
    with store.unit_of_work() as uow:
        for number in range(CHANNELS):
            add_channel(uow, f"c{number}")
        for key in ("api.token", "api.password"):
            sealed = BEFORE.seal(Secret(f"{CANARY}-{key}"), place_of_system_setting(key))
            uow.system_configuration.set(key, sealed, "kept", encrypted=True)
        uow.system_configuration.set("plain", {"sealed": "v1.not.encrypted"})
        uow.channels.add(Channel(channel_id="empty", name="Nothing sealed"))
        uow.commit()


def add_channel(uow: UnitOfWork, channel_id: str) -> None:
    channel = uow.channels.add(Channel(channel_id=channel_id, name="Nature"))
    for name in ("youtube", "notion"):
        set_credential(uow, BEFORE, channel, name, Secret(f"{CANARY}-{name}"), scopes=["up"])
    place = place_of_channel_setting(channel.id, "webhook")
    sealed = BEFORE.seal(Secret(f"{CANARY}-webhook"), place)
    plain: dict[str, Any] = {"frequency": 3, "nested": {"sealed": 1, "b": 2}, "list": ["sealed"]}
    channel.settings = {**plain, "webhook": {"sealed": sealed}}


def reads_everything(uow: UnitOfWork, keyring: Keyring) -> int:
    """Counts the values that open and are what they were."""
    count = 0
    for channel in uow.channels.page():
        for name in channel.credentials or {}:
            assert credential(uow, keyring, channel, name).reveal() == f"{CANARY}-{name}"
            count += 1
        if "webhook" in channel.settings:
            place = place_of_channel_setting(channel.id, "webhook")
            webhook = keyring.open(channel.settings["webhook"]["sealed"], place)
            assert webhook.reveal() == f"{CANARY}-webhook"
            count += 1
    for setting in uow.system_configuration.all():
        if setting.encrypted:
            opened = keyring.open(setting.value, place_of_system_setting(setting.key))
            assert opened.reveal() == f"{CANARY}-{setting.key}"
            count += 1
    return count
