"""One run of the pipeline: a niche, a cycle, and how far it came."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from pipeline_store import values
from pipeline_store.entity import change, entity
from pipeline_store.errors import Conflict, IllegalTransition, InvalidValue
from pipeline_store.fields import choice, identity, instant, integer, key_text, number, text
from pipeline_store.production.analytics import check_video_id
from pipeline_store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_RETRIES: Final = 3


class RunStatus(StrEnum):
    """How far a run came."""

    PENDING = "pending"
    RUNNING = "running"
    REVIEW = "review"
    APPROVED = "approved"
    UPLOADED = "uploaded"
    FAILED = "failed"


RUN_MOVES: Final[Mapping[RunStatus, tuple[RunStatus, ...]]] = {
    RunStatus.PENDING: (RunStatus.RUNNING,),
    RunStatus.RUNNING: (RunStatus.REVIEW, RunStatus.FAILED),
    RunStatus.REVIEW: (RunStatus.APPROVED, RunStatus.RUNNING, RunStatus.FAILED),
    RunStatus.APPROVED: (RunStatus.UPLOADED, RunStatus.FAILED),
    RunStatus.UPLOADED: (),
    RunStatus.FAILED: (),
}
"""The moves that an assignment to `status` may make. `PipelineRun.retry` alone leaves FAILED."""


def _check_move(run: PipelineRun, wanted: RunStatus) -> None:
    found = run.status
    legal = RUN_MOVES.get(found, ())
    if wanted != found and wanted not in legal:
        how = " by assignment; call retry()" if found == RunStatus.FAILED else ""
        raise IllegalTransition(f"run {run.id}", found, f"{wanted}{how}", legal)


def _check_start(run: PipelineRun, wanted: datetime) -> None:
    if run.cycle_end < wanted:
        raise InvalidValue("cycle_start: must not lie behind cycle_end")


def _check_end(run: PipelineRun, wanted: datetime) -> None:
    if wanted < run.cycle_start:
        raise InvalidValue("cycle_end: must not lie before cycle_start")


@entity
class PipelineRun:
    """One cycle of one niche, from discovery to upload.

    The status moves as `RUN_MOVES` says, whether by a method or by assignment; anything else raises
    `IllegalTransition`. A status that another program wrote loads as it stands, as plain text.
    """

    id: int = identity()
    niche: str = key_text()
    cycle_start: datetime = instant(on_move=_check_start)
    cycle_end: datetime = instant(on_move=_check_end)
    status: RunStatus = choice(RunStatus, default=RunStatus.PENDING, on_move=_check_move)
    started_at: datetime | None = instant(default=None)
    completed_at: datetime | None = instant(default=None)
    video_file_path: str | None = text(default=None)
    video_duration_seconds: float | None = number(default=None)
    video_file_size_bytes: int | None = integer(default=None)
    youtube_video_id: str | None = text(default=None)
    youtube_url: str | None = text(default=None)
    error_message: str | None = text(default=None)
    retry_count: int = integer(default=0)

    def __attrs_post_init__(self) -> None:
        """Refuse a cycle that ends before it starts."""
        _check_end(self, self.cycle_end)

    def start(self, at: datetime) -> None:
        """Move from pending to running."""
        self._leave(RunStatus.PENDING, to=RunStatus.RUNNING)
        when = values.as_instant("started_at", at)
        change(self, status=RunStatus.RUNNING, started_at=when)

    def send_to_review(self) -> None:
        """Move from running to review."""
        self._leave(RunStatus.RUNNING, to=RunStatus.REVIEW)
        self.status = RunStatus.REVIEW

    def back_to_work(self) -> None:
        """Move from review to running: clips were skipped, or the script is to be written anew."""
        self._leave(RunStatus.REVIEW, to=RunStatus.RUNNING)
        self.status = RunStatus.RUNNING

    def approve(self) -> None:
        """Move from review to approved."""
        self._leave(RunStatus.REVIEW, to=RunStatus.APPROVED)
        self.status = RunStatus.APPROVED

    def mark_uploaded(self, youtube_video_id: str, youtube_url: str, at: datetime) -> None:
        """Move from approved to uploaded, keeping what YouTube answered."""
        self._leave(RunStatus.APPROVED, to=RunStatus.UPLOADED)
        check_video_id(youtube_video_id)
        change(
            self,
            status=RunStatus.UPLOADED,
            youtube_video_id=youtube_video_id,
            youtube_url=youtube_url,
            completed_at=values.as_instant("completed_at", at),
        )

    def fail(self, message: str, at: datetime) -> None:
        """Move to failed from running, review or approved."""
        self._leave(RunStatus.RUNNING, RunStatus.REVIEW, RunStatus.APPROVED, to=RunStatus.FAILED)
        when = values.as_instant("completed_at", at)
        change(self, status=RunStatus.FAILED, error_message=message, completed_at=when)

    def retry(self, limit: int = DEFAULT_RETRIES) -> None:
        """Move from failed back to pending, at most `limit` times in the life of the run.

        Raises:
            IllegalTransition: the run has not failed, or was retried `limit` times.
        """
        values.check_integer("limit", limit, least=0)
        if self.status != RunStatus.FAILED:
            legal = RUN_MOVES.get(self.status, ())
            raise IllegalTransition(f"run {self.id}", self.status, RunStatus.PENDING, legal)
        # Rows of other programs may hold nothing there.
        retried = self.retry_count or 0
        if retried >= limit:
            subject = f"run {self.id} (retried {retried} times, the limit is {limit})"
            raise IllegalTransition(subject, self.status, RunStatus.PENDING, ())
        self.retry_count = retried + 1
        self.completed_at = None
        # The assignment check knows no way out of FAILED, so that none goes uncounted.
        object.__setattr__(self, "status", RunStatus.PENDING)

    def _leave(self, *found: RunStatus, to: RunStatus) -> None:
        if self.status not in found:
            legal = [status for status in RUN_MOVES.get(self.status, ()) if status != to]
            raise IllegalTransition(f"run {self.id}", self.status, to, legal)


def check_same_cycle(found: PipelineRun, wanted: PipelineRun) -> None:
    """Refuse a cycle that starts when `found` starts and ends at another time."""
    if found.cycle_end != wanted.cycle_end:
        message = (
            f"run {found.id}: the cycle of {found.niche} that starts at {found.cycle_start} "
            f"ends at {found.cycle_end}, not at {wanted.cycle_end}"
        )
        raise Conflict(message)


class PipelineRunRepository(Repository[PipelineRun, int], Protocol):
    """All runs."""

    def for_cycle(self, niche: str, cycle_start: datetime, cycle_end: datetime) -> PipelineRun:
        """Return the run of the niche's cycle, made if it is not there yet.

        Two processes that ask at once get the same run; a run that exists is returned whatever its
        status.

        Raises:
            Conflict: the cycle that starts then ends at another time.
        """
        ...

    def check_unchanged(self, run: PipelineRun) -> None:
        """Make sure that a run stands as it was read, until the end of this unit of work.

        For what is decided by how the run stands without changing it. Of two that do so at once,
        the later one waits for the earlier one, or is refused.

        Raises:
            Conflict: somebody else has changed it since, or removed it.
        """
        ...

    def in_status(self, status: RunStatus) -> list[PipelineRun]:
        """Return the runs with this status, oldest first."""
        ...

    def niches(self) -> list[str]:
        """Return the niches that have runs, in alphabetical order."""
        ...

    def latest_for(self, niche: str) -> PipelineRun | None:
        """Return the niche's run with the latest cycle start, or None."""
        ...

    def last_upload_for(self, niche: str) -> PipelineRun | None:
        """Return the niche's uploaded run that was completed last, or None."""
        ...

    def count_by_status(self, niche: str | None = None) -> dict[str, int]:
        """Return how many runs (of the niche) have each status that occurs."""
        ...
