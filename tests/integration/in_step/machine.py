"""The machine: takes every step on all stores and compares how it ended and what is left."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from pipeline_store.entity import key_of
from tests.integration.in_step.drawn import START
from tests.integration.in_step.kinds import COLLECTION_OF, missing_key
from tests.integration.in_step.side import Side, contents, differences

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from pipeline_store import UnitOfWork
    from tests.integration.in_step.drivers import Clock, Driver
    from tests.integration.in_step.kinds import Kinds


class Machine(RuleBasedStateMachine):
    """What all machines do: taking steps, and ending units of work. Subclasses add rules."""

    drivers: ClassVar[list[Driver]]
    clock: ClassVar[Clock]
    #: The collections that its rules are about.
    collections: ClassVar[Kinds]

    def __init__(self) -> None:
        super().__init__()
        # Of the objects, as they were before the present step.
        self.kinds: list[type[Any]] = []
        self.undone_for = 0
        self.sides = [Side(driver) for driver in self.drivers]
        for side in self.sides:
            side.driver.leave()
            side.driver.empty()
        self.clock.instant = START
        self.set_clocks()

    def set_clocks(self) -> None:
        for side in self.sides:
            side.driver.set_clock()

    # -- taking steps ------------------------------------------------------------------------

    def each(self, step: Callable[[Side, UnitOfWork], Any], bulk: type[Any] | None = None) -> str:
        """Takes a step inside the unit of work of every side; returns the error's name, if any.

        A step that writes rows past the objects says of which class.
        """
        return self.compare(
            lambda side: side.driver.call(lambda uow: step(side, uow)),
            bulk,
        )

    def compare(self, step: Callable[[Side], Any], bulk: type[Any] | None = None) -> str:
        """Takes a step on every side and compares the outcome and all objects.

        Once an error has undone the unit of work, the next step alone meets that.
        """
        if self.undone_for == 2:
            self.undone_for = 0
            self.roll_back()
        for side in self.sides:
            side.bulk |= {bulk} if bulk else set()
        outcomes = [side.take(partial(step, side)) for side in self.sides]
        self.assert_equal(outcomes)
        self.assert_equal([side.driver.is_undone() for side in self.sides])
        self.assert_equal([side.describe_objects() for side in self.sides])
        self.kinds = [type(entity) for entity in self.sides[0].objects]
        undone = self.sides[0].driver.is_undone()
        self.undone_for = self.undone_for + 1 if undone else 0
        kind, answer = outcomes[0]
        return answer if kind == "error" else ""

    def assert_equal(self, found: list[Any]) -> None:
        names = [side.driver.name for side in self.sides]
        first = found[0]
        for name, other in zip(names[1:], found[1:], strict=True):
            if other != first:
                listed = "\n".join(differences(first, other))
                raise AssertionError(f"{names[0]} and {name} differ:\n{listed}")

    def add(self, kind: type[Any], make: Callable[[Side], Any]) -> str:
        """Adds an object to its collection; returns the error's name, if any."""

        def step(side: Side, uow: UnitOfWork) -> Any:
            entity = make(side)
            side.objects.append(entity)
            side.present.add(entity)
            return getattr(uow, COLLECTION_OF[kind]).add(entity)

        return self.each(step)

    # -- objects -----------------------------------------------------------------------------

    def pick(self, kind: type[Any], number: int) -> int | None:
        """Returns the place of an object of that class, if there is any."""
        places = [i for i, each in enumerate(self.kinds) if each is kind]
        return places[number % len(places)] if places else None

    def pick_any(self, number: int) -> int | None:
        count = len(self.kinds)
        return number % count if count else None

    def pick_kind(self, number: int) -> type[Any]:
        kinds = list(self.collections.values())
        return kinds[number % len(kinds)]

    def key_of(self, side: Side, kind: type[Any], number: int) -> Any:
        """Returns the key of such an object on that side, or one that is missing."""
        place = self.pick(kind, number)
        if place is None or number == 63:
            return missing_key(kind)
        key = getattr(side.objects[place], key_of(kind).name)
        return missing_key(kind) if key is None else key

    def home(self, side: Side, uow: UnitOfWork, place: int) -> Any:
        """Returns the collection of the object at that place."""
        return getattr(uow, COLLECTION_OF[type(side.objects[place])])

    def assign_to(self, place: int, name: str, value: Any) -> None:
        self.each(lambda side, _: setattr(side.objects[place], name, value))

    def remove_object(self, place: int | None, *, fresh: bool) -> None:
        settled = None if place is None else self.settle(place, fresh)
        if settled is not None:
            self.each(lambda side, uow: self.home(side, uow, settled).remove(side.objects[settled]))

    def add_object_again(self, place: int | None, *, fresh: bool) -> None:
        settled = None if place is None else self.settle(place, fresh)
        if settled is not None:
            self.each(lambda side, uow: self.home(side, uow, settled).add(side.objects[settled]))

    def settle(self, place: int, fresh: bool) -> int | None:
        """Makes sure whether another object with this key is in the unit of work.

        Databases forget what nobody holds any more, memory does not. Returns the object's place
        afterwards, if it still has one.
        """
        entity = self.sides[0].objects[place]
        if fresh:
            self.leave_and_enter(read_only=False)
        elif entity not in self.sides[0].present:
            name = key_of(type(entity)).name
            if getattr(entity, name) is not None:
                self.each(
                    lambda side, uow: self.home(side, uow, place).find(
                        getattr(side.objects[place], name)
                    )
                )
        objects = self.sides[0].objects
        return next((i for i, each in enumerate(objects) if each is entity), None)

    # -- the unit of work --------------------------------------------------------------------

    @initialize(fill=st.sampled_from([True, True, False]))
    def begin(self, fill: bool) -> None:
        for side in self.sides:
            side.driver.open(read_only=False)
        if fill:
            self.fill()
            self.commit()

    def fill(self) -> None:
        """Adds objects to begin with: with ties, and orders that are not those of the keys."""

    @rule(read_only=st.sampled_from([False, False, False, False, False, True]))
    def leave_and_enter(self, read_only: bool) -> None:
        for side in self.sides:
            side.forget_keys()
        self.compare(lambda side: side.driver.open(read_only=read_only))

    @rule()
    def commit(self) -> None:
        if self.compare(lambda side: side.driver.commit()):
            return
        for side in self.sides:
            side.keep_keys()

    @rule()
    def commit_and_compare_all(self) -> None:
        self.commit()
        for side in self.sides:
            side.forget_keys()
        self.check_contents()
        self.compare(lambda side: side.driver.open(read_only=False))

    def check_contents(self) -> None:
        """Compares everything that was committed, in a unit of work of its own."""

        def read(side: Side) -> Any:
            side.driver.open(read_only=True)
            return side.driver.call(lambda uow: contents(side, uow, self.collections))

        self.assert_equal([read(side) for side in self.sides])
        self.look_around(0)

    @rule()
    def roll_back(self) -> None:
        for side in self.sides:
            side.forget_keys()
        self.compare(lambda side: side.driver.rollback())

    def without_a_unit_of_work(self, step: Callable[[Side], Any]) -> None:
        """Commits or loses what was done, takes the step on the store itself, and goes on."""
        self.commit()
        for side in self.sides:
            side.forget_keys()
        self.compare(lambda side: side.driver.leave())
        self.compare(step)
        for side in self.sides:
            side.keep_keys()
            side.present.clear()
        self.compare(lambda side: side.driver.open(read_only=False))

    def let_pass(self, step: timedelta) -> None:
        """Moves the clocks of the stores and of their databases."""
        type(self).clock.instant += step
        self.set_clocks()

    # -- looking -----------------------------------------------------------------------------

    @rule(number=st.integers(0, 63))
    def look_around(self, number: int) -> None:
        """Asks everything that can be asked about what the number picks."""

    @rule(number=st.integers(0, 63))
    def look_around_once_more(self, number: int) -> None:
        """Makes looks twice as likely as any other step."""
        self.look_around(number)

    def teardown(self) -> None:
        for side in self.sides:
            side.driver.leave()
