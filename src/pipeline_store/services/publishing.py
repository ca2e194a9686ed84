"""What is uploaded, and that a person has approved it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store.production import RunStatus
from pipeline_store.services import reviews

if TYPE_CHECKING:
    from pipeline_store.production import PipelineRun, Short
    from pipeline_store.unit_of_work import UnitOfWork

WATCH_URL = "https://www.youtube.com/watch?v="
SHORTS_URL = "https://www.youtube.com/shorts/"


def upload_run(
    uow: UnitOfWork, run_id: int, youtube_video_id: str, youtube_url: str | None = None
) -> PipelineRun:
    """Record that the run's video is on YouTube: the run moves from approved to uploaded.

    A person who has a held run uploaded approves it by that; the approval is recorded first.

    Raises:
        IllegalTransition: nobody has approved the run.
    """
    run = uow.pipeline_runs.get(run_id)
    if run.status == RunStatus.REVIEW and reviews.is_held(uow, run_id):
        reviews.approve(uow, run_id, "approved by uploading the held run")
    run.mark_uploaded(youtube_video_id, youtube_url or WATCH_URL + youtube_video_id, uow.now())
    return run


def upload_short(
    uow: UnitOfWork, short_id: int, youtube_video_id: str, youtube_url: str | None = None
) -> Short:
    """Record that the short is on YouTube.

    Raises:
        IllegalTransition: nobody has approved its run.
    """
    short = uow.shorts.get(short_id)
    run = uow.pipeline_runs.get(short.pipeline_run_id)
    url = youtube_url or SHORTS_URL + youtube_video_id
    short.mark_uploaded(run, youtube_video_id, url, uow.now())
    return short
