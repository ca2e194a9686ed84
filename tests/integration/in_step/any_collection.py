"""Rules on what every collection can do, and on the fields of every class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.production import Script
from tests.integration.in_step.drawn import numbers
from tests.integration.in_step.kinds import COLLECTION_OF, references_of
from tests.integration.in_step.machine import Machine

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork
    from tests.integration.in_step.drawn import Assignments
    from tests.integration.in_step.side import Side


class AnyCollection(Machine):
    """Assigning, referring, adding again, removing, finding, paging."""

    #: What the fields of each class are assigned.
    assignments: ClassVar[Assignments]

    @rule(number=numbers, values=st.data())
    def assign(self, number: int, values: st.DataObject) -> None:
        place = self.pick_any(number)
        if place is None:
            return
        table = self.assignments[self.kinds[place]]
        if table:
            name = values.draw(st.sampled_from(sorted(table)))
            self.assign_to(place, name, values.draw(st.sampled_from(table[name])))

    @rule(number=numbers, other=numbers)
    def refer_to_another(self, number: int, other: int) -> None:
        place = self.pick_any(number)
        if place is None:
            return
        references = references_of(self.kinds[place])
        if references:
            name, kind = list(references.items())[other % len(references)]
            self.each(
                lambda side, _: setattr(side.objects[place], name, self.key_of(side, kind, other))
            )

    @rule(number=numbers, fresh=st.booleans())
    def remove(self, number: int, fresh: bool) -> None:
        self.remove_object(self.pick_any(number), fresh=fresh)

    @rule(number=numbers, fresh=st.booleans())
    def add_again(self, number: int, fresh: bool) -> None:
        self.add_object_again(self.pick_any(number), fresh=fresh)

    @rule(number=numbers, values=st.data())
    def change_what_is_only_read(self, number: int, values: st.DataObject) -> None:
        self.leave_and_enter(read_only=True)
        kind = self.pick_kind(number)
        self.get(number, number)
        place = self.pick(kind, number)
        table = self.assignments[kind]
        if place is not None and table:
            name = values.draw(st.sampled_from(sorted(table)))
            self.assign_to(place, name, values.draw(st.sampled_from(table[name])))
        self.count(number)
        self.commit()
        self.leave_and_enter(read_only=False)

    @rule(number=numbers)
    def add_to_the_wrong_collection(self, number: int) -> None:
        place = self.pick_any(number)
        if place is not None:
            other = "scripts" if self.kinds[place] is not Script else "errors"
            self.each(lambda side, uow: getattr(uow, other).add(side.objects[place]))

    @rule(which=numbers, number=numbers)
    def get(self, which: int, number: int) -> None:
        kind = self.pick_kind(which)
        self.each(
            lambda side, uow: getattr(uow, COLLECTION_OF[kind]).get(self.key_of(side, kind, number))
        )

    @rule(
        which=numbers,
        key=st.sampled_from([None, True, 1.0, 2**63, b"x", "\x00", "\ud800", UUID(int=0), "x"]),
    )
    def find_a_bad_key(self, which: int, key: Any) -> None:
        collection = COLLECTION_OF[self.pick_kind(which)]
        self.each(lambda _, uow: getattr(uow, collection).find(key))

    @rule(
        which=numbers,
        after=st.none() | numbers,
        limit=st.sampled_from([1, 2, 10_000, 0, 10_001, True]),
    )
    def page(self, which: int, after: int | None, limit: Any) -> None:
        kind = self.pick_kind(which)

        def step(side: Side, uow: UnitOfWork) -> Any:
            key = None if after is None else self.key_of(side, kind, after)
            return getattr(uow, COLLECTION_OF[kind]).page(key, limit)

        self.each(step)

    @rule(which=numbers)
    def count(self, which: int) -> None:
        collection = COLLECTION_OF[self.pick_kind(which)]
        self.each(lambda _, uow: getattr(uow, collection).count())
