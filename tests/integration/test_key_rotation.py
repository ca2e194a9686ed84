"""Changing over to a new key on real databases: killed, raced, and without a word of a secret."""

from __future__ import annotations

import asyncio
import logging
import threading
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from pipeline_store import open_async_store, open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import Conflict, SecretUnreadable, StoreBusy
from pipeline_store.secrets import Keyring, Secret, new_key
from pipeline_store.secrets.sealing import place_of_channel_setting, place_of_system_setting
from pipeline_store.services import credentials
from pipeline_store.services.credentials import credential, refresh_failed, set_credential
from pipeline_store.services.key_rotation import Rotation, rotate, survey, verify
from tests.conftest import is_on
from tests.integration.rotating import kill_rotations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork

OLDER, NEWER = new_key(), new_key()
BEFORE, AFTER = Keyring([OLDER]), Keyring([NEWER, OLDER])
CANARY = "canary-5b1e-of-a-secret"

NAMES = ("youtube", "notion", "elevenlabs")
SETTING = "webhook"
VALUES_PER_CHANNEL = len(NAMES) + 1
KILLS = 5
SOAK = is_on("PIPELINE_STORE_SOAK")
VALUES = 5_000 if SOAK else 150
ROTATIONS = 10 if SOAK else 3
MOST_ROTATIONS = 1_000
CHANNELS = SETTINGS = VALUES // (VALUES_PER_CHANNEL + 1)


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    """The URL of a database with tables."""
    return new_url()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store on it."""
    store = open_store(url)
    yield store
    store.close()


def fill(store: Store, channels: int, settings: int) -> None:
    """Seals secrets with the older key, each of which says where it belongs."""
    with store.unit_of_work() as uow:
        for number in range(channels):
            channel = uow.channels.add(Channel(channel_id=f"c{number}", name="Nature"))
            for name in NAMES:
                secret = Secret(f"{CANARY} {channel.channel_id} {name}")
                set_credential(uow, BEFORE, channel, name, secret)
            place = place_of_channel_setting(channel.id, SETTING)
            secret = Secret(f"{CANARY} {channel.channel_id} {SETTING}")
            channel.settings = {"a": 1, SETTING: {"sealed": BEFORE.seal(secret, place)}}
        for number in range(settings):
            sealed = BEFORE.seal(
                Secret(f"{CANARY} s{number}"), place_of_system_setting(f"s{number}")
            )
            uow.system_configuration.set(f"s{number}", sealed, encrypted=True)
        uow.commit()


def secrets_in(uow: UnitOfWork, keyring: Keyring) -> dict[str, str]:
    """Opens everything: what it is called, and its text."""
    found: dict[str, str] = {}
    for channel in uow.channels.page(limit=10_000):
        for name in channel.credentials or {}:
            opened = credential(uow, keyring, channel, name)
            found[f"{channel.channel_id} {name}"] = opened.reveal()
        place = place_of_channel_setting(channel.id, SETTING)
        opened = keyring.open(channel.settings[SETTING]["sealed"], place)
        found[f"{channel.channel_id} {SETTING}"] = opened.reveal()
    for setting in uow.system_configuration.all():
        opened = keyring.open(setting.value, place_of_system_setting(setting.key))
        found[setting.key] = opened.reveal()
    return found


def as_filled(channels: int, settings: int) -> dict[str, str]:
    names = [f"c{number} {name}" for number in range(channels) for name in (*NAMES, SETTING)]
    names += [f"s{number}" for number in range(settings)]
    return {name: f"{CANARY} {name}" for name in names}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_rotation_killed_five_times_loses_nothing(url: str, store: Store) -> None:
    """Between the kills every value opens; after the last run none is on the old key."""
    fill(store, CHANNELS, SETTINGS)
    each, most = VALUES // (2 * KILLS), VALUES // (KILLS + 2)
    killed = kill_rotations(url, [NEWER, OLDER], KILLS, each, most)
    assert len(killed) == KILLS
    if not any(each.inside for each in killed):
        pytest.fail("INCONCLUSIVE: no rotation was killed inside a unit of work", pytrace=False)
    with store.unit_of_work(read_only=True) as uow:
        between = survey(uow)
        assert secrets_in(uow, AFTER) == as_filled(CHANNELS, SETTINGS)
    done_before = between.by_key[AFTER.key_ids[0]]
    # A batch that was being committed may count although nobody was told.
    assert sum(each.rotated for each in killed) <= done_before < VALUES
    assert between.by_key == {AFTER.key_ids[0]: done_before, AFTER.key_ids[1]: VALUES - done_before}
    done = rotate(store.unit_of_work, AFTER)
    assert done == Rotation(rotated=VALUES - done_before, current=done_before)
    with store.unit_of_work(read_only=True) as uow:
        assert survey(uow).by_key == {AFTER.key_ids[0]: VALUES}
        assert secrets_in(uow, Keyring([NEWER])) == as_filled(CHANNELS, SETTINGS)
    inside = sum(each.inside for each in killed)
    print(f"\n{url[:6]}: {VALUES} values, {inside} of {KILLS} killed inside")  # noqa: T201


def again(store: Store, service: Callable[[UnitOfWork], None]) -> None:
    """Does it in a unit of work of its own, until nobody else was first."""
    while True:
        try:
            with store.unit_of_work() as uow:
                service(uow)
                uow.commit()
                return
        except (Conflict, StoreBusy):
            continue


@pytest.mark.slow
def test_a_rotation_loses_no_update_made_at_the_same_time(url: str, store: Store) -> None:
    """Of credentials and of settings: the value acknowledged last is the one that is there."""
    channels = settings = 12
    fill(store, channels, settings)
    wanted = as_filled(channels, settings)
    ended = threading.Event()
    problems: list[BaseException] = []

    def update(other: Store, number: int) -> None:
        channel_id, key, text = f"c{number % channels}", f"s{number % settings}", f"update {number}"

        def service(uow: UnitOfWork) -> None:
            channel = uow.channels.by_channel_id(channel_id)
            assert channel is not None
            # By a program that was started before the new key was given.
            set_credential(uow, BEFORE, channel, "youtube", Secret(text))
            sealed = BEFORE.seal(Secret(text), place_of_system_setting(key))
            uow.system_configuration.get(key).value = sealed

        again(other, service)
        wanted[f"{channel_id} youtube"] = wanted[key] = text

    def update_until_the_end() -> None:
        other = open_store(url)
        try:
            for number in count():
                if ended.is_set():
                    break
                update(other, number)
        except BaseException as problem:  # noqa: BLE001 - told by the test
            problems.append(problem)
        finally:
            other.close()

    total, rotated = len(wanted), 0
    updating = threading.Thread(target=update_until_the_end)
    updating.start()
    try:
        # Until something was updated meanwhile, or nothing is shown.
        for number in range(1, MOST_ROTATIONS):
            rotated += rotate(store.unit_of_work, AFTER, batch=5).rotated
            if number >= ROTATIONS and rotated > total:
                break
    finally:
        ended.set()
        updating.join()
    assert problems == []
    assert rotated > total, "INCONCLUSIVE: nothing was updated meanwhile"
    rotate(store.unit_of_work, AFTER)
    with store.unit_of_work(read_only=True) as uow:
        assert secrets_in(uow, Keyring([NEWER])) == wanted
        assert survey(uow).by_key == {AFTER.key_ids[0]: total}


@pytest.mark.postgres
def test_what_is_changed_between_reading_and_writing_is_read_again(postgres_url: str) -> None:
    """Where two can write at once, the second of them is the rotation, and it begins anew."""
    store = open_store(postgres_url)
    fill(store, 3, 3)
    text = f"{CANARY} theirs"

    def change_credential(uow: UnitOfWork) -> None:
        channel = uow.channels.by_channel_id("c1")
        assert channel is not None
        set_credential(uow, BEFORE, channel, "youtube", Secret(text))
        channel.name = "Renamed"

    def change_setting(uow: UnitOfWork) -> None:
        sealed = BEFORE.seal(Secret(text), place_of_system_setting("s1"))
        uow.system_configuration.get("s1").value = sealed

    # Channels, channels again, no more channels; the same with settings; no uploads.
    before_commit = [change_credential, None, None, change_setting, None, None, None]

    def new_unit_of_work() -> UnitOfWork:
        uow = store.unit_of_work()
        commit = uow.commit

        def commit_late() -> None:
            theirs = before_commit.pop(0)
            if theirs:
                again(store, theirs)
            commit()

        uow.commit = commit_late  # type: ignore[method-assign]
        return uow

    done = rotate(new_unit_of_work, AFTER)
    assert done == Rotation(rotated=3 * VALUES_PER_CHANNEL + 3)
    assert before_commit == []
    with store.unit_of_work(read_only=True) as uow:
        wanted = as_filled(3, 3) | {"c1 youtube": text, "s1": text}
        assert secrets_in(uow, Keyring([NEWER])) == wanted
        channel = uow.channels.by_channel_id("c1")
        assert channel is not None
        assert channel.name == "Renamed"
    store.close()


def test_no_secret_is_in_a_log_an_error_or_the_database(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With every logger at DEBUG, and the whole database searched."""
    caplog.set_level(logging.DEBUG)
    fill(store, 2, 2)
    told: list[str] = []
    with store.unit_of_work() as uow:
        first, second = uow.channels.page()
        told += [repr(first), str(first.credentials), repr(uow.system_configuration.all())]
        refresh_failed(uow, first, "youtube", f"sent {CANARY} c0 youtube", keyring=BEFORE)
        second.credentials = first.credentials
        for keyring in (BEFORE, Keyring([NEWER]), Keyring()):
            with pytest.raises(SecretUnreadable) as raised:
                credential(uow, keyring, second, "youtube")
            told += [repr(raised.value), str(vars(raised.value))]
        told.append(repr(credentials.health(uow)))
        uow.commit()
    told.append(repr(rotate(store.unit_of_work, AFTER)))
    with store.unit_of_work(read_only=True) as uow:
        told.append(repr(verify(uow, BEFORE)))
    told.append(everything_in(store, tmp_path))
    assert len(told) == 13
    assert "v1." in told[-1]
    assert CANARY not in "".join(told)
    assert CANARY not in caplog.text
    assert not any(key.reveal() in "".join([*told, caplog.text]) for key in (OLDER, NEWER))


