"""Values that nobody may see: held so that nothing prints them, sealed so that nobody reads them.

A `Secret` holds a value in memory. A `Keyring` seals it into a text that is safe to store, bound to
one `Place`, and opens it again. Sealing needs the extra `crypto`.
"""

from __future__ import annotations

from pipeline_store.secrets.key_file import add_key, drop_key, read_key_file
from pipeline_store.secrets.keyring import KEY_FILE_VARIABLE, KEYS_VARIABLE, Keyring
from pipeline_store.secrets.keys import key_id_of_key, new_key
from pipeline_store.secrets.sealing import Place, key_id_of
from pipeline_store.secrets.secret import Secret

__all__ = [
    "KEYS_VARIABLE",
    "KEY_FILE_VARIABLE",
    "Keyring",
    "Place",
    "Secret",
    "add_key",
    "drop_key",
    "key_id_of",
    "key_id_of_key",
    "new_key",
    "read_key_file",
]
