"""How channels are doing: their rows in `status`, and what `channel import` brings."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import ChannelStatistics, ProcessingJob, Video
from pipeline_store.secrets import KEYS_VARIABLE, key_id_of_key, new_key
from tests.integration.cli.conftest import DATABASES
from tests.integration.cli.outcomes import refused, typed
from tests.real_data import real_data

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import UnitOfWork
    from pipeline_store.secrets import Secret
    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)
pytestmark = pytest.mark.usefixtures("no_keys")

CANARY = "canary-of-a-channel"
YOUTUBE_ID = "UCkRfArvrzheW2E7b6SVT7vQ"


@pytest.fixture
def busy(command: Command, uow: UnitOfWork) -> Command:
    """Two channels: one with videos, jobs and readings, the other paused and with a long name."""
    command("channel", "add", "nature1")
    command("channel", "add", "a-" + "very-" * 20 + "long-name")
    command("channel", "pause", "a-" + "very-" * 20 + "long-name")
    channel = uow.channels.by_channel_id("nature1")
    assert channel is not None
    channel.last_publication_at = datetime(2026, 2, 3, 4, 5, tzinfo=UTC)
    for number, status in enumerate(["published", "published", "pending", "failed"]):
        uow.videos.add(
            Video(
                channel_id=channel.id,
                source_url=str(number),
                source_title="",
                source_platform="x",
                publication_status=status,
            )
        )
    for status in ("queued", "queued", "retrying", "processing", "failed", "completed"):
        uow.jobs.add(ProcessingJob(channel_id=channel.id, job_type="scrape", status=status))
    uow.channel_statistics.add(
        ChannelStatistics(channel_id=channel.id, subscriber_count=2**33, view_count=2**62)
    )
    uow.commit()
    return command


@both
def test_the_status_tells_how_channels_are_doing(busy: Command) -> None:
    """In JSON all of it, exactly."""
    long, nature = busy("status", "--json").json["channels"]
    assert (nature["channel_id"], nature["state"]) == ("nature1", "active")
    assert nature["videos_by_status"] == {"pending": 1, "published": 2, "failed": 1}
    assert (nature["jobs_waiting"], nature["jobs_processing"], nature["jobs_failed"]) == (3, 1, 1)
    assert nature["jobs_by_status"]["completed"] == 1
    assert nature["latest_statistics"]["subscriber_count"] == 2**33
    assert nature["last_publication_at"] == "2026-02-03T04:05:00+00:00"
    assert (long["state"], long["is_paused"], long["latest_statistics"]) == ("paused", True, None)


@pytest.mark.parametrize(("columns", "published"), [(80, "2026-02-03"), (120, "2026-02-03 04:05")])
def test_the_status_fits_the_terminal(
    busy: Command, monkeypatch: pytest.MonkeyPatch, columns: int, published: str
) -> None:
    """Names are cut, numbers and times are not."""
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = busy("status").out
    lines = shown.splitlines()
    assert max(map(len, lines)) <= columns
    [nature] = [line for line in lines if line.startswith("nature1")]
    assert re.search(rf"active +1 pending.* 3 +1 +1 +8,589,934,592 +{published}", nature)
    words = " ".join(shown.split())
    assert all(part in words for part in ("1 pending", "2 published", "1 failed"))
    assert "paused" in shown


def test_niches_and_channels_stand_apart(seeded: Command) -> None:
    """A blank line between them; where there are only channels, niches are not missed."""
    seeded("channel", "add", "nature1")
    shown = seeded("status").out
    assert shown.index("gaming") < shown.index("\n\n") < shown.index("nature1")


def test_a_store_with_channels_alone_misses_no_niches(command: Command) -> None:
    command("channel", "add", "nature1")
    assert "niche" not in command("status").out


@both
def test_a_pause_of_jobs_is_not_overlooked(command: Command) -> None:
    """It is told until it ends, whichever jobs it holds back."""
    command("channel", "add", "nature1")
    assert "paused" not in command("status").out
    command("job", "pause")
    assert command("status").out.splitlines()[-1] == "paused: all jobs"
    command("job", "pause", "publish")
    assert command("status", "--json").json["paused_jobs"] == ["*", "publish"]
    command("job", "resume")
    assert command("status").out.splitlines()[-1] == "paused: publish jobs"
    command("job", "resume", "publish")
    assert "paused" not in command("status").out


@both
def test_keys_that_are_not_given_are_warned_of(
    command: Command, key: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line that names the key and no secret; how things stand is told all the same."""
    command("channel", "add", "nature1")
    for name in ("youtube", "notion"):
        typed(monkeypatch, CANARY)
        command("channel", "credential", "set", "nature1", name)
    given = command("status", "--json")
    assert (given.json["missing_keys"], given.err) == ({}, "")
    key_id = key_id_of_key(key)
    for keys in ("", new_key().reveal()):
        monkeypatch.setenv(KEYS_VARIABLE, keys)
        missing = command("status")
        assert missing.code == 0
        assert "nature1" in missing.out
        assert missing.err == (
            f"note: 2 secrets were sealed with key {key_id}, not given here: "
            "see `pipeline-store keys verify`\n"
        )
        assert command("status", "--json").json["missing_keys"] == {key_id: 2}
    monkeypatch.setenv(KEYS_VARIABLE, "no-key")
    unusable = command("status")
    assert unusable.code == 0
    [line] = unusable.err.splitlines()
    assert line.startswith("note: secrets cannot be opened: PIPELINE_STORE_KEYS, key 1: not a key")


