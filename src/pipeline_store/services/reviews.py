"""A person decides about a run: asked, answered, held when nobody answers in time.

Every request and every answer is a row of the review log. An answer closes the open request; an
answer to a request that was held or is overdue is a row of its own. Two answers at once, or an
answer and a hold, end in a `Conflict` for the later one, which may look again and retry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from attrs import frozen

from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.production import (
    REVIEW_LIMIT,
    RUN_MOVES,
    PipelineRun,
    ReviewAction,
    ReviewLog,
    RunStatus,
    skipped_ranks,
)
from pipeline_store.production.review_log import due_before
from pipeline_store.values import check_integer, check_several, check_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from pipeline_store.unit_of_work import UnitOfWork

SENT_BACK = (ReviewAction.SKIP, ReviewAction.REDO_SCRIPT)
"""The answers that send a run back to work."""


@frozen(kw_only=True)
class WaitingRun:
    """A run in review, and how its last request stands."""

    run: PipelineRun
    #: The last request or answer; None when the run was moved to review without asking.
    last: ReviewLog | None
    #: Since the request was sent, or the run was held.
    waited: timedelta

    @property
    def is_held(self) -> bool:
        """Whether the last word was to hold it, said by a person or by the deadline."""
        return self.last is not None and self.last.action == ReviewAction.HOLD


def request(uow: UnitOfWork, run_id: int) -> ReviewLog:
    """Ask for a review: the run moves from running to review.

    A run that is in review already is asked about again when it was held; while a request is open,
    that request is returned, so that a bot which crashed may ask twice.
    """
    run = _kept_as_read(uow, run_id)
    if run.status == RunStatus.REVIEW:
        waiting = uow.reviews.open_for(run_id)
        if waiting is not None:
            return waiting
    else:
        run.send_to_review()
    return uow.reviews.add(ReviewLog(pipeline_run_id=run_id))


def approve(
    uow: UnitOfWork, run_id: int, detail: str | None = None, *, limit: timedelta = REVIEW_LIMIT
) -> ReviewLog:
    """Approve the run: it moves from review to approved and may be uploaded."""
    due = _checked(uow, detail, limit)
    _in_review(uow, run_id, "approved").approve()
    return _answer(uow, run_id, ReviewAction.APPROVE, detail, due)


def reject(
    uow: UnitOfWork, run_id: int, reason: str | None = None, *, limit: timedelta = REVIEW_LIMIT
) -> ReviewLog:
    """Reject the run: it moves from review to failed, with the reason as its error."""
    due = _checked(uow, reason, limit)
    run = _in_review(uow, run_id, "rejected")
    run.fail(f"rejected: {reason}" if reason else "rejected", uow.now())
    return _answer(uow, run_id, ReviewAction.REJECT, reason, due)


def hold(
    uow: UnitOfWork, run_id: int, detail: str | None = None, *, limit: timedelta = REVIEW_LIMIT
) -> ReviewLog:
    """Put the decision off: the run stays in review and its request is not open any more."""
    due = _checked(uow, detail, limit)
    _in_review(uow, run_id, "held")
    return _answer(uow, run_id, ReviewAction.HOLD, detail, due)


def skip(
    uow: UnitOfWork, run_id: int, ranks: Iterable[int], *, limit: timedelta = REVIEW_LIMIT
) -> ReviewLog:
    """Leave out the clips with these ranks: the run moves from review to running.

    While the run is still running again, a further skip is recorded without a move.

    Raises:
        InvalidValue: no rank is named, the run has no clip of that rank, or none would be left.
    """
    due = _checked(uow, None, limit)
    wanted = _checked_ranks(ranks)
    run = _kept_as_read(uow, run_id)
    have = {clip.rank_position for clip in uow.clips.for_run(run_id)}
    unknown = [rank for rank in wanted if rank not in have]
    if not wanted or unknown:
        known = ", ".join(map(str, sorted(have))) or "none"
        raise InvalidValue(f"ranks: run {run_id} has clips {known}; found {unknown or 'nothing'}")
    if have <= skipped_ranks(uow.reviews.for_run(run_id)) | set(wanted):
        raise InvalidValue(f"ranks: skipping {wanted} would leave run {run_id} without clips")
    _send_back(uow, run)
    detail = "skip " + ",".join(map(str, wanted))
    return _answer(uow, run_id, ReviewAction.SKIP, detail, due)


def redo_script(
    uow: UnitOfWork, run_id: int, detail: str | None = None, *, limit: timedelta = REVIEW_LIMIT
) -> ReviewLog:
    """Have the script written anew: the run moves from review to running.

    While the run is still running again, a further wish is recorded without a move.
    """
    due = _checked(uow, detail, limit)
    _send_back(uow, _kept_as_read(uow, run_id))
    return _answer(uow, run_id, ReviewAction.REDO_SCRIPT, detail, due)


def queue(uow: UnitOfWork) -> list[WaitingRun]:
    """Return the runs in review, the longest waiting first, held ones included."""
    now = uow.now()
    waiting: list[WaitingRun] = []
    for run in uow.pipeline_runs.in_status(RunStatus.REVIEW):
        log = uow.reviews.for_run(run.id)
        last = log[-1] if log else None
        since = now if last is None else last.responded_at or _sent_at(last, now)
        waiting.append(WaitingRun(run=run, last=last, waited=now - since))
    return sorted(waiting, key=lambda entry: entry.waited, reverse=True)


def is_held(uow: UnitOfWork, run_id: int) -> bool:
    """Whether the last word about the run was to hold it."""
    log = uow.reviews.for_run(run_id)
    return bool(log) and log[-1].action == ReviewAction.HOLD


def _checked(uow: UnitOfWork, detail: str | None, limit: timedelta) -> datetime:
    """Return when a request that is overdue now was sent at the latest.

    Asked before the run is moved, so that an answer that cannot be kept changes nothing.
    """
    if detail is not None:
        check_text("detail", detail)
    return due_before(uow.now(), limit)


def _kept_as_read(uow: UnitOfWork, run_id: int) -> PipelineRun:
    """Return the run, of which nobody else decides until the unit of work ends."""
    run = uow.pipeline_runs.get(run_id)
    uow.pipeline_runs.check_unchanged(run)
    return run


def _in_review(uow: UnitOfWork, run_id: int, wanted: str) -> PipelineRun:
    run = _kept_as_read(uow, run_id)
    if run.status != RunStatus.REVIEW:
        legal = RUN_MOVES.get(run.status, ())
        raise IllegalTransition(f"run {run_id} (not in review)", run.status, wanted, legal)
    return run


def _checked_ranks(ranks: Iterable[int]) -> list[int]:
    check_several("ranks", ranks)
    # What is no whole number might equal one, and would be logged in words that name another rank.
    wanted = list(ranks)
    for rank in wanted:
        check_integer("ranks", rank, least=1)
    return sorted(set(wanted))


def _send_back(uow: UnitOfWork, run: PipelineRun) -> None:
    runs_again = run.status == RunStatus.RUNNING and any(
        review.action in SENT_BACK for review in uow.reviews.for_run(run.id)
    )
    if not runs_again:
        run.back_to_work()


def _answer(
    uow: UnitOfWork, run_id: int, action: ReviewAction, detail: str | None, due: datetime
) -> ReviewLog:
    now = uow.now()
    asked = uow.reviews.open_for(run_id)
    if asked is not None and _sent_at(asked, now) > due:
        asked.answer(action, now, detail)
        return asked
    if asked is not None:
        asked.hold_unanswered(now)
    answer = ReviewLog(pipeline_run_id=run_id, sent_at=now)
    answer.answer(action, now, detail)
    return uow.reviews.add(answer)


def _sent_at(review: ReviewLog, now: datetime) -> datetime:
    # Rows of other programs may tell no time. They are not overdue, as `hold_overdue` sees them.
    sent_at = cast("datetime | None", review.sent_at)
    return now if sent_at is None else sent_at
