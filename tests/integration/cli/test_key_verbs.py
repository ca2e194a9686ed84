"""`keys new`, `keys rotate`, `keys verify`, `keys drop`."""

from __future__ import annotations

import io
import stat
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.cli import tables
from pipeline_store.secrets import (
    KEY_FILE_VARIABLE,
    KEYS_VARIABLE,
    Keyring,
    Secret,
    add_key,
    key_id_of_key,
    new_key,
    read_key_file,
)
from pipeline_store.services.credentials import credential, set_credential
from tests.integration.cli.conftest import DATABASES
from tests.unit.secrets.conftest import CANARY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command, Outcome

CREDENTIALS = 30
on_every_database = pytest.mark.parametrize("kind", DATABASES, indirect=True)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have keys."""
    monkeypatch.delenv(KEYS_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A key file with one key."""
    file = tmp_path / "keys.txt"
    add_key(file, new_key())
    return file


@pytest.fixture
def sealed(command: Command, file: Path) -> Command:
    """The command on a database with thirty credentials, sealed with the key in the file."""
    keyring = Keyring(read_key_file(file))
    store = open_store(command.url)
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        for number in range(CREDENTIALS):
            set_credential(uow, keyring, channel, f"n{number}", Secret(f"{CANARY}{number}"))
        uow.commit()
    store.close()
    return command


def ids_in(file: Path) -> list[str]:
    return [key_id_of_key(key) for key in read_key_file(file)]


def shows_no_secret(file: Path, *outcomes: Outcome) -> bool:
    text = "".join(outcome.out + outcome.err for outcome in outcomes)
    return CANARY not in text and not any(key.reveal() in text for key in read_key_file(file))


def test_a_new_key_is_printed_alone(command: Command) -> None:
    """On the standard output, for a pipe; what is said about it stands beside it."""
    made = command.without_database("keys", "new")
    key = Secret(made.out.removesuffix("\n"))
    assert made.code == 0
    assert Keyring([key]).newest_id == key_id_of_key(key)
    assert made.err == (
        f"note: this is key {key_id_of_key(key)}; put it first in $PIPELINE_STORE_KEYS\n"
    )
    assert command.without_database("keys", "new").out != made.out


def test_a_new_key_in_a_file_is_not_printed(command: Command, tmp_path: Path) -> None:
    """Nor are the others in it."""
    file = tmp_path / "keys.txt"
    first = command.without_database("keys", "new", "--file", str(file))
    second = command.without_database("keys", "new", "--file", str(file))
    newest, oldest = ids_in(file)
    assert first.out == f"key {oldest} is at the head of {file}, with 1 key\n"
    assert second.out == f"key {newest} is at the head of {file}, with 2 keys\n"
    assert (first.err, second.err, first.code) == ("", "", 0)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shows_no_secret(file, first, second)


def test_a_key_file_of_everybody_is_refused(sealed: Command, file: Path) -> None:
    file.chmod(0o644)
    for verb in (["new"], ["rotate"], ["verify"], ["drop", "0" * 16]):
        done = sealed("keys", *verb, "--file", str(file))
        assert (done.code, done.out) == (1, "")
        assert "chmod 600" in done.err


