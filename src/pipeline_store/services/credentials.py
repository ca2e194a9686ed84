"""The secrets of a channel, each under a name such as "youtube", and how they are doing.

They are kept sealed in `Channel.credentials`: a token opens with a key of the keyring, for the
channel and the name it was sealed for, and nowhere else. What can be known without opening them,
such as when they expire, stands beside them in the clear.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import frozen

from pipeline_store.channels import Channel
from pipeline_store.errors import InvalidValue, NotFound, SecretUnreadable
from pipeline_store.repository import check_kind
from pipeline_store.secrets import Secret, key_id_of
from pipeline_store.secrets.blotting import blotted
from pipeline_store.secrets.discretion import Concealed, discreet
from pipeline_store.secrets.sealing import place_of_credential
from pipeline_store.secrets.secret import problem_with
from pipeline_store.services.lookup import everything
from pipeline_store.services.sealed_values import SEALED, entry_of
from pipeline_store.values import LONGEST_KEY, as_instant, check_several, check_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_store.secrets import Keyring
    from pipeline_store.unit_of_work import UnitOfWork

LONGEST_FAILURE: Final = 1000
"""Characters kept of why a refresh failed; the rest is cut off."""

_LEFT_OUT: Final = "left out: it may quote the secret, which cannot be opened to take it out"


@frozen(kw_only=True)
class RefreshFailure:
    """Why a credential could not be refreshed, and when."""

    at: datetime | None
    message: str


@frozen(kw_only=True)
class CredentialHealth:
    """What can be known of a credential without opening it."""

    #: The channel's name, `Channel.channel_id`.
    channel: str
    name: str
    #: The key that sealed it; None when what is stored was damaged.
    key_id: str | None
    #: None when it does not expire.
    expires_at: datetime | None
    expired: bool
    #: Negative once it has expired.
    expires_in: timedelta | None
    scopes: tuple[str, ...]
    last_refreshed_at: datetime | None
    #: None since it was last set.
    last_refresh_failure: RefreshFailure | None


def set_credential(
    uow: UnitOfWork,
    keyring: Keyring,
    channel: Channel,
    name: str,
    secret: Secret,
    *,
    expires_at: datetime | None = None,
    scopes: Iterable[str] = (),
) -> None:
    """Seal a secret for a channel, new or in place of an older one of that name.

    That it was refreshed now is noted, and an earlier failure to refresh it is forgotten.

    Raises:
        SecretUnreadable: there is no key to seal with.
        InvalidValue: it is no `Secret`, or the name, a scope or the time is none.
        NotFound: the channel is not stored.
    """
    problem = problem_with(secret)
    if problem is not None:
        del secret
        raise InvalidValue(problem)
    stored = _stored(uow, channel)
    check_text("name", name, longest=LONGEST_KEY, empty=False)
    entry = {
        SEALED: keyring.seal(secret, place_of_credential(stored.id, name)),
        "expires_at": None if expires_at is None else _spelled("expires_at", expires_at),
        "scopes": _checked_scopes(scopes),
        "last_refreshed_at": _spelled("last_refreshed_at", uow.now()),
        "last_refresh_failure": None,
    }
    stored.credentials = {**(stored.credentials or {}), name: entry}


def credential(uow: UnitOfWork, keyring: Keyring, channel: Channel, name: str) -> Secret:
    """Open a channel's secret.

    Raises:
        NotFound: the channel has none of that name.
        SecretUnreadable: its key is not in the keyring, or what is stored is not what was sealed.
    """
    return _opened(_stored(uow, channel), name, keyring)


def remove_credential(uow: UnitOfWork, channel: Channel, name: str) -> bool:
    """Forget a channel's secret and return whether there was one of that name."""
    check_text("name", name)
    stored = _stored(uow, channel)
    credentials = stored.credentials or {}
    if name not in credentials:
        return False
    left = {each: entry for each, entry in credentials.items() if each != name}
    stored.credentials = left or None
    return True


