"""One object of each of the ten classes, with every field set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from pipeline_store.production import (
    Analytics,
    Clip,
    ConfigOverride,
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    ReviewLog,
    Script,
    Short,
    TTSAudio,
)

if TYPE_CHECKING:
    from pipeline_store import Store, UnitOfWork

CLASSES: dict[str, type[Any]] = {
    "discovered_videos": DiscoveredVideo,
    "pipeline_runs": PipelineRun,
    "clips": Clip,
    "scripts": Script,
    "tts_audio": TTSAudio,
    "shorts": Short,
    "analytics": Analytics,
    "reviews": ReviewLog,
    "config_overrides": ConfigOverride,
    "errors": ErrorLog,
}
"""The class of the objects in each collection."""

COLLECTIONS = tuple(CLASSES)
NUMBERED = tuple(name for name in COLLECTIONS if name != "config_overrides")
"""The collections whose keys the store gives."""

EARLY = datetime(2026, 2, 28, 1, 2, 3, 456789, tzinfo=UTC)
LATE = datetime(2026, 2, 28, 7, 2, 3, 456789, tzinfo=UTC)


class Parents(NamedTuple):
    """Keys that other objects can refer to."""

    run: int
    video: int
    clip: int


NO_PARENTS = Parents(run=1, video=1, clip=1)


def every_field(collection: str, parents: Parents = NO_PARENTS, number: int = 1) -> dict[str, Any]:
    """Arguments of the class, with every field set; unique ones differ by `number`."""
    arguments: dict[str, dict[str, Any]] = {
        "discovered_videos": {
            "video_id": f"video-{number:05}",
            "title": "Ten saves that should not have been possible",
            "channel_name": "Saves of the week",
            "channel_id": "UC0123456789",
            "url": "https://youtu.be/abc",
            "category_id": 17,
            "duration_seconds": 612,
            "view_count": 5_000_000_000,
            "like_count": 40,
            "comment_count": 3,
            "view_velocity": 1234.5,
            "viral_score": 0.75,
            "niche": "football",
            "discovery_source": "trending",
            "discovered_at": EARLY,
            "processed": 0,
            "content_id_risk": "low",
        },
        "pipeline_runs": {
            "niche": f"niche-{number:05}",
            "cycle_start": EARLY,
            "cycle_end": LATE,
            "status": "running",
            "started_at": EARLY,
            "completed_at": LATE,
            "video_file_path": "out/video.mp4",
            "video_duration_seconds": 480.25,
            "video_file_size_bytes": 6_000_000_000,
            "youtube_video_id": "uploaded-01",
            "youtube_url": "https://youtu.be/uploaded-01",
            "error_message": "none yet",
            "retry_count": 2,
        },
        "clips": {
            "pipeline_run_id": parents.run,
            "discovered_video_id": parents.video,
            "rank_position": 1,
            "start_time_seconds": 10.5,
            "end_time_seconds": 30.75,
            "clip_duration_seconds": 20.25,
            "extraction_method": "transcript",
            "clip_file_path": "out/clip.mp4",
            "content_id_risk": "medium",
        },
        "scripts": {
            "pipeline_run_id": parents.run,
            "opening_text": "Good evening.",
            "closing_text": "Good night.",
            "full_script_json": '{"lines": ["a", "b"]}',
            "total_char_count": 900,
            "estimated_duration_seconds": 61.5,
            "llm_model_used": "a-model",
            "generated_at": EARLY,
        },
        "tts_audio": {
            "pipeline_run_id": parents.run,
            "engine_used": "an-engine",
            "voice_profile": "calm",
            "audio_file_path": "out/voice.wav",
            "duration_seconds": 61.25,
            "generated_at": EARLY,
        },
        "shorts": {
            "pipeline_run_id": parents.run,
            "clip_id": parents.clip,
            "file_path": "out/short.mp4",
            "duration_seconds": 20.25,
            "title": "One save",
            "description": "The best one.",
            "youtube_video_id": "uploaded-02",
            "youtube_url": "https://youtu.be/uploaded-02",
            "status": "review",
            "uploaded_at": LATE,
        },
        "analytics": {
            "youtube_video_id": "uploaded-01",
            "measured_at": EARLY,
            "view_count": 5_000_000_000,
            "like_count": 40,
            "comment_count": 3,
            "average_view_duration_seconds": 33.5,
            "click_through_rate": 0.0625,
            "subscriber_gain": -12,
            "estimated_revenue_usd": 1.25,
        },
        "reviews": {
            "pipeline_run_id": parents.run,
            "sent_at": EARLY,
            "responded_at": LATE,
            "action": "approve",
            "response_detail": "fine",
            "auto_held": 0,
        },
        "config_overrides": {
            "key": f"key-{number:05}",
            "value": "a value",
            "updated_at": EARLY,
            "updated_by": "somebody",
        },
        "errors": {
            "pipeline_run_id": parents.run,
            "module": "render",
            "error_type": "OSError",
            "error_message": "no space left",
            "stack_trace": "line 1\nline 2",
            "occurred_at": EARLY,
            "resolved": 0,
        },
    }
    return arguments[collection]


def sample(collection: str, parents: Parents = NO_PARENTS, number: int = 1, **other: Any) -> Any:
    """A new object of the collection's class."""
    return CLASSES[collection](**every_field(collection, parents, number) | other)


def add_parents(store: Store) -> Parents:
    """Store a run, a video and a clip, and return their keys."""
    with store.unit_of_work() as uow:
        run = uow.pipeline_runs.add(sample("pipeline_runs", number=90_001))
        video = uow.discovered_videos.add(sample("discovered_videos", number=90_001))
        refers = Parents(run=run.id, video=video.id, clip=0)
        clip = uow.clips.add(sample("clips", refers, rank_position=90))
        uow.commit()
    return Parents(run=run.id, video=video.id, clip=clip.id)


def values_of(entity: Any) -> dict[str, Any]:
    """The values of an object's fields."""
    return {field.name: getattr(entity, field.name) for field in attrs.fields(type(entity))}


def key_of(entity: Any) -> Any:
    """The key of a stored object."""
    return entity.key if isinstance(entity, ConfigOverride) else entity.id


def content(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Everything that is stored, by collection and key."""
    with store.unit_of_work(read_only=True) as uow:
        return {name: [values_of(row) for row in page(uow, name)] for name in COLLECTIONS}


def page(uow: UnitOfWork, collection: str) -> list[Any]:
    """All objects of a collection that has no more than a page of them."""
    found: list[Any] = getattr(uow, collection).page(limit=10_000)
    return found