# Statistics


def channels_file(folder: Path, name: str = "channels.json", **statistics: Any) -> str:
    item = {"kind": "youtube#channel", "id": YOUTUBE_ID, "statistics": statistics}
    document = {"kind": "youtube#channelListResponse", "items": [item]}
    (folder / name).write_text(json.dumps(document))
    return str(folder / name)


@both
def test_real_responses_are_imported_once(command: Command, uow: UnitOfWork) -> None:
    """Channels and videos that are not known are told first, and made when that is asked for."""
    path = str(real_data("youtube_api", "videos_playlist_all_parts.json"))
    arguments = ["channel", "import", path, "--measured-at", "2020-02-06T07:18:24", "--json"]
    unknown = command(*arguments)
    assert (unknown.code, unknown.err) == (0, "")
    assert {one["youtube_id"] for one in unknown.json[0]["unknown"]} >= {YOUTUBE_ID}
    assert len(unknown.json[0]["unknown"]) == 51
    command("channel", "add", "numberphile", "--youtube-id", YOUTUBE_ID)
    [made] = command(*arguments, "--create").json
    assert (made["new_channels"], made["new_videos"], made["readings"]) == (0, 50, 50)
    [again] = command(*arguments, "--create").json
    assert (again["new_videos"], again["readings"], again["repeated"]) == (0, 0, 50)
    assert (uow.videos.count(), uow.video_statistics.count()) == (50, 50)
    status = command("status", "--json").json["channels"]
    assert [one["videos_by_status"] for one in status] == [{"published": 50}]


def test_a_file_without_an_instant_is_refused_in_a_line(command: Command, tmp_path: Path) -> None:
    """The others are taken; the exit code says that one was not."""
    command("channel", "add", "nature1", "--youtube-id", YOUTUBE_ID)
    timeless = channels_file(tmp_path, viewCount="5")
    named = channels_file(tmp_path, "me.1738703053.json", viewCount="5")
    done = command("channel", "import", timeless, named)
    assert done.code == 1
    assert done.err == (
        f"error: {timeless}: nothing says when its numbers were read: give --measured-at TIME\n"
    )
    assert re.search(r"^me\.1738703053\.json +1 +0 +0 +1 +0 +0 *$", done.out, re.MULTILINE)
    shown = command("channel", "show", "nature1", "--json").json["latest_statistics"]
    assert (shown["timestamp"], shown["view_count"]) == ("2025-02-04T21:04:13+00:00", 5)
    wrong = command("channel", "import", timeless, "--measured-at", "yesterday")
    assert refused(wrong, "--measured-at", code=2)


def test_what_is_unknown_is_told_in_lines(command: Command, tmp_path: Path) -> None:
    """With the id of the first, and what to do."""
    path = channels_file(tmp_path, viewCount="5")
    done = command("channel", "import", path, "--measured-at", "2026-02-01")
    assert done.code == 0
    assert done.out.splitlines()[-1] == (
        "channels.json: 1 unknown: no channel with this YouTube id; --create adds it "
        f"(item 1; found {YOUTUBE_ID})"
    )


def test_an_old_database_is_refused_before_a_file_is_read(new_command: Command) -> None:
    """It has no tables for statistics."""
    with open(new_command.url.removeprefix("sqlite:///"), "w", encoding="ascii"):  # noqa: PTH123
        pass
    assert refused(new_command("channel", "import", "missing.json"), "pipeline-store")
