"""One run's work, step by step, as a pipeline does it with the store.

Each function takes a unit of work and commits nothing: whoever calls it does, once all that belongs
together is done. What a real pipeline would compute, download or render is made up here.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING, Final

from pipeline_store.production import (
    LONGEST_CLIP_SECONDS,
    ExtractionMethod,
    PipelineRun,
    Processed,
    Script,
    Short,
    ShortStatus,
    TTSAudio,
)
from pipeline_store.services import publishing, reviews, runs

if TYPE_CHECKING:
    from pipeline_store.production import Clip, DiscoveredVideo, ReviewLog
    from pipeline_store.unit_of_work import UnitOfWork

CYCLE: Final = timedelta(hours=6)

LETTERS_PER_SECOND: Final = 15
"""How fast a voice speaks."""


def window_of(instant: datetime) -> datetime:
    """Return when the six-hour window of `instant` began: at 0, 6, 12 or 18 o'clock UTC."""
    hour = instant.hour - instant.hour % 6
    return instant.replace(hour=hour, minute=0, second=0, microsecond=0)


def run_of(uow: UnitOfWork, niche: str, cycle_start: datetime) -> PipelineRun:
    """Return the run of the niche's cycle; asking again returns the same one."""
    return uow.pipeline_runs.for_cycle(niche, cycle_start, cycle_start + CYCLE)


def cut_clips(uow: UnitOfWork, run: PipelineRun, how_many: int) -> list[Clip]:
    """Start the run, and cut a clip out of each of the niche's most viral unused videos."""
    run.start(uow.now())
    candidates = sorted(uow.discovered_videos.pending(run.niche), key=_views, reverse=True)
    methods = cycle(ExtractionMethod)
    clips: list[Clip] = []
    for rank, video in enumerate(candidates[:how_many], start=1):
        start, end = _best_seconds(video, rank)
        clips.append(
            runs.cut_clip(
                uow,
                run.id,
                video.id,
                rank=rank,
                start_seconds=start,
                end_seconds=end,
                method=next(methods),
            )
        )
        video.processed = Processed.USED
    return clips


def write_script(uow: UnitOfWork, run: PipelineRun) -> Script:
    """Write what is said between the clips that no review has skipped."""
    clips = uow.clips.for_run(run.id, skipped=False)
    opening = f"Here are the {len(clips)} moments of {run.niche} that everybody talks about."
    closing = "Which one was yours? See you in six hours."
    lines = {str(clip.rank_position): f"Number {clip.rank_position}!" for clip in clips}
    letters = sum(map(len, (opening, *lines.values(), closing)))
    return uow.scripts.add(
        Script(
            pipeline_run_id=run.id,
            opening_text=opening,
            closing_text=closing,
            full_script_json=json.dumps({"opening": opening, "clips": lines, "closing": closing}),
            total_char_count=letters,
            estimated_duration_seconds=letters / LETTERS_PER_SECOND,
            llm_model_used="made-up-model-1",
        )
    )


def speak_script(uow: UnitOfWork, run: PipelineRun, engine: str = "made-up-voice") -> TTSAudio:
    """Speak the newest script, which is the one that counts."""
    script = uow.scripts.newest_for(run.id)
    seconds = None if script is None else script.estimated_duration_seconds
    return uow.tts_audio.add(
        TTSAudio(
            pipeline_run_id=run.id,
            engine_used=engine,
            voice_profile="calm",
            audio_file_path=f"{_folder(run)}/voice.mp3",
            duration_seconds=seconds,
        )
    )


def render(uow: UnitOfWork, run: PipelineRun) -> Short:
    """Render the long video, and a short of its best clip."""
    clips = uow.clips.for_run(run.id, skipped=False)
    audio = uow.tts_audio.for_run(run.id)[-1]
    seconds = sum(clip.clip_duration_seconds for clip in clips) + (audio.duration_seconds or 0)
    run.video_file_path = f"{_folder(run)}/video.mp4"
    run.video_duration_seconds = seconds
    run.video_file_size_bytes = round(seconds * 1_250_000)
    shorts = uow.shorts.for_run(run.id)
    if shorts:
        return shorts[0]
    return uow.shorts.add(
        Short(
            pipeline_run_id=run.id,
            clip_id=clips[0].id,
            file_path=f"{_folder(run)}/short.mp4",
            duration_seconds=clips[0].clip_duration_seconds,
            title=f"The best of {run.niche}, in seconds (made up)",
        )
    )


def ask_for_review(uow: UnitOfWork, run: PipelineRun) -> ReviewLog:
    """Ask a person about the run and its shorts."""
    for short in uow.shorts.for_run(run.id):
        short.status = ShortStatus.REVIEW
    return reviews.request(uow, run.id)


def upload(uow: UnitOfWork, run: PipelineRun) -> list[Short]:
    """Record what YouTube answered to the upload of the run and its shorts."""
    publishing.upload_run(uow, run.id, f"demo-up{run.id:04}")
    shorts = uow.shorts.for_run(run.id)
    for short in shorts:
        publishing.upload_short(uow, short.id, f"demo-sh{short.id:04}")
    return shorts


def _views(video: DiscoveredVideo) -> int:
    # Unknown counts as least viral; it is not 0, but nothing speaks for the video either.
    return -1 if video.view_count is None else video.view_count


def _best_seconds(video: DiscoveredVideo, rank: int) -> tuple[float, float]:
    """Return where the clip starts and ends: inside the video, and no longer than allowed."""
    wanted = LONGEST_CLIP_SECONDS - 1.5 * (rank % 4)
    if video.duration_seconds is None:
        return 7.0 * rank, 7.0 * rank + wanted
    seconds = max(1.0, min(wanted, float(video.duration_seconds)))
    start = max(0.0, (video.duration_seconds - seconds) / 3)
    return start, start + seconds


def _folder(run: PipelineRun) -> str:
    return f"renders/{run.id:04}"
