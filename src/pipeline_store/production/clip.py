"""A piece cut out of a discovered video for one run."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any, Final, Protocol

from pipeline_store import values
from pipeline_store.entity import entity
from pipeline_store.errors import InvalidValue
from pipeline_store.fields import choice, identity, integer, number, reference, text
from pipeline_store.production.discovered_video import ContentIdRisk
from pipeline_store.repository import Repository

LONGEST_CLIP_SECONDS: Final = 25.0

ROUNDING_SECONDS: Final = 1e-6
"""How far two durations may be apart that mean the same: 32.2 - 7.2 is a trifle more than 25."""


def is_longer(seconds: float, limit: float) -> bool:
    """Whether a duration is above a limit by more than the rounding of its ends explains."""
    return seconds > limit and not math.isclose(seconds, limit, abs_tol=ROUNDING_SECONDS)


class ExtractionMethod(StrEnum):
    """How the piece was found."""

    MOST_REPLAYED = "most_replayed"
    TRANSCRIPT = "transcript"
    AUDIO_ENERGY = "audio_energy"
    SCENE_DETECTION = "scene_detection"


def _move_start(clip: Clip, wanted: float) -> None:
    _set_duration(clip, wanted, clip.end_time_seconds)


def _move_end(clip: Clip, wanted: float) -> None:
    _set_duration(clip, clip.start_time_seconds, wanted)


def _check_duration(clip: Clip, wanted: float) -> None:
    values.check_number("clip_duration_seconds", wanted)
    expected = clip.end_time_seconds - clip.start_time_seconds
    if not math.isclose(wanted, expected, abs_tol=ROUNDING_SECONDS):
        message = f"clip_duration_seconds: end - start is {expected}, found {wanted}"
        raise InvalidValue(message)


def _set_duration(clip: Clip, start: float, end: float) -> None:
    if not end > start:
        raise InvalidValue(f"end_time_seconds: a clip ends after it starts ({start}), found {end}")
    object.__setattr__(clip, "clip_duration_seconds", end - start)


@entity
class Clip:
    """Seconds `start_time_seconds` to `end_time_seconds` of a discovered video.

    It ends after it starts and its duration is end - start; `trim` moves both ends at once.
    """

    id: int = identity()
    pipeline_run_id: int = reference("pipeline_runs")
    discovered_video_id: int = reference("discovered_videos")
    #: 1 is the most viral clip; never renumbered.
    rank_position: int = integer(least=1)
    start_time_seconds: float = number(on_move=_move_start)
    end_time_seconds: float = number(on_move=_move_end)
    #: Filled in when left out; refused when it is not end - start.
    clip_duration_seconds: float = number(default=None, on_move=_check_duration)
    extraction_method: ExtractionMethod | None = choice(ExtractionMethod, default=None)
    clip_file_path: str | None = text(default=None)
    content_id_risk: ContentIdRisk = choice(ContentIdRisk, default=ContentIdRisk.UNKNOWN)

    def __attrs_post_init__(self) -> None:
        """Refuse an end before the start; fill in or check the duration."""
        given: Any = self.clip_duration_seconds
        _set_duration(self, self.start_time_seconds, self.end_time_seconds)
        if given is not None:
            _check_duration(self, given)

    def trim(self, start_seconds: float, end_seconds: float) -> None:
        """Move both ends, whatever they were before.

        Raises:
            InvalidValue: it would end before it starts; nothing was changed.
        """
        start, end = values.as_float(start_seconds), values.as_float(end_seconds)
        values.check_number("start_time_seconds", start, least=0.0)
        values.check_number("end_time_seconds", end, least=0.0)
        _set_duration(self, start, end)
        object.__setattr__(self, "start_time_seconds", start)
        object.__setattr__(self, "end_time_seconds", end)


class ClipRepository(Repository[Clip, int], Protocol):
    """All clips."""

    def for_run(self, run_id: int, skipped: bool = True) -> list[Clip]:
        """Return the run's clips by rank; with `skipped=False`, without those that reviews skipped.

        Which clips are skipped is read from the run's review log; ranks are never renumbered.
        """
        ...
