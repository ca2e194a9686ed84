"""A canary in every secret field, and no sight of it in anything that is told, logged or kept.

Told are all entities, errors with the variables of their frames, logs at DEBUG, warnings, what is
sent to the database, what commands print, and backups; they are searched in every usual encoding.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.secrets import KEYS_VARIABLE, Keyring, Place, Secret
from pipeline_store.services.settings import ENVIRONMENT_PREFIX
from tests.integration.canary import commands, reflection
from tests.integration.canary.exercise import Exercise
from tests.integration.canary.planting import IN_DATABASE, KEYS
from tests.integration.canary.provoking_databases import PASSWORD
from tests.integration.canary.scanner import HEAD, WAYS_TO_WRITE, Evidence, Scanner, canary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCANNER = Scanner(KEYS)

KNOWN_VARIABLES = {
    KEYS_VARIABLE,
    "PIPELINE_STORE_KEY_FILE",
    "PIPELINE_STORE_URL",
    "PIPELINE_STORE_SETTINGS",
    "PIPELINE_STORE_CONFIG_FILES",
    ENVIRONMENT_PREFIX,
    f"{ENVIRONMENT_PREFIX}A__B",
}
"""Of these some hold secrets, and canaries are in all that do."""

KNOWN_FIELDS = {"Channel.credentials", "SystemConfiguration.encrypted", "ProcessingJob.lease_token"}
"""The first holds secrets, the second says whether a value does, the third is a number."""


@pytest.fixture
def wal(sqlite_url: str) -> Iterator[str]:
    """The URL of an SQLite file that keeps what was committed last in a file beside it."""
    file = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as reader:
        reader.execute("PRAGMA journal_mode = WAL")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM channels").fetchone()
        yield sqlite_url


def test_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds of every store."""
    with Exercise("", tmp_path) as exercise:
        exercise.use_secrets()
        exercise.use_services()
        exercise.use_awaited()
        exercise.provoke()
        assert_no_secret_was_told(exercise)
        openly = {"setting", "journal", "entity", "error"}
        assert seen_in(exercise.show_openly(monkeypatch)) >= openly
        assert SCANNER.hits(exercise.leave_in_the_clear(monkeypatch)) == []


