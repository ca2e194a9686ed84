"""Several stores driven in step: every step is taken on each, and has to end the same on all."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import psycopg

from pipeline_store import open_async_store, open_store
from pipeline_store.errors import PipelineStoreError
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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pipeline_store import UnitOfWork

COLLECTIONS: Mapping[str, type[Any]] = {
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
COLLECTION_OF = {kind: name for name, kind in COLLECTIONS.items()}
TABLES = [
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
]
MISSING = 10**9
"""A key that no row has."""


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, start: datetime) -> None:
        self.instant = start

    def __call__(self) -> datetime:
        return self.instant


class Driver(Protocol):
    """One store and the way its calls are made."""

    name: str

    def open(self, *, read_only: bool) -> None:
        """Leaves the present unit of work, if any, and enters a new one."""

    def call(self, function: Callable[[UnitOfWork], Any]) -> Any:
        """Calls the function with the present unit of work."""

    def commit(self) -> None:
        """Commits the present unit of work."""

    def rollback(self) -> None:
        """Rolls the present unit of work back."""

    def leave(self) -> None:
        """Leaves the present unit of work."""

    def empty(self) -> None:
        """Removes all rows."""

    def is_undone(self) -> bool:
        """Whether an error undid the present unit of work."""


class Plain:
    """A synchronous store."""

    def __init__(self, name: str, url: str, clock: Clock) -> None:
        self.name = name
        self.url = url
        self._clock = clock
        self._uow: Any = None
        self.store = open_store(url, clock=clock)
        self.store.upgrade()

    def open(self, *, read_only: bool) -> None:
        self.leave()
        self._uow = self.store.unit_of_work(read_only=read_only)
        self._uow.__enter__()

    def call(self, function: Callable[[UnitOfWork], Any]) -> Any:
        return function(self._uow)

    def commit(self) -> None:
        self._uow.commit()

    def rollback(self) -> None:
        self._uow.rollback()

    def leave(self) -> None:
        uow, self._uow = self._uow, None
        if uow is not None:
            uow.__exit__(None, None, None)

    def empty(self) -> None:
        if self.url == "memory://":
            self.store = open_store(self.url, clock=self._clock)
        else:
            empty_database(self.url)

    def is_undone(self) -> bool:
        undone: bool = self._uow.session.undone
        return undone

    def close(self) -> None:
        self.leave()
        self.store.close()


class Awaited:
    """An asynchronous store, each call awaited on a loop of its own."""

    def __init__(self, name: str, url: str, clock: Clock) -> None:
        self.name = name
        self.url = url
        self._clock = clock
        self._uow: Any = None
        self._runner = asyncio.Runner()
        self.store = open_async_store(url, clock=clock)
        self._runner.run(self.store.upgrade())

    def open(self, *, read_only: bool) -> None:
        self.leave()
        self._uow = self.store.unit_of_work(read_only=read_only)
        self._runner.run(self._uow.__aenter__())

    def call(self, function: Callable[[UnitOfWork], Any]) -> Any:
        return self._runner.run(self._uow.run(function))

    def commit(self) -> None:
        self._runner.run(self._uow.commit())

    def rollback(self) -> None:
        self._runner.run(self._uow.rollback())

    def leave(self) -> None:
        uow, self._uow = self._uow, None
        if uow is not None:
            self._runner.run(uow.__aexit__(None, None, None))

    def empty(self) -> None:
        if self.url == "memory://":
            self.store = open_async_store(self.url, clock=self._clock)
        else:
            empty_database(self.url)

    def is_undone(self) -> bool:
        undone: bool = self._uow.counterpart.session.undone
        return undone

    def close(self) -> None:
        self.leave()
        self._runner.run(self.store.close())
        self._runner.close()


def empty_database(url: str) -> None:
    """Removes all rows of a database."""
    if url.startswith("sqlite:///"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"))
    else:
        connection = psycopg.connect(url)
    try:
        for table in TABLES:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names from above
        connection.commit()
    finally:
        connection.close()


class Side:
    """One store in step with the others, and its own copy of every object.

    Keys differ between stores, since a sequence does not roll back; they are compared by the order
    in which they were first seen.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.objects: list[Any] = []
        #: Those that the present unit of work has added or given out.
        self.present: set[Any] = set()
        #: Classes that were written in bulk since the last commit, and objects that were first read
        #: after that: when it is rolled back, they hold what was never there.
        self.bulk: set[type[Any]] = set()
        self._doubtful: set[Any] = set()
        self._keys: dict[str, dict[int, int]] = {}
        self._kept_keys: dict[str, dict[int, int]] = {}
        self._seen: Counter[str] = Counter()

    def take(self, step: Callable[[], Any]) -> Any:
        """Takes a step and describes how it ended."""
        try:
            answer = step()
        except PipelineStoreError as error:
            outcome: Any = ("error", type(error).__name__)
        else:
            outcome = ("answer", self.describe(answer))
        if self.driver.is_undone():
            self.forget_keys()
        return outcome

    def keep_keys(self) -> None:
        """Keys given so far stay, whatever is rolled back later."""
        self._kept_keys = {name: dict(keys) for name, keys in self._keys.items()}
        self.bulk.clear()
        self._doubtful.clear()

    def forget_keys(self) -> None:
        """Keys given since the last commit may be given again, to other objects."""
        self.present.clear()
        self._keys = {name: dict(keys) for name, keys in self._kept_keys.items()}
        self.objects = [entity for entity in self.objects if not self._is_lost(entity)]
        self.bulk.clear()
        self._doubtful.clear()

    def _is_lost(self, entity: Any) -> bool:
        if entity in self._doubtful:
            return True
        for collection, key in keys_named_by(entity):
            if key not in self._keys.get(collection, {}) and key < MISSING:
                return True
        return False

    def describe(self, answer: Any) -> Any:
        """Returns the answer in a form that is equal for all stores."""
        if type(answer) in COLLECTION_OF:
            if type(answer) in self.bulk and answer not in self.present:
                self._doubtful.add(answer)
            self.present.add(answer)
            return (self._place_of(answer), self.describe_fields(answer))
        if isinstance(answer, dict):
            return {key: self.describe(value) for key, value in answer.items()}
        if isinstance(answer, (list, tuple)):
            return [self.describe(each) for each in answer]
        return plain(answer)

    def describe_fields(self, entity: Any) -> dict[str, Any]:
        """Returns the values of an object's fields, keys by the order of their first appearance."""
        described = {
            field.name: plain(getattr(entity, field.name)) for field in attrs.fields(type(entity))
        }
        for name, collection in KEY_FIELDS[type(entity)].items():
            described[name] = self.key_seen(collection, described[name])
        return described

    def describe_objects(self) -> list[Any]:
        """Returns what all objects of this side hold, in a unit of work or not."""
        return [self.describe_fields(entity) for entity in self.objects]

    def key_seen(self, collection: str, key: int | None) -> int | None:
        """Returns the position of the key among those that were seen."""
        if key is None or key >= MISSING:
            return key
        keys = self._keys.setdefault(collection, {})
        if key not in keys:
            self._seen[collection] += 1
            keys[key] = self._seen[collection]
        return keys[key]

    def _place_of(self, entity: Any) -> int:
        for place, known in enumerate(self.objects):
            if known is entity:
                return place
        self.objects.append(entity)
        return len(self.objects) - 1


