"""`channel credential ...`: secrets are read, kept and never shown."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline_store.secrets import KEYS_VARIABLE, Keyring, key_id_of_key, new_key
from pipeline_store.services.credentials import credential, refresh_failed
from tests.integration.cli.conftest import DATABASES
from tests.integration.cli.outcomes import refused, typed

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import UnitOfWork
    from pipeline_store.secrets import Secret
    from tests.integration.cli.conftest import Command, Outcome

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)
pytestmark = pytest.mark.usefixtures("no_keys")

CANARY = "canary-of-a-channel"


@pytest.fixture(params=["standard input", "file"])
def where_the_secret_is(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The options by which the command finds the canary."""
    if request.param == "standard input":
        typed(monkeypatch, f"{CANARY}\n")
        return []
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    return ["--from-file", str(tmp_path / "secret")]


@both
def test_a_credential_is_read_and_never_shown(
    command: Command, uow: UnitOfWork, key: Secret, where_the_secret_is: list[str]
) -> None:
    """From the standard input or a file; what is listed of it is how it is doing."""
    said = [command("channel", "add", "nature1")]
    options = ["--expires-at", "2030-01-02T03:04:05+01:00", "--scope", "upload", "--scope", "read"]
    options += where_the_secret_is
    said.append(command("channel", "credential", "set", "nature1", "youtube", *options))
    key_id = key_id_of_key(key)
    assert said[-1].out == f"credential youtube of channel nature1 is set, with key {key_id}\n"
    channel = uow.channels.by_channel_id("nature1")
    assert channel is not None
    assert credential(uow, Keyring([key]), channel, "youtube").reveal() == CANARY
    refresh_failed(uow, channel, "youtube", "invalid_grant")
    uow.commit()
    said += [
        command(*words.split())
        for words in (
            "channel credential list",
            "channel credential list nature1 --json",
            "channel show nature1",
            "channel show nature1 --json",
            "channel list --json",
            "status",
            "status --json",
        )
    ]
    [listed] = command("channel", "credential", "list", "--json").json
    assert (listed["channel"], listed["name"], listed["key_id"]) == ("nature1", "youtube", key_id)
    assert listed["expires_at"] == "2030-01-02T02:04:05+00:00"
    assert (listed["expired"], listed["scopes"]) == (False, ["upload", "read"])
    assert listed["last_refresh_failure"]["message"] == "invalid_grant"
    assert command("channel", "show", "nature1", "--json").json["credentials"] == ["youtube"]
    assert all(outcome.code == 0 for outcome in said)
    text = "".join(outcome.out + outcome.err for outcome in said)
    assert CANARY not in text
    assert "v1." not in text
    assert key.reveal() not in text


@pytest.mark.usefixtures("key")
def test_secret_settings_of_a_channel_are_masked(command: Command, uow: UnitOfWork) -> None:
    """Their sealed text is of no use to anybody who looks."""
    command("channel", "add", "nature1")
    channel = uow.channels.by_channel_id("nature1")
    assert channel is not None
    channel.settings = {"api.key": {"sealed": "v1.0123.SEALED"}, "retry_attempts": 3}
    uow.commit()
    shown = command("channel", "show", "nature1", "--json")
    assert shown.json["settings"] == {"api.key": "********", "retry_attempts": 3}
    others = [command(*words.split()) for words in ("channel show nature1", "status --json")]
    assert not any("SEALED" in outcome.out for outcome in (shown, *others))


def test_credentials_that_ended_and_failed_are_seen(
    command: Command, key: Secret, uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the table too, whole where they are keys and times."""
    monkeypatch.setenv("COLUMNS", "120")
    command("channel", "add", "nature1")
    for name, at in (("old", "2020-01-02"), ("new", "2100-01-02T00:00")):
        typed(monkeypatch, CANARY)
        command("channel", "credential", "set", "nature1", name, "--expires-at", at)
    channel = uow.channels.by_channel_id("nature1")
    assert channel is not None
    refresh_failed(uow, channel, "old", "invalid_grant")
    uow.commit()
    new, old = command("channel", "credential", "list").out.splitlines()[2:]
    assert re.match(rf"nature1 +new +{key_id_of_key(key)} +2100-01-02 00:00 +- +-", new)
    failure = r"20\d\d-\d\d-\d\d \d\d:\d\d invalid_grant"
    assert re.match(rf"nature1 +old +{key_id_of_key(key)} +2020-01-02 00:00 +{failure} +-", old)
    assert [one["expired"] for one in command("channel", "credential", "list", "--json").json] == [
        False,
        True,
    ]


def test_no_secret_without_key_channel_or_content(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before anything is read, where that can be known."""
    command("channel", "add", "nature1")
    typed(monkeypatch, CANARY)

    def tried(*arguments: str) -> Outcome:
        return command("channel", "credential", "set", *arguments)

    assert refused(tried("nature1", "youtube"), "no key is given", "pipeline-store keys new")
    assert sys.stdin.read() == CANARY
    monkeypatch.setenv(KEYS_VARIABLE, new_key().reveal())
    typed(monkeypatch, CANARY)
    assert refused(tried("nature2", "youtube"), "did you mean nature1?")
    at = tried("nature1", "youtube", "--expires-at", "tomorrow")
    assert refused(at, "--expires-at: a time such as", code=2)
    at = tried("nature1", "youtube", "--expires-at", "1969-12-31")
    assert refused(at, "--expires-at: a time from 1970 to 2200", code=2)
    assert sys.stdin.read() == CANARY
    typed(monkeypatch, "\n")
    assert refused(tried("nature1", "youtube"), "secret: must not be empty")
    missing = str(tmp_path / "missing")
    assert refused(tried("nature1", "youtube", "--from-file", missing), missing)
    assert command("channel", "credential", "list", "--json").json == []
    as_argument = tried("nature1", "youtube", CANARY)
    assert (as_argument.code, as_argument.out) == (2, "")
    assert CANARY not in as_argument.err


@pytest.mark.usefixtures("key")
@both
def test_a_credential_is_removed(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there is an error that names the others."""
    command("channel", "add", "nature1")
    for name in ("youtube", "notion"):
        typed(monkeypatch, CANARY)
        command("channel", "credential", "set", "nature1", name)
    removed = command("channel", "credential", "remove", "nature1", "youtube")
    assert removed.out == "credential youtube of channel nature1 is removed\n"
    again = command("channel", "credential", "remove", "nature1", "youtube")
    assert refused(again, "no credential 'youtube' (it has: notion)")
    last = command("channel", "credential", "remove", "nature1", "notion", "--json")
    assert last.json["removed"] is True
    again = command("channel", "credential", "remove", "nature1", "notion")
    assert refused(again, "(it has: none)")
