"""What the store says to its driver while it claims and completes, said by hand.

The statements are noted from the store itself, so that both sides go on running the same ones when
they change. By hand means: psycopg in autocommit, prepared statements, rows fetched as tuples.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg

from pipeline_store import open_store
from tests.benchmarks.noting import noted, renamed, renames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from pipeline_store.claim import Claim
    from pipeline_store.unit_of_work import Store
    from tests.benchmarks.noting import Said

    Claims = Sequence[Claim[Any]]
    Calls = tuple[Callable[[Store], Claims], Callable[[Store, Claims], None]]
    GoOn = Callable[[Store, Claims], Claims]


class ByHand:
    """Claims and completes in the database at `url` by what the two calls do on a store.

    With `go_on`, which does both in one, it goes on by what that does.
    """

    def __init__(self, url: str, calls: Calls, go_on: GoOn | None = None) -> None:
        claims, self._claiming, self._completing = noted_calls(url, calls)
        self._noted_ids = [each.item.id for each in claims]
        self._going_on = noted_going_on(url, calls, go_on) if go_on else None
        self._connection: psycopg.Connection[Any] = psycopg.connect(
            url, autocommit=True, prepare_threshold=0, cursor_factory=psycopg.RawCursor
        )
        self._id_at: dict[Any, int] = {}

    def work(self, cycles: int) -> float:
        """Claim and complete so many times; the seconds that took."""
        if self._going_on is not None:
            return self._go_on(cycles, *self._going_on)
        start = time.perf_counter()
        for _ in range(cycles):
            self._complete(renames(self._noted_ids, self._claim()))
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _go_on(self, cycles: int, noted_ids: list[UUID], going_on: list[Said]) -> float:
        ids = self._claim()
        start = time.perf_counter()
        for _ in range(cycles):
            names = renames(noted_ids, ids)
            ids = self._say((said.text, renamed(said.values, names)) for said in going_on)
        seconds = time.perf_counter() - start
        self._complete(renames(self._noted_ids, ids))
        return seconds

    def _claim(self) -> list[UUID]:
        return self._say((said.text, said.values) for said in self._claiming)

    def _say(self, statements: Iterable[tuple[Any, Any]]) -> list[UUID]:
        ids: list[UUID] = []
        for text, values in statements:
            cursor = self._connection.execute(text, values)
            if cursor.description:
                rows = cursor.fetchall()
                if text not in self._id_at:
                    self._id_at[text] = place_of_key(cursor.description)
                ids = [row[self._id_at[text]] for row in rows]
        return ids

    def _complete(self, names: dict[object, object]) -> None:
        for said in self._completing:
            cursor = self._connection.execute(said.text, renamed(said.values, names))
            # Whoever changes nothing is fast.
            assert cursor.rowcount == said.rows


def noted_calls(url: str, calls: Calls) -> tuple[Claims, list[Said], list[Said]]:
    """Claim and complete by a store at `url`; the claims, and what it said for each of the two."""
    claim, complete = calls
    with closing(open_store(url)) as store:
        # What the store does only once is not what it does for every claim.
        complete(store, claim(store))
        claims, claiming = noted(lambda: claim(store))
        _, completing = noted(lambda: complete(store, claims))
    return claims, claiming, completing


def noted_going_on(url: str, calls: Calls, go_on: GoOn) -> tuple[list[UUID], list[Said]]:
    """What a store at `url` says when it goes on, and the keys of what it completed by that."""
    claim, complete = calls
    with closing(open_store(url)) as store:
        claims = go_on(store, claim(store))
        following, going_on = noted(lambda: go_on(store, claims))
        complete(store, following)
    return [each.item.id for each in claims], going_on


def place_of_key(description: Sequence[Any]) -> int:
    """Where in a row that was claimed its key stands."""
    return [column.name for column in description].index("id")
