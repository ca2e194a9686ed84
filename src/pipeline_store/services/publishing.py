"""What is uploaded, and that a person has approved it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store.errors import IllegalTransition
from pipeline_store.production import RunStatus, ShortStatus
from pipeline_store.production.analytics import check_video_id
from pipeline_store.services import reviews
from pipeline_store.values import check_text

if TYPE_CHECKING:
    from pipeline_store.production import PipelineRun, Short
    from pipeline_store.unit_of_work import UnitOfWork

WATCH_URL = "https://www.youtube.com/watch?v="
SHORTS_URL = "https://www.youtube.com/shorts/"


def upload_run(
    uow: UnitOfWork, run_id: int, youtube_video_id: str, youtube_url: str | None = None
) -> PipelineRun:
    """Record that the run's video is on YouTube: the run moves from approved to uploaded.

    A person who has a held run uploaded approves it by that; the approval is recorded first. Saying
    the same twice changes nothing.

    Raises:
        IllegalTransition: nobody has approved the run, or it was uploaded as another video.
        InvalidValue: the id is empty, or longer than a reading's may be.
    """
    _check_texts(youtube_video_id, youtube_url)
    run = uow.pipeline_runs.get(run_id)
    if run.status == RunStatus.UPLOADED:
        _refuse_other_video(f"run {run_id}", run, youtube_video_id)
        return run
    if run.status == RunStatus.REVIEW and reviews.is_held(uow, run_id):
        reviews.approve(uow, run_id, "approved by uploading the held run")
    run.mark_uploaded(youtube_video_id, youtube_url or WATCH_URL + youtube_video_id, uow.now())
    return run


def upload_short(
    uow: UnitOfWork, short_id: int, youtube_video_id: str, youtube_url: str | None = None
) -> Short:
    """Record that the short is on YouTube; saying the same twice changes nothing.

    Raises:
        IllegalTransition: nobody has approved its run, or it was uploaded as another video.
        InvalidValue: the id is empty, or longer than a reading's may be.
    """
    _check_texts(youtube_video_id, youtube_url)
    short = uow.shorts.get(short_id)
    if short.status == ShortStatus.UPLOADED:
        _refuse_other_video(f"short {short_id}", short, youtube_video_id)
        return short
    run = uow.pipeline_runs.get(short.pipeline_run_id)
    uow.pipeline_runs.check_unchanged(run)
    url = youtube_url or SHORTS_URL + youtube_video_id
    short.mark_uploaded(run, youtube_video_id, url, uow.now())
    return short


def _check_texts(youtube_video_id: str, youtube_url: str | None) -> None:
    # First of all: the approval of a held run is recorded before its upload.
    check_video_id(youtube_video_id)
    if youtube_url is not None:
        check_text("youtube_url", youtube_url)


def _refuse_other_video(name: str, uploaded: PipelineRun | Short, youtube_video_id: str) -> None:
    # Its views are looked up by this id: overwriting it would lose a video.
    found = uploaded.youtube_video_id
    if found != youtube_video_id:
        subject = f"{name} (uploaded as {found})"
        raise IllegalTransition(subject, uploaded.status, f"uploaded as {youtube_video_id}", ())
