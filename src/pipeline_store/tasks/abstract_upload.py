"""What every store does alike when a worker writes an upload."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic

from pipeline_store.repository import Session, check_kind
from pipeline_store.tasks.upload import (
    Upload,
    UploadRepository,
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
    from pipeline_store.tasks.task import Task


class AbstractUploadRepository(UploadRepository, Generic[Session]):
    """The writes of a worker, over what a store finds and keeps."""

    _session: Session

    def begin(self, claim: Claim[Task], platform: str, content_hash: str) -> Upload:
        """See `UploadRepository.begin`."""
        self._session.check_writable()
        check_content(platform, content_hash)
        task = self._held_task(claim)
        # Two tasks with one content wait for each other, and the later one is told of the earlier.
        self._session.lock(f"uploads {task.channel_id} {platform} {content_hash}")
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
        self._held_task(claim)
        check_of_task(claim, upload)
        return self.add(upload)

    @abstractmethod
    def _held_task(self, claim: Claim[Task]) -> Task:
        """Return the task of a claim.

        Raises:
            LeaseLost: the claim has ended.
        """
