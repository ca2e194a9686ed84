"""No two objects share a value that must be unique, however the second one comes by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import attrs
import pytest

from pipeline_store.errors import AlreadyExists
from pipeline_store.fields import KEY, UNIQUE
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import (
    CLASSES,
    NO_ROW,
    Parents,
    content,
    key_of,
    page,
    sample,
)

if TYPE_CHECKING:
    from pipeline_store import Store


class Unique(NamedTuple):
    """A field whose value must be unique, among objects that agree in the other fields."""

    collection: str
    field: str
    beside: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.collection}.{self.field}"

    def new(self, parents: Parents, number: int = 1, **values: Any) -> Any:
        """A new object, which shares nothing with those of the other fields."""
        apart = 100 * [*KEYS, *OTHERS].index(self)
        return sample(self.collection, parents, apart + number, **values)

    def sharing(self, parents: Parents, number: int, other: Any) -> Any:
        """A new object that shares the value with another one."""
        return self.new(parents, number, **{self.field: getattr(other, self.field)})


KEYS = (Unique("config_overrides", "key"), Unique("system_configuration", "key"))
"""Keys that the caller gives."""

OTHERS = (
    Unique("discovered_videos", "video_id"),
    Unique("channels", "channel_id"),
    Unique("channels", "youtube_channel_id"),
    Unique("videos", "source_url", ("channel_id",)),
    Unique("presets", "name"),
    Unique("music", "spotify_track_id"),
    Unique("tasks", "notion_page_id"),
    Unique("uploads", "content_hash", ("channel_id", "platform")),
)
"""What can be assigned."""


def test_what_is_unique() -> None:
    """The classes declare these values as unique, and no others."""
    declared = {
        Unique(collection, field.name, field.metadata.get(UNIQUE, ()))
        for collection, kind in CLASSES.items()
        for field in attrs.fields(kind)
        if UNIQUE in field.metadata or field.metadata.get(KEY) is str
    }
    assert declared == {*KEYS, *OTHERS}


@in_turn("reference", [*KEYS, *OTHERS])
@pytest.mark.parametrize("first_is", ["uncommitted", "unknown", "known"])
def test_taken(store: Store, parents: Parents, reference: Unique, first_is: str) -> None:
    """A second object with the value is AlreadyExists, be the first one known here or not."""
    with store.unit_of_work() as uow:
        first = getattr(uow, reference.collection).add(reference.new(parents))
        if first_is == "uncommitted":
            with pytest.raises(AlreadyExists):
                getattr(uow, reference.collection).add(reference.sharing(parents, 2, first))
            return
        uow.commit()
    before = content(store)
    with store.unit_of_work() as uow:
        if first_is == "known":
            page(uow, reference.collection)
        with pytest.raises(AlreadyExists):
            getattr(uow, reference.collection).add(reference.sharing(parents, 2, first))
    assert content(store) == before


@pytest.mark.parametrize(
    ("collection", "field"), [("channels", "default_preset_id"), ("tasks", "channel_id")]
)
def test_taken_before_absent(store: Store, parents: Parents, collection: str, field: str) -> None:
    """A taken value is told of before a reference to nobody."""
    with store.unit_of_work() as uow:
        getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
    of_nobody = sample(collection, parents, **{field: NO_ROW[UUID]})
    with store.unit_of_work() as uow, pytest.raises(AlreadyExists):
        getattr(uow, collection).add(of_nobody)


@in_turn("reference", [*KEYS, *OTHERS])
def test_twice_among_many(store: Store, parents: Parents, reference: Unique) -> None:
    """Of many objects none is added when two of them share the value."""
    before = content(store)
    first = reference.new(parents, 1)
    several = [
        first,
        reference.new(parents, 2),
        reference.sharing(parents, 3, first),
    ]
    with store.unit_of_work() as uow, pytest.raises(AlreadyExists):
        getattr(uow, reference.collection).add_many(several)
    assert content(store) == before


@in_turn("reference", OTHERS)
def test_by_assignment(store: Store, parents: Parents, reference: Unique) -> None:
    """A stored object cannot take the value of another: the commit is AlreadyExists."""
    with store.unit_of_work() as uow:
        two = [reference.new(parents, number) for number in (1, 2)]
        first, second = getattr(uow, reference.collection).add_many(two)
        uow.commit()
    before = content(store)
    with store.unit_of_work() as uow:
        found = getattr(uow, reference.collection).get(second.id)
        setattr(found, reference.field, getattr(first, reference.field))
        with pytest.raises(AlreadyExists):
            uow.commit()
    assert content(store) == before


@in_turn("reference", [*KEYS, *OTHERS])
def test_free_after_a_removal(store: Store, parents: Parents, reference: Unique) -> None:
    """The value of a removed object can be used again in the same unit of work."""
    with store.unit_of_work() as uow:
        gone = getattr(uow, reference.collection).add(reference.new(parents))
        uow.commit()
    with store.unit_of_work() as uow:
        found = getattr(uow, reference.collection).get(key_of(gone))
        getattr(uow, reference.collection).remove(found)
        new = getattr(uow, reference.collection).add(reference.sharing(parents, 2, gone))
        uow.commit()
    with store.unit_of_work() as uow:
        stored = getattr(uow, reference.collection).get(key_of(new))
        assert getattr(stored, reference.field) == getattr(gone, reference.field)


@in_turn("reference", OTHERS)
def test_free_after_an_assignment(store: Store, parents: Parents, reference: Unique) -> None:
    """A value that an object gave up can be taken, at once and by another unit of work."""
    collection, field, _ = reference
    other, third = reference.new(parents, 2), reference.new(parents, 3)
    with store.unit_of_work() as uow:
        first = getattr(uow, collection).add(reference.new(parents))
        value = getattr(first, field)
        uow.commit()
        setattr(first, field, getattr(other, field))
        second = getattr(uow, collection).add(reference.new(parents, 2, **{field: value}))
        uow.commit()
        setattr(second, field, getattr(third, field))
        uow.commit()
    with store.unit_of_work() as uow:
        getattr(uow, collection).add(reference.new(parents, 4, **{field: value}))
        uow.commit()


@in_turn("reference", OTHERS)
def test_free_after_somebody_else_gave_it_up(
    store: Store, parents: Parents, reference: Unique
) -> None:
    """Also where a unit of work goes on that has written the value itself, and committed."""
    collection, field, _ = reference
    other = reference.new(parents, 2)
    with store.unit_of_work() as uow:
        first = getattr(uow, collection).add(reference.new(parents))
        value = getattr(first, field)
        uow.commit()
        with store.unit_of_work() as another:
            setattr(getattr(another, collection).get(key_of(first)), field, getattr(other, field))
            another.commit()
        second = reference.new(parents, 2, **{field: value})
        getattr(uow, collection).add(second)
        uow.commit()
    with store.unit_of_work(read_only=True) as uow:
        assert getattr(getattr(uow, collection).get(key_of(second)), field) == value


@in_turn("reference", OTHERS)
@pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
def test_taken_by_an_object_that_was_read_before(
    store: Store, parents: Parents, reference: Unique
) -> None:
    """What counts is what an object holds by now, not what it held when it was read here."""
    collection, field, _ = reference
    new = reference.new(parents, 2)
    with store.unit_of_work() as uow:
        first = getattr(uow, collection).add(reference.new(parents))
        uow.commit()
    with store.unit_of_work() as uow, store.unit_of_work() as other:
        getattr(uow, collection).get(first.id)
        setattr(getattr(other, collection).get(first.id), field, getattr(new, field))
        other.commit()
        with pytest.raises(AlreadyExists):
            getattr(uow, collection).add(new)


@in_turn("reference", OTHERS)
def test_changes_are_written_one_after_the_other(
    store: Store, parents: Parents, reference: Unique
) -> None:
    """In the order of keys: a value is free once its owner's change is written, and not before."""
    collection, field, _ = reference
    with store.unit_of_work() as uow:
        several = [reference.new(parents, number) for number in (1, 2, 3)]
        first, second, unused = getattr(uow, collection).add_many(several)
        values = [getattr(each, field) for each in (first, second, unused)]
        uow.commit()
        getattr(uow, collection).remove(unused)
        uow.commit()
    before = content(store)
    for wanted, is_possible in (
        ((values[1], values[0]), False),  # swapped
        ((values[1], values[2]), False),  # the first takes what the second gives up later
        ((values[2], values[0]), True),
    ):
        with store.unit_of_work() as uow:
            found = [getattr(uow, collection).get(each.id) for each in (first, second)]
            for each, value in zip(found, wanted, strict=True):
                setattr(each, field, value)
            if is_possible:
                uow.commit()
                continue
            with pytest.raises(AlreadyExists):
                uow.commit()
        assert content(store) == before


