"""What is uploaded of a task: first that it is meant to be, then how, then what became of it."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from pipeline_store import values
from pipeline_store.entity import entity
from pipeline_store.errors import (
    Conflict,
    DuplicateUpload,
    IllegalTransition,
    InvalidValue,
    UploadUnresolved,
)
from pipeline_store.fields import (
    choice,
    instant,
    integer,
    key_text,
    text,
    uuid_identity,
    uuid_reference,
)
from pipeline_store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_store.claim import Claim
    from pipeline_store.tasks.task import Task

_SEALED: Final = re.compile(r"v1\.[0-9a-f]{16}\.")


class UploadStatus(StrEnum):
    """How far an upload has come, for all that the store knows."""

    INTENDED = "intended"
    STARTED = "started"
    DONE = "done"


def _move(upload: Upload, wanted: UploadStatus) -> None:
    if upload.status == UploadStatus.DONE != wanted:
        raise IllegalTransition(f"upload {upload.id}", upload.status, wanted, ())


@entity
class Upload:
    """One content that goes to one platform for one channel, once."""

    id: UUID = uuid_identity()
    task_id: UUID = uuid_reference("tasks")
    channel_id: UUID = uuid_reference("channels")
    #: Such as "youtube".
    platform: str = key_text()
    #: What tells one content from another, such as the SHA-256 of the file.
    content_hash: str = key_text(unique_with=("channel_id", "platform"))
    status: UploadStatus = choice(UploadStatus, default=UploadStatus.INTENDED, on_move=_move)
    #: Under which lease of the task it was begun, or last looked after.
    lease_token: int = integer(default=0)
    #: The session of the upload, sealed: whoever has it in the clear can upload with it.
    sealed_session: str | None = text(default=None)
    #: What the platform calls it, once it is there.
    external_id: str | None = text(default=None)
    created_at: datetime = instant(default=None, now_by_default=True)
    updated_at: datetime = instant(default=None, now_by_default=True, now_on_change=True)

    @property
    def is_done(self) -> bool:
        """Whether the platform has it."""
        return self.status == UploadStatus.DONE

    def is_left_by_another(self, claim: Claim[Task]) -> bool:
        """Whether it was begun under an earlier lease, and nobody knows how far it came."""
        return not self.is_done and self.lease_token != claim.token


class UploadRepository(Repository[Upload, UUID], Protocol):
    """All uploads. Each write of a worker is refused once its lease has ended.

    An intent is stored before anything is sent. One that is not done, and that was begun under
    another lease, is reconciled with the platform before the task goes on.
    """

    def for_task(self, task_id: UUID) -> list[Upload]:
        """Return the uploads of a task, oldest first."""
        ...

    def of_content(self, channel_id: UUID, platform: str, content_hash: str) -> Upload | None:
        """Return the upload of that content, whichever task it is of, or None."""
        ...

    def unresolved(self, limit: int = 100) -> list[Upload]:
        """Return the uploads that are not done, oldest first; `limit` is 1 to 10,000."""
        ...

    def begin(self, claim: Claim[Task], platform: str, content_hash: str) -> Upload:
        """Store that the task's content is meant to be uploaded, or return what was stored of it.

        Raises:
            DuplicateUpload: another task has uploaded the same content for the channel on the
                platform, or means to; the message names it.
            UploadUnresolved: an upload of other content of the task is to be reconciled first.
            LeaseLost: the lease of the claim has ended, or somebody else has the task.
        """
        ...

    def keep_session(self, claim: Claim[Task], upload: Upload, sealed_session: str) -> None:
        """Store the session of an upload that is about to be sent.

        Raises:
            InvalidValue: the session is not sealed.
            UploadUnresolved: the upload was left by an earlier lease, and is to be reconciled.
            IllegalTransition: the upload is done.
            LeaseLost: as for `begin`.
        """
        ...

    def finish(self, claim: Claim[Task], upload: Upload, external_id: str) -> None:
        """Store what the platform calls it; a session is forgotten. The same again is no change.

        Raises:
            Conflict: it was done under another name.
            LeaseLost: as for `begin`.
        """
        ...

    def reconcile(self, claim: Claim[Task], upload: Upload, external_id: str | None) -> None:
        """Store what the platform said of an upload that is not done: its name there, or None.

        What the platform does not have may be sent again under the claim; a session is forgotten.

        Raises:
            IllegalTransition: the upload is done, and is said not to be there.
            Conflict, LeaseLost: as for `finish`.
        """
        ...

    def abandon(self, claim: Claim[Task], upload: Upload) -> None:
        """Forget an upload that the platform does not have, so that its content is free again.

        Raises:
            IllegalTransition: the upload is done.
            LeaseLost: as for `begin`.
        """
        ...


def check_content(platform: Any, content_hash: Any) -> None:
    """Refuse what names no platform, or no content."""
    for name, value in (("platform", platform), ("content_hash", content_hash)):
        values.check_text(name, value, longest=values.LONGEST_KEY, empty=False)


def check_external_id(external_id: Any) -> None:
    """Refuse what no platform calls anything."""
    values.check_text("external_id", external_id, longest=values.LONGEST_KEY, empty=False)


def check_sealed(sealed_session: Any) -> None:
    """Refuse a session that is not sealed."""
    # Said without the value, which is a secret when it is not sealed.
    if not isinstance(sealed_session, str) or _SEALED.match(sealed_session) is None:
        raise InvalidValue("sealed_session: seal the session first, see services.publish_guard")
    values.check_text("sealed_session", sealed_session)


def found_of_content(task: Task, found: Upload | None) -> Upload | None:
    """Return the upload of the content, unless it is another task's.

    Raises:
        DuplicateUpload: it is.
    """
    if found is not None and found.task_id != task.id:
        raise DuplicateUpload(
            f"upload {found.id}: task {found.task_id} has the same content for this channel on "
            f"{found.platform} ({_told(found)})",
            upload_id=found.id,
            task_id=found.task_id,
            external_id=found.external_id,
        )
    return found


def refuse_unresolved(of_task: Sequence[Upload], platform: str) -> None:
    """Refuse to begin another upload while one of the task is not done.

    Raises:
        UploadUnresolved: naming it.
    """
    for upload in of_task:
        if not upload.is_done and upload.platform == platform:
            raise _unresolved(upload)


def mark_started(claim: Claim[Task], upload: Upload, sealed_session: str) -> None:
    """Let the upload have a session."""
    if upload.is_left_by_another(claim):
        raise _unresolved(upload)
    if upload.is_done:
        raise IllegalTransition(f"upload {upload.id}", upload.status, UploadStatus.STARTED, ())
    upload.sealed_session = sealed_session
    upload.status = UploadStatus.STARTED


def mark_done(claim: Claim[Task], upload: Upload, external_id: str) -> None:
    """Let the upload be done."""
    if upload.is_done and upload.external_id != external_id:
        raise Conflict(f"upload {upload.id} is done already, as {upload.external_id}")
    upload.external_id = external_id
    upload.sealed_session = None
    upload.lease_token = claim.token
    upload.status = UploadStatus.DONE


def mark_to_be_sent(claim: Claim[Task], upload: Upload) -> None:
    """Let the holder of the claim begin anew with an upload that the platform does not have."""
    if upload.is_done:
        raise IllegalTransition(f"upload {upload.id}", upload.status, UploadStatus.INTENDED, ())
    upload.sealed_session = None
    upload.lease_token = claim.token
    upload.status = UploadStatus.INTENDED


def check_of_task(claim: Claim[Task], upload: Upload) -> None:
    """Refuse an upload of another task than the claim is on."""
    if upload.task_id != claim.item.id:
        raise InvalidValue(f"upload: one of task {claim.item.id} expected")


def check_not_done(upload: Upload) -> None:
    """Refuse to forget what the platform has."""
    if upload.is_done:
        raise IllegalTransition(f"upload {upload.id}", upload.status, "abandoned", ())


def _unresolved(upload: Upload) -> UploadUnresolved:
    return UploadUnresolved(
        f"upload {upload.id} of task {upload.task_id} to {upload.platform} is {upload.status}: ask "
        "the platform whether it has it, and reconcile it first"
    )


def _told(upload: Upload) -> str:
    return f"done as {upload.external_id}" if upload.is_done else upload.status
