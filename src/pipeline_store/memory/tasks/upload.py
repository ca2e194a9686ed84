"""Uploads in memory."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, final
from uuid import UUID

from pipeline_store import values
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.memory.session import MemorySession
from pipeline_store.memory.tasks.held import held_task
from pipeline_store.repository import check_limit
from pipeline_store.tasks import Upload
from pipeline_store.tasks.abstract_upload import AbstractUploadRepository
from pipeline_store.tasks.upload import check_content

if TYPE_CHECKING:
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task


@final
class MemoryUploadRepository(
    MemoryRepository[Upload, UUID], AbstractUploadRepository[MemorySession]
):
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

    def _held_task(self, claim: Claim[Task]) -> Task:
        return held_task(self._session, claim, self._now())