@on_every_database
def test_changing_over_to_a_new_key(
    sealed: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New, verify, rotate, verify, drop: the whole way, the keys coming from the key file."""
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(file))
    said = [sealed("keys", "new", "--file", str(file))]
    newest, oldest = ids_in(file)
    said.append(sealed("keys", "verify", "--json"))
    assert said[-1].json == {
        "keys": [
            {"key_id": newest, "standing": "newest", "values": 0},
            {"key_id": oldest, "standing": "older", "values": CREDENTIALS},
        ],
        "values": CREDENTIALS,
        "unreadable": [],
    }
    said.append(sealed("keys", "drop", oldest))
    assert said[-1].code == 1
    assert "is needed by 30 stored values: first `pipeline-store keys rotate`" in said[-1].err
    said.append(sealed("keys", "rotate"))
    assert said[-1].out == f"sealed 30 values anew with key {newest}; 0 had it\n"
    said.append(sealed("keys", "rotate", "--batch", "1"))
    assert said[-1].out == f"sealed 0 values anew with key {newest}; 30 had it\n"
    said.append(sealed("keys", "verify"))
    assert [line.split() for line in said[-1].out.splitlines()[2:]] == [
        [newest, "newest", "30"],
        [oldest, "older", "0"],
    ]
    assert shows_no_secret(file, *said)
    said.append(sealed("keys", "drop", oldest))
    assert said[-1].out == f"key {oldest} is out of {file}, which has 1 key left\n"
    assert ids_in(file) == [newest]
    assert [done.code for done in said] == [0, 0, 1, 0, 0, 0, 0]
    assert shows_no_secret(file, *said)
    store = open_store(sealed.url)
    with store.unit_of_work(read_only=True) as uow:
        [channel] = uow.channels.page()
        opened = credential(uow, Keyring.from_environment(), channel, "n7")
    store.close()
    assert opened.reveal() == f"{CANARY}7"


def test_a_missing_key_is_told_by_every_verb(
    sealed: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its id, up to twenty values, and the exit code says that there is a problem."""
    [missing] = ids_in(file)
    other = new_key()
    monkeypatch.setenv(KEYS_VARIABLE, other.reveal())
    verified, rotated = sealed("keys", "verify"), sealed("keys", "rotate")
    assert [line.split() for line in verified.out.splitlines()[2:]] == [
        [key_id_of_key(other), "newest", "0"],
        [missing, "missing", "30"],
    ]
    assert rotated.out == f"sealed 0 values anew with key {key_id_of_key(other)}; 0 had it\n"
    for done in (verified, rotated):
        assert done.code == 1
        *named, rest = done.err.splitlines()
        assert len(named) == 20
        assert all(f"(key {missing}): that key is not given" in line for line in named)
        assert rest == "error: and 10 values more; see `keys verify --json`"
    told = sealed("keys", "verify", "--json")
    assert (told.code, told.err, len(told.json["unreadable"])) == (1, "", CREDENTIALS)
    assert told.json["unreadable"][0]["key_id"] == missing
    assert shows_no_secret(file, verified, rotated, told)
    assert other.reveal() not in verified.out + verified.err + rotated.out + told.out


def test_a_damaged_value_is_told_and_hinders_nothing(sealed: Command, file: Path) -> None:
    store = open_store(sealed.url)
    with store.unit_of_work() as uow:
        [channel] = uow.channels.page()
        channel.credentials = {**(channel.credentials or {}), "n3": {"sealed": CANARY}}
        uow.commit()
    store.close()
    [oldest] = ids_in(file)
    add_key(file, new_key())
    rotated = sealed("keys", "rotate", "--file", str(file))
    assert rotated.out.startswith("sealed 29 values anew")
    verified = sealed("keys", "verify", "--file", str(file))
    assert verified.out.splitlines()[-1].split() == ["-", "damaged", "1"]
    for done in (rotated, verified):
        assert done.code == 1
        assert done.err.startswith("error: credentials.n3 of channels ")
        assert "damaged, or never sealed" in done.err
    dropped = sealed("keys", "drop", oldest, "--file", str(file))
    assert (dropped.code, dropped.err) == (
        0,
        "note: 1 value without a readable key; see `keys verify`\n",
    )
    assert shows_no_secret(file, rotated, verified, dropped)


def test_without_a_key_it_says_how_to_make_one(sealed: Command, command: Command) -> None:
    """To rotate; and verifying an empty store has nothing to complain of."""
    done = sealed("keys", "rotate")
    assert (done.code, done.out) == (1, "")
    assert "`pipeline-store keys new` makes one" in done.err
    assert command("keys", "verify").code == 1


def test_an_empty_store_verifies(command: Command) -> None:
    done = command("keys", "verify")
    assert (done.code, done.out) == (0, "no keys, and nothing sealed\n")


def test_dropping_takes_an_id_and_a_file(
    sealed: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key itself, given by mistake, is not repeated; keys in the environment stay."""
    [key] = read_key_file(file)
    for wrong in (key.reveal(), f"-{key.reveal()[1:]}", "nonsense", "A" * 16, ""):
        done = sealed("keys", "drop", wrong, "--file", str(file))
        assert (done.code, done.out) == (2, "")
        assert "16 hexadecimal digits" in done.err
        assert key.reveal() not in done.err
    monkeypatch.setenv(KEYS_VARIABLE, key.reveal())
    done = sealed("keys", "drop", key_id_of_key(key))
    assert (done.code, "only a file can be changed" in done.err) == (2, True)
    done = sealed("keys", "drop", "0" * 16, "--file", str(file))
    assert (done.code, f"has no key {'0' * 16}" in done.err) == (1, True)
    done = sealed("keys", "drop", key_id_of_key(key), "--file", str(file))
    assert (done.code, "is the newest" in done.err) == (1, True)
    assert ids_in(file) == [key_id_of_key(key)]


def test_a_rotation_shows_how_far_it_is_on_a_terminal(
    sealed: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, width=80)
    monkeypatch.setattr(tables, "error_console", lambda: console)
    add_key(file, new_key())
    assert sealed("keys", "rotate", "--file", str(file)).code == 0
    assert "30/30" in terminal.getvalue()
    assert CANARY not in terminal.getvalue()
