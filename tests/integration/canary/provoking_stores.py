"""Errors of stores and services while a secret is in use, on any store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline_store.channels import Channel, SystemConfiguration
from pipeline_store.errors import (
    AlreadyExists,
    Conflict,
    InUse,
    InvalidValue,
    NotFound,
    ReadOnly,
    SecretUnreadable,
)
from pipeline_store.secrets import KEY_FILE_VARIABLE, KEYS_VARIABLE, Keyring, Secret, new_key
from pipeline_store.services.channel_removal import remove_channel
from pipeline_store.services.configuration_storage import set_value
from pipeline_store.services.credentials import credential, refresh_failed, set_credential
from pipeline_store.services.key_rotation import check_unused, rotate
from tests.integration.canary.planting import (
    CHANNELS,
    CREDENTIALS,
    IN_DATABASE,
    IN_ENVIRONMENT,
    KEYRING,
    NEWEST,
    SETTINGS,
    quoted,
)
from tests.integration.canary.provoking import (
    BAD_TEXTS,
    DAMAGED,
    IN_ENTITIES,
    NEVER_SEALED,
    PLACE,
    SECRET,
    TEXT,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import UnitOfWork
    from tests.integration.canary.planting import Planted
    from tests.integration.canary.provoking import Provocation

OTHER = Keyring([new_key()])
WHERE: dict[str, dict[str, Any]] = {
    "of the system": {"system": True},
    "of a channel": {"channel": CHANNELS[0]},
}


def within(work: Callable[[UnitOfWork, Channel], object]) -> Callable[[Planted], object]:
    """Does it in a unit of work that changes nothing in the end."""

    def provoke(planted: Planted) -> object:
        with planted.store.unit_of_work() as uow:
            return work(uow, planted.channel(uow))

    return provoke


def of_credentials() -> dict[str, Provocation]:
    """Credentials that cannot be set, read, or told about."""

    def sets(
        secret: Any = SECRET, name: Any = "youtube", ring: Keyring = KEYRING, **more: Any
    ) -> Any:
        return within(lambda uow, channel: set_credential(uow, ring, channel, name, secret, **more))

    def reads(ring: Keyring, name: str = "youtube") -> Any:
        return within(lambda uow, channel: credential(uow, ring, channel, name))

    def fails(name: str, message: Any) -> Any:
        return within(
            lambda uow, channel: refresh_failed(uow, channel, name, message, keyring=KEYRING)
        )

    found: dict[str, Provocation] = {
        "a credential without a name": (InvalidValue, sets(name="")),
        "a credential with a name of NUL": (InvalidValue, sets(name="a\0")),
        "a credential without a key": (SecretUnreadable, sets(ring=Keyring())),
        "a credential with bad scopes": (InvalidValue, sets(scopes=[5])),
        "a credential with a bad end": (
            InvalidValue,
            sets(expires_at=datetime(1969, 1, 1, tzinfo=UTC)),
        ),
        "a credential of no channel": (
            (InvalidValue, NotFound),
            within(
                lambda uow, _: set_credential(
                    uow, KEYRING, Channel(channel_id="new", name="new"), "a", SECRET
                )
            ),
        ),
        "a plain credential of no channel": (
            (InvalidValue, NotFound),
            within(
                lambda uow, _: set_credential(
                    uow,
                    KEYRING,
                    Channel(channel_id="new", name="new"),
                    "a",
                    TEXT,  # type: ignore[arg-type]
                )
            ),
        ),
        "no such credential": (NotFound, reads(KEYRING, "nonsense")),
        "a credential read without a key": (SecretUnreadable, reads(Keyring())),
        "a credential read with another key": (SecretUnreadable, reads(OTHER)),
        "a failure of no credential": (NotFound, fails("nonsense", quoted(TEXT))),
        "a failure with NUL": (InvalidValue, fails("youtube", quoted(TEXT) + "\0")),
        "a failure in bytes": (InvalidValue, fails("youtube", TEXT.encode())),
    }
    for name, bad in (BAD_TEXTS | {"plain": TEXT}).items():
        found[f"a credential of {name}"] = (InvalidValue, sets(secret=bad))
    for name, sealed in DAMAGED.items():
        found[f"a credential, damaged: {name}"] = (SecretUnreadable, _left(sealed))
    found["a credential, moved"] = (SecretUnreadable, within(_move))
    return found


def of_what_was_never_sealed() -> dict[str, Provocation]:
    """What another program left in the clear where a sealed text belongs."""
    found: dict[str, Provocation] = {}
    for name, text in NEVER_SEALED.items():
        found |= {
            f"a credential in the clear: {name}": (SecretUnreadable, _left(text)),
            f"opened, in the clear: {name}": (
                SecretUnreadable,
                lambda _, text=text: KEYRING.open(text, PLACE),
            ),
        }
    return found


def _left(sealed: object) -> Any:
    def leave(uow: UnitOfWork, channel: Channel) -> object:
        channel.credentials = {"youtube": {"sealed": sealed}}
        return credential(uow, KEYRING, channel, "youtube")

    return within(leave)


def _move(uow: UnitOfWork, channel: Channel) -> object:
    other = uow.channels.by_channel_id(CHANNELS[1])
    assert other is not None
    other.credentials = channel.credentials
    return credential(uow, KEYRING, other, CREDENTIALS[0])


def of_settings() -> dict[str, Provocation]:
    """Secret settings that cannot be set or read."""

    def sets(key: str = "api.token", value: Any = TEXT, **where: Any) -> Any:
        return lambda planted: planted.configuration.set(key, value, **where)

    found: dict[str, Provocation] = {}
    values: dict[str, Any] = {"plain": TEXT, "a secret": SECRET}
    for kind, value in values.items():
        found |= {
            f"{kind} as an override": (InvalidValue, sets(value=value)),
            f"{kind} for an unknown key": (InvalidValue, sets("api.tokn", value, system=True)),
            f"{kind} for a key of text that is none": (InvalidValue, sets(5, value)),  # type: ignore[arg-type]
            f"{kind} for both": (InvalidValue, sets(value=value, channel="nature1", system=True)),
            f"{kind} for no channel": (NotFound, sets(value=value, channel="nature9")),
            f"{kind} by nobody": (InvalidValue, sets(value=value, system=True, by="a\0")),
            f"{kind}, in a unit of work": (
                NotFound,
                within(
                    lambda uow, _, value=value: set_value(
                        uow, SETTINGS, KEYRING, "api.token", value, channel="nature9"
                    )
                ),
            ),
            f"{kind} without a key": (
                SecretUnreadable,
                lambda planted, value=value: planted.another(environ={}).set(
                    "api.token", value, system=True
                ),
            ),
            f"{kind} with a bad key": (
                InvalidValue,
                lambda planted, value=value: planted.another(
                    environ={**planted.environ, KEYS_VARIABLE: f"{NEWEST.reveal()}x"}
                ).set("api.token", value, system=True),
            ),
            f"{kind} without the key file": (
                Exception,
                lambda planted, value=value: planted.another(
                    environ={KEY_FILE_VARIABLE: "/no/such/file"}
                ).set("api.token", value, system=True),
            ),
        }
    found["a secret for another kind"] = (InvalidValue, sets("title", SECRET, system=True))
    for place, where in WHERE.items():
        for name, bad in BAD_TEXTS.items():
            found[f"a setting {place} of {name}"] = (InvalidValue, sets(value=bad, **where))
    for name, bad in {"NUL": TEXT + "\0", "a surrogate": TEXT + "\udcff", "nothing": ""}.items():
        found[f"a variable of {name}"] = (
            InvalidValue,
            lambda planted, bad=bad: planted.another(
                environ={**planted.environ, IN_ENVIRONMENT.environment_name: bad}
            ).get(IN_ENVIRONMENT.key),
        )
    for setting in IN_DATABASE:
        for name, keyring in (("another key", OTHER), ("no key", Keyring())):
            found[f"{setting.key} read with {name}"] = (
                SecretUnreadable,
                lambda planted, key=setting.key, keyring=keyring: planted.another(
                    keyring=keyring
                ).get(key, CHANNELS[0]),
            )
    found["read for no channel"] = (
        NotFound,
        lambda planted: planted.configuration.get("api.token", "nature9"),
    )
    return found


def of_rows() -> dict[str, Provocation]:
    """Rows with sealed values that a database refuses, or that others have changed meanwhile."""
    found: dict[str, Provocation] = {
        "a channel that is there": (AlreadyExists, within(_add_again)),
        "a setting that is there": (AlreadyExists, within(_add_setting_again)),
        "a channel with jobs": (InUse, within(lambda uow, _: remove_channel(uow, CHANNELS[0]))),
        "a key in use": (InUse, within(lambda uow, _: check_unused(uow, KEYRING.key_ids[0]))),
        "a channel that was changed meanwhile": (Conflict, _change_both),
        "a credential in a unit of work that reads": (ReadOnly, _set_while_reading),
        "a rotation without a key": (
            SecretUnreadable,
            lambda planted: rotate(planted.store.unit_of_work, Keyring()),
        ),
    }
    found |= {
        f"a secret added in {name}": (
            InvalidValue,
            within(lambda uow, _, make=make: _add(uow, make)),
        )
        for name, make in IN_ENTITIES.items()
    }
    found["a secret set in the system"] = (
        InvalidValue,
        within(lambda uow, _: uow.system_configuration.set("k", SECRET)),
    )
    found["a secret set as an override"] = (
        InvalidValue,
        within(lambda uow, _: uow.config_overrides.set("k", SECRET)),  # type: ignore[arg-type]
    )
    return found


def _add(uow: UnitOfWork, make: Callable[[Any], Any]) -> object:
    return uow.channels.add(make(SECRET))


def _add_again(uow: UnitOfWork, channel: Channel) -> None:
    uow.channels.add(
        Channel(
            channel_id=channel.channel_id,
            name="again",
            credentials=channel.credentials,
            settings=channel.settings,
        )
    )
    uow.commit()


def _add_setting_again(uow: UnitOfWork, _channel: Channel) -> None:
    there = next(each for each in uow.system_configuration.all() if each.encrypted)
    uow.system_configuration.add(
        SystemConfiguration(key=there.key, value=there.value, encrypted=True)
    )
    uow.commit()


def _change_both(planted: Planted) -> None:
    with planted.store.unit_of_work(read_only=True) as uow:
        early = planted.channel(uow)
    with planted.store.unit_of_work() as uow:
        set_credential(uow, KEYRING, early, CREDENTIALS[0], Secret(TEXT))
        uow.commit()
    with planted.store.unit_of_work() as uow:
        early.name = "too late"
        uow.channels.add(early)
        uow.commit()


def _set_while_reading(planted: Planted) -> None:
    with planted.store.unit_of_work(read_only=True) as uow:
        set_credential(uow, KEYRING, planted.channel(uow), "youtube", SECRET)
        uow.commit()
