"""What every collection can do: the promises of `Repository`, for all of them."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pipeline_store.errors import Conflict, InvalidValue, NotFound
from pipeline_store.fields import NOW_BY_DEFAULT
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import (
    CLASSES,
    COLLECTIONS,
    KEY_TYPES,
    KEYED_BY_STORE,
    NO_ROW,
    Parents,
    add_parents,
    every_field,
    key_of,
    page,
    sample,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store

every_collection = in_turn("collection", COLLECTIONS)
every_collection_keyed_by_the_store = in_turn("collection", KEYED_BY_STORE)

WAYS_TO_COPY: dict[str, Callable[[Any], Any]] = {
    "shallow": copy.copy,
    "deep": copy.deepcopy,
    "pickled": lambda entity: pickle.loads(pickle.dumps(entity)),  # noqa: S301 - our own bytes
}
every_way_to_copy = in_turn("way", WAYS_TO_COPY)


@every_collection
def test_an_added_object_has_its_key_at_once(
    store: Store, parents: Parents, collection: str
) -> None:
    """`add` returns the object itself, with its key, before any commit."""
    with store.unit_of_work() as uow:
        new = sample(collection, parents)
        added = getattr(uow, collection).add(new)
        assert added is new
        assert key_of(added) is not None


@every_collection
def test_every_field_is_kept(store: Store, parents: Parents, collection: str) -> None:
    """What is read back in another unit of work equals what was added, in value and in type."""
    wanted = every_field(collection, parents)
    with store.unit_of_work() as uow:
        added = getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
    with store.unit_of_work() as uow:
        found = getattr(uow, collection).get(key_of(added))
        assert found is not added
        read = values_of(found)
    assert {name: read[name] for name in wanted} == wanted
    assert {name: type(value) for name, value in read.items()} == {
        name: type(value) for name, value in values_of(added).items()
    }


@every_collection
def test_a_change_of_an_attribute_is_written_at_the_commit(
    store: Store, parents: Parents, collection: str
) -> None:
    """Assigning to a field of an object that was read is all it takes to change its row."""
    name, value = {
        "discovered_videos": ("title", "Eleven saves"),
        "pipeline_runs": ("video_file_path", "out/other.mp4"),
        "clips": ("rank_position", 2),
        "scripts": ("opening_text", "Hello."),
        "tts_audio": ("voice_profile", "loud"),
        "shorts": ("title", "Two saves"),
        "analytics": ("view_count", 7),
        "reviews": ("response_detail", "fine, really"),
        "config_overrides": ("value", "another value"),
        "errors": ("resolved", 1),
        "channels": ("settings", {"posting_frequency": 4}),
        "videos": ("publication_status", "published"),
        "jobs": ("priority", 10),
        "presets": ("is_default", False),
        "music": ("duration_seconds", 12.25),
        "channel_statistics": ("subscriber_count", None),
        "video_statistics": ("view_count", 2**63 - 1),
        "system_configuration": ("value", None),
        "configuration_changes": ("old_value", None),
        "tasks": ("topic", "Lives on the rocks"),
        "task_transitions": ("reason", None),
        "quotas": ("units", 10**12),
        "uploads": ("external_id", None),
    }[collection]
    with store.unit_of_work() as uow:
        key = key_of(getattr(uow, collection).add(sample(collection, parents)))
        uow.commit()
    with store.unit_of_work() as uow:
        setattr(getattr(uow, collection).get(key), name, value)
        uow.commit()
    with store.unit_of_work() as uow:
        assert getattr(getattr(uow, collection).get(key), name) == value


@every_collection
def test_what_is_not_there(store: Store, collection: str) -> None:
    """For an unknown key `find` returns None and `get` raises NotFound, naming the key."""
    key = NO_ROW[KEY_TYPES[collection]]
    with store.unit_of_work() as uow:
        assert getattr(uow, collection).find(key) is None
        with pytest.raises(NotFound, match=str(key)):
            getattr(uow, collection).get(key)


@every_collection
def test_one_object_for_one_key(store: Store, parents: Parents, collection: str) -> None:
    """Within a unit of work every question returns the same object for the same key."""
    with store.unit_of_work() as uow:
        key = key_of(getattr(uow, collection).add(sample(collection, parents)))
        uow.commit()
    with store.unit_of_work() as uow:
        found = getattr(uow, collection).find(key)
        assert getattr(uow, collection).get(key) is found
        assert any(other is found for other in page(uow, collection))


@every_way_to_copy
def test_copies_of_a_new_object(store: Store, way: str) -> None:
    """Copies of an object that was not added yet are objects of their own, each added as itself."""
    pattern = sample("errors", pipeline_run_id=None)
    pattern.module = f"pattern {way}"
    copies = [WAYS_TO_COPY[way](pattern) for _ in range(2)]
    for number, each in enumerate(copies):
        each.module = f"{way} {number}"
    with store.unit_of_work() as uow:
        uow.errors.add_many([pattern, *copies])
        uow.commit()
    with store.unit_of_work(read_only=True) as uow:
        kept = [uow.errors.get(each.id).module for each in (pattern, *copies)]
    assert kept == [f"pattern {way}", f"{way} 0", f"{way} 1"]


@every_way_to_copy
def test_copies_of_a_stored_object(store: Store, way: str) -> None:
    """A copy of a stored object is refused, rather than taken for it, and changes no row."""
    with store.unit_of_work() as uow:
        stored = uow.errors.add(sample("errors", pipeline_run_id=None, module="stored"))
        uow.commit()
        duplicate = WAYS_TO_COPY[way](stored)
        duplicate.module = "copied"
        uow.commit()
        assert stored.module == "stored"
        with pytest.raises(Conflict):
            uow.errors.add(duplicate)
    with store.unit_of_work(read_only=True) as uow:
        assert uow.errors.get(stored.id).module == "stored"


@every_collection
def test_removing(store: Store, parents: Parents, collection: str) -> None:
    """A removed object is gone at once for its own unit of work, for others after the commit."""
    with store.unit_of_work() as uow:
        kept = key_of(getattr(uow, collection).add(sample(collection, parents, 1)))
        gone = key_of(getattr(uow, collection).add(sample(collection, parents, 2)))
        uow.commit()
    with store.unit_of_work() as uow:
        before = getattr(uow, collection).count()
        getattr(uow, collection).remove(getattr(uow, collection).get(gone))
        assert getattr(uow, collection).find(gone) is None
        assert getattr(uow, collection).count() == before - 1
        uow.commit()
    with store.unit_of_work() as uow:
        assert getattr(uow, collection).find(gone) is None
        assert getattr(uow, collection).find(kept) is not None


@every_collection
def test_removing_an_object_of_an_earlier_unit_of_work(
    store: Store, parents: Parents, collection: str
) -> None:
    """An object that was read earlier can be removed; nobody changed it since."""
    with store.unit_of_work() as uow:
        added = getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
    with store.unit_of_work() as uow:
        getattr(uow, collection).remove(added)
        uow.commit()
    with store.unit_of_work() as uow:
        assert getattr(uow, collection).find(key_of(added)) is None


@every_collection
def test_removing_what_was_never_stored(store: Store, parents: Parents, collection: str) -> None:
    """Removing a new object is NotFound."""
    with store.unit_of_work() as uow, pytest.raises(NotFound, match="never stored"):
        getattr(uow, collection).remove(sample(collection, parents))


@every_collection
def test_removing_twice(store: Store, parents: Parents, collection: str) -> None:
    """Removing an object again is a Conflict, in the same unit of work and in a later one."""
    with store.unit_of_work() as uow:
        added = getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
        getattr(uow, collection).remove(added)
        with pytest.raises(Conflict):
            getattr(uow, collection).remove(added)
    with store.unit_of_work() as uow:
        again = getattr(uow, collection).get(key_of(added))
        getattr(uow, collection).remove(again)
        uow.commit()
    with store.unit_of_work() as uow, pytest.raises(Conflict):
        getattr(uow, collection).remove(again)


@every_collection
def test_another_copy_of_what_was_removed(store: Store, parents: Parents, collection: str) -> None:
    """An earlier copy of an object that was removed here can be neither removed nor added."""
    with store.unit_of_work() as uow:
        earlier = getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
    for again in ("remove", "add"):
        with store.unit_of_work() as uow:
            found = getattr(uow, collection).get(key_of(earlier))
            getattr(uow, collection).remove(found)
            with pytest.raises(Conflict):
                getattr(getattr(uow, collection), again)(earlier)


@every_collection
def test_adding_what_was_removed(store: Store, parents: Parents, collection: str) -> None:
    """A removed object cannot be added again, before or after the commit: that is a Conflict."""
    with store.unit_of_work() as uow:
        added = getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
        getattr(uow, collection).remove(added)
        with pytest.raises(Conflict):
            getattr(uow, collection).add(added)
    with store.unit_of_work() as uow:
        again = getattr(uow, collection).get(key_of(added))
        getattr(uow, collection).remove(again)
        uow.commit()
    with store.unit_of_work() as uow, pytest.raises(Conflict):
        getattr(uow, collection).add(again)


@every_collection
def test_a_removal_that_is_rolled_back(store: Store, parents: Parents, collection: str) -> None:
    """An object whose removal was rolled back keeps its values, and its row."""
    with store.unit_of_work() as uow:
        added = getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
    before = values_of(added)
    with store.unit_of_work() as uow:
        found = getattr(uow, collection).get(key_of(added))
        getattr(uow, collection).remove(found)
        uow.rollback()
        assert values_of(found) == before
        assert getattr(uow, collection).add(found) is found
        uow.commit()
    with store.unit_of_work() as uow:
        assert values_of(getattr(uow, collection).get(key_of(added))) == before


@every_collection
def test_adding_many(store: Store, parents: Parents, collection: str) -> None:
    """`add_many` takes a generator and returns the objects themselves, with keys, in order."""
    with store.unit_of_work() as uow:
        new = [sample(collection, parents, number) for number in range(1, 6)]
        added = getattr(uow, collection).add_many(entity for entity in new)
        assert [id(entity) for entity in added] == [id(entity) for entity in new]
        keys = [key_of(entity) for entity in added]
        assert keys == sorted(set(keys))
        assert getattr(uow, collection).add_many([]) == []
        uow.commit()
    with store.unit_of_work() as uow:
        assert [key_of(row) for row in page(uow, collection)][-5:] == keys


@every_collection
def test_many_with_a_wrong_one_among_them(store: Store, parents: Parents, collection: str) -> None:
    """`add_many` adds none when one is of another class, and the rest of the work stands."""
    with store.unit_of_work() as uow:
        kept = getattr(uow, collection).add(sample(collection, parents, 1))
        before = getattr(uow, collection).count()
        new = sample(collection, parents, 2)
        with pytest.raises(InvalidValue, match="expected, found object"):
            getattr(uow, collection).add_many([new, object()])
        assert getattr(uow, collection).count() == before
        assert key_of(new) is None or KEY_TYPES[collection] is str
        uow.commit()
    with store.unit_of_work() as uow:
        assert getattr(uow, collection).find(key_of(kept)) is not None
        assert getattr(uow, collection).count() == before


@in_turn(
    "collection, method",
    [
        *((collection, "add_many") for collection in COLLECTIONS),
        ("discovered_videos", "record_many"),
        ("analytics", "record_many"),
        ("analytics", "record_new"),
        ("channel_statistics", "record_new"),
        ("video_statistics", "record_new"),
        ("tasks", "enqueue"),
    ],
)
def test_what_is_refused_with_others_is_left_alone(
    store: Store, parents: Parents, collection: str, method: str
) -> None:
    """A new object that comes with one of another class keeps its values, empty times too."""
    fields = attrs.fields(CLASSES[collection])
    times = {field.name: None for field in fields if field.metadata.get(NOW_BY_DEFAULT)}
    new = sample(collection, parents, **times)
    before = values_of(new)
    with store.unit_of_work() as uow, pytest.raises(InvalidValue):
        getattr(getattr(uow, collection), method)([new, object()])
    assert values_of(new) == before


@every_collection
def test_pages(store: Store, parents: Parents, collection: str) -> None:
    """Pages walk over all objects in key order, each behind the last key of the one before."""
    with store.unit_of_work() as uow:
        new = [sample(collection, parents, number) for number in (3, 1, 5, 2, 4)]
        getattr(uow, collection).add_many(new)
        uow.commit()
    with store.unit_of_work(read_only=True) as uow:
        keys = [key_of(row) for row in getattr(uow, collection).page()]
        assert keys == sorted(keys)
        assert {key_of(entity) for entity in new} <= set(keys)
        assert getattr(uow, collection).count() == len(keys)
        walked: list[Any] = []
        while part := getattr(uow, collection).page(walked[-1] if walked else None, limit=2):
            walked += [key_of(row) for row in part]
        assert walked == keys
        assert getattr(uow, collection).page(after=keys[-1]) == []


@every_collection
def test_the_size_of_a_page(store: Store, collection: str) -> None:
    """A page has 1 to 10,000 objects; any other limit is refused."""
    with store.unit_of_work() as uow:
        for limit in (0, -1, 10_001, True, 1.0, "1", None):
            with pytest.raises(InvalidValue, match="limit"):
                getattr(uow, collection).page(limit=limit)
        assert getattr(uow, collection).page(limit=1) == []
        assert getattr(uow, collection).page(limit=10_000) == []


@every_collection_keyed_by_the_store
def test_keys_are_never_given_twice(store: Store, parents: Parents, collection: str) -> None:
    """The key of a removed object is not given to a later one."""
    with store.unit_of_work() as uow:
        gone = getattr(uow, collection).add(sample(collection, parents))
        key = gone.id
        uow.commit()
        getattr(uow, collection).remove(gone)
        uow.commit()
        assert getattr(uow, collection).add(sample(collection, parents)).id > key


@every_collection
def test_objects_of_another_class(store: Store, collection: str) -> None:
    """A collection takes objects of its own class only."""
    other = sample("errors" if collection != "errors" else "scripts")
    with store.unit_of_work() as uow:
        repository = getattr(uow, collection)
        for refused in (None, 5, "text", {"id": 1}, object(), other):
            with pytest.raises(InvalidValue, match="expected, found"):
                repository.add(refused)
            with pytest.raises(InvalidValue, match="expected, found"):
                repository.remove(refused)


@pytest.mark.parametrize("collection", KEYED_BY_STORE)
def test_an_object_of_another_store(store: Store, another_store: Store, collection: str) -> None:
    """An object that was read from another store cannot be added or removed here: Conflict."""
    their_parents = add_parents(another_store, collection)
    with another_store.unit_of_work() as uow:
        theirs = getattr(uow, collection).add(sample(collection, their_parents))
        uow.commit()
    with store.unit_of_work() as uow, pytest.raises(Conflict):
        getattr(uow, collection).add(theirs)
    with store.unit_of_work() as uow, pytest.raises(Conflict):
        getattr(uow, collection).remove(theirs)
    with store.unit_of_work() as uow:
        assert page(uow, collection) == []
