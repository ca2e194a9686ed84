"""Made-up numbers of uploaded videos: how many have watched after so many hours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from pipeline_store.production import RunStatus, ShortStatus

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store.unit_of_work import UnitOfWork

PEAKS: Final = (412_000, 96_500, 187_300, 54_800)
"""Views in the end; the next video takes the next one."""

HOURS_TO_GROW: Final = (18.0, 64.0, 40.0)

SHORT_IS_SEEN_MORE: Final = 3
CLEAN_UP_HOUR: Final = 90
"""When YouTube takes views of robots back: totals may fall."""


def measure_uploads(uow: UnitOfWork) -> int:
    """Add a reading of every uploaded video and short, and return how many."""
    now = uow.now()
    videos = [
        (run.youtube_video_id, run.completed_at, 1)
        for run in uow.pipeline_runs.in_status(RunStatus.UPLOADED)
    ] + [
        (short.youtube_video_id, short.uploaded_at, SHORT_IS_SEEN_MORE)
        for short in uow.shorts.in_status(ShortStatus.UPLOADED)
    ]
    return uow.analytics.record_new(
        reading_of(video_id, number, factor, now, uploaded_at)
        for number, (video_id, uploaded_at, factor) in enumerate(sorted(videos, key=str))
        if video_id is not None and uploaded_at is not None
    )


def reading_of(
    video_id: str, number: int, factor: int, at: datetime, uploaded_at: datetime
) -> dict[str, Any]:
    """Return the numbers of one video at one instant, as YouTube would tell them."""
    hours = (at - uploaded_at).total_seconds() / 3600
    views = _views(number, factor, hours)
    return {
        "youtube_video_id": video_id,
        "measured_at": at,
        "view_count": views,
        "like_count": views // 23,
        "comment_count": views // 310,
        "average_view_duration_seconds": 48.5 / factor,
        "click_through_rate": 0.031 + 0.004 * (number % 5),
        "subscriber_gain": views // 900 - 3,
        "estimated_revenue_usd": round(views * 0.0011 / factor, 2),
    }


def _views(number: int, factor: int, hours: float) -> int:
    peak = PEAKS[number % len(PEAKS)] * factor
    slowness = HOURS_TO_GROW[number % len(HOURS_TO_GROW)]
    grown = peak * (1 - math.exp(-hours / slowness))
    kept = 0.94 if number % 2 == 0 and CLEAN_UP_HOUR <= hours < CLEAN_UP_HOUR + 12 else 1.0
    return int(grown * kept)
