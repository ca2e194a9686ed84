"""Values of the fields of the nine classes of the channels context."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    ConfigurationChange,
    DownloadStatus,
    JobStatus,
    JobType,
    Music,
    ProcessingJob,
    PublicationStatus,
    SystemConfiguration,
    TransformationPreset,
    TransformationStatus,
    Video,
    VideoStatistics,
)
from pipeline_store.production import ConfigOverride
from tests.integration.in_step.drawn import (
    BAD_COUNTS,
    BAD_JSON,
    BAD_NUMBERS,
    BAD_TEXTS,
    COUNT,
    FLAG,
    NEEDED_TEXT,
    NEEDED_TIME,
    NUMBER,
    TEXT,
    TIME,
    TIMES,
    Assignments,
    field,
)

CHANNEL_IDS: Final = ["nature1", "Nature1", "zoo", "été"]
YOUTUBE_IDS: Final = ["UC-1", "UC-2"]
VIDEO_IDS: Final = ["dQw4w9WgXcQ", "aaaaaaaaaaa"]
URLS: Final = ["https://a.example/1", "https://a.example/2", "https://a.example/3"]
PRESETS: Final = ["bright", "Bright", "dark"]
TRACKS: Final = ["track-1", "track-2"]
SETTINGS: Final = ["min_resolution", "posting_frequency", "été", "a_b"]

JSON_VALUES: Final[list[Any]] = [
    None,
    True,
    1,
    1.0,
    -(2**63) + 1,
    "länger 🎬",
    [],
    [1, [True, None]],
    {"b": 1, "a": {"ä": [1.5, "x"]}},
]
OBJECTS: Final[list[Any]] = [{}, {"a": 1}, {"a": True}, {"b": [1.0, None], "a": {"": "ß"}}]
BAD_OBJECTS: Final[list[Any]] = [*BAD_JSON, None, [], "{}"]
OBJECT: Final = field(*OBJECTS, bad=BAD_OBJECTS)
VALUE: Final = field(*JSON_VALUES, bad=BAD_JSON)

ASSIGNMENTS: Assignments = {
    Channel: {
        "channel_id": field(*CHANNEL_IDS, bad=["", None, "x" * 256]),
        "name": field("x", "Nature", bad=["", *BAD_TEXTS, None]),
        "youtube_channel_id": field(*YOUTUBE_IDS, None, bad=["", 7]),
        "is_active": FLAG,
        "max_concurrent": field(1, 10, bad=[0, 11, *BAD_COUNTS]),
        "credentials": field(*OBJECTS, None, bad=[*BAD_JSON, []]),
        "settings": OBJECT,
        "quota_project": field("project 1", None, bad=["", 7, "x" * 256]),
        "last_publication_at": TIME,
        "created_at": NEEDED_TIME,
    },
    Video: {
        "source_url": field(*URLS, bad=["", None, "x" * 601]),
        "source_title": NEEDED_TEXT,
        "download_status": field(*DownloadStatus, bad=["lost", None]),
        "transformation_status": field(*TransformationStatus, bad=["lost", None]),
        "publication_status": field(*PublicationStatus, "scheduled", bad=["lost", None]),
        "scheduled_publication_at": TIME,
        "youtube_video_id": field(*VIDEO_IDS, None, bad=["", 7]),
        "metadata": OBJECT,
        "processing_history": field([], [{"step": 1}], bad=[{}, "x", None, 7]),
    },
    ProcessingJob: {
        "job_type": field(*JobType, bad=["render", None]),
        "status": field(*JobStatus, bad=["lost", None]),
        "priority": field(0, 3, 10, bad=[11, *BAD_COUNTS]),
        "attempts": field(0, 1, 2, bad=BAD_COUNTS),
        "max_attempts": field(1, 2, 32, bad=[0, 33, *BAD_COUNTS]),
        "error_details": field(*OBJECTS, None, bad=[*BAD_JSON, []]),
        "queued_at": NEEDED_TIME,
        "started_at": TIME,
        "completed_at": TIME,
        "github_workflow_run_id": TEXT,
        "worker": field("w1", None, bad=["", 7, "x" * 256]),
    },
    TransformationPreset: {
        "name": field(*PRESETS, bad=["", None]),
        "parameters": OBJECT,
        "is_default": FLAG,
        "is_active": FLAG,
    },
    Music: {
        "name": field("x", bad=["", None, *BAD_TEXTS]),
        "spotify_track_id": field(*TRACKS, None, bad=["", 7]),
        "duration_seconds": NUMBER,
        "usage_count": field(0, 3, bad=BAD_COUNTS),
        "is_active": FLAG,
    },
    ChannelStatistics: {
        "timestamp": NEEDED_TIME,
        "subscriber_count": COUNT,
        "view_count": COUNT,
    },
    VideoStatistics: {"timestamp": NEEDED_TIME, "like_count": COUNT, "comment_count": COUNT},
    SystemConfiguration: {
        "value": VALUE,
        "description": TEXT,
        "encrypted": FLAG,
        "updated_at": NEEDED_TIME,
    },
    ConfigurationChange: {
        "changed_at": NEEDED_TIME,
        "layer": field("override", "system", "channel", bad=["file", None]),
        "key": field(*SETTINGS, bad=["", None]),
        "old_value": VALUE,
        "new_value": VALUE,
    },
    ConfigOverride: {"value": field("1", "0", "", bad=BAD_TEXTS), "updated_at": NEEDED_TIME},
}

objects = st.sampled_from(OBJECTS)
json_values = st.sampled_from([*JSON_VALUES, *BAD_JSON[:2]])
counts = st.sampled_from([None, 0, 5, 2**40, 2**63 - 1, *BAD_COUNTS[:2], *BAD_NUMBERS[:1]])
maybe_times = st.sampled_from([None, *TIMES])
