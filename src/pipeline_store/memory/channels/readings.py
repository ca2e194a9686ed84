"""What the readings of channels and those of videos have in common: an owner and an instant."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar
from uuid import UUID

from pipeline_store import values
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.memory.tables import KINDS
from pipeline_store.repository import check_kind, fill_from_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

Reading = TypeVar("Reading")


class MemoryReadings(MemoryRepository[Reading, UUID], Generic[Reading]):
    """The steps behind the questions about readings. Subclasses also name the owner's field."""

    owner: ClassVar[str]

    def _record_new(self, readings: Iterable[Reading]) -> int:
        """Store those readings of an owner and instant that none before has, stored or given."""
        self._session.check_writable()
        values.check_several("readings", readings)
        wanted = list(readings)
        for reading in wanted:
            check_kind(KINDS[self.collection], reading)
        first: dict[tuple[UUID, datetime], Reading] = {}
        for reading in wanted:
            fill_from_clock(reading, self._now)
            first.setdefault(self._place(reading), reading)
        known = set(map(self._place, self._where(lambda row: self._place(row) in first)))
        new = {place: reading for place, reading in first.items() if place not in known}
        added = self.add_many(new.values())
        self._refuse_if_others_commit(
            lambda row: self._place(row) in new, "somebody else recorded the same readings"
        )
        return len(added)

    def _latest(self, name: str, owner_ids: Iterable[UUID]) -> list[Reading]:
        """Return the readings of these owners, the latest of each behind all others of it."""
        values.check_several(name, owner_ids)
        wanted: set[UUID] = set()
        for owner_id in owner_ids:
            values.check_uuid(name, owner_id)
            wanted.add(owner_id)
        return self._by_time(lambda row: self._place(row)[0] in wanted)

    def _series(
        self, name: str, owner_id: UUID, since: datetime | None, until: datetime | None
    ) -> list[Reading]:
        """Return the owner's readings from `since` to before `until`, oldest first."""
        values.check_uuid(name, owner_id)
        start = values.EARLIEST if since is None else values.as_instant("since", since)
        end = values.LATEST if until is None else values.as_instant("until", until)

        def is_wanted(row: Reading) -> bool:
            owner, time = self._place(row)
            return owner == owner_id and start <= time < end

        return self._by_time(is_wanted)

    def _by_time(self, condition: Callable[[Reading], bool]) -> list[Reading]:
        return sorted(self._where(condition), key=attrgetter("timestamp", "id"))

    def _place(self, reading: Reading) -> tuple[UUID, datetime]:
        owner: UUID = getattr(reading, self.owner)
        time: datetime = getattr(reading, "timestamp")  # noqa: B009 - its class is any of two
        return owner, time
