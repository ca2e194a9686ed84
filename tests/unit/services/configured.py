"""Settings of a made-up program, and a configuration whose layers a test fills one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline_store.channels import Channel
from pipeline_store.services.configuration import Configuration
from pipeline_store.services.settings import Setting, Settings

if TYPE_CHECKING:
    from pipeline_store import Store, UnitOfWork

LIMIT = Setting("upload.limit", int, 6, "Uploads a day.", unit="videos a day")
SPEED = Setting("speed", float, 1.0, "Of the voice.")
QUIET = Setting("quiet", bool, False, "Says nothing.")  # noqa: FBT003 - the default
TITLE = Setting("title", str, "untitled", "Of every video.")
TAGS = Setting("tags", list, [], "Of every video.")
NICHES = Setting("niches", dict, {}, "Weights.")
TOKEN = Setting("api.token", str, None, "Opens the door.", secret=True)

NEW_VALUES: dict[Setting, Any] = {
    LIMIT: 9,
    SPEED: 1.25,
    QUIET: True,
    TITLE: "Größe 漢字",
    TAGS: ["a", {"b": [None, 1.5]}],
    NICHES: {"gaming": {"weight": 2}},
}
"""A value for each that is not its default."""


class SteadyClock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Units:
    """What a configuration opens units of work with; counts them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.opened = 0

    def __call__(self, *, read_only: bool = False) -> UnitOfWork:
        self.opened += 1
        return self.store.unit_of_work(read_only=read_only)


class Configured:
    """A store in memory, and configurations over it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.units = Units(store)
        self.clock = SteadyClock()
        self.environ: dict[str, str] = {}
        self.settings = Settings([LIMIT, SPEED, QUIET, TITLE, TAGS, NICHES, TOKEN])
        self.configuration = self.another()
        for name in ("nature1", "nature2"):
            self.add_channel(name)

    def another(self, **more: Any) -> Configuration:
        """Another configuration, as another process has it."""
        given = {"settings": self.settings, "environ": self.environ, "monotonic": self.clock}
        return Configuration(self.units, **given | more)

    def add_channel(self, name: str, **settings: Any) -> None:
        with self.store.unit_of_work() as uow:
            uow.channels.add(Channel(channel_id=name, name=name, settings=settings))
            uow.commit()

    def channel(self, name: str = "nature1") -> Channel:
        """The channel as it is stored."""
        with self.store.unit_of_work(read_only=True) as uow:
            found = uow.channels.by_channel_id(name)
            assert found is not None
            return found

    def store_in_channel(self, settings: dict[str, Any], name: str = "nature1") -> None:
        """Store a channel's settings as another program would."""
        with self.store.unit_of_work() as uow:
            found = uow.channels.by_channel_id(name)
            assert found is not None
            found.settings = settings
            uow.commit()
        self.let_pass()

    def store_override(self, key: str, text: str) -> None:
        """Store a text as another program would."""
        with self.store.unit_of_work() as uow:
            uow.config_overrides.set(key, text)
            uow.commit()
        self.let_pass()

    def store_in_system(self, key: str, value: Any, *, encrypted: bool = False) -> None:
        """Store a value as another program would."""
        with self.store.unit_of_work() as uow:
            uow.system_configuration.set(key, value, encrypted=encrypted)
            uow.commit()
        self.let_pass()

    def let_pass(self, length: timedelta = timedelta(minutes=1)) -> None:
        """Let the configuration's clock go on."""
        self.clock.seconds += length.total_seconds()
