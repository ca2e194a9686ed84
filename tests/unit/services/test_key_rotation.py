"""Which keys are needed, and changing over to a new one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import Conflict, InUse, SecretUnreadable, StoreBusy
from pipeline_store.secrets import Keyring, Secret, new_key
from pipeline_store.secrets.sealing import (
    place_of_credential,
    place_of_system_setting,
)
from pipeline_store.services import key_rotation
from pipeline_store.services.credentials import credential, refresh_failed, set_credential
from pipeline_store.services.key_rotation import (
    ATTEMPTS,
    Rotation,
    check_unused,
    rotate,
    survey,
    verify,
)
from pipeline_store.services.sealed_values import SealedRow, sealed_channels
from tests.unit.secrets.conftest import CANARY
from tests.unit.services.sealed import (
    AFTER,
    BEFORE,
    NEWER,
    NEWER_ID,
    OLDER_ID,
    VALUES,
    fill,
    reads_everything,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store, UnitOfWork


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, which are not waited for."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


@pytest.fixture
def store(store: Store) -> Store:
    """Seven channels of two credentials and a secret setting, two secret settings of the system."""
    fill(store)
    return store


def test_a_survey_counts_the_values_of_each_key(store: Store) -> None:
    """Without opening any, and what is not sealed is not counted."""
    with store.unit_of_work() as uow:
        assert (survey(uow).by_key, survey(uow).without_key) == ({OLDER_ID: VALUES}, 0)
        [first, *_] = uow.channels.page()
        set_credential(uow, AFTER, first, "youtube", Secret("new"))
        first.credentials = {**(first.credentials or {}), "broken": {"sealed": "v1"}}
        found = survey(uow)
    assert found.by_key == {OLDER_ID: VALUES - 1, NEWER_ID: 1}
    assert (found.without_key, found.values) == (1, VALUES + 1)


def test_a_survey_reads_page_after_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline_store.services.sealed_values._PAGE", 2)
    with store.unit_of_work(read_only=True) as uow:
        assert survey(uow).values == VALUES


@pytest.mark.parametrize("batch", [1, 2, 8, 100])
def test_a_rotation_leaves_none_on_the_old_key(store: Store, batch: int) -> None:
    """And all of them readable, with the new key alone."""
    assert rotate(store.unit_of_work, AFTER, batch=batch) == Rotation(rotated=VALUES)
    with store.unit_of_work(read_only=True) as uow:
        assert survey(uow).by_key == {NEWER_ID: VALUES}
        assert reads_everything(uow, Keyring([NEWER])) == VALUES


def test_a_rotation_changes_nothing_but_the_sealed_texts(store: Store) -> None:
    def everything(uow: UnitOfWork) -> Any:
        channels = [
            (
                {**channel.settings, "webhook": None},
                {
                    name: {**entry, "sealed": None}
                    for name, entry in (channel.credentials or {}).items()
                },
            )
            for channel in uow.channels.page()
        ]
        settings = [
            (each.key, None if each.encrypted else each.value, each.description, each.encrypted)
            for each in uow.system_configuration.all()
        ]
        return channels, settings

    with store.unit_of_work(read_only=True) as uow:
        before = everything(uow)
    rotate(store.unit_of_work, AFTER)
    with store.unit_of_work(read_only=True) as uow:
        assert everything(uow) == before


def test_a_rotation_again_writes_nothing(store: Store) -> None:
    """So that it can be stopped and started whenever somebody likes."""
    rotate(store.unit_of_work, AFTER)
    with store.unit_of_work(read_only=True) as uow:
        before = [channel.updated_at for channel in uow.channels.page()], sealed_texts(uow)
    assert rotate(store.unit_of_work, AFTER) == Rotation(current=VALUES)
    with store.unit_of_work(read_only=True) as uow:
        assert before == (
            [channel.updated_at for channel in uow.channels.page()],
            sealed_texts(uow),
        )


def sealed_texts(uow: UnitOfWork) -> list[Any]:
    return [dict(channel.credentials or {}) for channel in uow.channels.page()]


def test_progress_is_told_after_every_batch(store: Store) -> None:
    told: list[int] = []
    rotate(store.unit_of_work, AFTER, batch=3, progress=lambda done: told.append(done.rotated))
    assert told == [9, 18, 21, 23]


def test_a_rotation_that_was_stopped_goes_on(store: Store) -> None:
    """What was committed before stays; the rest is done by the next."""

    class Stopped(Exception):
        pass

    def stop(done: Rotation) -> None:
        if done.rotated >= 9:
            raise Stopped

    with pytest.raises(Stopped):
        rotate(store.unit_of_work, AFTER, batch=1, progress=stop)
    with store.unit_of_work(read_only=True) as uow:
        assert survey(uow).by_key == {OLDER_ID: VALUES - 9, NEWER_ID: 9}
        assert reads_everything(uow, AFTER) == VALUES
    assert rotate(store.unit_of_work, AFTER) == Rotation(rotated=VALUES - 9, current=9)


def test_a_value_that_does_not_open_is_left_and_told(store: Store) -> None:
    """And hinders no other."""
    foreign = Keyring([new_key()])
    with store.unit_of_work() as uow:
        first, second, *_ = uow.channels.page()
        set_credential(uow, foreign, first, "youtube", Secret("lost"))
        moved = {**(second.credentials or {}), "other": (second.credentials or {})["youtube"]}
        second.credentials = {**moved, "broken": CANARY}
        uow.commit()
    done = rotate(store.unit_of_work, AFTER)
    assert (done.rotated, done.current) == (VALUES - 1, 0)
    assert [(one.place, one.key_id) for one in done.unreadable] == [
        (str(place_of_credential(first.id, "youtube")), foreign.newest_id),
        (str(place_of_credential(second.id, "other")), OLDER_ID),
        (str(place_of_credential(second.id, "broken")), None),
    ]
    assert "that key is not given" in done.unreadable[0].reason
    assert CANARY not in repr(done)
    with store.unit_of_work(read_only=True) as uow:
        assert credential(uow, foreign, first, "youtube").reveal() == "lost"
        found = verify(uow, AFTER)
    assert found.unreadable == done.unreadable
    assert found.key_ids == (NEWER_ID, OLDER_ID)
    assert (found.use.by_key, found.use.without_key) == (
        {NEWER_ID: VALUES - 1, OLDER_ID: 1, foreign.newest_id: 1},
        1,
    )


def test_verifying_opens_every_value(store: Store) -> None:
    with store.unit_of_work(read_only=True) as uow:
        assert verify(uow, BEFORE).unreadable == ()
        assert len(verify(uow, Keyring([NEWER])).unreadable) == VALUES
        assert len(verify(uow, Keyring()).unreadable) == VALUES


def test_without_a_key_nothing_is_rotated(store: Store) -> None:
    with pytest.raises(SecretUnreadable, match="keys new"):
        rotate(store.unit_of_work, Keyring())


def test_a_key_in_use_is_not_unused(store: Store) -> None:
    """One value is enough."""
    with store.unit_of_work() as uow:
        with pytest.raises(InUse, match=f"{OLDER_ID} is needed by {VALUES} stored values"):
            check_unused(uow, OLDER_ID)
        check_unused(uow, NEWER_ID)
    rotate(store.unit_of_work, AFTER)
    with store.unit_of_work() as uow:
        check_unused(uow, OLDER_ID)
        setting = uow.system_configuration.get("api.token")
        setting.value = BEFORE.seal(Secret("late"), place_of_system_setting("api.token"))
        with pytest.raises(InUse, match=r"needed by 1 stored value: .*keys rotate"):
            check_unused(uow, OLDER_ID)


def interrupted(store: Store, when: Callable[[UnitOfWork], None]) -> Callable[[], UnitOfWork]:
    """Returns units of work in which something happens before they commit."""

    def new_unit_of_work() -> UnitOfWork:
        uow = store.unit_of_work()
        commit = uow.commit

        def commit_late() -> None:
            when(uow)
            commit()

        uow.commit = commit_late  # type: ignore[method-assign]
        return uow

    return new_unit_of_work


def test_what_somebody_changes_meanwhile_is_not_lost(store: Store, no_waiting: list[float]) -> None:
    """Their value is kept, and rotated with the next attempt."""
    updates = ["first", "second", "third"]

    def change(_uow: UnitOfWork) -> None:
        if updates:
            with store.unit_of_work() as theirs:
                channel = theirs.channels.by_channel_id("c3")
                assert channel is not None
                set_credential(theirs, BEFORE, channel, "youtube", Secret(updates.pop(0)))
                refresh_failed(theirs, channel, "notion", "no answer")
                channel.name = "Renamed"
                theirs.commit()

    done = rotate(interrupted(store, change), AFTER)
    assert done == Rotation(rotated=VALUES)
    assert no_waiting
    with store.unit_of_work(read_only=True) as uow:
        channel = uow.channels.by_channel_id("c3")
        assert channel is not None
        assert channel.name == "Renamed"
        youtube = credential(uow, Keyring([NEWER]), channel, "youtube")
        assert youtube.reveal() == "third"
        assert survey(uow).by_key == {NEWER_ID: VALUES}


@pytest.mark.parametrize("error", [Conflict, StoreBusy])
def test_somebody_always_in_the_way_is_told_in_the_end(
    store: Store,
    no_waiting: list[float],
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After ten attempts with ever longer waits and ever fewer rows."""
    limits: list[int] = []

    def channels(uow: UnitOfWork, after: Any, limit: int) -> list[SealedRow]:
        limits.append(limit)
        return sealed_channels(uow, after, limit)

    def refuse(_uow: UnitOfWork) -> None:
        raise error

    monkeypatch.setattr(key_rotation, "TABLES", [channels])

    with pytest.raises(error):
        rotate(interrupted(store, refuse), AFTER)
    assert limits == [100, 50, 25, 12, 6, 3, 1, 1, 1, 1]
    assert len(no_waiting) == ATTEMPTS - 1
    longest = [key_rotation.SHORTEST_WAIT * 2**attempt for attempt in range(1, ATTEMPTS)]
    assert all(0 <= wait <= most for wait, most in zip(no_waiting, longest, strict=True))
    with store.unit_of_work(read_only=True) as uow:
        assert survey(uow).by_key == {OLDER_ID: VALUES}
