"""What the store says to its driver while it claims and completes, said by hand.

The statements are noted from the store itself, so that both sides go on running the same ones when
they change. By hand means: psycopg in autocommit, prepared statements, rows fetched as tuples.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

import psycopg

from pipeline_store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline_store.channels import ProcessingJob
    from pipeline_store.claim import Claim
    from pipeline_store.unit_of_work import Store

    Claims = Sequence[Claim[ProcessingJob]]


PING = ";"


class NotingCursor(psycopg.Cursor[Any]):
    """A cursor that notes what is executed on it."""

    said: ClassVar[list[tuple[Any, Any]]] = []

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        # Whether the connection still stands is no part of the work.
        if query != PING:
            self.said.append((query, params))
        return super().execute(query, params, **options)

    def executemany(self, query: Any, *_: Any, **__: Any) -> None:
        raise NotImplementedError(f"many statements in one call cannot be said again: {query}")


class ByHand:
    """Claims and completes jobs in the database at `url` by what the two calls do on a store."""

    def __init__(
        self, url: str, claim: Callable[[Store], Claims], complete: Callable[[Store, Claims], None]
    ) -> None:
        with closing(open_store(url, connect_args={"cursor_factory": NotingCursor})) as store:
            # What the store does only once is not what it does for every job.
            complete(store, claim(store))
            claims, self._claiming = _noted(lambda: claim(store))
            _, self._completing = _noted(lambda: complete(store, claims))
        self._noted_ids = [each.item.id for each in claims]
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        self._id_at: int | None = None

    def work(self, cycles: int) -> float:
        """Claim and complete so many times; the seconds that took."""
        start = time.perf_counter()
        for _ in range(cycles):
            ids = self._claim()
            renames: dict[object, object] = dict(zip(self._noted_ids, ids, strict=True))
            # Keys of several jobs are sent as one text.
            of_texts = zip(self._noted_ids, ids, strict=True)
            renames |= {noted.hex: found.hex for noted, found in of_texts}
            self._complete(renames, len(ids))
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _claim(self) -> list[UUID]:
        ids: list[UUID] = []
        for text, values in self._claiming:
            cursor = self._connection.execute(text, values)
            if cursor.description:
                rows = cursor.fetchall()
                if self._id_at is None:
                    names = [column.name for column in cursor.description]
                    self._id_at = names.index("id")
                ids = [row[self._id_at] for row in rows]
        return ids

    def _complete(self, renames: dict[object, object], jobs: int) -> None:
        for text, values in self._completing:
            cursor = self._connection.execute(text, _renamed(values, renames))
            # Whoever changes nothing is fast.
            assert cursor.rowcount == jobs


def _noted(call: Callable[[], Any]) -> tuple[Any, list[tuple[Any, Any]]]:
    NotingCursor.said.clear()
    answer = call()
    return answer, list(NotingCursor.said)


def _renamed(values: Any, renames: dict[object, object]) -> Any:
    """The same parameters, for other jobs."""
    if isinstance(values, dict):
        return {name: _renamed(value, renames) for name, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_renamed(value, renames) for value in values]
    if isinstance(values, str):
        return ",".join(str(renames.get(part, part)) for part in values.split(","))
    return renames.get(values, values) if isinstance(values, UUID) else values
