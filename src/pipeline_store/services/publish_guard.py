"""Uploading a task's content once, whatever dies on the way.

Before anything is sent, it is stored what is meant to be uploaded; then the session by which it is
sent, sealed; then what the platform calls it. A worker that takes over a task whose worker has died
goes on with the session that is stored, or asks the platform whether it has the content already.
So the same content is never uploaded twice, as far as the platform can tell what it has.

`publish` does all of this. A handler that does it in steps of its own, or awaits them with
`store.run`, uses the four other functions, each in a short unit of work that it commits: nothing is
held open while the platform is waited for.

The session of an upload lets whoever has it upload in the channel's name. It is kept only sealed,
and stands in no error and no log; without a keyring it is not kept at all, and what was interrupted
is asked for instead.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from pipeline_store.errors import Conflict, SecretUnreadable
from pipeline_store.secrets.sealing import place_of_upload_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store.claim import Claim
    from pipeline_store.secrets import Keyring, Secret
    from pipeline_store.tasks import Task, Upload
    from pipeline_store.unit_of_work import UnitOfWork


ATTEMPTS: Final = 5
"""How often a write is tried when the session is sealed anew at the same moment, and how many new
sessions are when each of them expires."""


class SessionExpired(Exception):
    """To be raised by `Platform.send` when the platform does not know the session any more.

    `publish` passes it on when the platform knows none of several that it has just opened.
    """


class Platform(Protocol):
    """What a handler brings along: the calls of a platform."""

    @property
    def name(self) -> str:
        """What the platform is called in the store, such as "youtube"."""
        ...

    def find(self, upload: Upload) -> str | None:
        """Return what the platform calls the content of that upload, or None without it.

        Asked only of uploads that an earlier worker has left; its `content_hash` has to be
        found again in something that was sent along.
        """
        ...

    def open_session(self, upload: Upload) -> Secret:
        """Return a new session for an upload; nothing has been uploaded with it."""
        ...

    def send(self, upload: Upload, session: Secret) -> str:
        """Upload, or go on with uploading, by this session; return what the platform calls it.

        Raises:
            SessionExpired: the platform does not know the session any more.
        """
        ...


def publish(
    unit_of_work: Callable[[], UnitOfWork],
    claim: Claim[Task],
    content_hash: str,
    platform: Platform,
    keyring: Keyring | None = None,
) -> str:
    """Upload the content of a task that the claim is on, and return what the platform calls it.

    Called again for what is done, it uploads nothing and returns the same. The task is not moved:
    complete it afterwards.

    Args:
        unit_of_work: `store.unit_of_work`.
        claim: the claim on the task.
        content_hash: what tells one content from another, such as the SHA-256 of the file.
        platform: the calls of the platform.
        keyring: with it, the session is kept sealed, and an interrupted upload is gone on with.

    Raises:
        DuplicateUpload: another task has the same content for the channel on the platform.
        LeaseLost: the lease has ended, or somebody else has the task.
        SessionExpired: several new sessions expired, one after the other.
    """
    for earlier in _left_behind(unit_of_work, claim, content_hash, platform):
        found = platform.find(earlier)
        write = partial(_abandon, claim) if found is None else partial(_reconcile, claim, found)
        _written(unit_of_work, earlier, write)
    with unit_of_work() as uow:
        upload = begin(uow, claim, platform.name, content_hash)
        uow.commit()
    session = session_of(keyring, upload)
    ask = session is None and upload.is_left_by_another(claim)
    sessions_left = ATTEMPTS
    while upload.external_id is None:
        if ask:
            found = platform.find(upload)
            upload = _written(unit_of_work, upload, partial(_reconcile, claim, found))
            ask, session = False, None
            continue
        if session is None:
            sessions_left -= 1
            session = platform.open_session(upload)
            with unit_of_work() as uow:
                keep_session(uow, keyring, claim, upload, session)
                uow.commit()
        try:
            external_id = platform.send(upload, session)
        except SessionExpired:
            if not sessions_left:
                raise
            ask = True
            continue
        upload = _written(unit_of_work, upload, partial(_finish, claim, external_id))
    return upload.external_id


def begin(uow: UnitOfWork, claim: Claim[Task], platform: str, content_hash: str) -> Upload:
    """Store what is meant to be uploaded; see `UploadRepository.begin`, which this is."""
    return uow.uploads.begin(claim, platform, content_hash)


def keep_session(
    uow: UnitOfWork, keyring: Keyring | None, claim: Claim[Task], upload: Upload, session: Secret
) -> None:
    """Seal the session of an upload and keep it; without a keyring, only check the lease.

    Raises:
        SecretUnreadable: the keyring has no key.
        UploadUnresolved, LeaseLost: as for `UploadRepository.keep_session`.
    """
    if keyring is None:
        uow.uploads.reconcile(claim, upload, None)
        return
    sealed = keyring.seal(session, place_of_upload_session(upload.id))
    uow.uploads.keep_session(claim, upload, sealed)


def session_of(keyring: Keyring | None, upload: Upload) -> Secret | None:
    """Return the session of an upload that is under way, or None where none is kept or opens."""
    if keyring is None or upload.sealed_session is None:
        return None
    try:
        return keyring.open(upload.sealed_session, place_of_upload_session(upload.id))
    except SecretUnreadable:
        # Its key is gone: then the platform is asked, as if there had been no session.
        return None


def _finish(claim: Claim[Task], external_id: str, uow: UnitOfWork, upload: Upload) -> None:
    uow.uploads.finish(claim, upload, external_id)


def _reconcile(claim: Claim[Task], found: str | None, uow: UnitOfWork, upload: Upload) -> None:
    uow.uploads.reconcile(claim, upload, found)


def _abandon(claim: Claim[Task], uow: UnitOfWork, upload: Upload) -> None:
    uow.uploads.abandon(claim, upload)


def _written(
    unit_of_work: Callable[[], UnitOfWork],
    upload: Upload,
    write: Callable[[UnitOfWork, Upload], None],
) -> Upload:
    """Write to the upload as it is stored now, and return it.

    Its session may have been sealed anew while the platform was waited for, and may be at this
    moment; whoever else might change it would hold the task.
    """
    attempts_left = ATTEMPTS
    while True:
        attempts_left -= 1
        try:
            with unit_of_work() as uow:
                # What is not there any more is refused by the write, which asks for the lease.
                stored = uow.uploads.find(upload.id) or upload
                write(uow, stored)
                uow.commit()
                return stored
        except Conflict:
            if not attempts_left:
                raise


def _left_behind(
    unit_of_work: Callable[[], UnitOfWork],
    claim: Claim[Task],
    content_hash: str,
    platform: Platform,
) -> list[Upload]:
    """Return uploads of other content of the task that are not done."""
    with unit_of_work() as uow:
        of_task = uow.uploads.for_task(claim.item.id)
    return [
        upload
        for upload in of_task
        if not upload.is_done
        and upload.platform == platform.name
        and upload.content_hash != content_hash
    ]
