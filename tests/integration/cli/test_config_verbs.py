"""`config get|set|unset|list|explain|history`: what they print, change, refuse and never show."""

from __future__ import annotations

import io
import re
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.secrets import KEYS_VARIABLE, new_key
from pipeline_store.services.settings import ENVIRONMENT_PREFIX
from tests.integration.cli.conftest import DATABASES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)

HUNTER2 = "hunter2-hunter2"
DECLARED = """
from pipeline_store.services.settings import Setting, Settings

SETTINGS = Settings([
    Setting("api.token", str, None, "Opens the door.", secret=True),
    Setting("speed", float, 1.0, "Of the voice."),
    Setting("tags", list, [], "Of every video."),
    Setting("quality", str, "good", "Of every video.", choices=("good", "best")),
])
A_LIST = [Setting("speed", float, 1.0, "Of the voice.")]
ONE = A_LIST[0]
NONE = 5
"""


@pytest.fixture
def channels(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """The command on a database with two channels, knowing what a made-up program declares."""
    store = open_store(command.url)
    with store.unit_of_work() as uow:
        uow.channels.add_many(Channel(channel_id=n, name=n) for n in ("nature1", "nature2"))
        uow.commit()
    store.close()
    (tmp_path / "made_up_settings.py").write_text(DECLARED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIPELINE_STORE_SETTINGS", "made_up_settings:SETTINGS")
    monkeypatch.setenv(KEYS_VARIABLE, new_key().reveal())
    monkeypatch.delitem(sys.modules, "made_up_settings", raising=False)
    return command


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put text on the standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@both
def test_what_is_set_is_got(channels: Command) -> None:
    """Of its own type, by layer; for one channel and for all others."""
    assert channels("config", "get", "speed").out == "1.0\n"
    assert channels("config", "set", "speed", "2").out == "speed is 2.0 (override)\n"
    assert channels("config", "set", "speed", "3", "--channel", "nature1").code == 0
    assert channels("config", "set", "speed", "-1.5", "--system").code == 0
    assert channels("config", "get", "speed").out == "2.0\n"
    assert channels("config", "get", "speed", "--channel", "nature1").out == "3.0\n"
    assert channels("config", "get", "speed", "--channel", "nature2", "--json").json == {
        "key": "speed",
        "channel": "nature2",
        "value": 2.0,
        "layer": "override",
        "problem": None,
        "kind": "float",
        "unit": "",
        "help": "Of the voice.",
        "secret": False,
    }
    assert channels("config", "unset", "speed").out == "speed is removed (override)\n"
    assert channels("config", "unset", "speed").out == "speed was not set there\n"
    assert channels("config", "get", "speed").out == "-1.5\n"
    assert channels("config", "unset", "speed", "--channel", "nature1").out == (
        "speed is removed (channel nature1)\n"
    )


def test_values_are_written_by_kind(channels: Command) -> None:
    """Lists in JSON, text as it is."""
    assert channels("config", "set", "tags", '["a", "é"]').out == 'tags is ["a","é"] (override)\n'
    assert channels("config", "get", "tags", "--json").json["value"] == ["a", "é"]
    assert channels("config", "get", "api.token").out == "\n"
    for value, told in [("fast", "number expected"), ("", "number expected")]:
        refused = channels("config", "set", "speed", value)
        assert (refused.code, refused.out) == (1, "")
        assert told in refused.err
    refused = channels("config", "set", "quality", "bad")
    assert "one of good, best expected" in refused.err
    shown = channels("config", "explain", "quality").out
    assert shown.startswith("quality (text, one of good, best): Of every video.\n")
    assert channels("config", "history", "--json").json[0]["key"] == "tags"


def test_explain_shows_every_layer_and_marks_the_winner(
    channels: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "a.toml"
    file.write_text("speed = 7.0")
    monkeypatch.setenv("PIPELINE_STORE_SET__SPEED", "9")
    channels("config", "set", "speed", "2")
    channels("config", "set", "speed", "3", "--channel", "nature1")
    told = ("config", "explain", "speed", "--channel", "nature1", "--file", str(file))
    monkeypatch.setenv("COLUMNS", "200")
    lines = [line.split() for line in channels(*told).out.splitlines()]
    assert lines[0] == ["speed", "(number):", "Of", "the", "voice."]
    assert lines[3:] == [
        ["yes", "environment", "9.0", "PIPELINE_STORE_SET__SPEED"],
        ["channel", "3.0", "channel", "nature1"],
        ["override", "2.0", "config_overrides"],
        ["system", "-", "system_configuration"],
        ["file", "7.0", str(file)],
        ["default", "1.0", "its", "declaration"],
    ]
    layers = channels(*told, "--json").json["layers"]
    assert [(layer["layer"], layer["value"], layer["wins"]) for layer in layers] == [
        ("environment", 9.0, True),
        ("channel", 3.0, False),
        ("override", 2.0, False),
        ("system", None, False),
        ("file", 7.0, False),
        ("default", 1.0, False),
    ]
    assert [layer["is_set"] for layer in layers] == [True, True, True, False, True, True]


def test_files_may_be_named_in_the_environment(
    channels: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in PATH, the strongest last; an option is used instead."""
    for name, speed in (("a", 5), ("b", 6), ("c", 7)):
        (tmp_path / f"{name}.yaml").write_text(f"speed: {speed}")
    monkeypatch.setenv("PIPELINE_STORE_CONFIG_FILES", "a.yaml:b.yaml")
    assert channels("config", "get", "speed").out == "6.0\n"
    assert channels("config", "get", "speed", "--file", "c.yaml").out == "7.0\n"
    monkeypatch.setenv("PIPELINE_STORE_CONFIG_FILES", "none.yaml")
    refused = channels("config", "get", "speed")
    assert (refused.code, refused.out) == (1, "")
    assert "none.yaml: no such file" in refused.err


def test_a_change_that_has_no_effect_is_said_to_have_none(
    channels: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_STORE_SET__SPEED", "9")
    done = channels("config", "set", "speed", "2")
    assert (done.code, done.out) == (0, "speed is 2.0 (override)\n")
    assert "layer environment, PIPELINE_STORE_SET__SPEED, is stronger and wins" in done.err
    assert channels("config", "set", "speed", "2", "--json").json["now"]["value"] == 9.0


def test_a_stored_value_that_is_unusable_is_a_problem_found(channels: Command) -> None:
    """Exit code 1, the cure, and everything else all the same."""
    with closing(open_store(channels.url)) as store, store.unit_of_work() as uow:
        uow.config_overrides.set("speed", "fast")
        uow.commit()
    channels("config", "set", "tags", '["a"]')
    cure = "`pipeline-store config unset speed`"
    got = channels("config", "get", "speed")
    assert (got.code, got.out) == (1, "")
    assert cure in got.err
    for listing in (["list"], ["explain", "speed"]):
        shown = channels("config", *listing)
        assert shown.code == 1
        assert "unusable" in shown.out
        assert cure in shown.err
        as_json = channels("config", *listing, "--json")
        assert as_json.code == 1
        rows = as_json.json if isinstance(as_json.json, list) else [as_json.json]
        assert [cure in (row["problem"] or "") for row in rows if row["key"] == "speed"] == [True]
    assert '["a"]' in channels("config", "list").out
    channels("config", "set", "speed", "2", "--channel", "nature1")
    harmless = channels("config", "explain", "speed", "--channel", "nature1")
    assert harmless.code == 0
    assert "note: speed: number expected, found text that spells none" in harmless.err
    assert channels("config", "unset", "speed").code == 0
    assert channels("config", "list").code == 0


@both
def test_the_list_and_the_history(channels: Command) -> None:
    """Every setting in order, foreign overrides too; every change, newest first."""
    assert channels("config", "history", "--json").json == []
    assert channels("config", "history").out == "no setting was changed yet\n"
    channels("review", "set", "their.key", "42")
    channels("config", "set", "speed", "2", "--by", "anna")
    channels("config", "set", "speed", "3", "--channel", "nature1", "--by", "bert")
    foreign = channels("config", "explain", "their.key").out
    assert re.search(r"yes +override +42 +config_overrides", foreign)
    gone = channels("config", "unset", "their.key", "--by", "anna", "--json").json["change"]
    assert (gone["old_value"], gone["new_value"]) == ("42", None)
    assert channels("config", "unset", "tags", "--json").json == {"change": None}
    channels("review", "set", "their.key", "43")
    listed = channels("config", "list", "--channel", "nature1", "--json").json
    assert [row["key"] for row in listed] == sorted(row["key"] for row in listed)
    values = {row["key"]: (row["value"], row["layer"]) for row in listed}
    assert values["speed"] == (3.0, "channel")
    assert values["their.key"] == ("43", "override")
    assert values["retry_attempts"] == (3, "default")
    assert len(values) == 9
    table = channels("config", "list").out.splitlines()
    assert len(table) == 2 + 9
    assert re.search(r"retry_attempts +3 +attempts +default", "\n".join(table))

    changes = channels("config", "history", "--json").json
    assert [
        (c["changed_by"], c["key"], c["layer"], c["channel"], c["old_value"], c["new_value"])
        for c in changes
    ] == [
        ("anna", "their.key", "override", None, "42", None),
        ("bert", "speed", "channel", "nature1", None, 3.0),
        ("anna", "speed", "override", None, None, 2.0),
    ]
    assert len(channels("config", "history", "speed", "--json").json) == 2
    assert channels("config", "history", "tags").out == "'tags' was not changed yet\n"
    assert len(channels("config", "history", "--limit", "1", "--json").json) == 1
    shown = channels("config", "history").out
    assert re.search(r"bert +speed +channel nature1 +- +3", shown)
    assert shown.count("anna") == 2


def test_the_history_outlives_a_channel(channels: Command) -> None:
    """It then shows the key of the row that was."""
    channels("config", "set", "speed", "3", "--channel", "nature1")
    store = open_store(channels.url)
    with store.unit_of_work() as uow:
        found = uow.channels.by_channel_id("nature1")
        assert found is not None
        uow.channels.remove(found)
        uow.commit()
    store.close()
    [change] = channels("config", "history", "--json").json
    assert (change["channel"], change["channel_id"]) == (None, str(found.id))
    assert f"channel {found.id}"[:20] in channels("config", "history").out


class TestSecrets:
    """Given where nobody sees them, and never shown."""

    @both
    @pytest.mark.parametrize("where", [["--system"], ["--channel", "nature1"]])
    def test_from_the_standard_input(
        self, channels: Command, monkeypatch: pytest.MonkeyPatch, where: list[str]
    ) -> None:
        type_in(monkeypatch, f"{HUNTER2}\n")
        done = channels("config", "set", "api.token", *where)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("api.token is ******** (")
        channel = where if where[0] == "--channel" else []
        outcomes = [done]
        for command in (["get", "api.token"], ["explain", "api.token"], ["list"]):
            outcomes += [channels("config", *command, *channel, *more) for more in ([], ["--json"])]
        outcomes += [channels("config", "history", *more) for more in ([], ["--json"])]
        assert outcomes[1].out == "********\n"
        assert [outcome.code for outcome in outcomes] == [0] * 9
        assert all("********" in outcome.out for outcome in outcomes)
        assert HUNTER2 not in repr(outcomes)
        assert outcomes[-1].json[0]["new_value"] == "********"
        assert outcomes[-1].json[0]["old_value"] is None

    def test_from_a_file(self, channels: Command, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text(f"{HUNTER2}\n")
        done = channels("config", "set", "api.token", "--system", "--from-file", str(file))
        assert done.out == "api.token is ******** (system)\n"
        assert channels("config", "get", "api.token", "--json").json["layer"] == "system"

    def test_never_from_an_argument(self, channels: Command) -> None:
        refused = channels("config", "set", "api.token", HUNTER2, "--system")
        assert (refused.code, refused.out) == (2, "")
        assert "a secret is never an argument" in refused.err
        assert HUNTER2 not in refused.err
        assert channels("config", "history", "--json").json == []

    def test_never_as_an_override(self, channels: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        type_in(monkeypatch, HUNTER2)
        refused = channels("config", "set", "api.token")
        assert (refused.code, refused.out) == (1, "")
        assert "set it for a channel or the system" in refused.err
        assert HUNTER2 not in refused.err

    def test_what_was_no_secret_yesterday(self, channels: Command) -> None:
        """A value of the journal is masked once its setting is declared as a secret."""
        store = open_store(channels.url)
        with store.unit_of_work() as uow:
            uow.config_overrides.set("api.token", HUNTER2)
            uow.commit()
        store.close()
        channels("config", "unset", "api.token", "--settings", "made_up_settings:A_LIST")
        outcomes = [channels("config", "history"), channels("config", "history", "--json")]
        assert HUNTER2 not in repr(outcomes)
        assert outcomes[1].json[0]["old_value"] == "********"

    def test_what_is_no_secret_is_an_argument(self, channels: Command) -> None:
        """And has to be given."""
        for given, told in [
            ([], "VALUE expected: number"),
            (["--from-file", "x"], "speed is no secret; give it as VALUE"),
        ]:
            refused = channels("config", "set", "speed", *given)
            assert refused.code == 2
            assert told in refused.err


def test_what_is_refused(channels: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the nearest key, and without a change."""
    refusals: list[tuple[list[str], str]] = [
        (["get", "sped"], "unknown setting 'sped'; the nearest that is declared is 'speed'"),
        (["explain", "sped"], "'speed'"),
        (["set", "sped", "1"], "'speed'"),
        (["unset", "sped"], "'speed'"),
        (["get", "speed", "--channel", "nature9"], "no channel 'nature9'"),
        (["set", "speed", "1", "--channel", "nature1", "--system"], "not both"),
    ]
    for words, told in refusals:
        refused = channels("config", *words)
        assert (refused.code, refused.out) == (1, "")
        assert told in refused.err
    monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}SPED", "1")
    assert "nearest is PIPELINE_STORE_SET__SPEED" in channels("config", "list").err
    monkeypatch.delenv(f"{ENVIRONMENT_PREFIX}SPED")
    assert channels("config", "history", "--json").json == []
    assert channels("config", "set", "speed", "5", "--chanel", "nature1").code == 2
    assert channels("config", "get").code == 2


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("made_up_settings:A_LIST", None),
        ("made_up_settings:ONE", None),
        ("made_up_settings:NONE", "Settings, or several of Setting, expected"),
        ("made_up_settings:MISSING", "cannot be imported (AttributeError"),
        ("made_up_settings", "cannot be imported (AttributeError"),
        ("no_such_module:SETTINGS", "cannot be imported (ModuleNotFoundError"),
        ("broken_settings:SETTINGS", "cannot be imported (ZeroDivisionError"),
        ("ending_settings:SETTINGS", "cannot be imported (SystemExit"),
    ],
)
def test_where_settings_are_declared(
    channels: Command, tmp_path: Path, declared: str, told: str | None
) -> None:
    """In Python, beside where the command runs; what cannot be imported is told in a line."""
    (tmp_path / "broken_settings.py").write_text("1 / 0")
    (tmp_path / "ending_settings.py").write_text("raise SystemExit(0)")
    path: list[Any] = [*sys.path]
    done = channels("config", "get", "speed", "--settings", declared)
    assert sys.path == path
    if told is None:
        assert (done.code, done.out) == (0, "1.0\n")
    else:
        assert done.code == 1
        assert told in done.err
        assert "Traceback" not in done.err


def test_without_declarations_the_shipped_settings_are_known(
    channels: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIPELINE_STORE_SETTINGS")
    assert [row["key"] for row in channels("config", "list", "--json").json] == [
        "max_concurrent_jobs",
        "min_resolution",
        "posting_frequency",
        "retry_attempts",
    ]
    assert channels("config", "get", "speed").code == 1
