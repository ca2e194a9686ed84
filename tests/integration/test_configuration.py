"""Settings over real stores: who wins, how few queries it takes, and what other processes do."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from pipeline_store import open_async_store, open_store
from pipeline_store.channels import Channel
from pipeline_store.production import ConfigOverride
from pipeline_store.services.async_configuration import AsyncConfiguration
from pipeline_store.services.configuration import Configuration
from pipeline_store.services.setting_values import write_text
from pipeline_store.services.settings import Setting, Settings
from tests.conftest import is_on
from tests.integration.racing import at_once
from tests.real_data import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline_store import Store

CHANNELS = ("nature1", "nature2", "music1")
ON_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


@pytest.fixture(params=["memory", "sqlite", ON_POSTGRES])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store."""
    url = "memory://"
    if request.param != "memory":
        url = request.getfixturevalue(f"{request.param}_url")
    store = open_store(url)
    yield store
    store.close()


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    """A database with the schema, on SQLite and on PostgreSQL."""
    return new_url()


# Who wins

MAKERS: dict[type[Any], Callable[[random.Random], Any]] = {
    str: lambda chance: "".join(chance.choices("ab c'\"\\\n[]{}é漢0", k=chance.randrange(8))),
    int: lambda chance: chance.randint(-(2**40), 2**40),
    float: lambda chance: round(chance.uniform(-99, 99), 3),
    bool: lambda chance: chance.random() < 0.5,
    list: lambda chance: [chance.randrange(9) for _ in range(chance.randrange(4))],
    dict: lambda chance: {letter: chance.randrange(9) for letter in chance.sample("abcd", k=2)},
}


COUNT = 200 if is_on("PIPELINE_STORE_SOAK") else 80


class Laid:
    """Random settings, and what was laid into each layer."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - not a secret
        self.settings = [self._setting(number) for number in range(COUNT)]
        self.default = {setting.key: setting.default for setting in self.settings}
        self.environment = self._layer()
        self.channels = {name: self._layer() for name in CHANNELS}
        self.override = self._layer()
        self.system = self._layer()
        self.files = [self._layer(), self._layer()]

    def _setting(self, number: int) -> Setting:
        kind = self.chance.choice(list(MAKERS))
        key = f"group{number % 7}.part{number % 3}.key{number}"
        return Setting(key, kind, MAKERS[kind](self.chance), "Made up.")

    def _layer(self) -> dict[str, Any]:
        said = [setting for setting in self.settings if self.chance.random() < 0.3]
        return {setting.key: MAKERS[setting.kind](self.chance) for setting in said}

    def write(self, store: Store, folder: Path) -> Configuration:
        """Lay all of it, partly as programs that know nothing of this package would."""
        toml, yaml = folder / "earlier.toml", folder / "later.yaml"
        toml.write_text(
            "".join(f"{key} = {in_toml(value)}\n" for key, value in self.files[0].items()), "utf-8"
        )
        yaml.write_text(json.dumps(nested(self.files[1])), "utf-8")
        with store.unit_of_work() as uow:
            uow.channels.add_many(Channel(channel_id=name, name=name) for name in CHANNELS)
            found = uow.channels.by_channel_id("nature2")
            assert found is not None
            found.settings = nested(self.channels["nature2"])
            for key, value in list(self.override.items())[::2]:
                uow.config_overrides.add(ConfigOverride(key=key, value=write_text(value)))
            uow.commit()
        configuration = Configuration(
            store.unit_of_work,
            Settings(self.settings),
            files=[toml, yaml],
            environ={
                "PIPELINE_STORE_SET__" + key.upper().replace(".", "__"): write_text(value)
                for key, value in self.environment.items()
            },
        )
        for key, value in list(self.override.items())[1::2]:
            configuration.set(key, value)
        for key, value in self.system.items():
            configuration.set(key, value, system=True)
        for name in ("nature1", "music1"):
            for key, value in self.channels[name].items():
                configuration.set(key, value, channel=name)
        return configuration

    def reference(self, key: str, channel: str | None) -> list[tuple[str, Any]]:
        """What each layer says, the strongest first."""
        layers = [
            ("environment", self.environment),
            ("channel", self.channels.get(channel or "", {})),
            ("override", self.override),
            ("system", self.system),
            ("file", self.files[1]),
            ("file", self.files[0]),
            ("default", self.default),
        ]
        return [(name, layer[key]) for name, layer in layers if key in layer]


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in flat.items():
        *groups, name = key.split(".")
        inside = found
        for group in groups:
            inside = inside.setdefault(group, {})
        inside[name] = value
    return found


def in_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {in_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def exactly(said: list[tuple[str, Any]]) -> str:
    """Tells 1 from 1.0 and True."""
    return repr([(name, json.dumps(value)) for name, value in said])


def test_explain_agrees_with_the_reference(store: Store, tmp_path: Path) -> None:
    """Many random settings over all layers and three channels: every layer, and the winner."""
    laid = Laid(seed=20260301)
    written_through = laid.write(store, tmp_path)
    reading = Configuration(
        store.unit_of_work,
        Settings(laid.settings),
        files=[tmp_path / "earlier.toml", tmp_path / "later.yaml"],
        environ={
            setting.environment_name: write_text(laid.environment[setting.key])
            for setting in laid.settings
            if setting.key in laid.environment
        },
    )
    winners: set[str] = set()
    for configuration in (written_through, reading):
        for setting in laid.settings:
            for channel in (None, *CHANNELS):
                wanted = laid.reference(setting.key, channel)
                told = configuration.explain(setting.key, channel)
                found = [(each.layer.value, each.value) for each in told.layers if each.is_set]
                assert exactly(found) == exactly(wanted)
                winner = [(told.layer.value, told.value)]
                assert exactly(winner) == exactly(wanted[:1])
                got = configuration.get(setting.key, channel)
                assert exactly([("", got)]) == exactly([("", wanted[0][1])])
                winners.add(told.layer)
    assert len(winners) == 6


# How few queries


class Statements:
    """The statements that reach a database while it counts."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.seen.append(statement)

    @property
    def queries(self) -> list[str]:
        return [statement for statement in self.seen if statement.startswith("SELECT")]


