"""How things stand: niche by niche, and in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from pipeline_store.channels import JobStatus
from pipeline_store.production import RunStatus, ShortStatus
from pipeline_store.services.pauses import paused_niches
from pipeline_store.tasks import ERRORS

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store.production import PipelineRun
    from pipeline_store.unit_of_work import UnitOfWork


@frozen(kw_only=True)
class NicheStatus:
    """How one niche stands."""

    niche: str
    is_paused: bool
    #: The run with the latest cycle, if there is one.
    latest_run: PipelineRun | None
    #: The run that was uploaded last, if there is one.
    last_upload: PipelineRun | None
    runs_by_status: dict[str, int]
    #: Discovered videos that nothing was done with yet.
    pending_videos: int


@frozen(kw_only=True)
class Statistics:
    """What came of the work so far."""

    uploaded_videos: int
    uploaded_shorts: int
    #: Of the uploaded videos and shorts, by their latest readings; None when no reading tells.
    views: int | None
    measured_at: datetime | None
    errors: int
    unresolved_errors: int


@frozen(kw_only=True)
class Failures:
    """Work that failed and tells of it itself: it is not in the list of errors."""

    #: Tasks whose stage failed, or that a person rejected.
    tasks: int
    #: Jobs whose attempts are used up.
    jobs: int


def status(uow: UnitOfWork) -> list[NicheStatus]:
    """Return how every niche stands that has videos, runs or a pause, in alphabetical order."""
    paused = paused_niches(uow)
    niches = {*uow.discovered_videos.niches(), *uow.pipeline_runs.niches(), *paused}
    return [
        NicheStatus(
            niche=niche,
            is_paused=niche in paused,
            latest_run=uow.pipeline_runs.latest_for(niche),
            last_upload=uow.pipeline_runs.last_upload_for(niche),
            runs_by_status=uow.pipeline_runs.count_by_status(niche),
            pending_videos=uow.discovered_videos.count_pending(niche),
        )
        for niche in sorted(niches)
    ]


def statistics(uow: UnitOfWork) -> Statistics:
    """Return the numbers of uploads, views and errors."""
    runs = uow.pipeline_runs.in_status(RunStatus.UPLOADED)
    shorts = uow.shorts.in_status(ShortStatus.UPLOADED)
    videos = [run.youtube_video_id for run in runs] + [short.youtube_video_id for short in shorts]
    readings = uow.analytics.latest_for({video for video in videos if video}).values()
    counts = [reading.view_count for reading in readings if reading.view_count is not None]
    return Statistics(
        uploaded_videos=len(runs),
        uploaded_shorts=len(shorts),
        views=sum(counts) if counts else None,
        measured_at=max((reading.measured_at for reading in readings), default=None),
        errors=uow.errors.count(),
        unresolved_errors=uow.errors.count_unresolved(),
    )


def failures(uow: UnitOfWork) -> Failures:
    """Return how many tasks and jobs have failed and wait for somebody to retry them."""
    tasks, jobs = uow.tasks.count_by_status(), uow.jobs.count_by_channel()
    return Failures(
        tasks=sum(tasks.get(status, 0) for status in ERRORS),
        jobs=sum(statuses.get(JobStatus.FAILED, 0) for statuses in jobs.values()),
    )
