"""Values of the fields of the ten production classes."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from pipeline_store.production import (
    Analytics,
    Clip,
    ConfigOverride,
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    Processed,
    ReviewAction,
    ReviewLog,
    RunStatus,
    Script,
    Short,
    ShortStatus,
    TTSAudio,
)
from tests.integration.in_step.drawn import (
    BAD_COUNTS,
    BAD_NUMBERS,
    BAD_TEXTS,
    COUNT,
    NEEDED_TEXT,
    NEEDED_TIME,
    NUMBER,
    TEXT,
    TIME,
    TIMES,
    Assignments,
    field,
)

NICHES = ["gaming", "Music", "ärger", "zoo"]
VIDEO_IDS = ["dQw4w9WgXcQ", "aaaaaaaaaaa", "AAAAAAAAAAA", "___________", "été", "9-9-9-9-9-9"]

ASSIGNMENTS: Assignments = {
    DiscoveredVideo: {
        "video_id": field(*VIDEO_IDS, bad=["", None, "x" * 256]),
        "title": NEEDED_TEXT,
        "view_count": COUNT,
        "duration_seconds": COUNT,
        "view_velocity": NUMBER,
        "viral_score": field(0, 0.5, 1.0, None, bad=[1.5, *BAD_NUMBERS]),
        "niche": field(*NICHES, bad=["", None]),
        "discovery_source": TEXT,
        "discovered_at": NEEDED_TIME,
        "processed": field(0, 1, 2, 3, Processed.USED, bad=[4, "1", True, None]),
        "content_id_risk": field("low", "high", bad=["severe", 1]),
    },
    PipelineRun: {
        "status": field(*RunStatus, bad=["cancelled", None, 1]),
        "error_message": TEXT,
        "retry_count": field(0, 3, bad=BAD_COUNTS),
        "video_file_size_bytes": COUNT,
        "video_duration_seconds": NUMBER,
        "started_at": TIME,
        "completed_at": TIME,
        "cycle_end": NEEDED_TIME,
    },
    Clip: {
        "rank_position": field(1, 2, 3, bad=[0, *BAD_COUNTS]),
        "start_time_seconds": field(0.0, 5.5, 40.0, bad=BAD_NUMBERS),
        "end_time_seconds": field(10.0, 45.0, 1.0, bad=BAD_NUMBERS),
        "clip_duration_seconds": field(10.0, bad=[1.0, *BAD_NUMBERS]),
        "extraction_method": field("transcript", None, bad=["guess"]),
        "clip_file_path": TEXT,
    },
    Script: {
        "full_script_json": field('{"a": [1]}', "null", None, bad=["{", "NaN", 7]),
        "opening_text": TEXT,
        "total_char_count": COUNT,
        "generated_at": NEEDED_TIME,
    },
    TTSAudio: {
        "engine_used": NEEDED_TEXT,
        "duration_seconds": NUMBER,
        "generated_at": NEEDED_TIME,
    },
    Short: {
        "status": field(*ShortStatus, bad=["lost", None]),
        "title": TEXT,
        "uploaded_at": TIME,
    },
    Analytics: {
        "view_count": COUNT,
        "subscriber_gain": field(-(2**63) + 1, 5, None, bad=[-(2**63), 2**63, 1.0]),
        "click_through_rate": field(0.25, None, bad=[1.01, math.nan]),
        "estimated_revenue_usd": field(-2.5, None, bad=[math.inf]),
        "measured_at": NEEDED_TIME,
    },
    ReviewLog: {
        "action": field(*ReviewAction, None, bad=["maybe", 1]),
        "response_detail": field("skip 1", "skip 2,3", None, bad=BAD_TEXTS),
        "responded_at": TIME,
        "auto_held": field(0, 1, bad=[2, True]),
        "sent_at": NEEDED_TIME,
    },
    ConfigOverride: {
        "value": NEEDED_TEXT,
        "updated_by": NEEDED_TEXT,
        "updated_at": NEEDED_TIME,
    },
    ErrorLog: {
        "error_message": NEEDED_TEXT,
        "module": field("cut", "upload", bad=["", None]),
        "resolved": field(0, 1, bad=[2, True]),
        "stack_trace": TEXT,
        "occurred_at": NEEDED_TIME,
    },
}

niches = st.sampled_from(NICHES)
videos = st.fixed_dictionaries(
    {
        "video_id": st.sampled_from([*VIDEO_IDS[:3], *VIDEO_IDS]),
        "title": st.sampled_from(["", "one", "two"]),
        "channel_name": st.sampled_from(["", "channel"]),
        "channel_id": st.just(""),
        "url": st.just("https://youtu.be/x"),
        "niche": niches,
        "view_count": st.sampled_from([None, 0, 5, 2**40]),
        "viral_score": st.sampled_from([None, 0.5]),
        "discovered_at": st.sampled_from([None, *TIMES]),
    }
)
readings = st.fixed_dictionaries(
    {
        "youtube_video_id": st.sampled_from(VIDEO_IDS),
        "measured_at": st.sampled_from([None, *TIMES]),
    },
    optional={"view_count": st.sampled_from([None, 0, 2**40]), "click_through_rate": st.just(0.5)},
)
SOUND_VIDEO = {
    "title": "one",
    "channel_name": "channel",
    "channel_id": "",
    "url": "https://youtu.be/x",
    "niche": "gaming",
    "view_count": 5,
}
bad_readings = st.sampled_from(
    [
        {"youtube_video_id": "aaaaaaaaaaa", "view_count": -1},
        {"youtube_video_id": "aaaaaaaaaaa", "likes": 1},
        {"measured_at": None},
        {"youtube_video_id": ""},
        7,
    ]
)