def everything_in(store: Any, folder: Path) -> str:
    """All that a backup of the database would hold."""
    if store.engine.dialect.name == "sqlite":
        store.close()
        return "".join(file.read_bytes().decode("latin-1") for file in folder.iterdir())
    with store.engine.connect() as connection:
        rows = [
            connection.execute(sa.text(f"SELECT CAST({table} AS text) FROM {table}")).scalars()  # noqa: S608 - names of our own
            for table in ("channels", "system_configuration", "configuration_changes")
        ]
        return "".join(row for found in rows for row in found)


def test_an_awaited_store_serves_the_same_services(url: str) -> None:
    """Set, opened, told about, verified: one await each."""

    async def whole() -> None:
        store = open_async_store(url)
        async with store.unit_of_work() as uow:
            channel = await uow.channels.add(Channel(channel_id="nature1", name="Nature"))
            await uow.run(set_credential, BEFORE, channel, "youtube", Secret(CANARY))
            await uow.commit()
        opened = await store.run(credential, BEFORE, channel, "youtube")
        assert opened.reveal() == CANARY
        [told] = await store.run(credentials.health)
        assert (told.channel, told.key_id) == ("nature1", BEFORE.newest_id)
        assert (await store.run(verify, BEFORE)).unreadable == ()
        assert (await store.run(survey)).by_key == {BEFORE.newest_id: 1}
        await store.close()

    asyncio.run(whole())
