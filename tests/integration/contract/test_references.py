"""Objects refer only to objects that are there, and each reference has its rule for a removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import pytest

from pipeline_store.errors import Conflict, InUse, NotFound
from pipeline_store.fields import ON_DELETE, REFERS_TO
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import (
    CHILDREN_FIRST,
    CLASSES,
    KEY_TYPES,
    NO_ROW,
    Parents,
    content,
    key_of,
    page,
    sample,
)

if TYPE_CHECKING:
    from pipeline_store import Store, UnitOfWork
    from tests.integration.contract.conftest import SteppedClock

RULES = {
    ("clips", "pipeline_run_id"): ("pipeline_runs", "refuse"),
    ("clips", "discovered_video_id"): ("discovered_videos", "refuse"),
    ("scripts", "pipeline_run_id"): ("pipeline_runs", "refuse"),
    ("tts_audio", "pipeline_run_id"): ("pipeline_runs", "refuse"),
    ("shorts", "pipeline_run_id"): ("pipeline_runs", "refuse"),
    ("shorts", "clip_id"): ("clips", "refuse"),
    ("reviews", "pipeline_run_id"): ("pipeline_runs", "refuse"),
    ("errors", "pipeline_run_id"): ("pipeline_runs", "refuse"),
    ("channels", "default_preset_id"): ("presets", "clear"),
    ("videos", "channel_id"): ("channels", "refuse"),
    ("videos", "music_id"): ("music", "clear"),
    ("videos", "preset_id"): ("presets", "clear"),
    ("jobs", "video_id"): ("videos", "cascade"),
    ("jobs", "channel_id"): ("channels", "refuse"),
    ("channel_statistics", "channel_id"): ("channels", "cascade"),
    ("video_statistics", "video_id"): ("videos", "cascade"),
    ("tasks", "channel_id"): ("channels", "refuse"),
    ("task_transitions", "task_id"): ("tasks", "cascade"),
    ("uploads", "task_id"): ("tasks", "refuse"),
    ("uploads", "channel_id"): ("channels", "refuse"),
}
"""Each reference: the collection that it leads to, and what a removal there does."""


class Reference(NamedTuple):
    """A field that holds the key of an object in another collection, the owner."""

    collection: str
    field: str
    owner: str

    def __str__(self) -> str:
        return f"{self.collection}.{self.field}"

    @property
    def number(self) -> int:
        """Where the unique values of its samples begin: they share a store with those of others."""
        return 100 * list(RULES).index((self.collection, self.field))


EVERY_REFERENCE = [Reference(*where, owner) for where, (owner, _) in RULES.items()]


def with_rule(rule: str) -> list[Reference]:
    """The references with this rule."""
    return [each for each in EVERY_REFERENCE if RULES[each[:2]][1] == rule]


def references(rule: str) -> pytest.MarkDecorator:
    """A test for each of them."""
    return pytest.mark.parametrize("reference", with_rule(rule), ids=str)


def test_the_rules() -> None:
    """The classes declare these references, with these rules, and no others."""
    assert {
        (collection, field.name): (
            field.metadata[REFERS_TO],
            field.metadata.get(ON_DELETE, "refuse"),
        )
        for collection, kind in CLASSES.items()
        for field in attrs.fields(kind)
        if REFERS_TO in field.metadata
    } == RULES


def family(
    uow: UnitOfWork, parents: Parents, reference: Reference, children: int = 1
) -> tuple[Any, list[Any]]:
    """A new parent that nothing refers to but these children, by this field."""
    collection, field, owner = reference
    parent = getattr(uow, owner).add(sample(owner, parents, reference.number + 50))
    made = [
        getattr(uow, collection).add(
            sample(collection, parents, reference.number + 60 + each, **{field: key_of(parent)})
        )
        for each in range(children)
    ]
    return parent, made


@in_turn("reference", EVERY_REFERENCE)
def test_adding_a_child_of_nobody(store: Store, parents: Parents, reference: Reference) -> None:
    """An object that refers to an absent one cannot be added: NotFound, which names the key."""
    collection, field, owner = reference
    nobody = {field: NO_ROW[KEY_TYPES[owner]]}
    before = content(store)
    with store.unit_of_work() as uow, pytest.raises(NotFound, match=f"{field}.* {nobody[field]}"):
        getattr(uow, collection).add(sample(collection, parents, **nobody))
    assert content(store) == before


class TestEveryReference:
    """What holds whatever the rule is."""

    @in_turn("reference", EVERY_REFERENCE)
    def test_sending_a_child_to_nobody(
        self, store: Store, parents: Parents, reference: Reference
    ) -> None:
        """A stored object cannot be made to refer to an absent one: the commit is NotFound."""
        collection, field, owner = reference
        with store.unit_of_work() as uow:
            added = getattr(uow, collection).add(sample(collection, parents, reference.number))
            uow.commit()
        before = content(store)
        with store.unit_of_work() as uow:
            setattr(getattr(uow, collection).get(added.id), field, NO_ROW[KEY_TYPES[owner]])
            with pytest.raises(NotFound):
                uow.commit()
        assert content(store) == before

    @in_turn("reference", EVERY_REFERENCE)
    def test_a_child_that_went_elsewhere(
        self, store: Store, parents: Parents, reference: Reference
    ) -> None:
        """An object that refers to another one by now is left alone, and hinders nobody."""
        collection, field, owner = reference
        with store.unit_of_work() as uow:
            parent, (child,) = family(uow, parents, reference)
            setattr(child, field, parents.key_in(owner))
            getattr(uow, owner).remove(parent)
            uow.commit()
        with store.unit_of_work() as uow:
            assert getattr(uow, owner).find(key_of(parent)) is None
            found = getattr(uow, collection).get(child.id)
            assert getattr(found, field) == parents.key_in(owner)


@in_turn("reference", with_rule("refuse"))
@pytest.mark.parametrize("known", [True, False])
def test_a_parent_is_not_removed(
    store: Store, parents: Parents, reference: Reference, known: bool
) -> None:
    """What other objects refer to cannot be removed: that is InUse, and nothing is changed."""
    collection, _, owner = reference
    with store.unit_of_work() as uow:
        parent, _ = family(uow, parents, reference)
        uow.commit()
    before = content(store)
    with store.unit_of_work() as uow:
        if known:
            page(uow, collection)
        with pytest.raises(InUse):
            getattr(uow, owner).remove(getattr(uow, owner).get(parent.id))
    assert content(store) == before


@in_turn("reference", with_rule("refuse"))
@pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
def test_a_child_that_somebody_else_sent_meanwhile(
    store: Store, parents: Parents, reference: Reference
) -> None:
    """What an object refers to by now counts, not what it referred to when it was read here."""
    collection, field, owner = reference
    with store.unit_of_work() as uow:
        parent = getattr(uow, owner).add(sample(owner, parents, reference.number + 50))
        child = getattr(uow, collection).add(sample(collection, parents, reference.number))
        uow.commit()
    with store.unit_of_work() as uow, store.unit_of_work() as other:
        getattr(uow, collection).get(child.id)
        setattr(getattr(other, collection).get(child.id), field, parent.id)
        other.commit()
        with pytest.raises(InUse):
            getattr(uow, owner).remove(getattr(uow, owner).get(parent.id))
    with store.unit_of_work() as uow:
        assert getattr(getattr(uow, collection).get(child.id), field) == parent.id


@references("clear")
class TestClearing:
    """A reference that is emptied when the other object is removed."""

    def test_at_once_and_for_others(
        self,
        store: Store,
        clock: SteppedClock,
        parents: Parents,
        reference: Reference,
    ) -> None:
        """Objects here show it at once and others after the commit; it counts as a change."""
        collection, field, owner = reference
        with store.unit_of_work() as uow:
            parent, children = family(uow, parents, reference, children=2)
            keys = [child.id for child in children]
            uow.commit()
        clock.advance(minutes=1)
        with store.unit_of_work() as uow:
            known = getattr(uow, collection).get(keys[0])
            getattr(uow, owner).remove(getattr(uow, owner).get(parent.id))
            assert (getattr(known, field), known.updated_at) == (None, clock())
            read_later = getattr(uow, collection).get(keys[1])
            assert (getattr(read_later, field), read_later.updated_at) == (None, clock())
            uow.commit()
        with store.unit_of_work() as uow:
            for key in keys:
                found = getattr(uow, collection).get(key)
                assert (getattr(found, field), found.updated_at) == (None, clock())
            assert getattr(uow, owner).find(parent.id) is None

    def test_a_change_of_the_object_beside_it(
        self, store: Store, parents: Parents, reference: Reference
    ) -> None:
        """An object whose reference is emptied can be changed before and after, in one commit."""
        collection, field, owner = reference
        with store.unit_of_work() as uow:
            parent, (child,) = family(uow, parents, reference)
            uow.commit()
        with store.unit_of_work() as uow:
            known = getattr(uow, collection).get(child.id)
            known.metadata = {"changed": "before"}
            getattr(uow, owner).remove(getattr(uow, owner).get(parent.id))
            assert known.metadata == {"changed": "before"}
            known.metadata = {**known.metadata, "again": "after"}
            uow.commit()
            known.metadata = {**known.metadata, "once more": "after the commit"}
            uow.commit()
        with store.unit_of_work() as uow:
            found = getattr(uow, collection).get(child.id)
            assert list(found.metadata) == ["changed", "again", "once more"]
            assert getattr(found, field) is None

    def test_rolled_back(self, store: Store, parents: Parents, reference: Reference) -> None:
        """After a rollback the stored reference is there; added again, the object's is written."""
        collection, field, owner = reference
        with store.unit_of_work() as uow:
            parent, (child,) = family(uow, parents, reference)
            uow.commit()
        before = content(store)
        with store.unit_of_work() as uow:
            known = getattr(uow, collection).get(child.id)
            getattr(uow, owner).remove(getattr(uow, owner).get(parent.id))
            uow.rollback()
            assert getattr(known, field) is None
            assert getattr(getattr(uow, collection).get(child.id), field) == parent.id
        assert content(store) == before
        with store.unit_of_work() as uow:
            getattr(uow, collection).add(known)
            uow.commit()
        with store.unit_of_work() as uow:
            assert getattr(getattr(uow, collection).get(child.id), field) is None
            assert getattr(uow, owner).find(parent.id) is not None

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_somebody_else_has_read_the_object(
        self, store: Store, parents: Parents, reference: Reference
    ) -> None:
        """A change made from a reading before the removal is a Conflict."""
        collection, _, owner = reference
        with store.unit_of_work() as uow:
            parent, (child,) = family(uow, parents, reference)
            uow.commit()
        with store.unit_of_work() as first, store.unit_of_work() as second:
            mine = getattr(first, collection).get(child.id)
            getattr(second, owner).remove(getattr(second, owner).get(parent.id))
            second.commit()
            mine.metadata = {"mine": True}
            with pytest.raises(Conflict):
                first.commit()