def _key_fields(kind: type[Any]) -> dict[str, str]:
    found = {
        field.name: field.metadata[REFERS_TO]
        for field in attrs.fields(kind)
        if REFERS_TO in field.metadata
    }
    return found if kind is ConfigOverride else {"id": COLLECTION_OF[kind], **found}


KEY_FIELDS = {kind: _key_fields(kind) for kind in COLLECTIONS.values()}
"""The fields that hold keys given by a store, each with the collection it is of."""


def keys_named_by(entity: Any) -> list[tuple[str, int]]:
    """Returns the key of an object and those that it refers to, each with its collection."""
    keys = [
        (collection, getattr(entity, name)) for name, collection in KEY_FIELDS[type(entity)].items()
    ]
    return [(collection, key) for collection, key in keys if key is not None]


def plain(value: Any) -> Any:
    """Returns a value so that a member of an enumeration differs from its plain value."""
    if isinstance(value, Enum):
        return (type(value).__name__, value.value)
    if isinstance(value, bool):
        return ("bool", value)
    return value


def contents(side: Side, uow: UnitOfWork) -> dict[str, list[dict[str, Any]]]:
    """Returns everything that the store holds, in key order."""
    return {
        name: [side.describe_fields(row) for row in getattr(uow, name).page(limit=10_000)]
        for name in COLLECTIONS
    }
