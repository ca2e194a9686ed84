"""Secrets of channels: sealed for their place, and told about without being opened."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel
from pipeline_store.errors import InvalidValue, NotFound, SecretUnreadable
from pipeline_store.secrets import Keyring, Place, Secret, key_id_of, new_key
from pipeline_store.services.credentials import (
    RefreshFailure,
    credential,
    health,
    refresh_failed,
    remove_credential,
    set_credential,
)
from tests.unit.secrets.conftest import CANARY, shown

if TYPE_CHECKING:
    from pipeline_store import Store, UnitOfWork
    from tests.unit.services.conftest import SetClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def keyring() -> Keyring:
    """One key."""
    return Keyring([new_key()])


@pytest.fixture
def channel(uow: UnitOfWork) -> Channel:
    """A stored channel."""
    return uow.channels.add(Channel(channel_id="nature1", name="Nature"))


def test_a_credential_is_kept_sealed_and_opens_again(
    uow: UnitOfWork, keyring: Keyring, channel: Channel
) -> None:
    """What is stored is the sealed text and what may be known in the clear."""
    expires = NOON + timedelta(hours=1)
    set_credential(
        uow, keyring, channel, "youtube", Secret(CANARY), expires_at=expires, scopes=["a", "b", "a"]
    )
    assert credential(uow, keyring, channel, "youtube").reveal() == CANARY
    assert CANARY not in json.dumps(channel.credentials)
    assert channel.credentials is not None
    entry = dict(channel.credentials["youtube"])
    place = Place("channels", str(channel.id), "credentials.youtube")
    assert keyring.open(entry.pop("sealed"), place).reveal() == CANARY
    assert entry == {
        "expires_at": "2026-03-01T13:00:00+00:00",
        "scopes": ["a", "b"],
        "last_refreshed_at": "2026-03-01T12:00:00+00:00",
        "last_refresh_failure": None,
    }


def test_a_credential_is_set_beside_the_others(
    uow: UnitOfWork, keyring: Keyring, channel: Channel
) -> None:
    """And in place of an older one of its name."""
    for name, text in (("youtube", "one"), ("notion", "two"), ("youtube", "three")):
        set_credential(uow, keyring, channel, name, Secret(text))
    assert credential(uow, keyring, channel, "youtube").reveal() == "three"
    assert credential(uow, keyring, channel, "notion").reveal() == "two"


def test_a_channel_of_an_earlier_unit_of_work_will_do(store: Store, keyring: Keyring) -> None:
    """The change goes to the channel as it is stored now, and is not lost."""
    with store.unit_of_work() as uow:
        early = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        uow.commit()
    with store.unit_of_work() as uow:
        set_credential(uow, keyring, early, "youtube", Secret(CANARY))
        uow.commit()
    with store.unit_of_work() as uow:
        assert credential(uow, keyring, early, "youtube").reveal() == CANARY
        refresh_failed(uow, early, "youtube", "no answer")
        uow.commit()
    with store.unit_of_work() as uow:
        assert remove_credential(uow, early, "youtube")
        uow.commit()
    with store.unit_of_work(read_only=True) as uow:
        assert uow.channels.get(early.id).credentials is None


def test_a_missing_credential_names_those_there_are(
    uow: UnitOfWork, keyring: Keyring, channel: Channel
) -> None:
    """To read it, to note a failure; removing it tells that there was none."""
    uses: list[Any] = [
        lambda: credential(uow, keyring, channel, "youtube"),
        lambda: refresh_failed(uow, channel, "youtube", "no answer"),
    ]
    for known in ("none", "elevenlabs, notion"):
        for use in uses:
            with pytest.raises(NotFound, match=rf"nature1 .* 'youtube' \(it has: {known}\)"):
                use()
        assert not remove_credential(uow, channel, "youtube")
        set_credential(uow, keyring, channel, "notion", Secret("a"))
        set_credential(uow, keyring, channel, "elevenlabs", Secret("a"))


def test_removing_a_credential_leaves_the_others(
    uow: UnitOfWork, keyring: Keyring, channel: Channel
) -> None:
    for name in ("youtube", "notion"):
        set_credential(uow, keyring, channel, name, Secret(name))
    assert remove_credential(uow, channel, "youtube")
    assert list(channel.credentials or {}) == ["notion"]
    assert remove_credential(uow, channel, "notion")
    assert channel.credentials is None


def test_a_token_copied_to_another_channel_or_name_does_not_open(
    uow: UnitOfWork, keyring: Keyring, channel: Channel
) -> None:
    """Whoever can write to the database cannot hand one channel's access to another."""
    set_credential(uow, keyring, channel, "youtube", Secret(CANARY))
    other = uow.channels.add(Channel(channel_id="nature2", name="Nature"))
    other.credentials = channel.credentials
    channel.credentials = {**(channel.credentials or {}), "notion": other.credentials["youtube"]}
    for where, name in ((other, "youtube"), (channel, "notion")):
        with pytest.raises(SecretUnreadable, match="another place") as raised:
            credential(uow, keyring, where, name)
        assert raised.value.subject == f"credentials.{name} of channels {where.id}"
        assert raised.value.key_id == keyring.newest_id
        assert CANARY not in shown(raised.value)