@pytest.mark.parametrize(
    ("reference", "beside"), [(each, beside) for each in OTHERS for beside in each.beside], ids=str
)
def test_beside_another(store: Store, parents: Parents, reference: Unique, beside: str) -> None:
    """A value that is unique beside another one may be there again beside a different one."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(sample("channels", parents, 2))
        elsewhere = {"channel_id": channel.id, "platform": "elsewhere"}[beside]
        first = getattr(uow, reference.collection).add(sample(reference.collection, parents))
        second = reference.sharing(parents, 2, first)
        setattr(second, beside, elsewhere)
        getattr(uow, reference.collection).add(second)
        uow.commit()
        setattr(second, beside, getattr(first, beside))
        with pytest.raises(AlreadyExists):
            uow.commit()


def test_nothing_equals_nothing(store: Store, parents: Parents) -> None:
    """Any number of objects may lack a value that is otherwise unique."""
    optional = [
        each
        for each in OTHERS
        if attrs.fields_dict(CLASSES[each.collection])[each.field].default is None
    ]
    assert list(map(str, optional)) == ["channels.youtube_channel_id", "music.spotify_track_id"]
    with store.unit_of_work() as uow:
        for collection, field, _ in optional:
            new = [sample(collection, parents, number, **{field: None}) for number in (1, 2, 3)]
            getattr(uow, collection).add_many(new)
            uow.commit()
            assert all(getattr(each, field) is None for each in new)