@contextmanager
def counted() -> Iterator[Statements]:
    statements = Statements()
    sa.event.listen(sa.Engine, "before_cursor_execute", statements)
    try:
        yield statements
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", statements)


@contextmanager
def opened(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


def test_a_hot_loop_makes_next_to_no_queries(url: str) -> None:
    """100,000 reads, with and without a channel: 10 statements at the most, whatever they are."""
    with opened(url) as store, counted() as statements:
        add_channels(store)
        configuration = Configuration(store.unit_of_work, environ={})
        configuration.set("retry_attempts", 7, channel="nature2")
        statements.seen.clear()
        reads = 0
        while reads < 100_000:
            for channel, wanted in ((None, 3), ("nature1", 3), ("nature2", 7), ("music1", 3)):
                assert configuration.get("retry_attempts", channel) == wanted
                reads += 1
            assert 0 < len(statements.seen) <= 10


def test_a_reading_asks_each_layer_once(url: str) -> None:
    """However many channels and settings there are."""
    with opened(url) as store:
        with store.unit_of_work() as uow:
            uow.channels.add_many(Channel(channel_id=f"c{n}", name="c") for n in range(50))
            uow.commit()
        configuration = Configuration(store.unit_of_work, environ={}, max_age=timedelta())
        configuration.get("retry_attempts")
        with counted() as statements:
            configuration.all("c7")
        tables = ("channels", "config_overrides", "system_configuration")
        assert len(statements.queries) == len(tables)
        for table, query in zip(tables, statements.queries, strict=True):
            assert f"FROM {table}" in query.replace("\n", "")


def test_reading_waits_for_no_writer(url: str) -> None:
    """While another unit of work holds SQLite's write lock, settings are read all the same."""
    with opened(url) as store, store.unit_of_work() as uow:
        uow.config_overrides.set("retry_attempts", "9")
        began = time.monotonic()
        assert Configuration(store.unit_of_work, environ={}).get("retry_attempts") == 3
        assert time.monotonic() - began < 2


def add_channels(store: Store) -> None:
    with store.unit_of_work() as uow:
        uow.channels.add_many(Channel(channel_id=name, name=name) for name in CHANNELS)
        uow.commit()


# Other processes

OVERRIDE_IT: str = """
import sys, time
from pipeline_store import open_store
from pipeline_store.services.configuration import Configuration

store = open_store(sys.argv[1])
configuration = Configuration(store.unit_of_work)
configuration.get("retry_attempts")
print("ready", flush=True)
sys.stdin.readline()
configuration.set("retry_attempts", 8, by="another process")
print(time.monotonic(), flush=True)
"""


@pytest.mark.parametrize(
    "seconds", [1, pytest.param(5, marks=pytest.mark.soak, id="5, the default")]
)
def test_what_another_process_overrides_is_seen_in_time(url: str, seconds: int) -> None:
    """Within the stated bound in real time, and not before it was asked for again."""
    bound = timedelta(seconds=seconds)
    with opened(url) as store:
        configuration = Configuration(store.unit_of_work, environ={}, max_age=bound)
        other = subprocess.Popen(
            [sys.executable, "-c", OVERRIDE_IT, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        with other, counted() as statements:
            assert other.stdin is not None
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
            assert configuration.get("retry_attempts") == 3
            statements.seen.clear()
            began = time.monotonic()
            other.stdin.write("\n")
            other.stdin.flush()
            reads = 0
            stale_at, asked_at = began, began
            while configuration.get("retry_attempts") == 3:
                reads += 1
                stale_at = asked_at
                assert stale_at - began < 30
                time.sleep(0.0001)
                asked_at = time.monotonic()
            seen_at = time.monotonic()
            committed_at = float(other.stdout.readline())
    # Both clocks are the machine's own. Whoever asked later than this was told.
    assert stale_at - committed_at <= seconds
    assert reads > 100
    # What is read in each turn: three layers, and a statement or two around them.
    turns = 1 + (seen_at - began) / seconds
    assert len(statements.queries) <= 3 * turns


PROCESSES = 4
ROUNDS = 3


def add_one_again_and_again(url: str) -> int:
    """What each of the processes does."""
    with opened(url) as store:
        configuration = Configuration(store.unit_of_work, environ={}, max_age=timedelta())
        for _ in range(ROUNDS):
            for where in ({}, {"system": True}, {"channel": "nature1"}):
                found = configuration.get("retry_attempts", where.get("channel"))
                configuration.set("retry_attempts", found + 1, **where)
    return ROUNDS


def test_the_journal_of_many_processes_is_one_chain(url: str) -> None:
    """Whoever changed a setting wrote down the value that was there last."""
    with opened(url) as store:
        add_channels(store)
    assert at_once(add_one_again_and_again, url, PROCESSES) == [str(ROUNDS)] * PROCESSES
    with opened(url) as store:
        configuration = Configuration(store.unit_of_work, environ={})
        history = configuration.history(limit=1000)[::-1]
        told = configuration.explain("retry_attempts", "nature1")
    assert len(history) == 3 * PROCESSES * ROUNDS
    last = {layer.layer.value: layer.value for layer in told.layers}
    for layer in ("override", "system", "channel"):
        chain = [change for change in history if change.layer == layer]
        assert len(chain) == PROCESSES * ROUNDS
        assert [change.old_value for change in chain] == [None] + [
            change.new_value for change in chain[:-1]
        ]
        assert last[layer] == chain[-1].new_value


# Awaited


def test_the_same_awaited(url: str) -> None:
    """Over the awaited drivers: set, read, explained, journalled; others' changes in time."""

    async def work() -> None:
        store = open_async_store(url)
        await store.run(lambda uow: uow.channels.add(Channel(channel_id="nature1", name="n")))
        configuration = AsyncConfiguration(store, environ={}, max_age=timedelta(milliseconds=200))
        await configuration.set("retry_attempts", 5, channel="nature1", by="anna")
        await configuration.set("min_resolution", 1080, system=True)
        told = await configuration.explain("retry_attempts", "nature1")
        assert (told.layer, told.value) == ("channel", 5)
        await asyncio.sleep(0.21)
        with counted() as statements:
            await asyncio.gather(
                *(configuration.get("retry_attempts", "nature1") for _ in range(100))
            )
        # All tasks waited for one reading.
        assert len(statements.queries) == 3
        await store.run(lambda uow: uow.config_overrides.set("retry_attempts", "9"))
        await asyncio.sleep(0.21)
        assert await configuration.get("retry_attempts") == 9
        assert await configuration.get("retry_attempts", "nature1") == 5
        assert await configuration.get("min_resolution") == 1080
        assert await configuration.unset("retry_attempts") is not None
        assert await configuration.get("retry_attempts") == 3
        assert [change.changed_by for change in await configuration.history()] == [
            "system",
            "system",
            "anna",
        ]
        await store.close()

    asyncio.run(work())
