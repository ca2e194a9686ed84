"""Keys: how one is made, checked and told from others."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Final

from pipeline_store.errors import InvalidValue
from pipeline_store.secrets.discretion import discreet
from pipeline_store.secrets.secret import Secret

KEY_BYTES: Final = 32
KEY_ID_DIGITS: Final = 16

_PREFIX: Final = b"pipeline_store key id v1\x00"


def new_key() -> Secret:
    """Return a new random key, as Fernet takes it: 32 bytes in 44 letters of URL-safe Base64."""
    return Secret(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode("ascii"))


def key_id_of_key(key: Secret) -> str:
    """Return the name of a key, 16 hexadecimal digits, from which the key cannot be found."""
    digest = hashlib.sha256(_PREFIX + key.reveal().encode())
    return digest.hexdigest()[:KEY_ID_DIGITS]


@discreet
def as_key(name: str, key: str | Secret) -> Secret:
    """Return the key, checked.

    Raises:
        InvalidValue: it is none; the message repeats nothing of it.
    """
    secret = key if isinstance(key, Secret) else Secret(key)
    if not _is_key(secret.reveal()):
        raise InvalidValue(
            f"{name}: not a key (32 random bytes in URL-safe Base64, 44 letters, expected); "
            "`pipeline-store keys new` makes one"
        )
    return secret


def _is_key(text: str) -> bool:
    try:
        decoded = base64.urlsafe_b64decode(text)
    except ValueError:
        return False
    return len(decoded) == KEY_BYTES and base64.urlsafe_b64encode(decoded) == text.encode()
