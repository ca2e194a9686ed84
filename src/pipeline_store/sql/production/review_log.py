"""The table, the mapping and the repository of reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import sqlalchemy as sa

from pipeline_store.clock import utc_now as system_clock
from pipeline_store.production import (
    REVIEW_LIMIT,
    ReviewAction,
    ReviewLog,
    ReviewLogRepository,
)
from pipeline_store.production.review_log import due_before
from pipeline_store.repository import check_key
from pipeline_store.sql.columns import (
    Instant,
    OpenChoice,
    RowKey,
    chronological,
    map_class,
    metadata,
    until_instant,
    utc_now,
)
from pipeline_store.sql.repository import SqlRepository

if TYPE_CHECKING:
    from datetime import timedelta

review_log = sa.Table(
    "review_log",
    metadata,
    sa.Column("id", RowKey, primary_key=True, autoincrement=True),
    sa.Column("pipeline_run_id", RowKey, sa.ForeignKey("pipeline_runs.id"), nullable=False),
    sa.Column("sent_at", Instant, default=system_clock, server_default=utc_now()),
    sa.Column("responded_at", Instant),
    sa.Column("action", OpenChoice(ReviewAction)),
    sa.Column("response_detail", sa.Text),
    sa.Column("auto_held", sa.BigInteger, server_default="0"),
    sqlite_autoincrement=True,
)
map_class(ReviewLog, review_log)

_is_open = sa.and_(review_log.c.action.is_(None), review_log.c.responded_at.is_(None))
_by_age = (chronological(review_log.c.sent_at).nulls_first(), review_log.c.id)


@final
class SqlReviewLogRepository(SqlRepository[ReviewLog, int], ReviewLogRepository):
    """Reviews in the table review_log."""

    kind = ReviewLog
    table = review_log

    def for_run(self, run_id: int) -> list[ReviewLog]:
        """See `ReviewLogRepository.for_run`."""
        check_key("run_id", run_id)
        c = review_log.c
        return self._all(sa.select(ReviewLog).where(c.pipeline_run_id == run_id).order_by(*_by_age))

    def open_for(self, run_id: int) -> ReviewLog | None:
        """See `ReviewLogRepository.open_for`."""
        return next((review for review in reversed(self.for_run(run_id)) if review.is_open), None)

    def waiting(self) -> list[ReviewLog]:
        """See `ReviewLogRepository.waiting`."""
        return self._all(sa.select(ReviewLog).where(_is_open).order_by(*_by_age))

    def hold_overdue(self, limit: timedelta = REVIEW_LIMIT) -> list[ReviewLog]:
        """See `ReviewLogRepository.hold_overdue`."""
        now = self._now()
        due = due_before(now, limit)
        c = review_log.c
        # One statement: an answer committed in between takes the row out of the condition.
        statement = (
            sa.update(ReviewLog)
            .where(_is_open, until_instant(chronological(c.sent_at), due))
            .values(action=ReviewAction.HOLD, auto_held=1, responded_at=now)
            .returning(ReviewLog)
        )
        held = self._session.refresh(ReviewLog, statement)
        return sorted(held, key=lambda review: (review.sent_at, review.id))