@references("cascade")
class TestCascading:
    """Objects that are removed along with the one that they refer to."""

    def test_at_once_and_for_others(
        self, store: Store, parents: Parents, reference: Reference
    ) -> None:
        """They are gone at once here, known or not, and for others after the commit."""
        collection, _, owner = reference
        with store.unit_of_work() as uow:
            parent, children = family(uow, parents, reference, children=2)
            keys = [child.id for child in children]
            kept = getattr(uow, collection).add(sample(collection, parents)).id
            uow.commit()
        with store.unit_of_work() as uow:
            getattr(uow, collection).get(keys[0])
            getattr(uow, owner).remove(getattr(uow, owner).get(parent.id))
            assert [row.id for row in page(uow, collection)] == [kept]
            for key in keys:
                assert getattr(uow, collection).find(key) is None
            uow.commit()
        with store.unit_of_work() as uow:
            assert [row.id for row in page(uow, collection)] == [kept]
            assert getattr(uow, owner).find(parent.id) is None

    @pytest.mark.parametrize("again", ["remove", "add"])
    def test_it_is_gone(
        self,
        store: Store,
        parents: Parents,
        reference: Reference,
        again: str,
    ) -> None:
        """What was removed along with another object can be neither removed nor added: Conflict."""
        collection, _, owner = reference
        with store.unit_of_work() as uow:
            parent, (child,) = family(uow, parents, reference)
            uow.commit()
            getattr(uow, owner).remove(parent)
            with pytest.raises(Conflict):
                getattr(getattr(uow, collection), again)(child)
        with store.unit_of_work() as uow:
            known = getattr(uow, collection).get(child.id)
            getattr(uow, owner).remove(getattr(uow, owner).get(parent.id))
            uow.commit()
        with store.unit_of_work() as uow, pytest.raises(Conflict):
            getattr(getattr(uow, collection), again)(known)

    def test_rolled_back(self, store: Store, parents: Parents, reference: Reference) -> None:
        """After a rollback all of them are there; the object can be added and changed again."""
        collection, field, owner = reference
        with store.unit_of_work() as uow:
            parent, (child,) = family(uow, parents, reference)
            uow.commit()
        before = content(store)
        with store.unit_of_work() as uow:
            known = getattr(uow, collection).get(child.id)
            getattr(uow, owner).remove(getattr(uow, owner).get(parent.id))
            uow.rollback()
            assert getattr(known, field) == parent.id
            assert getattr(uow, collection).add(known) is known
            uow.commit()
        assert content(store) == before

    def test_added_and_removed_here(
        self, store: Store, parents: Parents, reference: Reference
    ) -> None:
        """Objects that were added here are removed too, and new again after a rollback."""
        _, _, owner = reference
        before = content(store)
        with store.unit_of_work() as uow:
            parent, (child,) = family(uow, parents, reference)
            getattr(uow, owner).remove(parent)
            uow.commit()
        assert content(store) == before
        with store.unit_of_work() as uow:
            parent, (child,) = family(uow, parents, reference)
            getattr(uow, owner).remove(parent)
            uow.rollback()
            assert (parent.id, child.id) == (None, None)
        assert content(store) == before

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_somebody_else_has_read_the_object(
        self, store: Store, parents: Parents, reference: Reference
    ) -> None:
        """A change of an object that went with another one is a Conflict."""
        collection, _, owner = reference
        with store.unit_of_work() as uow:
            parent, (child,) = family(uow, parents, reference)
            uow.commit()
        with store.unit_of_work() as first, store.unit_of_work() as second:
            mine = getattr(first, collection).get(child.id)
            getattr(second, owner).remove(getattr(second, owner).get(parent.id))
            second.commit()
            counts = {"jobs": "priority", "task_transitions": "review_token"}
            setattr(mine, counts.get(collection, "view_count"), 5)
            with pytest.raises(Conflict):
                first.commit()