def refresh_failed(
    uow: UnitOfWork, channel: Channel, name: str, message: str, *, keyring: Keyring | None = None
) -> None:
    """Note that a credential could not be refreshed; it stays as it is until it is set anew.

    Libraries quote what they sent. With a keyring, the secret is blotted out of the message, also
    where it is escaped or encoded; where it cannot be opened, the message is left out. What is left
    is kept in the clear, the first 1,000 characters of it.

    Raises:
        NotFound: the channel has no credential of that name.
    """
    concealed = Concealed(message)
    del message
    stored = _stored(uow, channel)
    entry = _entry(stored, name)
    told = _told(concealed, stored, name, keyring)
    failure = {"at": _spelled("at", uow.now()), "message": told[:LONGEST_FAILURE]}
    changed = {**entry, "last_refresh_failure": failure}
    stored.credentials = {**(stored.credentials or {}), name: changed}


def health(uow: UnitOfWork, channel: Channel | None = None) -> list[CredentialHealth]:
    """Return how the credentials of one channel, or of all, are doing: by channel, then by name."""
    channels = everything(uow.channels) if channel is None else [_stored(uow, channel)]
    now = uow.now()
    return [
        _health(each, name, now)
        for each in sorted(channels, key=lambda each: each.channel_id)
        for name in sorted(each.credentials or {})
    ]


def _health(channel: Channel, name: str, now: datetime) -> CredentialHealth:
    entry = _entry(channel, name)
    expires_at = _instant(entry.get("expires_at"))
    return CredentialHealth(
        channel=channel.channel_id,
        name=name,
        key_id=key_id_of(entry.get(SEALED)),
        expires_at=expires_at,
        expired=expires_at is not None and expires_at <= now,
        expires_in=None if expires_at is None else expires_at - now,
        scopes=_texts(entry.get("scopes")),
        last_refreshed_at=_instant(entry.get("last_refreshed_at")),
        last_refresh_failure=_failure(entry.get("last_refresh_failure")),
    )


def _stored(uow: UnitOfWork, channel: Channel) -> Channel:
    check_kind(Channel, channel)
    # One that was read in an earlier unit of work would take the change and lose it.
    return uow.channels.get(channel.id)


def _entry(channel: Channel, name: str) -> Mapping[str, Any]:
    check_text("name", name)
    credentials = channel.credentials or {}
    if name not in credentials:
        known = ", ".join(sorted(credentials)) or "none"
        message = f"channel {channel.channel_id} has no credential {name!r} (it has: {known})"
        raise NotFound(message)
    return entry_of(credentials[name])


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    check_several("scopes", scopes)
    checked = list(scopes)
    for scope in checked:
        check_text("scopes", scope, empty=False)
    return list(dict.fromkeys(checked))


@discreet
def _told(concealed: Concealed, channel: Channel, name: str, keyring: Keyring | None) -> str:
    message: str = concealed.value
    check_text("message", message)
    if keyring is None:
        return message
    try:
        secret = _opened(channel, name, keyring)
    except SecretUnreadable:
        # It was sent by a program that could open it, before the keys were changed.
        return _LEFT_OUT
    return blotted(message, secret)


def _opened(channel: Channel, name: str, keyring: Keyring) -> Secret:
    entry = _entry(channel, name)
    return keyring.open(entry.get(SEALED), place_of_credential(channel.id, name))


def _spelled(name: str, instant: datetime) -> str:
    return as_instant(name, instant).isoformat()


def _instant(spelled: object) -> datetime | None:
    try:
        return as_instant("instant", datetime.fromisoformat(str(spelled)))
    except ValueError:
        return None


def _texts(stored: object) -> tuple[str, ...]:
    return tuple(map(str, cast("list[object]", stored))) if isinstance(stored, list) else ()


def _failure(stored: object) -> RefreshFailure | None:
    failure = entry_of(stored)
    if not failure:
        return None
    return RefreshFailure(at=_instant(failure.get("at")), message=str(failure.get("message")))
