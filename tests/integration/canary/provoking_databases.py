"""Errors of a database itself while a secret is in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.orm.attributes import flag_modified

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import PipelineStoreError, SchemaOutOfDate, StoreBusy, StoreUnavailable
from pipeline_store.secrets import Secret
from pipeline_store.services.configuration import Configuration
from pipeline_store.services.credentials import set_credential
from pipeline_store.services.key_rotation import rotate
from tests.integration.canary.planting import CHANNELS, KEYRING, SETTINGS
from tests.integration.canary.provoking import SECRET, TEXT
from tests.integration.canary.scanner import HEAD, TAIL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store
    from tests.integration.canary.planting import Planted
    from tests.integration.canary.provoking import Provocation

PASSWORD = f"{HEAD}-{TAIL}"
NOBODY_THERE = f"postgresql://u:{PASSWORD}@127.0.0.1:1/d?connect_timeout=2"


def uses_of(store: Store, environ: dict[str, str]) -> dict[str, Callable[[], object]]:
    """What a program does with secrets."""
    configuration = Configuration(store.unit_of_work, SETTINGS, environ=environ)

    def set_one() -> None:
        with store.unit_of_work() as uow:
            channel = uow.channels.by_channel_id(CHANNELS[0])
            set_credential(uow, KEYRING, channel or Channel(channel_id="a", name="a"), "a", SECRET)
            uow.commit()

    return {
        "set": lambda: configuration.set("api.token", TEXT, system=True),
        "set a secret": lambda: configuration.set("webhook", SECRET, channel=CHANNELS[0]),
        "get": lambda: configuration.get("api.token", CHANNELS[0]),
        "history": configuration.history,
        "a credential": set_one,
        "rotate": lambda: rotate(store.unit_of_work, KEYRING),
    }


def of_databases(planted: Planted) -> dict[str, Provocation]:
    """A database that is not there, has no tables, is locked, or goes away."""
    missing = planted.folder / "missing.db"
    empty = planted.folder / "empty.db"
    empty.touch()
    found: dict[str, Provocation] = {}
    for name, url, error in (
        ("nobody there", NOBODY_THERE, StoreUnavailable),
        ("no file", f"sqlite:///{missing}", StoreUnavailable),
        ("no folder", f"sqlite:///{missing}/there/a.db", StoreUnavailable),
        ("no tables", f"sqlite:///{empty}", SchemaOutOfDate),
    ):
        store: Any = open_store(url, hide_parameters=False)
        for use, provoke in uses_of(store, planted.environ).items():
            found[f"{name}: {use}"] = (error, lambda _, provoke=provoke: provoke())
    found["a row that the database refuses"] = (PipelineStoreError, _write_rubbish)
    if planted.url.startswith("sqlite"):
        found["locked"] = (StoreBusy, _write_while_locked)
    else:
        found["gone while a secret is written"] = (StoreUnavailable, _lose_connection)
    return found


def _write_rubbish(planted: Planted) -> None:
    """Past the checks of the domain class, as a bug of ours would."""
    with planted.store.unit_of_work() as uow:
        channel = planted.channel(uow)
        set_credential(uow, KEYRING, channel, "rubbish", SECRET)
        # What stands in the row is told neither.
        channel.__dict__["max_concurrent"] = 10**30
        flag_modified(channel, "max_concurrent")
        uow.commit()


def _write_while_locked(planted: Planted) -> None:
    file = planted.url.removeprefix("sqlite:///")
    store = open_store(planted.url, hide_parameters=False, connect_args={"timeout": 0.05})
    with closing(sqlite3.connect(file, isolation_level=None)) as other, closing(store):
        other.execute("BEGIN IMMEDIATE")
        uses_of(store, planted.environ)["set a secret"]()


def _lose_connection(planted: Planted) -> None:
    with planted.store.unit_of_work() as uow:
        set_credential(uow, KEYRING, planted.channel(uow), "lost", Secret(TEXT))
        with _administrator(planted.url) as administrator:
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        uow.channels.count()


@contextmanager
def _administrator(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
