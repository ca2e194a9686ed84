"""The command, run in this process, on databases of a test's own."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from pipeline_store.cli import main
from pipeline_store.production import Clip, DiscoveredVideo, ErrorLog, Short
from pipeline_store.secrets import KEY_FILE_VARIABLE, KEYS_VARIABLE, new_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline_store import UnitOfWork
    from pipeline_store.secrets import Secret

DATABASES = [
    pytest.param("sqlite"),
    pytest.param("postgres", marks=pytest.mark.postgres),
]
CYCLE_START = datetime(2026, 2, 1, tzinfo=UTC)
CYCLE_END = CYCLE_START + timedelta(hours=6)


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Command:
    """The command on one database."""

    url: str
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Outcome:
        return self.on(self.url, *arguments)

    def on(self, url: str, *arguments: str) -> Outcome:
        """Run it on another database."""
        return self.without_database("--database", url, *arguments)

    def without_database(self, *arguments: str) -> Outcome:
        """Run it with these arguments alone."""
        code = main(arguments)
        captured = self.capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    def videos(self) -> dict[str, DiscoveredVideo]:
        """What was discovered, by YouTube's id."""
        store = open_store(self.url)
        with store.unit_of_work(read_only=True) as uow:
            videos = {video.video_id: video for video in uow.discovered_videos.page(limit=10_000)}
        store.close()
        return videos


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database that the command works on."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def new_command(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command on a database without tables; on an SQLite file that is not there."""
    if kind == "postgres":
        return Command(request.getfixturevalue("empty_postgres_url"), capsys)
    return Command(f"sqlite:///{tmp_path}/pipeline.db", capsys)


@pytest.fixture
def command(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command on a database at the newest revision, without rows."""
    if kind == "postgres":
        return Command(request.getfixturevalue("postgres_url"), capsys)
    file = tmp_path / "pipeline.db"
    shutil.copy(request.getfixturevalue("migrated_file"), file)
    return Command(f"sqlite:///{file}", capsys)


@pytest.fixture
def seeded(command: Command) -> Command:
    """Two running runs: 1 with clips 1 to 3 and short 1, 2 without anything; and one error."""
    store = open_store(command.url)
    with store.unit_of_work() as uow:
        for niche in ("gaming", "music"):
            uow.pipeline_runs.for_cycle(niche, CYCLE_START, CYCLE_END).start(CYCLE_START)
        video = uow.discovered_videos.add(
            DiscoveredVideo(
                video_id="dQw4w9WgXcQ",
                title="",
                channel_name="",
                channel_id="",
                url="",
                niche="gaming",
            )
        )
        for rank in (1, 2, 3):
            uow.clips.add(
                Clip(
                    pipeline_run_id=1,
                    discovered_video_id=video.id,
                    rank_position=rank,
                    start_time_seconds=0,
                    end_time_seconds=9,
                )
            )
        uow.shorts.add(Short(pipeline_run_id=1))
        uow.errors.add(ErrorLog(module="render", error_type="ValueError", error_message="boom"))
        uow.commit()
    store.close()
    return command


@pytest.fixture
def uow(command: Command) -> Iterator[UnitOfWork]:
    """The same database, seen by another program."""
    store = open_store(command.url)
    with store.unit_of_work() as unit_of_work:
        yield unit_of_work
    store.close()


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is given: whoever runs the tests may have some."""
    monkeypatch.delenv(KEYS_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)


@pytest.fixture
def key(no_keys: None, monkeypatch: pytest.MonkeyPatch) -> Secret:  # noqa: ARG001 - it comes first
    """The one key that the command is given."""
    key = new_key()
    monkeypatch.setenv(KEYS_VARIABLE, key.reveal())
    return key