def test_on_sqlite(wal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all commands, in a file, the file beside it, and a backup of both.

    What is profiled tells that every function was called that is handed a secret.
    """
    with Exercise(wal, tmp_path, profiled=True) as exercise:
        exercise.use_secrets()
        exercise.profiled = False
        exercise.use_services()
        exercise.use_awaited()
        exercise.provoke()
        exercise.run(commands.reading(exercise.planted), monkeypatch)
        exercise.run(commands.refused(exercise.planted), monkeypatch)
        exercise.run(commands.beside(exercise.planted), monkeypatch)
        exercise.profiled = True
        exercise.run(commands.changing(exercise.planted), monkeypatch)
        exercise.run(commands.about_keys(exercise.planted), monkeypatch)
        exercise.profiled = False
        exercise.back_up()
        assert_no_secret_was_told(exercise)
        assert b"v1." in exercise.evidence.under("file -wal")
        assert_everything_was_looked_at(exercise)
        assert seen_in(exercise.show_openly(monkeypatch)) >= EVERYWHERE | {"file"}
        assert SCANNER.hits(exercise.leave_in_the_clear(monkeypatch)) == []


@pytest.mark.postgres
def test_on_postgresql(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --json where commands read, and a dump; the password is a canary too."""
    url = postgres_url.replace("//postgres@", f"//postgres:{PASSWORD}@")
    with Exercise(url, tmp_path) as exercise:
        exercise.use_secrets()
        exercise.use_services()
        exercise.use_awaited()
        exercise.provoke()
        exercise.run(commands.as_json(commands.reading(exercise.planted)), monkeypatch)
        exercise.run(commands.changing(exercise.planted), monkeypatch)
        exercise.run(commands.about_keys(exercise.planted), monkeypatch)
        exercise.back_up()
        assert_no_secret_was_told(exercise)
        assert seen_in(exercise.show_openly(monkeypatch)) >= EVERYWHERE


EVERYWHERE = {"setting", "journal", "entity", "error", "log", "statement", "command", "backup"}
"""Where a canary must be seen that nothing protects."""


def assert_no_secret_was_told(exercise: Exercise) -> None:
    """All that should fail has failed, in the way it should, and nothing shows a canary or key."""
    assert exercise.surprises == []
    assert SCANNER.hits(exercise.evidence) == []
    # Sealed texts were told of, so secrets would have been.
    places = ("statement", "log sqlalchemy", "backup") if exercise.planted.url else ()
    assert all(b"v1." in exercise.evidence.under(place) for place in ("entity", *places))
    things = ", ".join(f"{count} {kind}" for kind, count in exercise.evidence.counts.items())
    print(f"\n0 hits in {sum(map(len, exercise.evidence.seen)):,} bytes: {things}")  # noqa: T201


def seen_in(evidence: Evidence) -> set[str]:
    """The kinds of places where a canary was seen."""
    return {hit.partition(":")[0].partition(" ")[0] for hit in SCANNER.hits(evidence)}


def assert_everything_was_looked_at(exercise: Exercise) -> None:
    """What may hold a secret, or is handed one, holds a canary or was handed one."""
    assert reflection.places_without(exercise.places) == []
    assert all(HEAD in text for text in exercise.places.values())
    names = {(place.table, place.row) for place in exercise.places}
    names |= {(place.table, place.name) for place in exercise.places}
    for setting in IN_DATABASE:
        assert ("system_configuration", setting.key) in names
        assert ("channels", f"settings.{setting.key}") in names
    assert reflection.suspicious_fields() == KNOWN_FIELDS
    assert reflection.classes_with_secrets() == []
    assert reflection.variables() == KNOWN_VARIABLES
    handed = reflection.functions_with_secrets()
    assert [name for code, name in handed.items() if code not in exercise.entered] == []
    assert exercise.commands_run == set(commands.leaves()) - commands.NEVER_RUN
    assert exercise.commands_given_a_secret == reflection.commands_that_take_secrets()


def _open_and_log(keyring: Keyring, sealed: object, place: Place) -> Secret:
    secret = OPEN(keyring, sealed, place)
    logging.getLogger("pipeline_store").debug("opened %s: %s", place, secret.reveal())
    return secret


def _problem_and_value(secret: object) -> str | None:
    return None if isinstance(secret, Secret) else f"Secret expected, found {secret!r}"


OPEN = Keyring.open
SECRETS, SERVICES = "pipeline_store.secrets", "pipeline_store.services"
LEAKS: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "repr": (f"{SECRETS}.Secret.__repr__", Secret.reveal, ()),
    "str": (f"{SECRETS}.Secret.__str__", Secret.reveal, ()),
    "format": (f"{SECRETS}.Secret.__format__", lambda secret, _: secret.reveal(), ()),
    "pickle": (f"{SECRETS}.Secret.__reduce_ex__", lambda secret, _: (str, (secret.reveal(),)), ()),
    "a log": (f"{SECRETS}.Keyring.open", _open_and_log, ()),
    "a failed refresh": (f"{SERVICES}.credentials.blotted", lambda message, _: message, ()),
    "an error": (
        f"{SERVICES}.credentials.problem_with",
        _problem_and_value,
        ("a credential of plain",),
    ),
    "a variable": (
        f"{SECRETS}.discretion.Concealed.__repr__",
        lambda concealed: repr(concealed.value),
        ("plain for no channel",),
    ),
}
"""What is broken, how, and what is provoked then; nothing for what services tell."""


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_would_be_seen(leak: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one protection gone, the same search finds what leaks."""
    target, replacement, provoked = LEAKS[leak]
    monkeypatch.setattr(target, replacement, raising=False)
    with Exercise("", tmp_path) as exercise:
        exercise.provoke(*provoked) if provoked else exercise.use_secrets()
    assert SCANNER.hits(exercise.evidence) != []


class TestTheScanner:
    """It would see what it is to look for."""

    @pytest.mark.parametrize("way", WAYS_TO_WRITE.values(), ids=WAYS_TO_WRITE.keys())
    def test_it_finds_a_canary_in_every_form(self, way: Any) -> None:
        evidence = Evidence()
        evidence.add("somewhere", b"something else", way(canary("planted")))
        assert SCANNER.hits(evidence) != []

    @pytest.mark.parametrize("way", WAYS_TO_WRITE.values(), ids=WAYS_TO_WRITE.keys())
    def test_it_finds_a_key_in_every_form(self, way: Any) -> None:
        for key in KEYS:
            evidence = Evidence()
            evidence.add("somewhere", way(key.reveal()))
            assert SCANNER.hits(evidence) != []

    def test_it_finds_nothing_where_nothing_is(self) -> None:
        evidence = Evidence()
        evidence.add("somewhere", repr(KEYS), "canary", b"\x00" * 100)
        assert SCANNER.hits(evidence) == []
