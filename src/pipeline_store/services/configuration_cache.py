"""What was read of all layers, kept for a stated time."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pipeline_store.errors import InvalidValue
from pipeline_store.secrets import Keyring
from pipeline_store.secrets.discretion import Concealed
from pipeline_store.services.configuration_files import read_files
from pipeline_store.services.configuration_reading import Snapshot
from pipeline_store.services.settings import Settings, settings_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipeline_store.services.configuration_layers import DatabaseLayers

MAX_AGE: Final = timedelta(seconds=5)
"""How old a value may be that is read without a query."""

ATTEMPTS: Final = 20
"""How often a change is tried when others change the same setting at the same moment."""


@frozen
class Beginning:
    """When a reading of the database began."""

    #: Seconds of a clock that never goes back.
    instant: float
    #: Which changes had been made through the same object.
    changes: object


class ConfigurationCache:
    """The last reading of all layers, and what it takes to make the next one."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        files: Iterable[str | os.PathLike[str]] = (),
        environ: Mapping[str, str] = os.environ,
        keyring: Keyring | None = None,
        max_age: timedelta = MAX_AGE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the files and look through the environment; see `Configuration`."""
        self.settings: Final = Settings() if settings is None else settings
        self._files = read_files(files, self.settings)
        self._environ = Concealed(environ)
        self._keyring = keyring
        self._max_age = _seconds(max_age)
        self._monotonic = monotonic
        self._changes = object()
        self._last: tuple[Beginning, Snapshot] | None = None
        settings_in(environ, self.settings)

    @property
    def keyring(self) -> Keyring:
        """The keyring that was given, else the keys of the environment."""
        if self._keyring is None:
            self._keyring = Keyring.from_environment(self._environ.value)
        return self._keyring

    def keyring_for(self, key: str) -> Keyring | None:
        """Return the keyring where a setting needs one: nothing else fails for want of a key."""
        setting = self.settings.find(key)
        return self.keyring if setting is not None and setting.secret else None

    def fresh(self) -> Snapshot | None:
        """Return the last reading, unless it is too old, or a change was made after it began."""
        if self._last is None:
            return None
        began, snapshot = self._last
        is_fresh = self._monotonic() - began.instant < self._max_age
        return snapshot if is_fresh and began.changes is self._changes else None

    def begin(self) -> Beginning:
        """Return what a reading that begins now is kept with."""
        return Beginning(self._monotonic(), self._changes)

    def keep(self, database: DatabaseLayers, began: Beginning) -> Snapshot:
        """Keep what was just read of the database, and the environment with it."""
        snapshot = Snapshot(
            settings=self.settings,
            environment=settings_in(self._environ.value, self.settings),
            files=self._files,
            database=database,
            keyring=lambda: self.keyring,
        )
        self._last = began, snapshot
        return snapshot

    def forget(self) -> None:
        """Have the next read ask the database, and drop a reading that has begun already."""
        self._changes = object()


def _seconds(max_age: Any) -> float:
    if not isinstance(max_age, timedelta) or max_age < timedelta():
        raise InvalidValue("max_age: a timedelta of 0 or more expected")
    return max_age.total_seconds()
