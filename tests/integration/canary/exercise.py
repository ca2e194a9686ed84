"""Using every secret of a store in every way, and keeping all that is told of it."""

from __future__ import annotations

import asyncio
import cProfile
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from pipeline_store import AsyncStore, open_async_store, open_store
from pipeline_store.aio import call_directly
from pipeline_store.errors import PipelineStoreError
from pipeline_store.secrets import Keyring, Secret
from pipeline_store.services.async_configuration import AsyncConfiguration
from pipeline_store.services.channels_overview import channels_status
from pipeline_store.services.configuration_storage import read_layers
from pipeline_store.services.credentials import credential, health, remove_credential
from pipeline_store.services.key_rotation import rotate, survey, verify
from pipeline_store.services.publish_guard import session_of
from pipeline_store.services.sealed_values import all_sealed
from tests.integration.canary import commands, provoking, provoking_databases, provoking_stores
from tests.integration.canary.backups import back_up
from tests.integration.canary.listening import listening
from tests.integration.canary.planting import (
    BEFORE,
    CHANNELS,
    CREDENTIALS,
    IN_DATABASE,
    KEYRING,
    SECRET_SETTINGS,
    SETTINGS,
    Planted,
)
from tests.integration.canary.scanner import Evidence, canary
from tests.integration.canary.telling import told_of, told_of_error
from tests.whole_store import COLLECTIONS, all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import CodeType

    import pytest

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.secrets import Place
    from tests.integration.canary.commands import Line
    from tests.integration.canary.provoking import Provocation

NATURE = CHANNELS[0]
IN_THE_OPEN = "in the open"


