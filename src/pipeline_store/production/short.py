"""A short video made from a run's clips."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pipeline_store import values
from pipeline_store.entity import change, entity
from pipeline_store.errors import IllegalTransition, InvalidValue
from pipeline_store.fields import choice, identity, instant, number, reference, text
from pipeline_store.production.analytics import check_video_id
from pipeline_store.production.pipeline_run import PipelineRun, RunStatus
from pipeline_store.repository import Repository


class ShortStatus(StrEnum):
    """How far a short came."""

    PENDING = "pending"
    REVIEW = "review"
    UPLOADED = "uploaded"
    FAILED = "failed"


def _check_move(short: Short, wanted: ShortStatus) -> None:
    if wanted == ShortStatus.UPLOADED and short.status != wanted:
        legal = [status for status in ShortStatus if status != ShortStatus.UPLOADED]
        how = f"{wanted} by assignment; call mark_uploaded(run, ...)"
        raise IllegalTransition(f"short {short.id}", short.status, how, legal)


@entity
class Short:
    """One short; uploaded only once a person has approved its run."""

    id: int = identity()
    pipeline_run_id: int = reference("pipeline_runs")
    clip_id: int | None = reference("clips", default=None)
    file_path: str | None = text(default=None)
    duration_seconds: float | None = number(default=None)
    title: str | None = text(default=None)
    description: str | None = text(default=None)
    youtube_video_id: str | None = text(default=None)
    youtube_url: str | None = text(default=None)
    status: ShortStatus = choice(ShortStatus, default=ShortStatus.PENDING, on_move=_check_move)
    uploaded_at: datetime | None = instant(default=None)

    def mark_uploaded(
        self, run: PipelineRun, youtube_video_id: str, youtube_url: str, at: datetime
    ) -> None:
        """Set the status to uploaded, keeping what YouTube answered.

        Raises:
            InvalidValue: `run` is not the short's run, or the id is empty.
            IllegalTransition: nobody has approved the run, or the short is uploaded already.
        """
        if run.id != self.pipeline_run_id:
            message = f"pipeline_run_id: run {self.pipeline_run_id} expected, found {run.id}"
            raise InvalidValue(message)
        if self.status == ShortStatus.UPLOADED:
            raise IllegalTransition(f"short {self.id}", self.status, ShortStatus.UPLOADED, ())
        if run.status not in (RunStatus.APPROVED, RunStatus.UPLOADED):
            subject = f"short {self.id} (its run {run.id} is {run.status}, not approved)"
            raise IllegalTransition(subject, self.status, ShortStatus.UPLOADED, ())
        check_video_id(youtube_video_id)
        when = values.as_instant("uploaded_at", at)
        change(self, youtube_video_id=youtube_video_id, youtube_url=youtube_url, uploaded_at=when)
        # The assignment check cannot see the run; this method just has.
        object.__setattr__(self, "status", ShortStatus.UPLOADED)


class ShortRepository(Repository[Short, int], Protocol):
    """All shorts."""

    def for_run(self, run_id: int) -> list[Short]:
        """Return the run's shorts by id."""
        ...

    def in_status(self, status: ShortStatus) -> list[Short]:
        """Return the shorts with this status, oldest first."""
        ...
