"""The classes that stores keep, the tables they are in, and the fields that hold keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import attrs

from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    ConfigurationChange,
    Music,
    ProcessingJob,
    SystemConfiguration,
    TransformationPreset,
    Video,
    VideoStatistics,
)
from pipeline_store.entity import key_of, key_type
from pipeline_store.fields import JSON, REFERS_TO
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
from pipeline_store.tasks import QuotaReservation, Task, TaskTransition, Upload

if TYPE_CHECKING:
    from collections.abc import Mapping

Kinds = dict[str, type[Any]]

OVERRIDES: Final[Kinds] = {"config_overrides": ConfigOverride}
"""Both contexts use these: some of them pause jobs."""

PRODUCTION: Final[Kinds] = {
    "discovered_videos": DiscoveredVideo,
    "pipeline_runs": PipelineRun,
    "clips": Clip,
    "scripts": Script,
    "tts_audio": TTSAudio,
    "shorts": Short,
    "analytics": Analytics,
    "reviews": ReviewLog,
    **OVERRIDES,
    "errors": ErrorLog,
}
CHANNELS: Final[Kinds] = {
    "channels": Channel,
    "videos": Video,
    "jobs": ProcessingJob,
    "presets": TransformationPreset,
    "music": Music,
    "channel_statistics": ChannelStatistics,
    "video_statistics": VideoStatistics,
    "system_configuration": SystemConfiguration,
    "configuration_changes": ConfigurationChange,
    **OVERRIDES,
}
TASKS: Final[Kinds] = {
    "channels": Channel,
    "tasks": Task,
    "task_transitions": TaskTransition,
    "quotas": QuotaReservation,
    "uploads": Upload,
    **OVERRIDES,
}
COLLECTIONS: Final[Kinds] = PRODUCTION | CHANNELS | TASKS
COLLECTION_OF: Final = {kind: name for name, kind in COLLECTIONS.items()}

TABLES: Final = [
    "uploads",
    "quota_reservations",
    "quota_days",
    "task_transitions",
    "tasks",
    "error_log",
    "config_overrides",
    "review_log",
    "analytics",
    "shorts",
    "tts_audio",
    "scripts",
    "clips",
    "pipeline_runs",
    "discovered_videos",
    "configuration_changes",
    "system_configuration",
    "video_statistics",
    "channel_statistics",
    "video_processing_jobs",
    "videos",
    "channels",
    "music",
    "transformation_presets",
]
"""In an order in which they can be emptied."""

_MISSING_NUMBER: Final = 10**9
_MISSING_UUID: Final = UUID(int=2**128 - 1)


def missing_key(kind: type[Any]) -> Any:
    """A key that no row of that class has."""
    return {int: _MISSING_NUMBER, UUID: _MISSING_UUID, str: "no such key"}[key_type(kind)]


def is_missing(key: Any) -> bool:
    """Whether it is a key that no row has."""
    return key in {_MISSING_NUMBER, _MISSING_UUID}


def _key_fields(kind: type[Any]) -> dict[str, str]:
    found = {
        field.name: field.metadata[REFERS_TO]
        for field in attrs.fields(kind)
        if REFERS_TO in field.metadata
    }
    if kind is ConfigurationChange:
        # No reference, so that the journal outlives the channel, but a key that a store gave.
        found["channel_id"] = COLLECTION_OF[Channel]
    if kind is QuotaReservation:
        # The same: what a task has spent stays spent when it is removed.
        found["task_id"] = COLLECTION_OF[Task]
    return found if key_type(kind) is str else {"id": COLLECTION_OF[kind], **found}


KEY_FIELDS: Final = {kind: _key_fields(kind) for kind in COLLECTIONS.values()}
"""The fields that hold keys given by a store, each with the collection it is of."""

FIELDS: Final = {
    kind: {field.name: JSON in field.metadata for field in attrs.fields(kind)}
    for kind in COLLECTIONS.values()
}
"""The fields of each class, and whether they hold JSON."""


def keys_named_by(entity: Any) -> list[tuple[str, Any]]:
    """The key of an object and those that it refers to, each with its collection."""
    keys = [
        (collection, getattr(entity, name)) for name, collection in KEY_FIELDS[type(entity)].items()
    ]
    return [(collection, key) for collection, key in keys if key is not None]


def references_of(kind: type[Any]) -> Mapping[str, type[Any]]:
    """The fields of a class that refer to other objects, each with the class of those."""
    own = key_of(kind).name
    return {
        name: COLLECTIONS[collection]
        for name, collection in KEY_FIELDS[kind].items()
        if name != own
    }
