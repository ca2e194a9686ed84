"""Reviews in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    REVIEW_LIMIT,
    ReviewLog,
    ReviewLogRepository,
)
from pipeline_store.production.review_log import due_before
from pipeline_store.repository import check_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta


@final
class MemoryReviewLogRepository(MemoryRepository[ReviewLog, int], ReviewLogRepository):
    """Reviews in memory."""

    collection = "reviews"

    def for_run(self, run_id: int) -> list[ReviewLog]:
        """See `ReviewLogRepository.for_run`."""
        check_key("run_id", run_id)
        return self._oldest_first(lambda review: review.pipeline_run_id == run_id)

    def open_for(self, run_id: int) -> ReviewLog | None:
        """See `ReviewLogRepository.open_for`."""
        return next((review for review in reversed(self.for_run(run_id)) if review.is_open), None)

    def waiting(self) -> list[ReviewLog]:
        """See `ReviewLogRepository.waiting`."""
        return self._oldest_first(lambda review: review.is_open)

    def hold_overdue(self, limit: timedelta = REVIEW_LIMIT) -> list[ReviewLog]:
        """See `ReviewLogRepository.hold_overdue`."""
        self._session.check_writable()
        now = self._now()
        due = due_before(now, limit)
        overdue = self._oldest_first(lambda review: review.is_open and review.sent_at <= due)
        for review in overdue:
            self._session.reread(self.collection, review)
        unanswered = [review for review in overdue if review.is_open]
        for review in unanswered:
            review.hold_unanswered(now)
        return unanswered

    def _oldest_first(self, condition: Callable[[ReviewLog], bool]) -> list[ReviewLog]:
        return sorted(self._where(condition), key=lambda review: (review.sent_at, review.id))
