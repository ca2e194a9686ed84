"""What every awaited repository does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from pipeline_store.aio.lifting import Lifted

if TYPE_CHECKING:
    from collections.abc import Iterable

Entity = TypeVar("Entity")
Key = TypeVar("Key", int, str, UUID)


class AsyncRepository(Lifted[Any], Generic[Entity, Key]):
    """A collection whose calls are awaited; each call means what it means in the port."""

    async def add(self, entity: Entity) -> Entity:
        """See `pipeline_store.repository.Repository.add`."""
        added: Entity = await self.bridge(self.counterpart.add, entity)
        return added

    async def add_many(self, entities: Iterable[Entity]) -> list[Entity]:
        """See `pipeline_store.repository.Repository.add_many`."""
        added: list[Entity] = await self.bridge(self.counterpart.add_many, entities)
        return added

    async def get(self, key: Key) -> Entity:
        """See `pipeline_store.repository.Repository.get`."""
        found: Entity = await self.bridge(self.counterpart.get, key)
        return found

    async def find(self, key: Key) -> Entity | None:
        """See `pipeline_store.repository.Repository.find`."""
        found: Entity | None = await self.bridge(self.counterpart.find, key)
        return found

    async def remove(self, entity: Entity) -> None:
        """See `pipeline_store.repository.Repository.remove`."""
        await self.bridge(self.counterpart.remove, entity)

    async def count(self) -> int:
        """See `pipeline_store.repository.Repository.count`."""
        counted: int = await self.bridge(self.counterpart.count)
        return counted

    async def page(self, after: Key | None = None, limit: int = 100) -> list[Entity]:
        """See `pipeline_store.repository.Repository.page`."""
        found: list[Entity] = await self.bridge(self.counterpart.page, after, limit)
        return found
