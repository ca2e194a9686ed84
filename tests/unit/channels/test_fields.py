"""What the fields of the nine classes of channels hold at most, by default and converted."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    ConfigurationChange,
    ConfigurationLayer,
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
from pipeline_store.errors import InvalidValue
from tests.integration.contract.refused_values import nested
from tests.integration.contract.samples import CLASSES, every_field, sample, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

COLLECTION_OF = {kind: name for name, kind in CLASSES.items()}
OWNER = UUID("019c0000-0000-7000-8000-000000000001")

EDGES: list[tuple[type[Any], str, Any]] = [
    (Channel, "channel_id", "x" * 255),
    (Channel, "name", " "),
    (Channel, "youtube_channel_id", "\N{GRINNING FACE}" * 255),
    (Channel, "max_concurrent", 1),
    (Channel, "max_concurrent", 10),
    (Channel, "credentials", {}),
    (Channel, "settings", {"": None, "a" * 1_000: [-(2**63) + 1, 2**63 - 1, -0.0, 1.7e308]}),
    (Channel, "filters", {"a": nested(63)}),
    (Channel, "default_preset_id", UUID(int=0)),
    (Video, "source_url", "x" * 600),
    (Video, "source_title", ""),
    (Video, "published_at", datetime(1970, 1, 1, tzinfo=UTC)),
    (Video, "processing_history", [{"step": "download", "seconds": 1.5}, "anything", None]),
    (ProcessingJob, "priority", 0),
    (ProcessingJob, "priority", 10),
    (ProcessingJob, "max_attempts", 1),
    (ProcessingJob, "max_attempts", 32),
    (ProcessingJob, "worker", "x" * 255),
    (TransformationPreset, "parameters", {"deep": {"deeper": {"list": [1, [2, [3]]]}}}),
    (Music, "duration_seconds", 0.0),
    (Music, "usage_count", 2**63 - 1),
    (ChannelStatistics, "view_count", 2**63 - 1),
    (VideoStatistics, "timestamp", datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    (SystemConfiguration, "value", nested(64)),
    (SystemConfiguration, "value", ""),
    (SystemConfiguration, "value", 2**63 - 1),
    (ConfigurationChange, "channel_id", UUID(int=2**128 - 1)),
    (ConfigurationChange, "changed_by", ""),
]


@pytest.mark.parametrize(("kind", "name", "value"), EDGES)
def test_the_last_good_value_is_taken(kind: type[Any], name: str, value: Any) -> None:
    """Values at the very edge of what a field holds are accepted, made and assigned."""
    made = kind(**every_field(COLLECTION_OF[kind]) | {name: value})
    assert getattr(made, name) == value
    assigned = sample(COLLECTION_OF[kind])
    setattr(assigned, name, value)
    assert getattr(assigned, name) == value


NEVER = {"id": None, "created_at": None, "updated_at": None}
DEFAULTS: list[tuple[type[Any], Mapping[str, Any], Mapping[str, Any]]] = [
    (
        Channel,
        {"channel_id": "c", "name": "n"},
        NEVER
        | {
            "youtube_channel_id": None,
            "is_active": True,
            "max_concurrent": 2,
            "credentials": None,
            "settings": {},
            "schedule": {},
            "filters": {},
            "metadata": {},
            "quota_project": None,
            "default_preset_id": None,
            "last_publication_at": None,
        },
    ),
    (
        Video,
        {"channel_id": OWNER, "source_url": "u", "source_title": "", "source_platform": ""},
        NEVER
        | {
            "source_creator": None,
            "download_status": DownloadStatus.PENDING,
            "transformation_status": TransformationStatus.PENDING,
            "publication_status": PublicationStatus.PENDING,
            "scheduled_publication_at": None,
            "published_at": None,
            "youtube_video_id": None,
            "music_id": None,
            "preset_id": None,
            "metadata": {},
            "processing_history": [],
        },
    ),
    (
        ProcessingJob,
        {"channel_id": OWNER, "job_type": JobType.SCRAPE},
        NEVER
        | {
            "video_id": None,
            "status": JobStatus.QUEUED,
            "priority": 0,
            "attempts": 0,
            "max_attempts": 3,
            "error_message": None,
            "error_details": None,
            "queued_at": None,
            "started_at": None,
            "completed_at": None,
            "github_workflow_run_id": None,
            "worker": None,
            "lease_token": 0,
            "due_at": None,
        },
    ),
    (
        TransformationPreset,
        {"name": "n"},
        NEVER | {"description": None, "parameters": {}, "is_default": False, "is_active": True},
    ),
    (
        Music,
        {"name": "n"},
        NEVER
        | {
            "artist": None,
            "spotify_track_id": None,
            "file_path": None,
            "duration_seconds": None,
            "metadata": {},
            "usage_count": 0,
            "is_active": True,
        },
    ),
    (
        ChannelStatistics,
        {"channel_id": OWNER},
        {
            "id": None,
            "timestamp": None,
            "subscriber_count": None,
            "view_count": None,
            "video_count": None,
        },
    ),
    (
        VideoStatistics,
        {"video_id": OWNER},
        {
            "id": None,
            "timestamp": None,
            "view_count": None,
            "like_count": None,
            "comment_count": None,
        },
    ),
    (
        SystemConfiguration,
        {"key": "k", "value": None},
        {"description": None, "encrypted": False, "created_at": None, "updated_at": None},
    ),
    (
        ConfigurationChange,
        {"layer": ConfigurationLayer.SYSTEM, "key": "k"},
        {
            "id": None,
            "changed_at": None,
            "changed_by": "system",
            "channel_id": None,
            "old_value": None,
            "new_value": None,
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


def test_defaults_are_not_shared() -> None:
    """Each object has empty JSON of its own; none can be changed in place anyhow."""
    one, other = Music(name="a"), Music(name="b")
    assert one.metadata is not other.metadata


@pytest.mark.parametrize(
    ("collection", "name", "plain", "member"),
    [
        ("videos", "download_status", "failed", DownloadStatus.FAILED),
        ("videos", "transformation_status", "transformed", TransformationStatus.TRANSFORMED),
        ("videos", "publication_status", "publishing", PublicationStatus.PUBLISHING),
        ("jobs", "job_type", "publish", JobType.PUBLISH),
        ("jobs", "status", "retrying", JobStatus.RETRYING),
        ("configuration_changes", "layer", "override", ConfigurationLayer.OVERRIDE),
    ],
)
def test_plain_values_become_members(collection: str, name: str, plain: Any, member: Any) -> None:
    """The plain value of a member is accepted, made and assigned, and becomes the member."""
    made = sample(collection, **{name: plain})
    assert getattr(made, name) is member
    setattr(made, name, plain)
    assert getattr(made, name) is member


class TestJson:
    """JSON fields read like what they were given, and are replaced as a whole."""

    def test_they_read_like_dicts_and_lists(self) -> None:
        """They are equal to what was given, and `json` writes them as it."""
        settings = {"a": [1, {"b": (2, 3)}], "é": None}
        channel = sample("channels", settings=settings)
        assert channel.settings == {"a": [1, {"b": [2, 3]}], "é": None}
        assert isinstance(channel.settings, dict)
        assert isinstance(channel.settings["a"], list)
        assert json.loads(json.dumps(channel.settings)) == channel.settings
        assert {**channel.settings, "c": 1} == {"a": [1, {"b": [2, 3]}], "é": None, "c": 1}

    def test_what_was_given_can_be_changed_and_they_do_not_follow(self) -> None:
        """They are copies, throughout."""
        settings = {"a": [1, {"b": 2}]}
        channel = sample("channels", settings=settings)
        settings["a"].append(3)  # type: ignore[attr-defined]
        settings["c"] = []
        assert channel.settings == {"a": [1, {"b": 2}]}

    def test_they_cannot_be_changed_in_place(self) -> None:
        """Every way of changing a dict or a list is a TypeError that names the cure."""
        held = sample("channels", settings={"a": [1, {"b": 2}]}).settings
        before = copy.deepcopy(held)
        a_dict, a_list = held["a"][1], held["a"]
        changes = [
            lambda: a_dict.__setitem__("b", 3),
            lambda: a_dict.__delitem__("b"),
            lambda: a_dict.__ior__({"c": 1}),
            lambda: a_dict.clear(),
            lambda: a_dict.pop("b"),
            lambda: a_dict.popitem(),
            lambda: a_dict.setdefault("c", 1),
            lambda: a_dict.update(c=1),
            lambda: a_list.__setitem__(0, 3),
            lambda: a_list.__setitem__(slice(0, 1), []),
            lambda: a_list.__delitem__(0),
            lambda: a_list.__iadd__([1]),
            lambda: a_list.__imul__(2),
            lambda: a_list.append(1),
            lambda: a_list.clear(),
            lambda: a_list.extend([1]),
            lambda: a_list.insert(0, 1),
            lambda: a_list.pop(),
            lambda: a_list.remove(1),
            lambda: a_list.reverse(),
            lambda: a_list.sort(),
        ]
        for change in changes:
            with pytest.raises(TypeError, match="cannot be changed in place: assign"):
                change()
        assert held == before

    def test_every_way_of_changing_is_known(self) -> None:
        """No method of dict or list is left that changes the value."""
        reading = {"copy", "count", "fromkeys", "get", "index", "items", "keys", "values"}
        operators = {"__setitem__", "__delitem__", "__ior__", "__iadd__", "__imul__"}
        held = sample("channels", settings={"a": [1]}).settings
        for value, plain in ((held, dict), (held["a"], list)):
            named = {name for name in vars(plain) if not name.startswith("_")} - reading
            assert named | operators.intersection(vars(plain)) <= set(vars(type(value)))

    def test_copies_and_pickles(self) -> None:
        """Copied, deeply or not, and pickled values are equal and as immutable."""
        held = sample("channels", settings={"a": [1, {"b": 2}]}).settings
        again = pickle.loads(pickle.dumps(held))  # noqa: S301 - our own bytes
        for other in (copy.copy(held), copy.deepcopy(held), again):
            assert other == held
            assert type(other["a"]) is type(held["a"])
            with pytest.raises(TypeError, match="cannot be changed in place"):
                other["a"].append(1)

    def test_too_much_of_it(self) -> None:
        """Its text has at most as many characters as other texts."""
        half = "x" * (8 * 1024 * 1024)
        with pytest.raises(InvalidValue, match=r"metadata: at most \d+ characters of JSON"):
            sample("music", metadata={"a": half, "b": half})


def test_a_job_without_a_video() -> None:
    """Only scraping needs no video, made and assigned."""
    with pytest.raises(InvalidValue, match="video_id: a download job needs a video"):
        sample("jobs", video_id=None)
    job = sample("jobs", video_id=None, job_type="scrape")
    with pytest.raises(InvalidValue, match="video_id: a publish job needs a video"):
        job.job_type = "publish"
    assert job.job_type is JobType.SCRAPE
    job.video_id = OWNER
    job.job_type = "publish"
    with pytest.raises(InvalidValue, match="video_id: a publish job needs a video"):
        job.video_id = None
    assert job.video_id == OWNER


def test_kinds_of_numbers() -> None:
    """An int becomes a float where a fraction belongs, and stays one in JSON."""
    made = sample("music", duration_seconds=2, metadata={"a": 2, "b": 2.0, "c": True})
    assert (type(made.duration_seconds), made.duration_seconds) == (float, 2.0)
    assert [type(value) for value in made.metadata.values()] == [int, float, bool]


def test_naive_instants_are_warned_about() -> None:
    """As everywhere, a naive time is taken as UTC with a warning that names the field."""
    with pytest.warns(UserWarning, match="timestamp"):
        reading = VideoStatistics(video_id=OWNER, timestamp=datetime(2026, 3, 1))  # noqa: DTZ001
    assert reading.timestamp - datetime(2026, 3, 1, tzinfo=UTC) == timedelta(0)