@pytest.mark.parametrize("entry", [None, 5, CANARY, [], {}, {"sealed": None}, {"sealed": CANARY}])
def test_what_another_program_left_is_refused_and_not_shown(
    uow: UnitOfWork, keyring: Keyring, channel: Channel, entry: Any
) -> None:
    """Its health can be told all the same, and a failure be noted."""
    channel.credentials = {"youtube": entry}
    with pytest.raises(SecretUnreadable, match="never sealed") as raised:
        credential(uow, keyring, channel, "youtube")
    assert CANARY not in shown(raised.value)
    [told] = health(uow, channel)
    assert (told.name, told.key_id, told.expires_at, told.scopes) == ("youtube", None, None, ())
    refresh_failed(uow, channel, "youtube", f"no answer to {CANARY[:3]}", keyring=keyring)
    [told] = health(uow)
    assert told.last_refresh_failure is not None


def test_without_a_key_nothing_is_stored(uow: UnitOfWork, channel: Channel) -> None:
    with pytest.raises(SecretUnreadable, match="keys new"):
        set_credential(uow, Keyring(), channel, "youtube", Secret(CANARY))
    assert channel.credentials is None


REFUSED: list[dict[str, Any]] = [
    {"secret": CANARY},
    {"secret": None},
    {"name": ""},
    {"name": "n" * 256},
    {"name": None},
    {"name": "a\x00"},
    {"scopes": "youtube"},
    {"scopes": [5]},
    {"scopes": [["up"]]},
    {"scopes": [""]},
    {"expires_at": "2026-03-01"},
    {"expires_at": datetime(1969, 1, 1, tzinfo=UTC)},
    {"channel": Channel(channel_id="new", name="Not stored")},
]


@pytest.mark.parametrize("wrong", REFUSED, ids=lambda wrong: repr(wrong)[:40])
def test_what_cannot_be_stored_is_refused(
    uow: UnitOfWork, keyring: Keyring, channel: Channel, wrong: dict[str, Any]
) -> None:
    """A plain text in place of a `Secret` too, and it is not shown."""
    given = {"channel": channel, "name": "youtube", "secret": Secret(CANARY), "scopes": ()} | wrong
    where, name, secret = given.pop("channel"), given.pop("name"), given.pop("secret")
    with pytest.raises(InvalidValue) as raised:
        set_credential(uow, keyring, where, name, secret, **given)
    assert CANARY not in shown(raised.value)
    assert channel.credentials is None


def test_health_tells_when_a_credential_expires(
    uow: UnitOfWork, keyring: Keyring, channel: Channel, clock: SetClock
) -> None:
    """Before, at the very moment, after, and of one that never does; without any key."""
    expires = datetime(2026, 3, 1, 15, tzinfo=timezone(timedelta(hours=2)))
    set_credential(uow, keyring, channel, "youtube", Secret("a"), expires_at=expires, scopes=["up"])
    set_credential(uow, keyring, channel, "notion", Secret("a"))
    notion, youtube = health(uow, channel)
    assert (notion.name, notion.expires_at, notion.expires_in, notion.expired) == (
        "notion",
        None,
        None,
        False,
    )
    assert (youtube.channel, youtube.name, youtube.scopes) == ("nature1", "youtube", ("up",))
    assert (youtube.expires_at, youtube.last_refreshed_at) == (expires, NOON)
    assert (youtube.expires_in, youtube.expired) == (timedelta(hours=1), False)
    assert youtube.key_id == keyring.newest_id
    assert CANARY not in repr(youtube)
    for passed, left in ((60, 0), (30, -30)):
        clock.let_pass(timedelta(minutes=passed))
        youtube = health(uow, channel)[1]
        assert (youtube.expires_in, youtube.expired) == (timedelta(minutes=left), True)


