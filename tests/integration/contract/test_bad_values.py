"""No bad value enters a store: each is refused with the same error, and nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import InvalidValue
from pipeline_store.production import Analytics
from tests.integration.contract.bad_values import ARGUMENTS, FIELDS
from tests.integration.contract.samples import (
    CLASSES,
    COLLECTIONS,
    Parents,
    content,
    every_field,
    key_of,
    sample,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store


def refuses(action: Callable[[], Any]) -> bool:
    """Whether the action raises the package's error for bad values, and no other."""
    try:
        action()
    except InvalidValue as error:
        return type(error) is InvalidValue
    return False


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_assigned_to_stored_objects(store: Store, parents: Parents, collection: str) -> None:
    """No field of a stored object takes a bad value, and a commit afterwards writes nothing."""
    with store.unit_of_work() as uow:
        key = key_of(getattr(uow, collection).add(sample(collection, parents)))
        uow.commit()
    before = content(store)
    with store.unit_of_work() as uow:
        stored = getattr(uow, collection).get(key)
        held = values_of(stored)
        accepted: list[str] = []
        for field in FIELDS:
            if field.kind is not CLASSES[collection]:
                continue
            nothing = {} if field.may_be_empty else {"nothing": None}
            for label, bad in {**field.refused, **nothing}.items():
                if not refuses(lambda name=field.name, bad=bad: setattr(stored, name, bad)):
                    accepted.append(f"{field.name}: {label}")
                if values_of(stored) != held:
                    accepted.append(f"{field.name}: {label} changed something")
                    held = values_of(stored)
        assert accepted == []
        uow.commit()
    assert content(store) == before


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_in_new_objects(store: Store, parents: Parents, collection: str) -> None:
    """An object with a bad value cannot be made, let alone added; the unit of work goes on."""
    before = content(store)
    arguments = every_field(collection, parents)
    with store.unit_of_work() as uow:
        accepted = [
            f"{field.name}: {label}"
            for field in FIELDS
            if field.kind is CLASSES[collection]
            for label, bad in field.refused.items()
            if not refuses(
                lambda name=field.name, bad=bad: getattr(uow, collection).add(
                    CLASSES[collection](**arguments | {name: bad})
                )
            )
        ]
        assert accepted == []
        uow.commit()
    assert content(store) == before


@pytest.mark.parametrize("method", ["record_many", "record_new"])
def test_in_mappings(store: Store, method: str) -> None:
    """No bad value is recorded in bulk, alone or behind good readings; the unit of work goes on."""
    good = every_field("analytics")
    with store.unit_of_work() as uow:
        accepted: list[str] = []
        for field in FIELDS:
            if field.kind is not Analytics:
                continue
            nothing = {} if field.may_be_left_out else {"nothing": None}
            for label, bad in {**field.refused, **nothing}.items():
                for rows in ([good | {field.name: bad}], [good, good | {field.name: bad}]):
                    record = getattr(uow.analytics, method)
                    if not refuses(lambda rows=rows, record=record: record(rows)):
                        accepted.append(f"{field.name}: {label}")
        assert accepted == []
        uow.commit()
    assert all(rows == [] for rows in content(store).values())


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_as_arguments(store: Store, parents: Parents, collection: str) -> None:
    """No method takes a bad value for any of its arguments; the unit of work goes on."""
    with store.unit_of_work() as uow:
        getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
    before = content(store)
    with store.unit_of_work() as uow:
        accepted = [
            f"{argument.method}({argument.name}): {label}"
            for argument in ARGUMENTS
            if argument.collection == collection
            for label, bad in argument.refused.items()
            if not refuses(
                lambda argument=argument, bad=bad: getattr(
                    getattr(uow, collection), argument.method
                )(**argument.others, **{argument.name: bad})
            )
        ]
        assert accepted == []
        uow.commit()
    assert content(store) == before


def test_no_case_is_lost() -> None:
    """The cases found by reflection are as many as there should be, for every class and method."""
    assert sum(len(field.refused) for field in FIELDS) >= 700
    assert {field.kind for field in FIELDS} == set(CLASSES.values())
    assert sum(len(argument.refused) for argument in ARGUMENTS) >= 500
    found = {f"{argument.collection}.{argument.method}" for argument in ARGUMENTS}
    assert {
        "discovered_videos.by_video_id",
        "discovered_videos.by_video_ids",
        "discovered_videos.pending",
        "discovered_videos.mark",
        "pipeline_runs.for_cycle",
        "pipeline_runs.in_status",
        "pipeline_runs.count_by_status",
        "clips.for_run",
        "scripts.newest_for",
        "shorts.in_status",
        "analytics.latest_for",
        "analytics.series",
        "reviews.hold_overdue",
        "config_overrides.set",
        "config_overrides.starting_with",
        "errors.recent",
        "errors.resolve",
        *(f"{name}.{method}" for name in COLLECTIONS for method in ("find", "get", "page")),
    } <= found