class Exercise:
    """What was done with one store, and what was seen of it."""

    def __init__(self, url: str, folder: Path, *, profiled: bool = False) -> None:
        """`url` is empty for a store in memory."""
        self.profiled = profiled
        self.evidence = Evidence()
        self.entered: set[CodeType] = set()
        self.commands_run: set[tuple[str, ...]] = set()
        self.commands_given_a_secret: set[tuple[str, ...]] = set()
        self.surprises: list[str] = []
        with self.watched():
            store = opened(url)
            store.upgrade()
            self.planted = Planted(store, url, folder)
            self.planted.plant()
            with store.unit_of_work(read_only=True) as uow:
                self.places = {place: secret.reveal() for place, secret in sealed(uow).items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.planted.store.close()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Keeps what is logged, warned of and sent, and which functions are entered."""
        profile = cProfile.Profile(builtins=False)
        with listening(self.evidence), profile if self.profiled else nullcontext():
            yield
        self.entered |= {entry.code for entry in profile.getstats()}

    def tell(self, where: str, *things: object) -> None:
        for thing in things:
            self.evidence.add(where, *told_of(thing))

    def use_secrets(self) -> None:
        """Opens everything that is sealed, and asks how the credentials are doing."""
        with self.watched(), self.planted.store.unit_of_work(read_only=True) as uow:
            self.tell("secret", *self.revealed(uow))
            self.tell("service", *health(uow))

    def use_services(self) -> None:
        """Reads everything, and changes over to a new key."""
        store = self.planted.store
        with self.watched(), store.unit_of_work() as uow:
            for name in COLLECTIONS:
                self.tell(f"entity of {name}", *all_of(getattr(uow, name)))
            self.tell("service", *channels_status(uow), survey(uow), read_layers(uow))
            self.tell("service", verify(uow, KEYRING), verify(uow, BEFORE), KEYRING, Keyring())
            claim = uow.jobs.claim_next("worker", timedelta(minutes=1))
            self.tell("claim", claim)
            remove_credential(uow, self.planted.channel(uow), CREDENTIALS[0])
        with self.watched():
            configuration = self.planted.configuration
            for channel in (None, NATURE):
                self.tell("setting", *configuration.all(channel))
            self.tell("journal", *configuration.history(limit=1_000), configuration)
            for keyring in (Keyring(), BEFORE):
                other = self.planted.another(keyring=keyring)
                self.tell("setting", *(other.explain(each.key, NATURE) for each in IN_DATABASE))
            values = (self.planted.configuration.get(each.key, NATURE) for each in SECRET_SETTINGS)
            self.tell("secret", *values)
            self.tell("service", rotate(store.unit_of_work, KEYRING))
            self.evidence.add("service", repr(store), repr(vars(store)))

    def revealed(self, uow: UnitOfWork) -> list[Secret]:
        """All secrets of the database, read one by one."""
        channel = self.planted.channel(uow)
        names = channel.credentials or {}
        return [
            *sealed(uow).values(),
            *(credential(uow, KEYRING, channel, name) for name in names),
            *filter(None, (session_of(KEYRING, each) for each in uow.uploads.page())),
        ]

    def use_awaited(self) -> None:
        """The same from a program that awaits."""

        async def use() -> None:
            if self.planted.url:
                store = open_async_store(self.planted.url, hide_parameters=False, echo="debug")
            else:
                store = AsyncStore(self.planted.store, call_directly)
            configuration = AsyncConfiguration(store, SETTINGS, environ=self.planted.environ)
            self.tell("setting", *await configuration.all(NATURE))
            for value in (canary("awaited"), Secret(canary("awaited")), canary("awaited") + "\0"):
                for where in ({"system": True}, {"channel": NATURE}, {}, {"channel": "nobody"}):
                    try:
                        changed = await configuration.set("api.token", value, **where)
                    except PipelineStoreError as error:
                        self.evidence.add("error awaited", *told_of_error(error))
                    else:
                        self.tell("journal", changed)
            self.tell("secret", await configuration.get("api.token", NATURE))
            self.tell("service", *await store.run(health), configuration)
            self.evidence.add("service", repr(store), repr(vars(store)))
            if self.planted.url:
                await store.close()

        with self.watched():
            asyncio.run(use())

    def provoke(self, *chosen: str) -> None:
        """Makes everything fail that can, or what is chosen, and keeps what is told of it."""
        provoked: dict[str, Provocation] = {}
        for of_some in (
            provoking.of_values,
            provoking.of_keys,
            provoking.of_sealing,
            provoking.of_declarations,
            provoking_stores.of_credentials,
            provoking_stores.of_settings,
            provoking_stores.of_rows,
        ):
            provoked |= of_some()
        if self.planted.url:
            provoked |= provoking_databases.of_databases(self.planted)
        with self.watched():
            for name in chosen or provoked:
                self._provoke(name, *provoked[name])
        # What stands in the clear in a row stands in the clear in its object.
        for name, (kinds, work) in provoking_stores.of_what_was_never_sealed().items():
            self._provoke(name, kinds, work, variables=False)

    def _provoke(
        self, name: str, kinds: Any, work: Callable[[Planted], object], *, variables: bool = True
    ) -> None:
        try:
            work(self.planted)
        except Exception as error:  # noqa: BLE001 - compared below
            self.evidence.add(f"error {name}", *told_of_error(error, variables=variables))
            if not isinstance(error, kinds):
                self.surprises.append(f"{name}: {error!r}")
        else:
            self.surprises.append(f"{name}: no error")

    def run(self, lines: Iterable[Line], patch: pytest.MonkeyPatch) -> None:
        """Runs commands in this process."""
        with self.watched():
            for line in lines:
                code, printed = commands.run(line, self.planted, patch)
                verb = commands.verb_of(line.arguments)
                self.evidence.add(f"command {' '.join(verb)}", printed)
                self.commands_run.add(verb)
                if line.gives_a_secret:
                    self.commands_given_a_secret.add(verb)
                if code != line.code:
                    self.surprises.append(f"{line.arguments}: {code}, {printed[:300]}")

    def back_up(self) -> None:
        """Keeps what a backup of the database would."""
        back_up(self.planted.url, self.evidence)

    def show_openly(self, patch: pytest.MonkeyPatch) -> Evidence:
        """What is seen of a canary that is no secret: as much as of a secret without protection."""
        kept, self.evidence = self.evidence, Evidence()
        configuration = self.planted.configuration
        with self.watched():
            for where in ({"system": True}, {"channel": NATURE}, {}):
                configuration.set("title", canary(IN_THE_OPEN), **where)
            self.tell("setting", configuration.explain("title", NATURE))
            self.tell("journal", *configuration.history())
            with self.planted.store.unit_of_work() as uow:
                self.tell("entity", self.planted.channel(uow))
        self._provoke(IN_THE_OPEN, PipelineStoreError, lambda _: _refuse(canary(IN_THE_OPEN)))
        if self.planted.url:
            self.back_up()
            self.run([commands.line("config get title")], patch)
        for where in ({"system": True}, {"channel": NATURE}, {}):
            configuration.unset("title", **where)
        shown, self.evidence = self.evidence, kept
        return shown

    def leave_in_the_clear(self, patch: pytest.MonkeyPatch) -> Evidence:
        """What is told of secrets that another program has stored without sealing them."""
        told = Evidence()
        configuration = self.planted.configuration
        text = canary("left in the clear")
        with self.planted.store.unit_of_work() as uow:
            uow.config_overrides.set("api.token", text)
            uow.system_configuration.set("api.token", text)
            self.planted.channel(uow).settings = {"api.token": text, "api": {"token": text}}
            self.planted.channel(uow).credentials = {"youtube": {"sealed": text}}
            uow.commit()
        if self.planted.url:
            for one in commands.about_what_was_left():
                told.add(f"command {one.arguments}", commands.run(one, self.planted, patch)[1])
        else:
            for where in ({"channel": NATURE}, {}, {"system": True}):
                told.add("setting", *map(repr, configuration.all(NATURE)))
                told.add("journal", repr(configuration.unset("api.token", **where)))
        return told


def opened(url: str) -> Store:
    """A store that logs all that it can."""
    return open_store(url, hide_parameters=False, echo="debug") if url else open_store("memory://")


def sealed(uow: UnitOfWork) -> dict[Place, Secret]:
    """Everything that is sealed, and where."""
    return {place: KEYRING.open(sealed, place) for place, sealed in all_sealed(uow)}


def _refuse(told: str) -> None:
    raise PipelineStoreError(told)
