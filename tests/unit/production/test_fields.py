"""What the fields of the ten classes of production hold at most, by default and converted."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.entity import change
from pipeline_store.errors import InvalidValue, PipelineStoreError
from pipeline_store.production import (
    Analytics,
    Clip,
    ConfigOverride,
    ContentIdRisk,
    DiscoveredVideo,
    ErrorLog,
    ExtractionMethod,
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
from tests.integration.contract.samples import CLASSES, every_field, sample, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

COLLECTION_OF = {kind: name for name, kind in CLASSES.items()}

EDGES: list[tuple[type[Any], str, Any]] = [
    (DiscoveredVideo, "view_count", 0),
    (DiscoveredVideo, "view_count", 2**63 - 1),
    (DiscoveredVideo, "viral_score", 0.0),
    (DiscoveredVideo, "viral_score", 1.0),
    (DiscoveredVideo, "video_id", "x" * 255),
    (DiscoveredVideo, "video_id", "not a YouTube id"),
    (DiscoveredVideo, "niche", "\N{GRINNING FACE}" * 255),
    (DiscoveredVideo, "title", ""),
    (DiscoveredVideo, "title", "x" * (16 * 1024 * 1024)),
    (Clip, "rank_position", 1),
    (Analytics, "click_through_rate", 1.0),
    (Analytics, "subscriber_gain", -(2**63) + 1),
    (Analytics, "estimated_revenue_usd", -1.7976931348623157e308),
    (ReviewLog, "auto_held", 1),
    (ErrorLog, "resolved", 1),
    (ErrorLog, "pipeline_run_id", -1),
    (Script, "full_script_json", "null"),
    (Script, "full_script_json", "1e400"),
    (Script, "full_script_json", "9" * 5000),
    (ConfigOverride, "value", ""),
    (PipelineRun, "completed_at", datetime(1970, 1, 1, tzinfo=UTC)),
    (PipelineRun, "completed_at", datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
]


@pytest.mark.parametrize(("kind", "name", "value"), EDGES)
def test_the_last_good_value_is_taken(kind: type[Any], name: str, value: Any) -> None:
    """Values at the very edge of what a field holds are accepted, made and assigned."""
    made = kind(**every_field(COLLECTION_OF[kind]) | {name: value})
    assert getattr(made, name) == value
    assigned = sample(COLLECTION_OF[kind])
    setattr(assigned, name, value)
    assert getattr(assigned, name) == value


DEFAULTS: list[tuple[type[Any], Mapping[str, Any], Mapping[str, Any]]] = [
    (
        DiscoveredVideo,
        {
            "video_id": "v",
            "title": "",
            "channel_name": "",
            "channel_id": "",
            "url": "",
            "niche": "n",
        },
        {
            "id": None,
            "category_id": None,
            "duration_seconds": None,
            "view_count": None,
            "like_count": None,
            "comment_count": None,
            "view_velocity": None,
            "viral_score": None,
            "discovery_source": None,
            "discovered_at": None,
            "processed": Processed.PENDING,
            "content_id_risk": ContentIdRisk.UNKNOWN,
        },
    ),
    (
        PipelineRun,
        {
            "niche": "n",
            "cycle_start": datetime(2026, 3, 1, tzinfo=UTC),
            "cycle_end": datetime(2026, 3, 1, 6, tzinfo=UTC),
        },
        {
            "id": None,
            "status": RunStatus.PENDING,
            "started_at": None,
            "completed_at": None,
            "video_file_path": None,
            "video_duration_seconds": None,
            "video_file_size_bytes": None,
            "youtube_video_id": None,
            "youtube_url": None,
            "error_message": None,
            "retry_count": 0,
        },
    ),
    (
        Clip,
        {
            "pipeline_run_id": 1,
            "discovered_video_id": 1,
            "rank_position": 1,
            "start_time_seconds": 1.5,
            "end_time_seconds": 4.0,
        },
        {
            "id": None,
            "clip_duration_seconds": 2.5,
            "extraction_method": None,
            "clip_file_path": None,
            "content_id_risk": ContentIdRisk.UNKNOWN,
        },
    ),
    (
        Script,
        {"pipeline_run_id": 1},
        {
            "id": None,
            "opening_text": None,
            "closing_text": None,
            "full_script_json": None,
            "total_char_count": None,
            "estimated_duration_seconds": None,
            "llm_model_used": None,
            "generated_at": None,
        },
    ),
    (
        TTSAudio,
        {"pipeline_run_id": 1, "engine_used": "e"},
        {
            "id": None,
            "voice_profile": None,
            "audio_file_path": None,
            "duration_seconds": None,
            "generated_at": None,
        },
    ),
    (
        Short,
        {"pipeline_run_id": 1},
        {
            "id": None,
            "clip_id": None,
            "file_path": None,
            "duration_seconds": None,
            "title": None,
            "description": None,
            "youtube_video_id": None,
            "youtube_url": None,
            "status": ShortStatus.PENDING,
            "uploaded_at": None,
        },
    ),
    (
        Analytics,
        {"youtube_video_id": "v"},
        {
            "id": None,
            "measured_at": None,
            "view_count": None,
            "like_count": None,
            "comment_count": None,
            "average_view_duration_seconds": None,
            "click_through_rate": None,
            "subscriber_gain": None,
            "estimated_revenue_usd": None,
        },
    ),
    (
        ReviewLog,
        {"pipeline_run_id": 1},
        {
            "id": None,
            "sent_at": None,
            "responded_at": None,
            "action": None,
            "response_detail": None,
            "auto_held": 0,
        },
    ),
    (ConfigOverride, {"key": "k", "value": "v"}, {"updated_at": None, "updated_by": "system"}),
    (
        ErrorLog,
        {"module": "m", "error_type": "t", "error_message": "e"},
        {
            "id": None,
            "pipeline_run_id": None,
            "stack_trace": None,
            "occurred_at": None,
            "resolved": 0,
        },
    ),
]


@pytest.mark.parametrize(("kind", "required", "defaults"), DEFAULTS)
def test_defaults(
    kind: type[Any], required: Mapping[str, Any], defaults: Mapping[str, Any]
) -> None:
    """Only what has no default must be given, and the defaults are these."""
    made = kind(**required)
    assert values_of(made) == {**required, **defaults}
    for name in required:
        without = {other: value for other, value in required.items() if other != name}
        with pytest.raises(TypeError, match=name):
            kind(**without)


class Whole(IntEnum):
    """Numbers with names."""

    ONE = 1


def test_kinds_of_numbers() -> None:
    """An int becomes a float where a fraction belongs; a named whole number is one."""
    made = sample("analytics", estimated_revenue_usd=2, view_count=Whole.ONE)
    assert (type(made.estimated_revenue_usd), made.estimated_revenue_usd) == (float, 2.0)
    assert made.view_count == 1
    made.average_view_duration_seconds = 3
    assert type(made.average_view_duration_seconds) is float
    clip = sample("clips", start_time_seconds=1, end_time_seconds=3, clip_duration_seconds=2)
    clip.trim(2, 5)
    clip.end_time_seconds = 6
    for name in ("start_time_seconds", "end_time_seconds", "clip_duration_seconds"):
        assert type(getattr(clip, name)) is float


@pytest.mark.parametrize(
    ("collection", "name", "plain", "member"),
    [
        ("pipeline_runs", "status", "running", RunStatus.RUNNING),
        ("discovered_videos", "processed", 3, Processed.REJECTED),
        ("discovered_videos", "content_id_risk", "high", ContentIdRisk.HIGH),
        ("clips", "extraction_method", "audio_energy", ExtractionMethod.AUDIO_ENERGY),
        ("shorts", "status", "failed", ShortStatus.FAILED),
        ("reviews", "action", "redo_script", ReviewAction.REDO_SCRIPT),
    ],
)
def test_plain_values_become_members(collection: str, name: str, plain: Any, member: Any) -> None:
    """The plain value of a member is accepted, made and assigned, and becomes the member."""
    made = sample(collection, **{name: plain})
    assert getattr(made, name) is member
    setattr(made, name, plain)
    assert getattr(made, name) is member


class TestChange:
    """`change` assigns several fields, or none."""

    def test_all(self) -> None:
        """Every field is checked, converted and assigned."""
        run = sample("pipeline_runs", status="running")
        change(run, status="review", video_duration_seconds=5, niche="other")
        assert (run.status, run.video_duration_seconds, run.niche) == ("review", 5.0, "other")
        assert type(run.video_duration_seconds) is float

    @pytest.mark.parametrize(
        "wanted",
        [
            {"niche": "other", "retry_count": -1},
            {"retry_count": -1, "niche": "other"},
            {"status": "review", "niche": ""},
            {"niche": "other", "status": "uploaded"},
        ],
    )
    def test_none(self, wanted: dict[str, Any]) -> None:
        """When one is refused none is assigned, in whichever order they are named."""
        run = sample("pipeline_runs", status="running")
        before = values_of(run)
        with pytest.raises(PipelineStoreError):
            change(run, **wanted)
        assert values_of(run) == before

    def test_fields_that_move_others(self) -> None:
        """A field that moves another along moves it back when a later one is refused."""
        clip = sample("clips")
        before = values_of(clip)
        with pytest.raises(InvalidValue, match="rank_position"):
            change(clip, end_time_seconds=99.0, rank_position=0)
        assert values_of(clip) == before

    def test_unknown_fields(self) -> None:
        """A name that is no field is an error of the caller's."""
        run = sample("pipeline_runs")
        with pytest.raises(KeyError, match="unknown"):
            change(run, unknown=1)


def test_copies_stand_alone() -> None:
    """A copied object that was never mapped is changed alone."""
    run = sample("pipeline_runs", status="running")
    other = copy.copy(run)
    other.niche = "other"
    assert run.niche == "niche-00001"