def test_a_failure_to_refresh_stays_until_the_credential_is_set_anew(
    uow: UnitOfWork, keyring: Keyring, channel: Channel, clock: SetClock
) -> None:
    set_credential(uow, keyring, channel, "youtube", Secret("a"), scopes=["up"])
    clock.let_pass(timedelta(minutes=5))
    refresh_failed(uow, channel, "youtube", "invalid_grant")
    [told] = health(uow, channel)
    later = NOON + timedelta(minutes=5)
    assert told.last_refresh_failure == RefreshFailure(at=later, message="invalid_grant")
    assert (told.last_refreshed_at, told.scopes) == (NOON, ("up",))
    assert credential(uow, keyring, channel, "youtube").reveal() == "a"
    set_credential(uow, keyring, channel, "youtube", Secret("b"))
    [told] = health(uow, channel)
    assert (told.last_refresh_failure, told.last_refreshed_at) == (None, later)


def test_the_secret_is_blotted_out_of_a_failure(
    uow: UnitOfWork, keyring: Keyring, channel: Channel
) -> None:
    """Libraries quote what they sent. What is longer than 1,000 characters is cut, and after it."""
    set_credential(uow, keyring, channel, "youtube", Secret(CANARY))
    message = f"POST /token?refresh_token={CANARY} failed: {CANARY}" + "x" * 2000
    refresh_failed(uow, channel, "youtube", message, keyring=keyring)
    assert CANARY not in json.dumps(channel.credentials)
    [told] = health(uow, channel)
    assert told.last_refresh_failure is not None
    assert told.last_refresh_failure.message.startswith("POST /token?refresh_token=******** failed")
    assert len(told.last_refresh_failure.message) == 1000
    with pytest.raises(InvalidValue, match="message"):
        refresh_failed(uow, channel, "youtube", "a\x00b")


@pytest.mark.parametrize("ring", [Keyring(), Keyring([new_key()])])
def test_what_may_quote_a_secret_that_cannot_be_opened_is_left_out(
    uow: UnitOfWork, keyring: Keyring, channel: Channel, ring: Keyring
) -> None:
    """It was sent before the keys were changed, by a program that has only the older ones now."""
    set_credential(uow, keyring, channel, "youtube", Secret(CANARY))
    refresh_failed(uow, channel, "youtube", f"sent {CANARY}", keyring=ring)
    assert CANARY not in json.dumps(channel.credentials)
    [told] = health(uow, channel)
    assert told.last_refresh_failure is not None
    assert told.last_refresh_failure.message.startswith("left out: ")


def test_health_of_all_channels(uow: UnitOfWork, keyring: Keyring) -> None:
    """By channel and by name, whatever order they were made in; those without any are not there."""
    for channel_id, names in (("b", ["z", "y"]), ("c", []), ("a", ["x"])):
        channel = uow.channels.add(Channel(channel_id=channel_id, name="Nature"))
        for name in names:
            set_credential(uow, keyring, channel, name, Secret("a"))
    assert [(told.channel, told.name) for told in health(uow)] == [
        ("a", "x"),
        ("b", "y"),
        ("b", "z"),
    ]


def test_health_reads_page_after_page(
    uow: UnitOfWork, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline_store.services.lookup.LONGEST_PAGE", 2)
    for number in range(5):
        channel = uow.channels.add(Channel(channel_id=str(number), name="Nature"))
        set_credential(uow, keyring, channel, "youtube", Secret("a"))
    assert [told.channel for told in health(uow)] == ["0", "1", "2", "3", "4"]


def test_a_credential_remembers_its_key(
    uow: UnitOfWork, keyring: Keyring, channel: Channel
) -> None:
    """Without being opened, so that it can be told which key is needed."""
    set_credential(uow, keyring, channel, "youtube", Secret("a"))
    assert channel.credentials is not None
    assert key_id_of(channel.credentials["youtube"]["sealed"]) == keyring.newest_id
    with pytest.raises(SecretUnreadable, match=f"key {keyring.newest_id}") as raised:
        credential(uow, Keyring([new_key()]), channel, "youtube")
    assert raised.value.key_id == keyring.newest_id
