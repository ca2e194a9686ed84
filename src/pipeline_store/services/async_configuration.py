"""`Configuration`, awaited."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any, TypeVar, final

from pipeline_store.errors import AlreadyExists, Conflict
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.secrets.discretion import Concealed, discreet
from pipeline_store.services.configuration_cache import ATTEMPTS, MAX_AGE, ConfigurationCache
from pipeline_store.services.configuration_storage import read_layers, set_value, unset_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta

    from pipeline_store.channels import ConfigurationChange
    from pipeline_store.secrets import Keyring
    from pipeline_store.services.async_ports import AwaitedStore
    from pipeline_store.services.configuration_layers import Explanation
    from pipeline_store.services.configuration_reading import Snapshot
    from pipeline_store.services.settings import Settings
    from pipeline_store.unit_of_work import UnitOfWork

T = TypeVar("T")


@final
class AsyncConfiguration:
    """`Configuration` over an asynchronous store: the same names and promises, awaited.

    For the tasks of one event loop, which wait for one reading together.
    """

    @discreet
    def __init__(
        self,
        store: AwaitedStore,
        settings: Settings | None = None,
        *,
        files: Iterable[str | os.PathLike[str]] = (),
        environ: Mapping[str, str] = os.environ,
        keyring: Keyring | None = None,
        max_age: timedelta = MAX_AGE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the files, and leave the database alone; see `Configuration`."""
        self._store = store
        self._cache = ConfigurationCache(
            settings,
            files=files,
            environ=environ,
            keyring=keyring,
            max_age=max_age,
            monotonic=monotonic,
        )
        self._reading = asyncio.Lock()

    async def get(self, key: str, channel: str | None = None) -> Any:
        """See `Configuration.get`."""
        return (await self._snapshot(channel)).value(key, channel)

    async def explain(self, key: str, channel: str | None = None) -> Explanation:
        """See `Configuration.explain`."""
        return (await self._snapshot(channel)).explain(key, channel)

    async def all(self, channel: str | None = None) -> list[Explanation]:
        """See `Configuration.all`."""
        snapshot = await self._snapshot(channel)
        return [snapshot.explain(key, channel) for key in snapshot.known_keys()]

    async def set(
        self,
        key: str,
        value: Any,
        *,
        channel: str | None = None,
        system: bool = False,
        by: str = SYSTEM,
    ) -> ConfigurationChange:
        """See `Configuration.set`."""
        value = Concealed(value)
        return await self._change(
            lambda uow: set_value(
                uow,
                self._cache.settings,
                self._cache.keyring_for(key),
                key,
                value,
                channel=channel,
                system=system,
                by=by,
            )
        )

    async def unset(
        self, key: str, *, channel: str | None = None, system: bool = False, by: str = SYSTEM
    ) -> ConfigurationChange | None:
        """See `Configuration.unset`."""
        return await self._change(
            lambda uow: unset_value(
                uow, self._cache.settings, key, channel=channel, system=system, by=by
            )
        )

    async def history(self, key: str | None = None, limit: int = 50) -> list[ConfigurationChange]:
        """See `Configuration.history`."""
        async with self._store.unit_of_work(read_only=True) as uow:
            return await uow.run(lambda each: each.configuration_changes.recent(key, limit))

    async def _snapshot(self, channel: str | None) -> Snapshot:
        snapshot = self._cache.fresh()
        if snapshot is not None and snapshot.knows(channel):
            return snapshot
        async with self._reading:
            # Another task may have read meanwhile. A channel that is not known may be new.
            newer = self._cache.fresh()
            if newer is not None and newer is not snapshot and newer.knows(channel):
                return newer
            began = self._cache.begin()
            async with self._store.unit_of_work(read_only=True) as uow:
                database = await uow.run(read_layers)
            return self._cache.keep(database, began)

    async def _change(self, change: Callable[[UnitOfWork], T]) -> T:
        attempts_left = ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                return await self._store.run(change)
            except (AlreadyExists, Conflict):
                if not attempts_left:
                    raise
            finally:
                # Also when nobody knows whether the commit happened.
                self._cache.forget()
