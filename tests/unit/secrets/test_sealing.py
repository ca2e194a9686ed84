"""A sealed text opens as it was made, where it was made for, or not at all."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from pipeline_store.errors import SecretUnreadable
from pipeline_store.secrets import Keyring, Place, Secret, key_id_of, key_id_of_key, new_key
from pipeline_store.secrets.sealing import pack, sealed_text, unpack
from tests.unit.secrets.conftest import CANARY, PLACE, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = new_key()
OTHER_KEY = new_key()

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))


@given(texts.filter(bool), texts, texts, texts)
def test_what_is_sealed_opens_again(text: str, table: str, row: str, name: str) -> None:
    """Any text, for any place, with either key; and the sealed text is plain ASCII."""
    for keys in ([KEY], [OTHER_KEY, KEY]):
        keyring = Keyring(keys)
        sealed = keyring.seal(Secret(text), Place(table, row, name))
        assert re.fullmatch(r"v1\.[0-9a-f]{16}\.[A-Za-z0-9_=-]+", sealed)
        assert keyring.open(sealed, Place(table, row, name)).reveal() == text


def test_sealing_twice_gives_two_texts(keyring: Keyring) -> None:
    """Nobody can see that two secrets are the same."""
    assert keyring.seal(Secret("a"), PLACE) != keyring.seal(Secret("a"), PLACE)


def flipped(sealed: str) -> Iterator[tuple[int, int, str]]:
    """Every text that one bit away from it is."""
    for position, byte in enumerate(sealed.encode("ascii")):
        for bit in range(8):
            changed = chr(byte ^ (1 << bit))
            yield position, bit, sealed[:position] + changed + sealed[position + 1 :]


@pytest.mark.parametrize("length", range(1, 17))
def test_no_flipped_bit_goes_unseen(keyring: Keyring, length: int) -> None:
    """Each bit of the whole text, of secrets of lengths that end Base64 in every way."""
    sealed = keyring.seal(Secret(CANARY[:length]), PLACE)
    head = len("v1.0123456789abcdef.")
    tried = 0
    for position, _bit, changed in flipped(sealed):
        with pytest.raises(SecretUnreadable) as raised:
            keyring.open(changed, PLACE)
        error = raised.value
        assert (error.key_id is None) == (key_id_of(changed) is None)
        if position >= head:
            assert error.key_id == keyring.newest_id
            assert f"key {keyring.newest_id}" in str(error)
        tried += 1
    assert tried == 8 * len(sealed) > 1000


def test_an_error_about_a_damaged_text_shows_nothing_of_it(keyring: Keyring) -> None:
    """Neither the secret, nor the token, nor an error of the library behind it."""
    sealed = keyring.seal(Secret(CANARY), PLACE)
    token = sealed.rpartition(".")[2]
    for _position, _bit, changed in list(flipped(sealed))[:: len(sealed) // 20]:
        with pytest.raises(SecretUnreadable) as raised:
            keyring.open(changed, PLACE)
        assert raised.value.__cause__ is None
        assert raised.value.__context__ is None
        told = shown(raised.value)
        assert CANARY not in told
        assert changed.rpartition(".")[2][8:] not in told
        assert token[8:] not in told
        assert not any(key.reveal() in told for key in keyring._keys.values())  # noqa: SLF001


def test_no_letter_more_or_less_goes_unseen(keyring: Keyring) -> None:
    """Readers of Base64 skip what does not belong; here it is refused, at every position."""
    sealed = keyring.seal(Secret(CANARY), PLACE)
    for position in range(len(sealed) + 1):
        for letter in (" ", "\n", "=", "A", "\u00a0", "."):
            with pytest.raises(SecretUnreadable):
                keyring.open(sealed[:position] + letter + sealed[position:], PLACE)
        less = {sealed[:position], sealed[:position] + sealed[position + 1 :]} - {sealed}
        for changed in less:
            with pytest.raises(SecretUnreadable):
                keyring.open(changed, PLACE)


def test_the_last_letters_cannot_be_respelled(keyring: Keyring) -> None:
    """Base64 can spell the last byte in several ways; one of them is taken."""
    alphabet = string.ascii_letters + string.digits + "-_"
    for length in range(1, 4):
        sealed = keyring.seal(Secret("x" * length), PLACE)
        end = len(sealed.rstrip("="))
        opened = []
        for letter in alphabet:
            changed = sealed[: end - 1] + letter + sealed[end:]
            try:
                keyring.open(changed, PLACE)
            except SecretUnreadable:
                continue
            opened.append(changed)
        assert opened == [sealed]


OTHER_PLACES = [
    Place("videos", PLACE.row, PLACE.name),
    Place(PLACE.table, "0190a5c4-0000-7000-8000-000000000002", PLACE.name),
    Place(PLACE.table, PLACE.row, "credentials.notion"),
    Place(PLACE.table, f"{PLACE.row}credentials", ".youtube"),
    Place("", "", ""),
]


@pytest.mark.parametrize("other", OTHER_PLACES, ids=str)
def test_a_token_in_another_place_does_not_open(keyring: Keyring, other: Place) -> None:
    """It says for which place it was sealed, and with which key."""
    sealed = keyring.seal(Secret(CANARY), PLACE)
    with pytest.raises(SecretUnreadable, match=re.escape(f"for another place, {PLACE}")) as raised:
        keyring.open(sealed, other)
    assert (raised.value.subject, raised.value.key_id) == (str(other), keyring.newest_id)
    assert CANARY not in shown(raised.value)
    with pytest.raises(SecretUnreadable, match="another place"):
        keyring.reseal(sealed, other)


def test_places_that_read_alike_are_told_apart(keyring: Keyring) -> None:
    sealed = keyring.seal(Secret(CANARY), Place("a b", "c", "name"))
    other = Place("a", "b c", "name")
    assert str(other) == "name of a b c"
    with pytest.raises(SecretUnreadable, match="another place"):
        keyring.open(sealed, other)


def test_a_changed_name_of_the_key_does_not_open(
    keyring: Keyring, newer: Secret, older: Secret
) -> None:
    """Although both keys are given: a value opens with the key that it names and no other."""
    sealed = keyring.seal(Secret(CANARY), PLACE)
    changed = sealed.replace(key_id_of_key(newer), key_id_of_key(older))
    with pytest.raises(SecretUnreadable) as raised:
        keyring.open(changed, PLACE)
    assert raised.value.key_id == key_id_of_key(older)


ARABIC_DIGITS = "".join(chr(0x660 + digit) for digit in range(10))
PLAIN = [
    None,
    5,
    True,
    b"v1.",
    [],
    {"sealed": "v1"},
    "",
    CANARY,
    "v1",
    "v1.",
    f"v1.{CANARY}.{CANARY}",
    "v1.0123456789abcdef.",
    "v1.0123456789ABCDEF.AAAA",
    "v1.0123456789abcde.AAAA",
    "v2.0123456789abcdef.AAAA",
    " v1.0123456789abcdef.AAAA",
    f"v1.{ARABIC_DIGITS}abcdef.AAAA",
]


@pytest.mark.parametrize("stored", PLAIN, ids=repr)
def test_what_was_never_sealed_is_refused_and_not_shown(keyring: Keyring, stored: object) -> None:
    """A secret that somebody stored in the clear is not told in the error."""
    with pytest.raises(SecretUnreadable, match="never sealed") as raised:
        keyring.open(stored, PLACE)
    assert CANARY not in shown(raised.value)
    assert raised.value.key_id == ("0123456789abcdef" if stored == PLAIN[11] else None)


INSIDE = [b"", b"[]", b"{}", b"5", b'["a", "b", "c"]', b'["a", "b", "c", 5]', b'["a","b","c",""]']


@pytest.mark.parametrize("inside", [*INSIDE, b"\xff", CANARY.encode()])
def test_what_the_key_has_encrypted_for_another_purpose_is_refused(inside: bytes) -> None:
    """The same key may be in use elsewhere."""
    sealed = sealed_text(key_id_of_key(KEY), Fernet(KEY.reveal()).encrypt(inside))
    with pytest.raises(SecretUnreadable) as raised:
        Keyring([KEY]).open(sealed, PLACE)
    assert raised.value.key_id == key_id_of_key(KEY)
    assert CANARY not in shown(raised.value)


def test_packing_tells_places_apart() -> None:
    """Whatever letters their parts are made of."""
    parts = ['a"', ",", '","', "b", ""]
    places = [Place(a, b, c) for a in parts for b in parts for c in parts]
    packed = {pack(Secret("s"), place) for place in places}
    assert len(packed) == len(places)
    assert [unpack(pack(Secret("s"), place)) for place in places] == [
        (place, Secret("s")) for place in places
    ]
