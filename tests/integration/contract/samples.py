"""One object of each class, with every field set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakKeyDictionary

import attrs

from pipeline_store import entity
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
from pipeline_store.fields import REFERS_TO
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
from tests.integration.contract.sample_values import (
    EARLY,
    LATE,
    Parents,
    of_channels,
    of_production,
    of_tasks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline_store import Store, UnitOfWork

__all__ = [
    "CHILDREN_FIRST",
    "CLASSES",
    "COLLECTIONS",
    "EARLY",
    "KEYED_BY_STORE",
    "KEY_TYPES",
    "LATE",
    "NO_PARENTS",
    "NO_ROW",
    "OF_CHANNELS",
    "OF_PRODUCTION",
    "OF_TASKS",
    "STORED_ROWS",
    "TABLE_OF",
    "Parents",
    "add_parents",
    "content",
    "every_field",
    "key_name",
    "key_of",
    "page",
    "sample",
    "values_of",
]

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
    "channels": Channel,
    "videos": Video,
    "jobs": ProcessingJob,
    "presets": TransformationPreset,
    "music": Music,
    "channel_statistics": ChannelStatistics,
    "video_statistics": VideoStatistics,
    "system_configuration": SystemConfiguration,
    "configuration_changes": ConfigurationChange,
    "tasks": Task,
    "task_transitions": TaskTransition,
    "quotas": QuotaReservation,
    "uploads": Upload,
}
"""The class of the objects in each collection."""

COLLECTIONS = tuple(CLASSES)
OF_PRODUCTION = COLLECTIONS[:10]
OF_CHANNELS = COLLECTIONS[10:19]
OF_TASKS = COLLECTIONS[19:]
KEY_TYPES = {name: entity.key_type(kind) for name, kind in CLASSES.items()}
KEYED_BY_STORE = tuple(name for name, kind in KEY_TYPES.items() if kind is not str)
"""The collections whose keys the store gives."""

TABLE_OF = {name: name for name in COLLECTIONS} | {
    "reviews": "review_log",
    "errors": "error_log",
    "jobs": "video_processing_jobs",
    "presets": "transformation_presets",
    "quotas": "quota_reservations",
}
"""The table that each collection is kept in."""

CHILDREN_FIRST = (
    "uploads",
    "quotas",
    "task_transitions",
    "tasks",
    "errors",
    "config_overrides",
    "reviews",
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
    "jobs",
    "videos",
    "channels",
    "music",
    "presets",
)
"""The collections in an order in which they can be emptied."""

NO_ROW: dict[type[Any], Any] = {
    int: 4711,
    str: "nothing",
    UUID: UUID("019c0000-0000-7000-8000-000000004711"),
}
"""For each type of key, one that no row has."""

NO_PARENTS = Parents()


def every_field(collection: str, parents: Parents = NO_PARENTS, number: int = 1) -> dict[str, Any]:
    """Arguments of the class, with every field set; unique ones differ by `number`."""
    made = {**dict.fromkeys(OF_PRODUCTION, of_production), **dict.fromkeys(OF_TASKS, of_tasks)}
    return made.get(collection, of_channels)(parents, number)[collection]


def sample(collection: str, parents: Parents = NO_PARENTS, number: int = 1, **other: Any) -> Any:
    """A new object of the collection's class."""
    return CLASSES[collection](**every_field(collection, parents, number) | other)


def add_parents(store: Store, *collections: str) -> Parents:
    """Store one object of each class that these collections refer to, and return their keys."""
    wanted = _referred_to_by(collections or COLLECTIONS)
    parents = NO_PARENTS
    if not wanted:
        return parents
    with store.unit_of_work() as uow:
        for collection in reversed(CHILDREN_FIRST):
            if collection in wanted:
                new = sample(collection, parents, 90_001)
                parents = parents.with_key(collection, key_of(getattr(uow, collection).add(new)))
        uow.commit()
    return parents


def _referred_to_by(collections: Iterable[str]) -> set[str]:
    """The collections that these refer to, and those that those refer to."""
    direct = {
        field.metadata[REFERS_TO]
        for collection in collections
        for field in attrs.fields(CLASSES[collection])
        if REFERS_TO in field.metadata
    }
    return direct | _referred_to_by(direct) if direct else direct


def values_of(held: Any) -> dict[str, Any]:
    """The values of an object's fields."""
    return {field.name: getattr(held, field.name) for field in attrs.fields(type(held))}


def key_name(collection: str) -> str:
    """The field that holds the key of a collection's objects."""
    return entity.key_of(CLASSES[collection]).name


def key_of(stored: Any) -> Any:
    """The key of a stored object."""
    return getattr(stored, entity.key_of(type(stored)).name)


STORED_ROWS: WeakKeyDictionary[Any, Callable[[], dict[str, list[dict[str, Any]]]]] = (
    WeakKeyDictionary()
)
"""Asks a store's database itself for the rows of its tables, where somebody knows how to."""


def content(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Everything that is stored, by collection and key: to compare, in no certain types."""
    ask = STORED_ROWS.get(store)
    if ask:
        rows = ask()
        return {name: rows.get(table, []) for name, table in TABLE_OF.items()}
    with store.unit_of_work(read_only=True) as uow:
        return {name: [values_of(row) for row in page(uow, name)] for name in TABLE_OF}


def page(uow: UnitOfWork, collection: str) -> list[Any]:
    """All objects of a collection that has no more than a page of them."""
    found: list[Any] = getattr(uow, collection).page(limit=10_000)
    return found
