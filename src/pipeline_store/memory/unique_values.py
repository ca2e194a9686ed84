"""Which rows hold the values that no two rows may share, so that a check need not read them all."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    Place = tuple[str, Any]
    Names = tuple[str, ...]


class UniqueValues:
    """The keys of rows by what they hold."""

    def __init__(self, names: Mapping[str, Sequence[Names]]) -> None:
        """Know of no row; `names` are the unique fields of each collection, as groups of fields."""
        self._names = names
        self._keys: defaultdict[Any, set[Any]] = defaultdict(set)

    def note(self, place: Place, row: Any) -> None:
        """Take in a row."""
        for held in self._held_by(place[0], row):
            self._keys[held].add(place[1])

    def forget(self, place: Place, row: Any) -> None:
        """Leave out a row that was taken in as it is."""
        for held in self._held_by(place[0], row):
            keys = self._keys[held]
            keys.discard(place[1])
            if not keys:
                del self._keys[held]

    def keys(self, collection: str, names: Names, row: Any) -> Collection[Any]:
        """Return the keys of the rows that hold in these fields what `row` holds."""
        return self._keys.get(_values(collection, names, row), ())

    def _held_by(self, collection: str, row: Any) -> Iterator[Any]:
        for names in self._names[collection]:
            yield _values(collection, names, row)


class WrittenRows(dict["Place", Any]):
    """Rows by place, and which of them hold what."""

    def __init__(self, names: Mapping[str, Sequence[Names]]) -> None:
        """Hold no row."""
        super().__init__()
        self._names = names
        self.unique = UniqueValues(names)

    def put(self, place: Place, row: Any) -> None:
        """Hold a row, in place of the one that was there."""
        self.drop(place)
        self[place] = row
        self.unique.note(place, row)

    def drop(self, place: Place) -> None:
        """Hold no row at this place."""
        if place in self:
            self.unique.forget(place, self.pop(place))

    def clear(self) -> None:
        """Hold no row."""
        super().clear()
        self.unique = UniqueValues(self._names)


def _values(collection: str, names: Names, row: Any) -> Any:
    # Past SQLAlchemy, which may have mapped the class.
    held = row.__dict__
    return collection, names, tuple([held[name] for name in names])
