"""The work of a run: cut clips, try again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store import values
from pipeline_store.errors import InvalidValue
from pipeline_store.production import (
    DEFAULT_RETRIES,
    LONGEST_CLIP_SECONDS,
    Clip,
    ExtractionMethod,
)
from pipeline_store.production.clip import is_longer

if TYPE_CHECKING:
    from pipeline_store.production import PipelineRun
    from pipeline_store.unit_of_work import UnitOfWork


def cut_clip(
    uow: UnitOfWork,
    run_id: int,
    discovered_video_id: int,
    *,
    rank: int,
    start_seconds: float,
    end_seconds: float,
    method: ExtractionMethod | None = None,
    longest_seconds: float = LONGEST_CLIP_SECONDS,
) -> Clip:
    """Add a clip to a run.

    Raises:
        InvalidValue: it is longer than `longest_seconds`, or ends before it starts.
    """
    values.check_number("longest_seconds", longest_seconds, least=0.0)
    clip = Clip(
        pipeline_run_id=run_id,
        discovered_video_id=discovered_video_id,
        rank_position=rank,
        start_time_seconds=start_seconds,
        end_time_seconds=end_seconds,
        extraction_method=method,
    )
    if is_longer(clip.clip_duration_seconds, longest_seconds):
        found = clip.clip_duration_seconds
        raise InvalidValue(f"clip_duration_seconds: at most {longest_seconds} s, found {found} s")
    return uow.clips.add(clip)


def retry(uow: UnitOfWork, run_id: int, limit: int = DEFAULT_RETRIES) -> PipelineRun:
    """Take a failed run back to pending, at most `limit` times in its life.

    Raises:
        IllegalTransition: it has not failed, or was retried `limit` times.
    """
    run = uow.pipeline_runs.get(run_id)
    run.retry(limit)
    return run
