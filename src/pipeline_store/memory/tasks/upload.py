"""Uploads in memory."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, final
from uuid import UUID

from pipeline_store import values
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.memory.tasks.held import held_task
from pipeline_store.repository import check_kind, check_limit
from pipeline_store.tasks import Upload, UploadRepository
from pipeline_store.tasks.upload import (
    check_content,
    check_external_id,
    check_not_done,
    check_of_task,
    check_sealed,
    found_of_content,
    mark_done,
    mark_started,
    mark_to_be_sent,
    refuse_unresolved,
)

if TYPE_CHECKING:
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task


@final
class MemoryUploadRepository(MemoryRepository[Upload, UUID], UploadRepository):
    """Uploads in memory."""

    collection = "uploads"

    def for_task(self, task_id: UUID) -> list[Upload]:
        """See `UploadRepository.for_task`."""
        values.check_uuid("task_id", task_id)
        found = self._where(lambda upload: upload.task_id == task_id)
        return sorted(found, key=attrgetter("created_at", "id"))

    def of_content(self, channel_id: UUID, platform: str, content_hash: str) -> Upload | None:
        """See `UploadRepository.of_content`."""
        values.check_uuid("channel_id", channel_id)
        check_content(platform, content_hash)
        wanted = (channel_id, platform, content_hash)

        def is_same(upload: Upload) -> bool:
            return (upload.channel_id, upload.platform, upload.content_hash) == wanted

        return next(iter(self._where(is_same)), None)

    def unresolved(self, limit: int = 100) -> list[Upload]:
        """See `UploadRepository.unresolved`."""
        check_limit(limit)
        found = self._where(lambda upload: not upload.is_done)
        return sorted(found, key=attrgetter("created_at", "id"))[:limit]

    def begin(self, claim: Claim[Task], platform: str, content_hash: str) -> Upload:
        """See `UploadRepository.begin`."""
        self._session.check_writable()
        check_content(platform, content_hash)
        task = held_task(self._session, claim, self._now())
        found = found_of_content(task, self.of_content(task.channel_id, platform, content_hash))
        if found is not None:
            return found
        refuse_unresolved(self.for_task(task.id), platform)
        return self.add(
            Upload(
                task_id=task.id,
                channel_id=task.channel_id,
                platform=platform,
                content_hash=content_hash,
                lease_token=claim.token,
            )
        )

    def keep_session(self, claim: Claim[Task], upload: Upload, sealed_session: str) -> None:
        """See `UploadRepository.keep_session`."""
        check_sealed(sealed_session)
        mark_started(claim, self._held(claim, upload), sealed_session)
        self._session.flush()

    def finish(self, claim: Claim[Task], upload: Upload, external_id: str) -> None:
        """See `UploadRepository.finish`."""
        check_external_id(external_id)
        mark_done(claim, self._held(claim, upload), external_id)
        self._session.flush()

    def reconcile(self, claim: Claim[Task], upload: Upload, external_id: str | None) -> None:
        """See `UploadRepository.reconcile`."""
        if external_id is not None:
            check_external_id(external_id)
        held = self._held(claim, upload)
        if external_id is None:
            mark_to_be_sent(claim, held)
        else:
            mark_done(claim, held, external_id)
        self._session.flush()

    def abandon(self, claim: Claim[Task], upload: Upload) -> None:
        """See `UploadRepository.abandon`."""
        held = self._held(claim, upload)
        check_not_done(held)
        self.remove(held)

    def _held(self, claim: Claim[Task], upload: Upload) -> Upload:
        """Return the upload, taken into the unit of work, if the claim on its task goes on."""
        self._session.check_writable()
        check_kind(Upload, upload)
        held_task(self._session, claim, self._now())
        check_of_task(claim, upload)
        return self.add(upload)
