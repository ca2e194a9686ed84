"""Values for every field of every class, and the keys that they refer to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

EARLY = datetime(2026, 2, 28, 1, 2, 3, 456789, tzinfo=UTC)
LATE = datetime(2026, 2, 28, 7, 2, 3, 456789, tzinfo=UTC)


class Parents(NamedTuple):
    """Keys that other objects can refer to."""

    run: int = 1
    video: int = 1
    clip: int = 1
    channel: UUID = UUID("019c0000-0000-7000-8000-000000000001")
    channel_video: UUID = UUID("019c0000-0000-7000-8000-000000000002")
    preset: UUID = UUID("019c0000-0000-7000-8000-000000000003")
    music: UUID = UUID("019c0000-0000-7000-8000-000000000004")
    task: UUID = UUID("019c0000-0000-7000-8000-000000000005")

    def key_in(self, collection: str) -> Any:
        """The key of the parent in a collection that others refer to."""
        return getattr(self, PARENT_IN[collection])

    def with_key(self, collection: str, key: Any) -> Parents:
        """The same keys, but for the one of the parent in this collection."""
        return self._replace(**{PARENT_IN[collection]: key})


PARENT_IN = {
    "pipeline_runs": "run",
    "discovered_videos": "video",
    "clips": "clip",
    "channels": "channel",
    "videos": "channel_video",
    "presets": "preset",
    "music": "music",
    "tasks": "task",
}
"""For each collection that others refer to, the name of the key."""


def of_production(parents: Parents, number: int) -> dict[str, dict[str, Any]]:
    """Arguments of the ten classes of production."""
    return {
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


def of_channels(parents: Parents, number: int) -> dict[str, dict[str, Any]]:
    """Arguments of the nine classes of channels."""
    changed = {"created_at": EARLY, "updated_at": LATE}
    return {
        "channels": {
            "channel_id": f"channel-{number:05}",
            "name": "Nature",
            "youtube_channel_id": f"UC-{number:05}",
            "is_active": True,
            "max_concurrent": 3,
            "credentials": {"youtube": {"sealed": "v1.0.a", "scopes": ["upload"]}},
            "settings": {"posting_frequency": 3, "tags": ["a", {"b": None}]},
            "schedule": {"monday": ["08:00", "20:00"]},
            "filters": {"min_resolution": 720.5},
            "metadata": {"country": "IS", "é": True},
            "quota_project": "project-1",
            "default_preset_id": parents.preset,
            "last_publication_at": LATE,
            **changed,
        },
        "videos": {
            "channel_id": parents.channel,
            "source_url": f"https://example.org/{number:05}",
            "source_title": "A glacier calves",
            "source_creator": "Somebody",
            "source_platform": "youtube",
            "download_status": "downloaded",
            "transformation_status": "processing",
            "publication_status": "scheduled",
            "scheduled_publication_at": LATE,
            "published_at": LATE,
            "youtube_video_id": "uploaded-03",
            "music_id": parents.music,
            "preset_id": parents.preset,
            "metadata": {"views": 5_000_000_000},
            "processing_history": [{"step": "download", "seconds": 1.5}],
            **changed,
        },
        "jobs": {
            "video_id": parents.channel_video,
            "channel_id": parents.channel,
            "job_type": "download",
            "status": "processing",
            "priority": 7,
            "attempts": 1,
            "max_attempts": 5,
            "error_message": "none yet",
            "error_details": {"code": 0},
            "queued_at": EARLY,
            "started_at": LATE,
            "completed_at": LATE,
            "github_workflow_run_id": "123456789012",
            "worker": "worker-1",
            "lease_token": 1,
            "due_at": LATE,
            **changed,
        },
        "presets": {
            "name": f"preset-{number:05}",
            "description": "As it is",
            "parameters": {"speed": 1.25, "mirror": False},
            "is_default": True,
            "is_active": True,
            **changed,
        },
        "music": {
            "name": "A quiet piece",
            "artist": "Somebody",
            "spotify_track_id": f"track-{number:05}",
            "file_path": "music/quiet.mp3",
            "duration_seconds": 181.5,
            "metadata": {"bpm": 90},
            "usage_count": 4,
            "is_active": True,
            **changed,
        },
        "channel_statistics": {
            "channel_id": parents.channel,
            "timestamp": EARLY,
            "subscriber_count": 12,
            "view_count": 5_000_000_000,
            "video_count": 3,
        },
        "video_statistics": {
            "video_id": parents.channel_video,
            "timestamp": EARLY,
            "view_count": 5_000_000_000,
            "like_count": 40,
            "comment_count": 3,
        },
        "system_configuration": {
            "key": f"setting-{number:05}",
            "value": {"on": True, "hours": [1, 2.5, None]},
            "description": "What it is for",
            "encrypted": False,
            **changed,
        },
        "configuration_changes": {
            "changed_at": EARLY,
            "changed_by": "somebody",
            "layer": "channel",
            "channel_id": parents.channel,
            "key": "posting_frequency",
            "old_value": {"a": 1},
            "new_value": [2],
        },
    }


def of_tasks(parents: Parents, number: int) -> dict[str, dict[str, Any]]:
    """Arguments of the classes of tasks."""
    return {
        "tasks": {
            "channel_id": parents.channel,
            "notion_page_id": f"{number:032x}",
            "title": "The last lighthouse keeper",
            "topic": "Lives by the sea",
            "story_direction": "Begin in the storm.",
            "status": "generating_video",
            "priority": "high",
            "error_log": "claimed: no space left (worker-1)",
            "youtube_url": "https://youtu.be/uploaded-04",
            "created_at": EARLY,
            "updated_at": LATE,
            "worker": "worker-1",
            "lease_token": 3,
            "lease_expires_at": LATE,
            "attempts": 2,
            "failed_stage": "claimed",
            "review_token": 1,
            "status_since": EARLY,
            "warned_at": EARLY,
            "held_at": LATE,
            "rank": 0,
        },
        "task_transitions": {
            "task_id": parents.task,
            "moved_at": EARLY,
            "from_status": "assets_ready",
            "to_status": "asset_error",
            "actor": "somebody",
            "reason": "the lighthouse is missing",
            "review_token": 1,
        },
        "quotas": {
            "project": "project-1",
            "bucket": "youtube_uploads",
            "units": 3,
            "state": "spent",
            "turns_at": LATE,
            "task_id": parents.task,
            "lease_token": 3,
            "reserved_at": EARLY,
        },
        "uploads": {
            "task_id": parents.task,
            "channel_id": parents.channel,
            "platform": "youtube",
            "content_hash": f"sha256:{number:064x}",
            "status": "started",
            "lease_token": 3,
            "sealed_session": "v1.0123456789abcdef.c2VhbGVk",
            "external_id": f"uploaded-{number:05}",
            "created_at": EARLY,
            "updated_at": LATE,
        },
    }
