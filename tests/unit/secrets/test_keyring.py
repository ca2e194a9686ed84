"""Where keys come from, which one seals, and what happens when one is missing."""

from __future__ import annotations

import copy
import pickle
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet

from pipeline_store.errors import InputFileRefused, InvalidValue, SecretUnreadable
from pipeline_store.secrets import (
    KEY_FILE_VARIABLE,
    KEYS_VARIABLE,
    Keyring,
    Secret,
    add_key,
    key_id_of,
    key_id_of_key,
    new_key,
)
from tests.unit.secrets.conftest import CANARY, PLACE, shown

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_key_is_one_that_fernet_takes() -> None:
    """And another one each time."""
    keys = {new_key().reveal() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        Fernet(key)
    Keyring([Fernet.generate_key().decode()])


def test_the_id_of_a_key_stays_the_same() -> None:
    """It is stored with every value: another way to find it would lose them all."""
    assert key_id_of_key(Secret("A" * 43 + "=")) == "1ee5d489d915eba6"


def test_the_newest_key_seals_and_every_key_opens(
    keyring: Keyring, newer: Secret, older: Secret
) -> None:
    before = Keyring([older]).seal(Secret("old"), PLACE)
    after = keyring.seal(Secret("new"), PLACE)
    assert (key_id_of(before), key_id_of(after)) == (key_id_of_key(older), key_id_of_key(newer))
    assert keyring.open(before, PLACE).reveal() == "old"
    assert keyring.open(after, PLACE).reveal() == "new"
    assert keyring.newest_id == key_id_of_key(newer)
    assert keyring.key_ids == (key_id_of_key(newer), key_id_of_key(older))


def test_resealing_changes_the_key_and_not_the_secret(
    keyring: Keyring, newer: Secret, older: Secret
) -> None:
    before = Keyring([older]).seal(Secret("old"), PLACE)
    after = keyring.reseal(before, PLACE)
    assert key_id_of(after) == keyring.newest_id
    assert Keyring([newer]).open(after, PLACE).reveal() == "old"


def test_resealing_what_the_newest_key_sealed_changes_nothing(keyring: Keyring) -> None:
    """So that a rotation that is started again writes nothing again."""
    sealed = keyring.seal(Secret("new"), PLACE)
    assert keyring.reseal(sealed, PLACE) == sealed


def test_a_dropped_key_is_named(newer: Secret, older: Secret) -> None:
    """The error says which key is missing, which there are, and where to put it."""
    sealed = Keyring([older]).seal(Secret(CANARY), PLACE)
    for use in (Keyring([newer]).open, Keyring([newer]).reseal):
        with pytest.raises(SecretUnreadable, match="put it back") as raised:
            use(sealed, PLACE)
        assert raised.value.key_id == key_id_of_key(older)
        assert f"key {key_id_of_key(older)}" in str(raised.value)
        assert f"only {key_id_of_key(newer)}" in str(raised.value)
        assert str(PLACE) in str(raised.value)
        assert CANARY not in shown(raised.value)


def test_an_empty_keyring_says_how_to_fill_it(older: Secret) -> None:
    """It can be made, passed on and asked; it neither seals nor opens."""
    keyring = Keyring()
    assert (keyring.newest_id, keyring.key_ids) == (None, ())
    with pytest.raises(SecretUnreadable, match="pipeline-store keys new") as raised:
        keyring.seal(Secret(CANARY), PLACE)
    assert CANARY not in shown(raised.value)
    with pytest.raises(SecretUnreadable, match=r"^the values: no key is given"):
        keyring.check_ready("the values")
    with pytest.raises(SecretUnreadable, match="no key at all") as raised:
        keyring.open(Keyring([older]).seal(Secret("a"), PLACE), PLACE)
    assert raised.value.key_id == key_id_of_key(older)


def test_without_the_library_it_says_how_to_install_it(
    keyring: Keyring, newer: Secret, older: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keyring can be made all the same; the first use of it is refused."""
    sealed = keyring.seal(Secret(CANARY), PLACE)
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    without = Keyring([newer, older])
    uses: list[Any] = [
        lambda: without.seal(Secret(CANARY), PLACE),
        lambda: without.open(sealed, PLACE),
        lambda: without.reseal(sealed, PLACE),
        lambda: without.check_ready("the values"),
    ]
    for use in uses:
        with pytest.raises(SecretUnreadable, match=re.escape("'pipeline-store[crypto]'")) as raised:
            use()
        assert raised.value.__context__ is None


def test_keys_come_from_the_environment_newest_first(newer: Secret, older: Secret) -> None:
    """Between commas or white space of any kind; an empty variable is as none."""
    ids = (key_id_of_key(newer), key_id_of_key(older))
    for between in (",", " ", "\n", " , \n\t", ",,"):
        given = {KEYS_VARIABLE: f"{between}{newer.reveal()}{between}{older.reveal()}{between}"}
        assert Keyring.from_environment(given).key_ids == ids
    assert Keyring.from_environment({}).key_ids == ()
    assert Keyring.from_environment({KEYS_VARIABLE: " ", KEY_FILE_VARIABLE: ""}).key_ids == ()


def test_keys_come_from_a_file_when_none_are_given(
    tmp_path: Path, newer: Secret, older: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys"
    add_key(file, older)
    environ = {KEY_FILE_VARIABLE: str(file)}
    assert Keyring.from_environment(environ).key_ids == (key_id_of_key(older),)
    environ[KEYS_VARIABLE] = newer.reveal()
    assert Keyring.from_environment(environ).key_ids == (key_id_of_key(newer),)
    monkeypatch.delenv(KEYS_VARIABLE, raising=False)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(file))
    assert Keyring.from_environment().key_ids == (key_id_of_key(older),)


def test_a_key_file_that_is_not_there_is_looked_for_where_it_was_named(tmp_path: Path) -> None:
    """Who reads the message may not know that a variable names a file at all."""
    environ = {KEY_FILE_VARIABLE: str(tmp_path / "missing")}
    with pytest.raises(InputFileRefused, match=f"No such file.*{KEY_FILE_VARIABLE} names"):
        Keyring.from_environment(environ)


NO_KEYS = [
    CANARY,
    CANARY * 10,
    "A" * 43,
    "A" * 44,
    "A" * 42 + "B=",  # the same bytes as another spelling
    "+" * 43 + "=",
    "ä" * 43 + "=",
    "A" * 41 + "\u2028A=",
]


@pytest.mark.parametrize("wrong", NO_KEYS)
def test_what_is_no_key_is_refused_and_not_shown(wrong: str, newer: Secret) -> None:
    """The error says which one it is, by its place."""
    with pytest.raises(InvalidValue, match=r"^key 2: not a key") as raised:
        Keyring([newer, wrong])
    assert wrong not in shown(raised.value).replace(f"Keyring([newer, {wrong!r}])", "")
    given = f"{newer.reveal()},{wrong}"
    if len(given.split()) == 1:
        with pytest.raises(InvalidValue, match=f"^{KEYS_VARIABLE}, key 2: not a key") as raised:
            Keyring.from_environment({KEYS_VARIABLE: given})
        assert wrong not in shown(raised.value)


@pytest.mark.parametrize("wrong", [None, 5, "A" * 43 + "=", b"keys"])
def test_what_is_no_list_of_keys_is_refused(wrong: Any) -> None:
    """One key alone too: it would be taken letter by letter."""
    with pytest.raises(InvalidValue, match="keys: several expected"):
        Keyring(wrong)


def test_a_key_given_twice_counts_once(newer: Secret, older: Secret) -> None:
    ids = (key_id_of_key(newer), key_id_of_key(older))
    assert Keyring([newer, older, newer]).key_ids == ids


def test_a_keyring_shows_ids_and_no_key(keyring: Keyring, newer: Secret) -> None:
    """Nor can it be pickled; a copy is as good as it."""
    sealed = keyring.seal(Secret("a"), PLACE)
    assert repr(keyring) == f"Keyring({', '.join(keyring.key_ids)})"
    assert newer.reveal() not in repr(vars(keyring))
    with pytest.raises(TypeError) as raised:
        pickle.dumps(keyring)
    assert newer.reveal() not in shown(raised.value)
    assert copy.deepcopy(keyring).open(sealed, PLACE).reveal() == "a"
