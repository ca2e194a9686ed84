"""What a sealed text looks like, and what is inside: the secret, and the place it belongs to.

A sealed text is `v1.KEY_ID.TOKEN`: which key made it can be read without any key, and the token
opens with that key alone. The place is encrypted with the secret, so that a token copied to another
row opens to another place, and is refused.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Final

from attrs import frozen

from pipeline_store.secrets.secret import Secret

if TYPE_CHECKING:
    from uuid import UUID

_HEAD: Final = re.compile(r"v1\.([0-9a-f]{16})\.")


@frozen
class Place:
    """Where a sealed value belongs: a table, the key of a row, and the value's name in that row."""

    table: str
    row: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} of {self.table} {self.row}"


def place_of_credential(channel: UUID, name: str) -> Place:
    """Return where a credential of a channel belongs."""
    return Place("channels", str(channel), f"credentials.{name}")


def place_of_channel_setting(channel: UUID, key: str) -> Place:
    """Return where a secret setting of a channel belongs."""
    return Place("channels", str(channel), f"settings.{key}")


def place_of_system_setting(key: str) -> Place:
    """Return where a secret setting of the whole system belongs."""
    return Place("system_configuration", key, "value")


def place_of_upload_session(upload: UUID) -> Place:
    """Return where the session of an upload belongs."""
    return Place("uploads", str(upload), "sealed_session")


def key_id_of(sealed: object) -> str | None:
    """Return which key sealed this, without opening it; None where that cannot be read."""
    head = _HEAD.match(sealed) if isinstance(sealed, str) else None
    return head[1] if head else None


def token_of(sealed: object) -> bytes | None:
    """Return the token inside a sealed text; None where there is none, or it is damaged.

    Readers of Base64 skip letters that do not belong, and bits that no byte needs. A token is
    spelled in one way only, so that no change of a sealed text goes unseen.
    """
    head = _HEAD.match(sealed) if isinstance(sealed, str) else None
    if head is None:
        return None
    token = head.string[head.end() :]
    try:
        decoded = base64.urlsafe_b64decode(token)
    except ValueError:
        return None
    spelled = base64.urlsafe_b64encode(decoded)
    return spelled if decoded and spelled.decode("ascii") == token else None


def sealed_text(key_id: str, token: bytes) -> str:
    """Return the text to store for a token that this key made."""
    return f"v1.{key_id}.{token.decode('ascii')}"


def pack(secret: Secret, place: Place) -> bytes:
    """Return the secret and its place as the bytes to encrypt."""
    return json.dumps([place.table, place.row, place.name, secret.reveal()]).encode("ascii")


def unpack(packed: bytes) -> tuple[Place, Secret] | None:
    """Return what `pack` was given, or None when it did not make these bytes."""
    try:
        table, row, name, text = json.loads(packed)
        return Place(table, row, name), Secret(text)
    except (TypeError, ValueError):
        return None
