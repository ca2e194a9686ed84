"""The domain classes stand alone: they load no database library, and outlive their mapping."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.contract.samples import EARLY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.migrated_databases import MigratedDatabases

HEAVY = (
    "sqlalchemy",
    "alembic",
    "pydantic",
    "aiosqlite",
    "asyncpg",
    "psycopg",
    "greenlet",
    "typer",
    "rich",
    "cryptography",
    "yaml",
)


def run(program: str, *arguments: str) -> str:
    """What the program prints in a fresh interpreter."""
    # A measurement of coverage would load greenlet itself.
    unmeasured = {name: value for name, value in os.environ.items() if "COV" not in name}
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        env=unmeasured,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


LIGHT = (
    "import pipeline_store",
    "import pipeline_store.production",
    "import pipeline_store.channels",
    "import pipeline_store.claim",
    "import pipeline_store.secrets",
    "import pipeline_store.services",
    "import pipeline_store.importers",
    "from pipeline_store.services import configuration, credentials, key_rotation",
    "from pipeline_store import open_store; open_store('memory://').unit_of_work()",
)


def test_imports_stay_light() -> None:
    """Importing the front door, the domain, services or importers loads no library behind them."""
    program = f"""
import sys
for statement in {LIGHT!r}:
    exec(statement)
    print(statement, "loads", *sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    assert run(program).splitlines() == [f"{statement} loads" for statement in LIGHT]


def test_sqlalchemy_is_loaded_by_opening() -> None:
    """Opening a store on a database loads SQLAlchemy, or the test above would prove nothing."""
    program = (
        "import sys; from pipeline_store import open_store; "
        "open_store('sqlite:///nowhere.db'); print('sqlalchemy' in sys.modules)"
    )
    assert run(program) == "True"


PROGRAM = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from pipeline_store import open_async_store, open_store
from pipeline_store.channels import Channel, SystemConfiguration
from pipeline_store.production import ConfigOverride, PipelineRun

start = datetime(2026, 2, 28, 1, 2, 3, 456789, tzinfo=UTC)

def new(niche):
    return PipelineRun(niche=niche, cycle_start=start, cycle_end=start + timedelta(hours=6))

class Objects:
    def __init__(self):
        self.untouched, self.changed, self.read = new("untouched"), new("before"), new("read")
        self.changed.niche = "changed before"
        self.changed.start(start)
        self.override = ConfigOverride(key="a", value="1")
        self.channel = Channel(channel_id="c", name="before", settings={"a": [1]})
        self.setting = SystemConfiguration(key="s", value={"b": None})
        self.channel.settings = {**self.channel.settings, "before": True}

    def change(self):
        assert self.read.niche == "read" and self.read.id is None and "read" in repr(self.read)
        self.changed.video_file_path = "changed after"
        self.override.value = "2"
        self.channel.settings = {**self.channel.settings, "after": {}}
        self.setting.value = [self.setting.value]

    def work(self, uow):
        uow.pipeline_runs.add_many([self.untouched, self.changed, self.read])
        uow.config_overrides.add(self.override)
        uow.channels.add(self.channel)
        uow.system_configuration.add(self.setting)
        self.read.niche = "changed when added"
        uow.commit()

    def look(self, uow):
        for run in uow.pipeline_runs.page():
            print(run.id, run.niche, run.status, run.video_file_path, run.cycle_start.isoformat())
        keys = [self.untouched.id, self.changed.id, self.read.id]
        print(uow.config_overrides.value("a"), keys)
        found, setting = uow.channels.get(self.channel.id), uow.system_configuration.get("s")
        print(self.channel.id.version, found.settings, setting.value)

async def use_awaited(store, objects):
    async with store.unit_of_work() as uow:
        await uow.run(objects.work)
    async with store.unit_of_work() as uow:
        await uow.run(objects.look)
    await store.close()

def use(store, objects):
    with store.unit_of_work() as uow:
        objects.work(uow)
    with store.unit_of_work() as uow:
        objects.look(uow)
    store.close()

objects_of = [Objects() for _ in sys.argv[1:]]
is_loaded = False
for number, url in enumerate(sys.argv[1:]):
    objects, is_awaited = objects_of[number], number % 2 == 1
    assert ("sqlalchemy" in sys.modules) == is_loaded
    store = (open_async_store if is_awaited else open_store)(url)
    is_loaded = is_loaded or url != "memory://"
    assert ("sqlalchemy" in sys.modules) == is_loaded
    objects.change()
    if is_awaited:
        asyncio.run(use_awaited(store, objects))
    else:
        use(store, objects)
"""


def told_of_each() -> list[str]:
    """What the program prints of each store."""
    time = EARLY.isoformat()
    return [
        f"1 untouched pending None {time}",
        f"2 changed before running changed after {time}",
        f"3 changed when added pending None {time}",
        "2 [1, 2, 3]",
        "7 {'a': [1], 'before': True, 'after': {}} [{'b': None}]",
    ]


def test_an_object_made_before_the_first_store(migrated_file: Path, tmp_path: Path) -> None:
    """Objects built before any store was opened are read, changed and added like any other.

    The second store of each kind is awaited; theirs were made before the first one too.
    """
    files = [shutil.copy(migrated_file, tmp_path / name) for name in ("a.db", "b.db")]
    urls = ["memory://", "memory://", *(f"sqlite:///{file}" for file in files)]
    assert run(PROGRAM, *urls).splitlines() == told_of_each() * len(urls)


@pytest.mark.postgres
def test_an_object_made_before_the_first_server(migrated_databases: MigratedDatabases) -> None:
    """The same where the first database is on a server."""
    urls = [migrated_databases.take() for _ in range(2)]
    assert run(PROGRAM, *urls).splitlines() == told_of_each() * len(urls)
    for url in urls:
        migrated_databases.give_back(url)


def test_one_object_for_two_kinds_of_store(tmp_path: Path) -> None:
    """An object can be tried on a store in memory, rolled back, and added to a database."""
    program = """
import sys
from pipeline_store import open_store
from pipeline_store.channels import Music
from pipeline_store.production import ErrorLog

error = ErrorLog(module="m", error_type="t", error_message="e")
music = Music(name="m", metadata={"a": 1})
with open_store("memory://").unit_of_work() as uow:
    uow.errors.add(error)
    uow.music.add(music)
    assert error.id == 1 and music.id.version == 7
assert error.id is music.id is None
store = open_store("sqlite:///" + sys.argv[1])
store.upgrade()
with store.unit_of_work() as uow:
    uow.errors.add(error)
    uow.music.add(music)
    uow.commit()
with store.unit_of_work(read_only=True) as uow:
    print([each.error_message for each in uow.errors.recent()], uow.music.get(music.id).metadata)
store.close()
"""
    assert run(program, str(tmp_path / "errors.db")) == "['e'] {'a': 1}"
