"""One of the stores in step, and what its answers look like when keys are told by their order."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from operator import is_
from typing import TYPE_CHECKING, Any

import attrs

from pipeline_store import json_value
from pipeline_store.channels import JobStatistics
from pipeline_store.claim import Claim
from pipeline_store.errors import PipelineStoreError
from pipeline_store.tasks import PendingReview
from tests.integration.in_step.kinds import (
    COLLECTION_OF,
    FIELDS,
    KEY_FIELDS,
    is_missing,
    keys_named_by,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline_store import UnitOfWork
    from tests.integration.in_step.drivers import Driver


class Side:
    """One store in step with the others, and its own copy of every object.

    Keys differ between stores, since a sequence does not roll back and UUIDs are random; they are
    compared by the order in which they were first seen.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.objects: list[Any] = []
        #: Every claim that was ever made, in order.
        self.claims: list[Claim[Any]] = []
        #: Those that the present unit of work has added or given out.
        self.present: set[Any] = set()
        #: Classes that were written in bulk since the last commit, and objects that were first read
        #: after that: when it is rolled back, they hold what was never there.
        self.bulk: set[type[Any]] = set()
        self._doubtful: set[Any] = set()
        self._keys: dict[str, dict[Any, int]] = {}
        self._kept_keys: dict[str, dict[Any, int]] = {}
        self._seen: Counter[str] = Counter()
        #: What objects held when they were last described, and how: most have not changed.
        self._described: dict[Any, tuple[list[Any], dict[str, Any]]] = {}

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
        return entity in self._doubtful or any(
            key not in self._keys.get(collection, {}) and not is_missing(key)
            for collection, key in keys_named_by(entity)
        )

    def describe(self, answer: Any) -> Any:
        """Returns the answer in a form that is equal for all stores."""
        if type(answer) in COLLECTION_OF:
            if type(answer) in self.bulk and answer not in self.present:
                self._doubtful.add(answer)
            self.present.add(answer)
            return (self._place_of(answer), self.describe_fields(answer))
        if isinstance(answer, (Claim, PendingReview)):
            told = attrs.asdict(answer, recurse=False)
            return ("told", {name: self.describe(value) for name, value in told.items()})
        if isinstance(answer, JobStatistics):
            return ("statistics", attrs.asdict(answer, recurse=False))
        if isinstance(answer, dict):
            return {key: self.describe(value) for key, value in answer.items()}
        if isinstance(answer, (list, tuple)):
            return [self.describe(each) for each in answer]
        return plain(answer)

    def describe_fields(self, entity: Any) -> dict[str, Any]:
        """Returns the values of an object's fields, keys by the order of their first appearance."""
        kind = type(entity)
        held = vars(entity)
        values = [held[name] if name in held else getattr(entity, name) for name in FIELDS[kind]]
        known, fields = self._described.get(entity, ((), {}))
        if len(known) != len(values) or not all(map(is_, known, values)):
            fields = {
                # To Python, 1 equals both True and 1.0.
                name: ("json", json_value.spelled(value)) if is_json else plain(value)
                for (name, is_json), value in zip(FIELDS[kind].items(), values, strict=True)
            }
            self._described[entity] = (values, fields)
        keys = {
            name: self.key_seen(collection, getattr(entity, name))
            for name, collection in KEY_FIELDS[kind].items()
        }
        return {**fields, **keys}

    def describe_objects(self) -> list[Any]:
        """Returns what all objects of this side hold, in a unit of work or not."""
        return [self.describe_fields(entity) for entity in self.objects]

    def key_seen(self, collection: str, key: Any) -> Any:
        """Returns the position of the key among those that were seen."""
        if key is None or is_missing(key):
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


def plain(value: Any) -> Any:
    """Returns a value so that a member of an enumeration differs from its plain value."""
    if isinstance(value, bool):
        return ("bool", value)
    return (type(value).__name__, value.value) if isinstance(value, Enum) else value


def sorted_items(found: dict[Any, Any]) -> list[Any]:
    """The values of a dictionary, whose own order promises nothing, by key."""
    return [found[key] for key in sorted(found)]


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Yields where two descriptions differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from differences(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, (list, tuple)) and type(one) is type(other) and len(one) == len(other):
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{where}[{place}]")
    elif one != other:
        yield f"{where}: {one!r} and {other!r}"


def contents(side: Side, uow: UnitOfWork, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Returns everything that these collections hold, in key order, but for the history.

    PostgreSQL makes some of its keys, and they sort by age only from one millisecond to another.
    """

    def in_order(name: str) -> list[Any]:
        rows: list[Any] = getattr(uow, name).page(limit=10_000)
        if name != "task_transitions":
            return rows
        return sorted(rows, key=lambda row: (row.moved_at, side.key_seen("tasks", row.task_id)))

    return {name: [side.describe_fields(row) for row in in_order(name)] for name in names}
