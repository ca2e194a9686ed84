"""`channel ...`: what operators set up, change, pause and remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.cli.conftest import DATABASES
from tests.integration.cli.outcomes import refused

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork
    from tests.integration.cli.conftest import Command, Outcome

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)

YOUTUBE_ID = "UCkRfArvrzheW2E7b6SVT7vQ"


@both
def test_a_channel_is_added_and_shown(command: Command) -> None:
    """With all that was said of it; credentials are named and nothing more."""
    command("preset", "add", "shorts")
    added = command(
        "channel", "add", "nature1", "--name", "Nature", "--youtube-id", YOUTUBE_ID,
        "--max-concurrent", "4", "--quota-project", "alpha", "--preset", "shorts",
        "--schedule", '{"days": ["mon"]}', "--filters", '{"min_views": 5}',
        "--metadata", '{"owner": "anna"}', "--json",
    )  # fmt: skip
    assert added.code == 0
    shown = command("channel", "show", "nature1", "--json").json
    assert added.json.items() <= shown.items()
    assert shown["id"]
    expected = {
        "channel_id": "nature1",
        "name": "Nature",
        "youtube_channel_id": YOUTUBE_ID,
        "is_active": True,
        "is_paused": False,
        "max_concurrent": 4,
        "quota_project": "alpha",
        "default_preset": "shorts",
        "schedule": {"days": ["mon"]},
        "filters": {"min_views": 5},
        "metadata": {"owner": "anna"},
        "settings": {},
        "credentials": [],
        "videos_by_status": {},
        "jobs_by_status": {},
        "latest_statistics": None,
        "last_publication_at": None,
    }
    assert expected.items() <= shown.items()


@both
def test_only_what_is_given_is_changed(command: Command) -> None:
    """The empty text takes away what may be empty; JSON replaces the old as a whole."""
    command("preset", "add", "shorts")
    command(
        "channel", "add", "nature1", "--youtube-id", YOUTUBE_ID, "--quota-project", "alpha",
        "--preset", "shorts", "--schedule", '{"a": 1, "b": 2}',
    )  # fmt: skip
    changed = command("channel", "set", "nature1", "--name", "Wild", "--schedule", '{"b": 3}')
    assert changed.out == "channel nature1: changed name, schedule\n"
    shown = command("channel", "show", "nature1", "--json").json
    assert (shown["name"], shown["schedule"]) == ("Wild", {"b": 3})
    assert (shown["youtube_channel_id"], shown["max_concurrent"]) == (YOUTUBE_ID, 2)
    emptied = command(
        "channel", "set", "nature1", "--youtube-id", "", "--quota-project", "", "--preset", "",
        "--filters", "{}", "--json",
    )  # fmt: skip
    said = command("channel", "set", "nature1", "--youtube-id", YOUTUBE_ID, "--preset", "shorts")
    assert said.out == "channel nature1: changed YouTube id, default preset\n"
    for name in ("youtube_channel_id", "quota_project", "default_preset_id"):
        assert emptied.json[name] is None
    assert command("channel", "show", "nature1", "--json").json["default_preset"] == "shorts"


def test_what_cannot_be_set_up_is_refused(command: Command) -> None:
    """Wrong usage is 2, what the store refuses is 1; nothing is changed."""
    command("channel", "add", "nature1", "--youtube-id", YOUTUBE_ID)

    def tried(*arguments: str) -> Outcome:
        return command("channel", *arguments)

    assert refused(
        tried("add", "nature1"), "is there already", "pipeline-store channel set nature1"
    )
    taken = f"the YouTube id {YOUTUBE_ID} is that of channel nature1"
    assert refused(tried("add", "two", "--youtube-id", YOUTUBE_ID), taken)
    command("channel", "add", "three")
    assert refused(tried("set", "three", "--youtube-id", YOUTUBE_ID), taken)
    assert tried("set", "nature1", "--youtube-id", YOUTUBE_ID).code == 0
    before = command("channel", "list", "--json").json
    assert refused(tried("add", ""), "channel_id: must not be empty")
    assert refused(tried("add", "two", "--name", ""), "name: must not be empty")
    assert refused(tried("add", "two", "--preset", "short"), "no preset 'short'", "preset list")
    assert refused(tried("set", "natur1", "--name", "x"), "did you mean nature1?")
    assert refused(tried("set", "nature1"), "nothing to change", code=2)
    assert refused(tried("set", "nature1", "--max-concurrent", "11"), "--max-concurrent", code=2)
    assert refused(tried("set", "nature1", "--schedule", "{"), "--schedule: not JSON", code=2)
    assert refused(tried("set", "nature1", "--filters", "[1]"), "--filters: a JSON object", code=2)
    nan = tried("set", "nature1", "--metadata", '{"a": NaN}')
    assert refused(nan, "--metadata.a: a finite number", code=2)
    deep = tried("set", "nature1", "--metadata", '{"a":' * 9_999)
    assert refused(deep, "--metadata: not JSON", code=2)
    assert refused(tried("show", "natur1"), "did you mean nature1?")
    assert command("channel", "list", "--json").json == before


@both
def test_channels_are_listed_by_name(command: Command) -> None:
    """All of them, or the active ones."""
    assert (command("channel", "list").out, command("channel", "list", "--json").json) == (
        "no channels yet: `pipeline-store channel add` adds one\n",
        [],
    )
    for name in ("b", "a", "B", "c"):
        command("channel", "add", name)
    command("channel", "deactivate", "b")
    command("channel", "pause", "c")
    listed = command("channel", "list", "--json").json
    assert [(one["channel_id"], one["is_active"], one["is_paused"]) for one in listed] == [
        ("B", True, False),
        ("a", True, False),
        ("b", False, False),
        ("c", True, True),
    ]
    active = command("channel", "list", "--active", "--json").json
    assert [one["channel_id"] for one in active] == ["B", "a", "c"]
    states = [line.split()[2] for line in command("channel", "list").out.splitlines()[3:]]
    assert states == ["active", "active", "inactive", "paused"]


@both
def test_a_channel_is_switched_off_and_on(command: Command) -> None:
    """Said again, it says so."""
    command("channel", "add", "a")
    said = [command("channel", verb, "a").out for verb in ("deactivate", "deactivate", "activate")]
    assert said == [
        "channel a is inactive\n",
        "channel a is inactive already\n",
        "channel a is active\n",
    ]
    assert command("channel", "deactivate", "a", "--json").json["is_active"] is False
    assert refused(command("channel", "activate", "b"), "no channel 'b'")


@both
def test_a_channel_is_paused_and_goes_on(command: Command, uow: UnitOfWork) -> None:
    """Every program sees it, and who asked for it."""
    command("channel", "add", "a")
    assert command("channel", "pause", "a", "--by", "anna").out == "channel a is paused\n"
    assert uow.config_overrides.get("paused.channel.a").updated_by == "anna"
    uow.rollback()
    assert command("channel", "show", "a", "--json").json["is_paused"] is True
    assert command("channel", "set", "a", "--name", "A", "--json").json["is_paused"] is True
    assert command("channel", "resume", "a", "--json").json["was_paused"] is True
    assert command("channel", "resume", "a").out == "channel a was not paused\n"
    for verb in ("pause", "resume"):
        assert refused(command("channel", verb, "b"), "no channel 'b'")


@both
def test_only_an_empty_channel_is_removed(command: Command, uow: UnitOfWork) -> None:
    """One with jobs stays, and the error names what to do."""
    command("channel", "add", "empty")
    command("channel", "add", "busy")
    command("job", "add", "busy", "scrape")
    assert command("channel", "remove", "empty").out == "channel empty is removed\n"
    assert refused(command("channel", "remove", "busy"), "pipeline-store channel deactivate busy")
    assert refused(command("channel", "remove", "empty"), "no channel 'empty'")
    assert [channel.channel_id for channel in uow.channels.page()] == ["busy"]
