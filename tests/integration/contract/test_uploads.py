"""Uploads: one of each content, whatever dies on the way, and only by who holds the task."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import (
    AlreadyExists,
    Conflict,
    DuplicateUpload,
    IllegalTransition,
    InUse,
    InvalidValue,
    LeaseLost,
    UploadUnresolved,
)
from pipeline_store.secrets import Keyring, Secret, new_key
from pipeline_store.secrets.sealing import place_of_upload_session
from pipeline_store.services import key_rotation
from pipeline_store.services.publish_guard import (
    ATTEMPTS,
    SessionExpired,
    keep_session,
    publish,
    session_of,
)
from pipeline_store.tasks import TaskStatus, UploadStatus
from tests.conftest import is_on
from tests.integration.contract.test_task_claims import (
    LEASE,
    add_channel,
    add_task,
    claim_shortly,
    time_passes,
)
from tests.integration.uploading import (
    KEYS,
    STEPS,
    CountingPlatform,
    Doom,
    Killed,
    die,
    doomed,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID

    from pipeline_store import Store
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task, Upload

__all__ = ["time_passes"]

S = TaskStatus
SESSION = "https://upload.example/secret-session"
SEALED = "v1.0123456789abcdef.c2VhbGVk"


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    return add_channel(store, "history1")


def claim_upload(store: Store, channel_id: UUID) -> Claim[Task]:
    """A claim on a new task that is to be uploaded."""
    task = add_task(store, channel_id, status=S.UPLOADING)
    claim = claim_shortly(store)
    assert claim.item.id == task.id
    return claim


def begun(
    store: Store, claim: Claim[Task], content: str = "a", platform: str = "youtube"
) -> Upload:
    """A committed intent."""
    with store.unit_of_work() as uow:
        upload = uow.uploads.begin(claim, platform, content)
        uow.commit()
    return upload


def lose(store: Store, claim: Claim[Task], time_passes: Callable[[timedelta], None]) -> Claim[Task]:
    """The claim of the next worker on the task of one that has died."""
    time_passes(LEASE + timedelta(seconds=1))
    later = claim_shortly(store)
    assert later.item.id == claim.item.id
    return later


class TestSteps:
    """An intent, a session, an external id."""

    def test_from_the_intent_to_the_end(self, store: Store, channel_id: UUID) -> None:
        claim = claim_upload(store, channel_id)
        upload = begun(store, claim)
        assert (upload.status, upload.task_id, upload.channel_id, upload.lease_token) == (
            UploadStatus.INTENDED,
            claim.item.id,
            channel_id,
            claim.token,
        )
        assert begun(store, claim).id == upload.id
        with store.unit_of_work(read_only=True) as uow:
            assert [each.id for each in uow.uploads.unresolved()] == [upload.id]
        with store.unit_of_work() as uow:
            uow.uploads.keep_session(claim, upload, SEALED)
            uow.commit()
        assert (upload.status, upload.sealed_session) == (UploadStatus.STARTED, SEALED)
        with store.unit_of_work() as uow:
            uow.uploads.finish(claim, upload, "dQw4w9WgXcQ")
            uow.uploads.finish(claim, upload, "dQw4w9WgXcQ")
            uow.commit()
        with store.unit_of_work() as uow:
            found = uow.uploads.of_content(channel_id, "youtube", "a")
            assert found is not None
            assert (found.id, found.status, found.external_id, found.sealed_session) == (
                upload.id,
                "done",
                "dQw4w9WgXcQ",
                None,
            )
            assert uow.uploads.begin(claim, "youtube", "a") is found
            assert uow.uploads.for_task(claim.item.id) == [found]
            assert uow.uploads.unresolved() == []
            assert uow.uploads.of_content(channel_id, "youtube", "b") is None
            with pytest.raises(Conflict, match="done already, as dQw4w9WgXcQ"):
                uow.uploads.finish(claim, found, "another")
            for write in [
                lambda: uow.uploads.keep_session(claim, found, SEALED),
                lambda: uow.uploads.reconcile(claim, found, None),
                lambda: uow.uploads.abandon(claim, found),
            ]:
                with pytest.raises(IllegalTransition):
                    write()

    def test_other_content_waits_until_the_first_is_resolved(
        self, store: Store, channel_id: UUID
    ) -> None:
        claim = claim_upload(store, channel_id)
        upload = begun(store, claim)
        with store.unit_of_work() as uow, pytest.raises(UploadUnresolved, match=str(upload.id)):
            uow.uploads.begin(claim, "youtube", "b")
        begun(store, claim, "b", "elsewhere")
        with store.unit_of_work() as uow:
            uow.uploads.abandon(claim, upload)
            assert uow.uploads.begin(claim, "youtube", "b").content_hash == "b"
            uow.commit()

    @pytest.mark.parametrize("is_done", [True, False])
    def test_the_same_content_of_another_task_is_refused(
        self, store: Store, channel_id: UUID, is_done: bool
    ) -> None:
        """By an error that names the earlier one; another channel or platform may have it."""
        claim = claim_upload(store, channel_id)
        upload = begun(store, claim)
        if is_done:
            with store.unit_of_work() as uow:
                uow.uploads.finish(claim, upload, "dQw4w9WgXcQ")
                uow.commit()
        later = claim_upload(store, channel_id)
        with store.unit_of_work() as uow, pytest.raises(DuplicateUpload) as refused:
            uow.uploads.begin(later, "youtube", "a")
        error = refused.value
        assert isinstance(error, AlreadyExists)
        assert (error.upload_id, error.task_id) == (upload.id, claim.item.id)
        assert error.external_id == ("dQw4w9WgXcQ" if is_done else None)
        assert str(claim.item.id) in str(error)
        assert ("done as dQw4w9WgXcQ" if is_done else "intended") in str(error)
        begun(store, later, "a", "elsewhere")
        elsewhere = claim_upload(store, add_channel(store, "history2"))
        begun(store, elsewhere)

    def test_who_has_lost_the_task_writes_nothing(
        self, store: Store, channel_id: UUID, time_passes: Callable[[timedelta], None]
    ) -> None:
        claim = claim_upload(store, channel_id)
        upload = begun(store, claim)
        later = lose(store, claim, time_passes)
        for write in [
            lambda uow: uow.uploads.begin(claim, "youtube", "a"),
            lambda uow: uow.uploads.keep_session(claim, upload, SEALED),
            lambda uow: uow.uploads.finish(claim, upload, "x"),
            lambda uow: uow.uploads.reconcile(claim, upload, None),
            lambda uow: uow.uploads.abandon(claim, upload),
        ]:
            with store.unit_of_work() as uow, pytest.raises(LeaseLost):
                write(uow)
        with store.unit_of_work() as uow:
            again = uow.uploads.begin(later, "youtube", "a")
            assert (again.id, again.is_left_by_another(later)) == (upload.id, True)
            with pytest.raises(UploadUnresolved, match="ask the platform"):
                uow.uploads.keep_session(later, again, SEALED)
            uow.uploads.reconcile(later, again, None)
            assert not again.is_left_by_another(later)
            uow.uploads.keep_session(later, again, SEALED)
            uow.commit()

    def test_what_the_platform_has_is_done(
        self, store: Store, channel_id: UUID, time_passes: Callable[[timedelta], None]
    ) -> None:
        claim = claim_upload(store, channel_id)
        upload = begun(store, claim)
        later = lose(store, claim, time_passes)
        with store.unit_of_work() as uow:
            uow.uploads.reconcile(later, upload, "dQw4w9WgXcQ")
            uow.commit()
        assert (upload.status, upload.external_id) == ("done", "dQw4w9WgXcQ")

    def test_what_cannot_be_meant_is_refused(self, store: Store, channel_id: UUID) -> None:
        """A session that is not sealed is not even quoted."""
        claim = claim_upload(store, channel_id)
        other = claim_upload(store, channel_id)
        upload = begun(store, claim)
        with store.unit_of_work() as uow:
            uploads: Any = uow.uploads
            for call in [
                lambda: uploads.begin(claim, "", "a"),
                lambda: uploads.begin(claim, "youtube", ""),
                lambda: uploads.begin("claim", "youtube", "a"),
                lambda: uploads.keep_session(claim, upload, SESSION),
                lambda: uploads.keep_session(claim, upload, None),
                lambda: uploads.keep_session(other, upload, SEALED),
                lambda: uploads.finish(claim, upload, ""),
                lambda: uploads.finish(claim, "upload", "x"),
                lambda: uploads.for_task("x"),
                lambda: uploads.of_content("x", "youtube", "a"),
                lambda: uploads.unresolved(0),
            ]:
                with pytest.raises(InvalidValue) as refused:
                    call()
                assert "secret-session" not in str(refused.value)
        with store.unit_of_work() as uow, pytest.raises(InUse):
            uow.tasks.remove(uow.tasks.get(claim.item.id))


class TestGuard:
    """`publish_guard.publish`, with workers that die at every step."""

    def test_one_upload_and_then_none(self, store: Store, channel_id: UUID, tmp_path: Path) -> None:
        platform = CountingPlatform(tmp_path / "platform")
        claim = claim_upload(store, channel_id)
        external_id = publish(store.unit_of_work, claim, "a", platform, KEYS)
        assert publish(store.unit_of_work, claim, "a", platform, KEYS) == external_id
        assert (platform.videos, platform.asked) == (["a"], 0)

    @pytest.mark.parametrize("keyring", [KEYS, None], ids=["sealed", "no keyring"])
    def test_whoever_dies_where(
        self,
        store: Store,
        channel_id: UUID,
        tmp_path: Path,
        time_passes: Callable[[timedelta], None],
        keyring: Keyring | None,
    ) -> None:
        """The next worker finishes what was begun; the platform has each content once."""
        killed = 0
        # Without a keyring nothing differs but what is asked of the platform.
        every = 1 if keyring or is_on("PIPELINE_STORE_SOAK") else 4
        steps = range(1, STEPS + 1, every)
        for step in steps:
            path = tmp_path / f"platform {step}"
            claim = claim_upload(store, channel_id)
            content = f"content {step}"
            # The worker that comes after it dies too, wherever it has come to.
            for doom in (Doom(step, die), Doom((step * 7) % STEPS + 1, die), Doom(0, die)):
                platform = CountingPlatform(path, doom)
                try:
                    publish(doomed(store, doom), claim, content, platform, keyring)
                except Killed:
                    killed += 1
                    claim = lose(store, claim, time_passes)
            assert CountingPlatform(path).videos == [content]
            with store.unit_of_work(read_only=True) as uow:
                (upload,) = uow.uploads.for_task(claim.item.id)
                assert (upload.status, upload.sealed_session) == ("done", None)
            store.complete(claim)
        assert killed > len(steps) / 2

    def test_a_session_is_gone_on_with(
        self,
        store: Store,
        channel_id: UUID,
        tmp_path: Path,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        """Nothing is asked where it is kept; where it has expired, or its key is gone, it is."""
        for keyring, expires, asked in [
            (KEYS, False, 0),
            (KEYS, True, 1),
            (Keyring([new_key()]), False, 1),
            (None, False, 1),
        ]:
            claim = claim_upload(store, channel_id)
            platform = CountingPlatform(tmp_path / f"platform {claim.item.id}")
            content = f"content of {claim.item.id}"
            upload = begun(store, claim, content)
            session = platform.open_session(upload)
            with store.unit_of_work() as uow:
                keep_session(uow, KEYS, claim, upload, session)
                uow.commit()
            assert session.reveal() not in repr(upload)
            assert session_of(KEYS, upload) == session
            if expires:
                platform.expire()
            later = lose(store, claim, time_passes)
            publish(store.unit_of_work, later, content, platform, keyring)
            assert (platform.videos, platform.asked) == ([content], asked)
            store.complete(later)

    def test_sessions_that_all_expire_end_the_upload(
        self, store: Store, channel_id: UUID, tmp_path: Path
    ) -> None:
        """A platform that takes none of the sessions it opens is not asked for ever."""
        platform = CountingPlatform(tmp_path / "platform")
        claim = claim_upload(store, channel_id)
        opened = 0

        class Forgetful(CountingPlatform):
            def open_session(self, _upload: Upload) -> Secret:
                nonlocal opened
                opened += 1
                if opened > 2 * ATTEMPTS:
                    pytest.fail("asked without end")
                return Secret("https://upload.example/unknown")

        with pytest.raises(SessionExpired):
            publish(store.unit_of_work, claim, "a", Forgetful(tmp_path / "platform"), KEYS)
        assert opened == ATTEMPTS
        publish(store.unit_of_work, claim, "a", platform, KEYS)
        assert platform.videos == ["a"]

    def test_other_content_that_was_left_behind_is_reconciled_first(
        self,
        store: Store,
        channel_id: UUID,
        tmp_path: Path,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        """What the platform has is recorded, and what it does not have is forgotten."""
        platform = CountingPlatform(tmp_path / "platform")
        for was_sent in (True, False):
            claim = claim_upload(store, channel_id)
            older = f"older of {claim.item.id}"
            upload = begun(store, claim, older)
            if was_sent:
                platform.send(upload, platform.open_session(upload))
            later = lose(store, claim, time_passes)
            newer = f"newer of {claim.item.id}"
            publish(store.unit_of_work, later, newer, platform, KEYS)
            with store.unit_of_work(read_only=True) as uow:
                of_task = [each.content_hash for each in uow.uploads.for_task(claim.item.id)]
            assert of_task == ([older, newer] if was_sent else [newer])
            store.complete(later)
        assert len(platform.videos) == 3

    @pytest.mark.parametrize("step", ["find", "send"])
    def test_keys_are_rotated_while_the_platform_is_waited_for(
        self,
        store: Store,
        channel_id: UUID,
        tmp_path: Path,
        time_passes: Callable[[timedelta], None],
        step: str,
    ) -> None:
        """What was uploaded is stored, though its session was sealed anew meanwhile."""
        claim = claim_upload(store, channel_id)
        platform = CountingPlatform(tmp_path / "platform")
        upload = begun(store, claim, "content")
        session = platform.open_session(upload)
        with store.unit_of_work() as uow:
            keep_session(uow, KEYS, claim, upload, session)
            uow.commit()
        if step == "find":
            claim = lose(store, claim, time_passes)
        original = getattr(platform, step)

        def rotating(*arguments: Any) -> Any:
            done = key_rotation.rotate(store.unit_of_work, Keyring([new_key(), *_keys()]))
            assert done.rotated == 1
            return original(*arguments)

        setattr(platform, step, rotating)
        without = Keyring([new_key()]) if step == "find" else KEYS
        external_id = publish(store.unit_of_work, claim, "content", platform, without)
        assert platform.videos == ["content"]
        with store.unit_of_work() as uow:
            (stored,) = uow.uploads.for_task(claim.item.id)
            assert (stored.status, stored.external_id) == ("done", external_id)

    def test_sessions_take_part_in_the_rotation_of_keys(
        self, store: Store, channel_id: UUID
    ) -> None:
        claim = claim_upload(store, channel_id)
        upload = begun(store, claim)
        place = place_of_upload_session(upload.id)
        with store.unit_of_work() as uow:
            uow.uploads.keep_session(claim, upload, KEYS.seal(Secret(SESSION), place))
            uow.commit()
        newer = new_key()
        key_rotation.rotate(store.unit_of_work, Keyring([newer, *_keys()]))
        with store.unit_of_work(read_only=True) as uow:
            sealed = uow.uploads.get(upload.id).sealed_session
        assert Keyring([newer]).open(sealed, place).reveal() == SESSION


def _keys() -> list[str]:
    return ["pXh0n5yPTgZAeMHI7HyFqzYt9TnhbO1mGHqb2yMkFbI="]
