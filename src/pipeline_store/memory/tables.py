"""What an in-memory store has committed."""

from __future__ import annotations

from collections import Counter
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary, WeakSet

from pipeline_store import json_value
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
from pipeline_store.entity import fields_of, key_of, key_type
from pipeline_store.fields import JSON, UNIQUE
from pipeline_store.memory.unique_values import UniqueValues
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
from pipeline_store.tasks import YOUTUBE_BUCKETS, QuotaReservation, Task, TaskTransition, Upload
from pipeline_store.tasks.quota_plans import DEFAULT_PROJECT
from pipeline_store.uuid_keys import new_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline_store.memory.known_objects import KnownObjects
    from pipeline_store.wakeups import Bell

T = TypeVar("T")

Units: TypeAlias = "dict[tuple[str, str], int]"
"""Limits by project and bucket, or costs by stage and bucket."""

KINDS: Final[Mapping[str, type[Any]]] = {
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
"""The class kept in each collection."""

COLLECTIONS: Final[Mapping[type[Any], str]] = {kind: name for name, kind in KINDS.items()}
"""The collection that keeps each class."""

_NAMES: Final[Mapping[type[Any], tuple[str, ...]]] = {
    kind: tuple(field.name for field in fields_of(kind)) for kind in KINDS.values()
}
"""The fields of each class."""

UNIQUE_NAMES: Final[Mapping[str, Sequence[tuple[str, ...]]]] = {
    name: [
        (field.name, *field.metadata[UNIQUE])
        for field in fields_of(kind)
        if UNIQUE in field.metadata
    ]
    for name, kind in KINDS.items()
}
"""The unique fields in each collection, each with those that it is unique together with."""

_JSON_NAMES: Final[Mapping[type[Any], tuple[str, ...]]] = {
    kind: tuple(field.name for field in fields_of(kind) if field.metadata.get(JSON))
    for kind in KINDS.values()
}
_KEYS: Final[Mapping[type[Any], str]] = {kind: key_of(kind).name for kind in KINDS.values()}


class Tables:
    """Committed rows by collection and key. A row is a private copy that nobody changes."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.rows: dict[str, dict[Any, Any]] = {name: {} for name in KINDS}
        self.unique = UniqueValues(UNIQUE_NAMES)
        self._last_key: Counter[str] = Counter()
        #: The row that an object was last read from or written to.
        self.origins: WeakKeyDictionary[object, Any] = WeakKeyDictionary()
        #: Objects whose rows were removed.
        self.removed: WeakSet[object] = WeakSet()
        #: When the tasks of each channel had their last turn, as a number that only grows.
        self.turns: Counter[UUID] = Counter()
        #: When it was last looked at which tasks have aged.
        self.aged_at: datetime | None = None
        #: What the ledger of quotas goes by; replaced, never changed.
        self.quota_limits: Units = {
            (DEFAULT_PROJECT, bucket): units for bucket, units in YOUTUBE_BUCKETS.limits
        }
        self.quota_costs: Units = {
            (cost.stage, cost.bucket): cost.units for cost in YOUTUBE_BUCKETS.costs
        }
        #: The unit of work that an object belongs to at present.
        self.owners: WeakKeyDictionary[object, KnownObjects] = WeakKeyDictionary()
        #: Rung with every commit that changes something.
        self.bells: list[Bell] = []

    def next_key(self, collection: str) -> int | UUID:
        """Return a key that was never given before."""
        if key_type(KINDS[collection]) is UUID:
            return new_key()
        with self.lock:
            self._last_key[collection] += 1
            return self._last_key[collection]

    def put(self, collection: str, key: Any, row: Any) -> None:
        """Let a row be the one with this key."""
        rows = self.rows[collection]
        if key in rows:
            self.unique.forget((collection, key), rows[key])
        # In one step: whoever reads at this moment finds the one row or the other.
        rows[key] = row
        self.unique.note((collection, key), row)

    def drop(self, collection: str, key: Any) -> None:
        """Let there be no row with this key."""
        row = self.rows[collection].pop(key, None)
        if row is not None:
            self.unique.forget((collection, key), row)

    def take_turns(self, channels: Iterable[UUID]) -> None:
        """Let each of these channels in turn be the one that was served last."""
        for channel_id in channels:
            self.turns[channel_id] = max(self.turns.values(), default=0) + 1


def values_of(entity: object) -> dict[str, Any]:
    """Return the values of an object's fields.

    Straight from the object: once SQLAlchemy has mapped the class, asking the fields costs more.
    """
    held = vars(entity)
    return {name: held[name] for name in _NAMES[type(entity)]}


def copy_of(entity: T) -> T:
    """Return a copy by fields.

    Not by `copy`: once SQLAlchemy has mapped the class, that would copy its bookkeeping too.
    Not by the constructor: what was stored is not checked again.
    """
    duplicate: T = object.__new__(type(entity))
    vars(duplicate).update(values_of(entity))
    return duplicate


def same_values(one: object, other: object) -> bool:
    """Whether two objects of one class hold equal values in every field."""
    held, held_by_other = values_of(one), values_of(other)
    return held == held_by_other and all(
        json_value.same(held[name], held_by_other[name]) for name in _JSON_NAMES[type(one)]
    )


def key_field(kind: type[Any]) -> str:
    """Return the name of the field that holds the key."""
    return _KEYS[kind]
