"""Every setting from wherever it is set: which value holds, why, and who changed it."""

from __future__ import annotations

import os
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, final

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
    from pipeline_store.services.configuration_layers import Explanation
    from pipeline_store.services.configuration_reading import Snapshot
    from pipeline_store.services.settings import Settings
    from pipeline_store.unit_of_work import UnitOfWork

T = TypeVar("T")


class NewUnitOfWork(Protocol):
    """What `store.unit_of_work` is."""

    def __call__(self, *, read_only: bool = False) -> UnitOfWork:
        """Return a new unit of work."""
        ...


@final
class Configuration:
    """The settings of a program and of its channels, read from all layers.

    Strongest first: the environment (`PIPELINE_STORE_SET__A__B` sets `a.b`), a channel's own
    setting, `config_overrides`, `system_configuration`, files of TOML or YAML (a later one beats an
    earlier one), the default that the setting was declared with.

    What the database and the environment say is read at most once in `max_age`, five seconds unless
    told otherwise: each layer of the database with one query, however often settings are read. No
    value is older than that, wherever it was changed; what this object changes itself, it sees at
    once. When the database cannot be asked, reading raises its error rather than give an older
    value. Files are read once, when the object is made: half of a file that is being written could
    pass for a whole one.

    Safe to use from several threads, which wait for one reading together. It opens units of work of
    its own; inside another one that writes, change settings with
    `configuration_storage.set_value(uow, ...)`.
    """

    @discreet
    def __init__(
        self,
        new_unit_of_work: NewUnitOfWork,
        settings: Settings | None = None,
        *,
        files: Iterable[str | os.PathLike[str]] = (),
        environ: Mapping[str, str] = os.environ,
        keyring: Keyring | None = None,
        max_age: timedelta = MAX_AGE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the files, and leave the database alone until the first setting is read.

        Args:
            new_unit_of_work: `store.unit_of_work`.
            settings: what is declared; without it, what comes with the package.
            files: paths of TOML or YAML files, the strongest last.
            environ: the environment variables.
            keyring: what opens and seals secret settings; without it, the keys in `environ`.
            max_age: how old a value may be that is read without a query.
            monotonic: a clock of seconds that never goes back, for tests.

        Raises:
            InputFileRefused: a file cannot be read.
            InvalidValue: a file or the environment names a setting that is not declared.
        """
        self._new_unit_of_work = new_unit_of_work
        self._cache = ConfigurationCache(
            settings,
            files=files,
            environ=environ,
            keyring=keyring,
            max_age=max_age,
            monotonic=monotonic,
        )
        self._reading = Lock()

    def get(self, key: str, channel: str | None = None) -> Any:
        """Return the setting's value: of its declared type, a `Secret` for a secret one.

        Lists and dicts are immutable. A key that nobody declared, and that `config_overrides`
        holds, gives its text.

        Args:
            key: the key, such as "retry_attempts".
            channel: the channel's `channel_id`; without it, no channel's own settings count.

        Raises:
            InvalidValue: nobody declared the key, or the value that wins is of the wrong type; the
                message names the nearest key, or the layer and the cure.
            SecretUnreadable: the secret that wins cannot be opened.
            NotFound: there is no such channel.
        """
        return self._snapshot(channel).value(key, channel)

    def explain(self, key: str, channel: str | None = None) -> Explanation:
        """Return what every layer says about the setting, and which one wins.

        A value of the wrong type is no error here but the layer's `problem`.

        Raises:
            InvalidValue: nobody declared the key.
            NotFound: there is no such channel.
        """
        return self._snapshot(channel).explain(key, channel)

    def all(self, channel: str | None = None) -> list[Explanation]:
        """Return every setting by key, and what else `config_overrides` holds; see `explain`."""
        snapshot = self._snapshot(channel)
        return [snapshot.explain(key, channel) for key in snapshot.known_keys()]

    def set(
        self,
        key: str,
        value: Any,
        *,
        channel: str | None = None,
        system: bool = False,
        by: str = SYSTEM,
    ) -> ConfigurationChange:
        """Set a channel's own setting, a value for the system, or else an override.

        The last of two writers wins. The change is journalled in the same unit of work; a secret
        value is sealed, and the journal holds `{"secret": true}` in its place.

        Raises:
            InvalidValue: nobody declared the key, the value is not of its kind, or a secret was to
                be an override; nothing was changed.
            NotFound: there is no such channel.
            SecretUnreadable: there is no key to seal a secret with.
        """
        value = Concealed(value)
        return self._change(
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

    def unset(
        self, key: str, *, channel: str | None = None, system: bool = False, by: str = SYSTEM
    ) -> ConfigurationChange | None:
        """Remove what `set` with the same arguments has set; None when there was nothing.

        What is there under a key that nobody declared can be removed too.

        Raises:
            InvalidValue: the key is neither declared nor there.
            NotFound: there is no such channel.
        """
        return self._change(
            lambda uow: unset_value(
                uow, self._cache.settings, key, channel=channel, system=system, by=by
            )
        )

    def history(self, key: str | None = None, limit: int = 50) -> list[ConfigurationChange]:
        """Return the newest changes, of one key if named, newest first; `limit` is 1 to 10,000."""
        with self._new_unit_of_work(read_only=True) as uow:
            return uow.configuration_changes.recent(key, limit)

    def _snapshot(self, channel: str | None) -> Snapshot:
        snapshot = self._cache.fresh()
        if snapshot is not None and snapshot.knows(channel):
            return snapshot
        with self._reading:
            # Another thread may have read meanwhile. A channel that is not known may be new.
            newer = self._cache.fresh()
            if newer is not None and newer is not snapshot and newer.knows(channel):
                return newer
            began = self._cache.begin()
            with self._new_unit_of_work(read_only=True) as uow:
                database = read_layers(uow)
            return self._cache.keep(database, began)

    def _change(self, change: Callable[[UnitOfWork], T]) -> T:
        attempts_left = ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                with self._new_unit_of_work() as uow:
                    changed = change(uow)
                    uow.commit()
                    return changed
            except (AlreadyExists, Conflict):
                if not attempts_left:
                    raise
            finally:
                # Also when nobody knows whether the commit happened.
                self._cache.forget()
