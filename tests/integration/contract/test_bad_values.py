"""No bad value enters a store: each is refused with the same error, and nothing is changed."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest

from pipeline_store.errors import InvalidValue
from pipeline_store.unit_of_work import Collections
from tests.integration.contract.bad_arguments import ARGUMENTS, SHORT_WAY
from tests.integration.contract.bad_values import FIELDS
from tests.integration.contract.samples import (
    CHILDREN_FIRST,
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
    from collections.abc import Callable, Iterable

    from pipeline_store import Store
    from tests.integration.contract.bad_values import Field


def mishap(action: Callable[[], Any]) -> str:
    """What the action does instead of raising the package's error for bad values."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - every other one is a mishap
        return "" if type(error) is InvalidValue else f"raises {error!r:.200}"
    return "is accepted"


def mishaps(actions: Iterable[tuple[str, Callable[[], Any]]]) -> list[str]:
    """Which of these actions do anything else, and what."""
    return [f"{label} {what}" for label, action in actions if (what := mishap(action))]


def fields_of(collection: str) -> list[Field]:
    """The fields of the collection's class."""
    return [field for field in FIELDS if field.kind is CLASSES[collection]]


def add_one_of_each(store: Store, parents: Parents) -> dict[str, Any]:
    """Store an object in every collection, and return their keys by collection."""
    with store.unit_of_work() as uow:
        keys = {
            collection: key_of(getattr(uow, collection).add(sample(collection, parents)))
            for collection in reversed(CHILDREN_FIRST)
        }
        uow.commit()
    return keys


def test_assigned_to_stored_objects(store: Store, parents: Parents) -> None:
    """No field of a stored object takes a bad value, and a commit afterwards writes nothing."""
    keys = add_one_of_each(store, parents)
    before = content(store)
    for collection, key in keys.items():
        with store.unit_of_work() as uow:
            stored = getattr(uow, collection).get(key)
            held = values_of(stored)

            def assign(
                name: str, bad: Any, stored: Any = stored, held: dict[str, Any] = held
            ) -> None:
                try:
                    setattr(stored, name, bad)
                finally:
                    if values_of(stored) != held:
                        pytest.fail(f"{name} was changed to or by {bad!r:.80}")

            found = mishaps(
                (f"{field} {label}", lambda name=field.name, bad=bad: assign(name, bad))
                for field in fields_of(collection)
                for label, bad in field.refused_when_assigned().items()
            )
            assert found == []
            uow.commit()
    assert content(store) == before


def test_in_new_objects(store: Store, parents: Parents) -> None:
    """An object with a bad value cannot be made, let alone added; the unit of work goes on."""
    before = content(store)
    arguments = {collection: every_field(collection, parents) for collection in COLLECTIONS}
    with store.unit_of_work() as uow:
        found = mishaps(
            (
                f"{field} {label}",
                lambda collection=collection, name=field.name, bad=bad: getattr(
                    uow, collection
                ).add(CLASSES[collection](**arguments[collection] | {name: bad})),
            )
            for collection in COLLECTIONS
            for field in fields_of(collection)
            for label, bad in field.refused_when_made().items()
        )
        assert found == []
        uow.commit()
    assert content(store) == before


@pytest.mark.parametrize("method", ["record_many", "record_new"])
def test_in_mappings(store: Store, method: str) -> None:
    """No bad value is recorded in bulk, alone or behind good readings; the unit of work goes on."""
    good = every_field("analytics")
    with store.unit_of_work() as uow:
        record = getattr(uow.analytics, method)
        found = mishaps(
            (f"{field} {label}", lambda rows=rows: record(rows))
            for field in fields_of("analytics")
            for label, bad in field.refused_when_made().items()
            for rows in ([good | {field.name: bad}], [good, good | {field.name: bad}])
        )
        assert found == []
        uow.commit()
    assert all(rows == [] for rows in content(store).values())


def test_as_arguments(store: Store, parents: Parents) -> None:
    """No method takes a bad value for any of its arguments; the unit of work goes on."""
    add_one_of_each(store, parents)
    before = content(store)
    with store.unit_of_work() as uow:
        found = mishaps(
            (
                f"{argument} {label}",
                lambda argument=argument, bad=bad: getattr(
                    getattr(uow, argument.collection), argument.method
                )(**argument.others, **{argument.name: bad}),
            )
            for argument in ARGUMENTS
            for label, bad in argument.refused.items()
        )
        assert found == []
        uow.commit()
    assert content(store) == before


def test_as_arguments_of_a_store(store: Store) -> None:
    """What a store does with jobs and tasks by itself refuses the same values."""
    assert (
        mishaps(
            (
                f"store.{argument.method}({argument.name}) {label}",
                lambda argument=argument, bad=bad: getattr(store, argument.method)(
                    **argument.others, **{argument.name: bad}
                ),
            )
            for argument in SHORT_WAY
            for label, bad in argument.refused.items()
        )
        == []
    )
    assert {argument.method for argument in SHORT_WAY} == {
        "enqueue",
        "claim_next",
        "claim_batch",
        "complete",
        "complete_many",
    }


def test_no_case_is_lost() -> None:
    """The cases found by reflection are as many as there should be, for every class and method."""
    assert sum(len(field.refused) for field in FIELDS) >= 1_700
    assert {field.kind for field in FIELDS} == set(CLASSES.values())
    assert sum(len(argument.refused) for argument in ARGUMENTS) >= 1_500
    looked_at = {f"{argument.collection}.{argument.method}" for argument in ARGUMENTS}
    takes_something = {
        f"{collection}.{method}"
        for collection, port in get_type_hints(Collections).items()
        for method, function in inspect.getmembers(port, inspect.isfunction)
        if not method.startswith("_") and len(inspect.signature(function).parameters) > 1
    }
    takes_objects_only = {
        f"{name}.{method}" for name in COLLECTIONS for method in ("add", "remove")
    }
    takes_objects_only |= {"discovered_videos.record", "pipeline_runs.check_unchanged"}
    takes_objects_only |= {f"quotas.{method}" for method in ("use_plan", "commit", "refund")}
    assert takes_something - looked_at == takes_objects_only
