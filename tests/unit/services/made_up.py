"""Runs at every point of their way, for the tests that ask what may happen next."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline_store.production import DiscoveredVideo, Script, Short
from pipeline_store.services import publishing, reviews, runs

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork
    from pipeline_store.production import PipelineRun

SIX_HOURS = timedelta(hours=6)


def a_pending_run(uow: UnitOfWork, niche: str = "gaming", clips: int = 9) -> PipelineRun:
    start = uow.now()
    run = uow.pipeline_runs.for_cycle(niche, start, start + SIX_HOURS)
    for rank in range(1, clips + 1):
        video = uow.discovered_videos.add(
            DiscoveredVideo(
                video_id=f"{niche}-{run.id}-{rank}",
                title="A title",
                channel_name="A channel",
                channel_id="UC1",
                url="",
                niche=niche,
            )
        )
        runs.cut_clip(uow, run.id, video.id, rank=rank, start_seconds=0, end_seconds=20)
    uow.scripts.add(Script(pipeline_run_id=run.id, opening_text="first"))
    uow.shorts.add(Short(pipeline_run_id=run.id))
    return run


def a_running_run(uow: UnitOfWork, niche: str = "gaming", clips: int = 9) -> PipelineRun:
    run = a_pending_run(uow, niche, clips)
    run.start(uow.now())
    return run


def a_run_in_review(uow: UnitOfWork, niche: str = "gaming", clips: int = 9) -> PipelineRun:
    run = a_running_run(uow, niche, clips)
    reviews.request(uow, run.id)
    return run


def an_approved_run(uow: UnitOfWork, niche: str = "gaming") -> PipelineRun:
    run = a_run_in_review(uow, niche)
    reviews.approve(uow, run.id)
    return run


def an_uploaded_run(
    uow: UnitOfWork, niche: str = "gaming", video: str = "uploaded-01"
) -> PipelineRun:
    run = an_approved_run(uow, niche)
    publishing.upload_run(uow, run.id, video)
    return run


def a_failed_run(uow: UnitOfWork, niche: str = "gaming") -> PipelineRun:
    run = a_running_run(uow, niche)
    run.fail("no sound", uow.now())
    return run


IN_EACH_STATUS = {
    "pending": a_pending_run,
    "running": a_running_run,
    "review": a_run_in_review,
    "approved": an_approved_run,
    "uploaded": an_uploaded_run,
    "failed": a_failed_run,
}
