"""What `--json` prints: one document on the standard output, valid whatever is stored."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias, cast
from uuid import UUID

import attrs

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def print_json(value: object) -> None:
    """Print the value as JSON.

    Instants are ISO 8601 with their offset, lengths of time are seconds. Letters beyond ASCII are
    escaped, so that the document survives every terminal and encoding.
    """
    sys.stdout.write(json.dumps(as_json(value), indent=2, allow_nan=False) + "\n")


def as_json(value: object) -> Json:
    """Return the value in the terms of JSON; an object becomes its fields."""
    found: Json
    match value:
        case None | bool() | int() | str():
            found = value
        case float():
            # A database may hold infinity or, on PostgreSQL, NaN; JSON has neither.
            found = value if math.isfinite(value) else None
        case datetime():
            found = value.isoformat()
        case timedelta():
            found = value.total_seconds()
        case UUID():
            found = str(value)
        case bytes():
            # SQLite keeps bytes in text columns when another program writes them.
            found = value.decode("utf-8", "backslashreplace")
        case Mapping():
            fields = cast("Mapping[object, object]", value)
            found = {str(key): as_json(one) for key, one in fields.items()}
        case list() | tuple():
            found = [as_json(one) for one in cast("list[object]", value)]
        case _:
            kind: Any = type(value)
            found = {name: as_json(getattr(value, name)) for name in attrs.fields_dict(kind)}
    return found
