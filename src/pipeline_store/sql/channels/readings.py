"""What the readings of channels and those of videos have in common: an owner and an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs
import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.repository import check_kind, fill_from_clock
from pipeline_store.sql.repository import batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from pipeline_store.clock import Clock
    from pipeline_store.sql.session import GuardedSession

Reading = TypeVar("Reading")

OWNERS_PER_STATEMENT: Final = 500


@attrs.frozen
class Readings(Generic[Reading]):
    """The questions about one table of readings."""

    session: GuardedSession
    kind: type[Reading]
    key: sa.Column[UUID]
    owner: sa.Column[UUID]
    time: sa.Column[datetime]

    def new_ones(self, readings: Iterable[Reading], now: Clock) -> list[Reading]:
        """Return the readings of an owner and instant that none before has, stored or given."""
        self.session.check_writable()
        values.check_several("readings", readings)
        wanted = list(readings)
        for reading in wanted:
            check_kind(self.kind, reading)
        first: dict[tuple[UUID, datetime], Reading] = {}
        for reading in wanted:
            fill_from_clock(reading, now)
            first.setdefault(self._place(reading), reading)
        # Those who add only what is new take turns, since two may read before either writes.
        self.session.lock(f"{self.owner.table}.record_new")
        known = set(self._known_places(first))
        return [reading for place, reading in first.items() if place not in known]

    def latest(self, name: str, owner_ids: Iterable[UUID]) -> Iterator[Reading]:
        """Yield the latest reading of each owner, by one probe of the index for each."""
        values.check_several(name, owner_ids)
        (owner,) = self.owner.foreign_keys
        for batch in batches(owner_ids, OWNERS_PER_STATEMENT):
            for owner_id in batch:
                values.check_uuid(name, owner_id)
            newest = (
                sa.select(self.key)
                .where(self.owner == owner.column)
                .order_by(self.time.desc(), self.key.desc())
                .limit(1)
                .correlate(owner.column.table)
                .scalar_subquery()
            )
            ids = sa.select(newest).where(owner.column.in_(batch))
            yield from self.session.scalars(sa.select(self.kind).where(self.key.in_(ids)))

    def series(
        self, name: str, owner_id: UUID, since: datetime | None, until: datetime | None
    ) -> sa.Select[Any]:
        """Return a query for the owner's readings from `since` to before `until`."""
        values.check_uuid(name, owner_id)
        found = sa.select(self.kind).where(self.owner == owner_id)
        if since is not None:
            found = found.where(self.time >= values.as_instant("since", since))
        if until is not None:
            found = found.where(self.time < values.as_instant("until", until))
        return found.order_by(self.time, self.key)

    def _place(self, reading: Reading) -> tuple[UUID, datetime]:
        owner: UUID = getattr(reading, self.owner.name)
        time: datetime = getattr(reading, self.time.name)
        return owner, time

    def _known_places(
        self, places: Iterable[tuple[UUID, datetime]]
    ) -> Iterator[tuple[UUID, datetime]]:
        both = sa.tuple_(self.owner, self.time)
        for batch in batches(places, OWNERS_PER_STATEMENT):
            stored = sa.select(self.owner, self.time).where(both.in_(batch))
            yield from ((row[0], row[1]) for row in self.session.execute(stored))
