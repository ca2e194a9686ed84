"""Settings written inside one another: `{"a": {"b": 1}}` says what `{"a.b": 1}` says.

A setting that is declared holds whatever stands at its key, so nothing is looked for inside a
declared dict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from pipeline_store.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store.services.settings import Settings


class Twice:
    """Stands for a value that is written in two places of one layer."""

    def __repr__(self) -> str:
        return "a value written twice"


TWICE: Final = Twice()


def flattened(written: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what is written by dotted key; `TWICE` where two places give one key.

    Raises:
        InvalidValue: a name is no text.
    """
    found: dict[str, Any] = {}
    for key, value in _walk("", written, settings):
        found[key] = TWICE if key in found else value
    return found


def _walk(prefix: str, written: Mapping[Any, Any], settings: Settings) -> Iterator[tuple[str, Any]]:
    for name, value in written.items():
        if not isinstance(name, str):
            where = f" in {prefix.removesuffix('.')}" if prefix else ""
            raise InvalidValue(f"a name{where}: text expected, found {type(name).__name__}")
        key = prefix + name
        if isinstance(value, Mapping) and key not in settings:
            yield from _walk(key + ".", cast("Mapping[object, Any]", value), settings)
        else:
            yield key, value


def without(written: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return what is written without this key, wherever it stands; what is left empty goes too."""
    left: dict[str, Any] = {}
    for name, value in written.items():
        if name == key:
            continue
        if isinstance(value, Mapping) and key.startswith(name + "."):
            inside = cast("Mapping[str, Any]", value)
            value = without(inside, key.removeprefix(name + "."))  # noqa: PLW2901 - what is left
            if not value and inside:
                continue
        left[name] = value
    return left