def test_children_first(store: Store, parents: Parents) -> None:
    """Once its children are removed, an object can be removed, all in one unit of work."""
    with store.unit_of_work() as uow:
        for collection in CHILDREN_FIRST:
            for each in page(uow, collection):
                getattr(uow, collection).remove(each)
        uow.commit()
    assert parents.channel
    assert all(rows == [] for rows in content(store).values())


def test_empty_references(store: Store, parents: Parents) -> None:
    """What may refer to nothing does so: added, assigned, and read again."""
    optional = {
        (collection, field.name)
        for collection, kind in CLASSES.items()
        for field in attrs.fields(kind)
        if REFERS_TO in field.metadata and field.default is None
    }
    assert optional == {
        ("shorts", "clip_id"),
        ("errors", "pipeline_run_id"),
        ("channels", "default_preset_id"),
        ("videos", "music_id"),
        ("videos", "preset_id"),
        ("jobs", "video_id"),
    }
    of_no_video = {"jobs": {"job_type": "scrape"}}
    for collection, field in sorted(optional):
        with store.unit_of_work() as uow:
            other = of_no_video.get(collection, {})
            empty = sample(collection, parents, 1, **{field: None}, **other)
            emptied = sample(collection, parents, 2, **other)
            getattr(uow, collection).add_many([empty, emptied])
            uow.commit()
            setattr(emptied, field, None)
            uow.commit()
        with store.unit_of_work() as uow:
            for stored in (empty, emptied):
                assert getattr(getattr(uow, collection).get(stored.id), field) is None
            for stored in (empty, emptied):
                getattr(uow, collection).remove(getattr(uow, collection).get(stored.id))
            uow.commit()
