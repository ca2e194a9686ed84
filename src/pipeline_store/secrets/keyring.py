"""The keys of a program, newest first: the newest seals, and each opens what it has sealed."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, final

from pipeline_store.errors import InputFileRefused, InvalidValue, SecretUnreadable
from pipeline_store.secrets.discretion import discreet
from pipeline_store.secrets.key_file import read_key_file
from pipeline_store.secrets.keys import as_key, key_id_of_key
from pipeline_store.secrets.sealing import (
    Place,
    key_id_of,
    pack,
    sealed_text,
    token_of,
    unpack,
)
from pipeline_store.secrets.secret import problem_with
from pipeline_store.values import check_several

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.fernet import Fernet, MultiFernet

    from pipeline_store.secrets.secret import Secret

KEYS_VARIABLE: Final = "PIPELINE_STORE_KEYS"
"""Environment: keys between commas or white space, newest first."""

KEY_FILE_VARIABLE: Final = "PIPELINE_STORE_KEY_FILE"
"""Environment: the path of a key file, read when no keys are given themselves."""

_BETWEEN: Final = re.compile(r"[\s,]+")

_NO_KEY: Final = (
    f"no key is given; `pipeline-store keys new` makes one, to be set as {KEYS_VARIABLE}"
)
_NO_LIBRARY: Final = "it needs cryptography: pip install 'pipeline-store[crypto]'"
_DAMAGED: Final = "damaged, or never sealed; store the secret anew"


@final
class Keyring:
    """Seals secrets with the newest key and opens what any of its keys has sealed.

    An empty one can be made and passed on; it neither seals nor opens. Its repr shows ids of keys.
    """

    @discreet
    def __init__(self, keys: Iterable[str | Secret] = ()) -> None:
        """Take the keys, newest first; one that is given twice counts where it stands first.

        Raises:
            InvalidValue: one of them is no key.
        """
        check_several("keys", keys)
        checked = [as_key(f"key {number}", key) for number, key in enumerate(keys, start=1)]
        self._keys: dict[str, Secret] = {}
        for key in checked:
            self._keys.setdefault(key_id_of_key(key), key)

    @classmethod
    @discreet
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Keyring:
        """Return the keys in `PIPELINE_STORE_KEYS`, else those in `PIPELINE_STORE_KEY_FILE`.

        Without either it is empty.

        Raises:
            InvalidValue: something among them is no key.
            InputFileRefused: the key file cannot be read, or others than its owner can read it.
        """
        found = os.environ if environ is None else environ
        given = [key for key in _BETWEEN.split(found.get(KEYS_VARIABLE, "")) if key]
        file = found.get(KEY_FILE_VARIABLE, "")
        if given or not file:
            return cls(as_key(f"{KEYS_VARIABLE}, key {n}", key) for n, key in enumerate(given, 1))
        try:
            return cls(read_key_file(file))
        except InputFileRefused as error:
            reason = f"{error.reason}; it is the file that {KEY_FILE_VARIABLE} names"
            raise InputFileRefused(error.path, reason) from None

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys, newest first."""
        return tuple(self._keys)

    @property
    def newest_id(self) -> str | None:
        """The id of the key that seals, or None when there is no key."""
        return next(iter(self._keys), None)

    def seal(self, secret: Secret, place: Place) -> str:
        """Return the secret as a text that is safe to store, and that opens at this place alone.

        Raises:
            InvalidValue: it is no `Secret`.
            SecretUnreadable: there is no key, or the extra `crypto` is not installed.
        """
        problem = problem_with(secret)
        if problem is not None:
            del secret
            raise InvalidValue(problem)
        token = self._all(str(place)).encrypt(pack(secret, place))
        return sealed_text(self.key_ids[0], token)

    def open(self, sealed: object, place: Place) -> Secret:
        """Return the secret that was sealed for this place.

        Raises:
            SecretUnreadable: its key is not among these; it was changed in any way; it was sealed
                for another place; or the extra `crypto` is not installed.
        """
        return self._open(sealed, place)[1]

    def reseal(self, sealed: object, place: Place) -> str:
        """Return the same secret for the same place, sealed with the newest key.

        A text that the newest key has sealed is opened, and returned as it is.

        Raises:
            SecretUnreadable: as for `open`.
        """
        token, _secret = self._open(sealed, place)
        if key_id_of(sealed) != self.newest_id:
            token = self._all(str(place)).rotate(token)
        return sealed_text(self.key_ids[0], token)

    def check_ready(self, subject: str) -> None:
        """Make sure that secrets can be sealed.

        Raises:
            SecretUnreadable: as for `seal`, naming the subject.
        """
        self._all(subject)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"

    def _open(self, sealed: object, place: Place) -> tuple[bytes, Secret]:
        key_id, token = key_id_of(sealed), token_of(sealed)
        if key_id is None or token is None:
            raise SecretUnreadable(str(place), key_id, _DAMAGED)
        if key_id not in self._keys:
            given = f"only {', '.join(self._keys)}" if self._keys else "no key at all"
            raise SecretUnreadable(
                str(place),
                key_id,
                f"that key is not given ({given}); put it back, behind newer ones, in "
                f"{KEYS_VARIABLE} or the key file",
            )
        opened = unpack(_decrypted(self._one(key_id, place), token) or b"")
        if opened is None:
            raise SecretUnreadable(str(place), key_id, _DAMAGED)
        found, secret = opened
        if found != place:
            reason = f"it was sealed for another place, {found}, and copied here"
            raise SecretUnreadable(str(place), key_id, reason)
        return token, secret

    def _one(self, key_id: str, place: Place) -> Fernet:
        # A value opens with the key that it names and no other, so that a changed name is seen.
        if self._fernets is None:
            raise SecretUnreadable(str(place), key_id, _NO_LIBRARY)
        return self._fernets[key_id]

    def _all(self, subject: str) -> MultiFernet:
        if not self._keys:
            raise SecretUnreadable(subject, None, _NO_KEY)
        if self._fernets is None:
            raise SecretUnreadable(subject, None, _NO_LIBRARY)
        from cryptography.fernet import MultiFernet  # noqa: PLC0415 - an extra

        return MultiFernet(self._fernets.values())

    @cached_property
    def _fernets(self) -> dict[str, Fernet] | None:
        """Each key, ready to use; None without the library."""
        try:
            from cryptography.fernet import Fernet  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            return None
        return {key_id: Fernet(key.reveal()) for key_id, key in self._keys.items()}


def _decrypted(fernet: Fernet, token: bytes) -> bytes | None:
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - an extra

    # What it raises is dropped here: an error raised outside is chained to nothing.
    try:
        return fernet.decrypt(token)
    except InvalidToken:
        return None
