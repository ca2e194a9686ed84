"""What the store says to its driver while it claims and completes, said by hand.

The statements are noted from the store itself, so that both sides go on running the same ones when
they change. By hand means: psycopg in autocommit, prepared statements, rows fetched as tuples.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

import psycopg

from pipeline_store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline_store.claim import Claim
    from pipeline_store.unit_of_work import Store

    Claims = Sequence[Claim[Any]]


PING = ";"


@dataclass(frozen=True)
class Said:
    """A statement, what it was given, and how many rows it returned or wrote."""

    text: Any
    values: Any
    rows: int
    #: The values are several sets of values, for each of which the statement was run.
    for_many: bool = False


class NotingCursor(psycopg.Cursor[Any]):
    """A cursor that notes what is executed on it."""

    said: ClassVar[list[Said]] = []

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        super().execute(query, params, **options)
        # Whether the connection still stands is no part of the work.
        if query != PING:
            self.said.append(Said(query, params, self.rowcount))
        return self

    def executemany(
        self, query: Any, params_seq: Iterable[Any], *, returning: bool = False
    ) -> None:
        several = list(params_seq)
        super().executemany(query, several, returning=returning)
        self.said.append(Said(query, several, self.rowcount, for_many=True))

    def copy(self, statement: Any, *_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"what is copied cannot be said again: {statement}")


class ByHand:
    """Claims and completes in the database at `url` by what the two calls do on a store."""

    def __init__(
        self, url: str, claim: Callable[[Store], Claims], complete: Callable[[Store, Claims], None]
    ) -> None:
        claims, self._claiming, self._completing = noted_claims(url, claim, complete)
        self._noted_ids = [each.item.id for each in claims]
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        self._id_at: int | None = None

    def work(self, cycles: int) -> float:
        """Claim and complete so many times; the seconds that took."""
        start = time.perf_counter()
        for _ in range(cycles):
            self._complete(renames(self._noted_ids, self._claim()))
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _claim(self) -> list[UUID]:
        ids: list[UUID] = []
        for said in self._claiming:
            cursor = self._connection.execute(said.text, said.values)
            if cursor.description:
                rows = cursor.fetchall()
                if self._id_at is None:
                    names = [column.name for column in cursor.description]
                    self._id_at = names.index("id")
                ids = [row[self._id_at] for row in rows]
        return ids

    def _complete(self, names: dict[object, object]) -> None:
        for said in self._completing:
            cursor = self._connection.execute(said.text, renamed(said.values, names))
            # Whoever changes nothing is fast.
            assert cursor.rowcount == said.rows


def noted_claims(
    url: str, claim: Callable[[Store], Claims], complete: Callable[[Store, Claims], None]
) -> tuple[Claims, list[Said], list[Said]]:
    """Claim and complete by a store at `url`; the claims, and what it said for each of the two."""
    with closing(open_store(url, connect_args={"cursor_factory": NotingCursor})) as store:
        # What the store does only once is not what it does for every claim.
        complete(store, claim(store))
        claims, claiming = noted(lambda: claim(store))
        _, completing = noted(lambda: complete(store, claims))
    return claims, claiming, completing


def noted(call: Callable[[], Any]) -> tuple[Any, list[Said]]:
    """The answer of the call, and what noting cursors were told meanwhile."""
    NotingCursor.said.clear()
    answer = call()
    return answer, list(NotingCursor.said)


def renames(noted_ids: Sequence[UUID], ids: Sequence[UUID]) -> dict[object, object]:
    """What stands for what, when the same is said of others."""
    names: dict[object, object] = dict(zip(noted_ids, ids, strict=True))
    # Keys of several are sent as one text.
    of_texts = zip(noted_ids, ids, strict=True)
    return names | {noted.hex: found.hex for noted, found in of_texts}


def renamed(values: Any, names: dict[object, object]) -> Any:
    """The same parameters, for others."""
    if isinstance(values, dict):
        return {name: renamed(value, names) for name, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [renamed(value, names) for value in values]
    if isinstance(values, str):
        return ",".join(str(names.get(part, part)) for part in values.split(","))
    return names.get(values, values) if isinstance(values, UUID) else values
